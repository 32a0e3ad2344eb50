package cli

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/kservegen/kservegen/pkg/finding"
)

func newExplain(s Streams) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "explain [CODE]",
		Short: "Say what a finding means, why it matters and how to fix it",
		Long:  "Explain the code of a finding. Without a code, list them all.",
		Example: `  kservegen explain KG0001
  kservegen explain
  kservegen explain -o json`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeCodes,
		RunE: func(_ *cobra.Command, args []string) error {
			list := rules()
			if len(args) == 1 {
				code := strings.ToUpper(args[0])
				i := slices.IndexFunc(list, func(rule finding.Rule) bool { return rule.Code == code })
				if i < 0 {
					return usagef("there is no rule %s; kservegen explain lists them", args[0])
				}
				list = list[i : i+1]
			}
			switch output {
			case "json":
				return explainJSON(s, list)
			case "text":
				if len(args) == 0 {
					return listRules(s, list)
				}
				explainText(s, list[0])
				return nil
			}
			return usagef("-o %s is unknown; text or json", output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	complete(cmd, "output", []string{"text", "json"})
	return cmd
}

func completeCodes(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var codes []string
	if len(args) == 0 {
		for _, rule := range rules() {
			codes = append(codes, rule.Code+"\t"+rule.Title)
		}
	}
	return codes, cobra.ShellCompDirectiveNoFileComp
}

func listRules(s Streams, list []finding.Rule) error {
	table := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
	for _, rule := range list {
		fmt.Fprintf(table, "%s\t%s\t%s\n", rule.Code, rule.Level, rule.Title)
	}
	return table.Flush()
}

func explainText(s Streams, rule finding.Rule) {
	fmt.Fprintf(s.Out, "%s (%s): %s\n", rule.Code, rule.Level, rule.Title)
	for _, part := range [][2]string{{"Why", rule.Why}, {"Fix", rule.Fix}, {"Since", rule.Since}, {"See", rule.Reference}} {
		if part[1] != "" {
			fmt.Fprintf(s.Out, "\n%s\n%s", part[0], wrap(part[1], "  ", 100))
		}
	}
}

// wrap breaks a text into lines of at most width characters.
func wrap(text, indent string, width int) string {
	var b strings.Builder
	line := indent
	for word := range strings.FieldsSeq(text) {
		if len(line) > len(indent) && len([]rune(line))+1+len([]rune(word)) > width {
			fmt.Fprintln(&b, line)
			line = indent
		}
		if len(line) > len(indent) {
			line += " "
		}
		line += word
	}
	fmt.Fprintln(&b, line)
	return b.String()
}

// explained is a rule as -o json prints it.
type explained struct {
	Code      string `json:"code"`
	Level     string `json:"level"`
	Title     string `json:"title"`
	Why       string `json:"why"`
	Fix       string `json:"fix"`
	Since     string `json:"since,omitempty"`
	Reference string `json:"reference,omitempty"`
}

func explainJSON(s Streams, list []finding.Rule) error {
	out := make([]explained, 0, len(list))
	for _, rule := range list {
		out = append(out, explained{rule.Code, rule.Level.String(), rule.Title, rule.Why, rule.Fix, rule.Since, rule.Reference})
	}
	return writeJSON(s.Out, out)
}
