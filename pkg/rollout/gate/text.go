package gate

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// Analysis is a report with what it is about.
type Analysis struct {
	Model       string `json:"model"`
	Namespace   string `json:"namespace"`
	Environment string `json:"environment"`
	Baseline    string `json:"baseline"`
	Canary      string `json:"canary"`
	// Profile is where the errors come from.
	Profile string    `json:"profile"`
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until"`
	// Block in seconds is what the time is cut into.
	Block int `json:"blockSeconds"`
	// Notes are of what was read.
	Notes  []string `json:"notes,omitempty"`
	Report Report   `json:"report"`
}

// title is the verdict in one line.
func (a Analysis) title() string {
	return fmt.Sprintf("%s in %s: %s of %s against %s", a.Model, a.Environment, strings.ToUpper(string(a.Report.Verdict)), a.Canary, a.Baseline)
}

// times say what was looked at.
func (a Analysis) times() string {
	return fmt.Sprintf("%s to %s, %d blocks of %s judged after %d of warm-up; requests: %s %.0f, %s %.0f; errors by profile %s",
		a.Since.UTC().Format(time.RFC3339), a.Until.UTC().Format(time.RFC3339), a.Report.Blocks, time.Duration(a.Block)*time.Second, a.Report.Excluded,
		a.Baseline, a.Report.Baseline, a.Canary, a.Report.Canary, a.Profile)
}

// columns of the table of metrics.
func (a Analysis) columns() []string {
	return []string{"metric", "verdict", a.Baseline, a.Canary, "allowed", "above the boundary", "p if not worse", "p if too bad"}
}

func (m Result) cells() []string {
	name, verdict := m.label(), string(m.Verdict)
	if !m.Required {
		name = "(" + name + ")"
	}
	if m.FailedAfter > 0 {
		verdict += fmt.Sprintf(" after %d", m.FailedAfter)
	}
	above := "–"
	switch {
	case m.BaselineAbove != nil && m.CanaryAbove != nil:
		above = fmt.Sprintf("%s, %s over %g s", percent(*m.BaselineAbove), percent(*m.CanaryAbove), *m.Boundary)
	case m.Note != "":
		above = m.Note
	}
	return []string{name, verdict, amount(m.Baseline, m.Unit), amount(m.Canary, m.Unit), m.allowed(), above, chance(m.Worse), chance(m.Fine)}
}

// allowed is the margin or the limit in words.
func (m Result) allowed() string {
	switch {
	case m.Limit != nil && m.Unit == unitSpeed:
		return "at least " + amount(m.Limit, m.Unit)
	case m.Limit != nil:
		return "at most " + amount(m.Limit, m.Unit)
	case m.Name == OutputLength:
		return "±" + percent(*m.Margin)
	case m.Name == TokensPerSecond:
		return "+" + percent(*m.Margin) + " time per token"
	case m.Harmless != nil && m.Boundary != nil:
		return fmt.Sprintf("+%s, or %s over %g s", percent(*m.Margin), percent(*m.Harmless), *m.Boundary)
	case m.Harmless != nil && m.Unit == unitShare:
		return fmt.Sprintf("+%s, or %s", percent(*m.Margin), percent(*m.Harmless))
	case m.Harmless != nil:
		return fmt.Sprintf("+%s, or %g %s", percent(*m.Margin), *m.Harmless, m.Unit)
	}
	return "+" + percent(*m.Margin)
}

func percent(share float64) string { return strconv.FormatFloat(100*share, 'g', 3, 64) + " %" }

func chance(p float64) string { return strconv.FormatFloat(p, 'g', 2, 64) }

// amount is a value as people read it.
func amount(value *float64, unit string) string {
	if value == nil {
		return "no data"
	}
	number := strconv.FormatFloat(*value, 'g', 3, 64)
	switch unit {
	case unitShare:
		return percent(*value)
	case unitSeconds:
		return time.Duration(*value * float64(time.Second)).Round(10 * time.Microsecond).String()
	case unitSpeed:
		return number + " tok/s"
	case unitTokens:
		return number + " tok"
	}
	return number
}

// WriteText writes it for a terminal. In parentheses is what may fail and need not pass.
func (a Analysis) WriteText(out io.Writer) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%s\n%s\n", a.title(), a.times())
	for _, reason := range a.Report.Reasons {
		fmt.Fprintf(&text, "  %s\n", reason)
	}
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "\n%s\n", strings.Join(a.columns(), "\t"))
	for _, m := range a.Report.Metrics {
		fmt.Fprintln(table, strings.Join(m.cells(), "\t"))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, note := range a.Notes {
		fmt.Fprintf(&text, "note: %s\n", note)
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// WriteMarkdown writes it for a pull request.
func (a Analysis) WriteMarkdown(out io.Writer) error {
	var text strings.Builder
	row := func(cells []string) {
		escaped := make([]string, len(cells))
		for i, cell := range cells {
			escaped[i] = strings.ReplaceAll(cell, "|", "\\|")
		}
		fmt.Fprintf(&text, "| %s |\n", strings.Join(escaped, " | "))
	}
	fmt.Fprintf(&text, "### %s\n\n%s.\n\n", a.title(), a.times())
	for _, reason := range a.Report.Reasons {
		fmt.Fprintf(&text, "- %s\n", reason)
	}
	fmt.Fprintln(&text)
	row(a.columns())
	row([]string{"---", "---", "---:", "---:", "---", "---", "---:", "---:"})
	for _, m := range a.Report.Metrics {
		row(m.cells())
	}
	fmt.Fprintf(&text, "\nIn parentheses: may fail, and need not pass. p is always-valid: looking often does not make it smaller by chance.\n")
	for _, note := range a.Notes {
		fmt.Fprintf(&text, "\n> %s\n", note)
	}
	_, err := io.WriteString(out, text.String())
	return err
}
