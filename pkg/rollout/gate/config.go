package gate

import (
	"fmt"
	"slices"
)

// Config is how a canary is judged.
type Config struct {
	// WarmUp is how many blocks at the beginning are not judged: caches are cold and graphs are compiled. The baseline's tell
	// which boundaries of its histograms the test counts at.
	WarmUp int
	// MinRequests each revision must have answered after the warm-up for a pass, and the baseline before the test begins.
	MinRequests int
	// FalseAlarms is the greatest probability, over all metrics and however often one looks, that a canary which is not worse
	// fails. Misses that one passes which is worse by a margin or more in something that must pass.
	FalseAlarms, Misses float64
	// Margins replace those of metrics, Limits are what the canary alone must keep, both by name.
	Margins, Limits map[string]float64
	// Ignore are names of metrics that are not judged.
	Ignore []string
}

// Defaults of a Config: five minutes of warm-up in blocks of one, 200 requests, and errors of five in a hundred each way.
func Defaults() Config {
	return Config{WarmUp: 5, MinRequests: 200, FalseAlarms: .05, Misses: .05}
}

// Check says what is wrong with a configuration, by the names of its values.
func (c Config) Check() error {
	for name, share := range map[string]float64{"false alarms": c.FalseAlarms, "misses": c.Misses} {
		if !(share > 0 && share < .5) {
			return fmt.Errorf("%s must be a probability over 0 and under 0.5, got %g", name, share)
		}
	}
	if c.WarmUp < 0 || c.MinRequests < 1 {
		return fmt.Errorf("warm-up must not be negative and the least number of requests at least 1, got %d and %d", c.WarmUp, c.MinRequests)
	}
	for name, margin := range c.Margins {
		if err := known(name); err != nil {
			return err
		}
		if !(margin > 0 && margin <= 10) {
			return fmt.Errorf("margin of %s must be over 0 and at most 10, such as 0.2 for 20 %% more, got %g", name, margin)
		}
	}
	for name, limit := range c.Limits {
		if err := known(name); err != nil {
			return err
		}
		if err := checkLimit(name, limit); err != nil {
			return err
		}
	}
	for _, name := range c.Ignore {
		if err := known(name); err != nil {
			return err
		}
	}
	return nil
}

func known(name string) error {
	if !Known(name) {
		return fmt.Errorf("%q is no metric of the gate; they are %v", name, Names())
	}
	return nil
}

func checkLimit(name string, limit float64) error {
	m := all()[slices.Index(Names(), name)]
	switch {
	case m.both:
		return fmt.Errorf("%s has no limit: both more and less are a change", name)
	case !(limit > 0) || limit > 1e9:
		return fmt.Errorf("limit of %s must be over 0, got %g", name, limit)
	case m.unit == unitShare && limit >= 1:
		return fmt.Errorf("limit of %s is a share of 1, such as 0.01, got %g", name, limit)
	}
	return nil
}

// ignored reports whether a metric is left out.
func (c Config) ignored(name string) bool { return slices.Contains(c.Ignore, name) }

// metrics are those that are judged, with their margins.
func (c Config) metrics() []metric {
	var list []metric
	for _, m := range all() {
		if margin, ok := c.Margins[m.name]; ok {
			m.margin = margin
		}
		if !c.ignored(m.name) {
			list = append(list, m)
		}
	}
	return list
}
