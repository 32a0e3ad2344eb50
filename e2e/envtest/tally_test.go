package envtest

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
)

// count is what is known of some objects.
type count struct{ all, accepted, agreed, located, found int }

func (c *count) add(one comparison) {
	c.all++
	c.accepted += number(one.server.Accepted)
	c.agreed += number(one.agrees())
	located, found := one.located()
	c.located += number(located)
	c.found += number(found)
}

func number(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// acceptance, agreement and places are shares, of nothing 1.
func (c count) acceptance() float64 { return share(c.accepted, c.all) }
func (c count) agreement() float64  { return share(c.agreed, c.all) }
func (c count) places() float64     { return share(c.found, c.located) }

func share(part, whole int) float64 {
	if whole == 0 {
		return 1
	}
	return float64(part) / float64(whole)
}

// tally counts by operator and by kind.
type tally struct {
	total      count
	byOperator map[string]*count
	byKind     map[string]*count
}

func newTally(compared []comparison) tally {
	t := tally{byOperator: map[string]*count{}, byKind: map[string]*count{}}
	for _, one := range compared {
		t.total.add(one)
		entry(t.byOperator, string(one.Operator)).add(one)
		entry(t.byKind, one.Kind).add(one)
	}
	return t
}

func entry(counts map[string]*count, key string) *count {
	if counts[key] == nil {
		counts[key] = &count{}
	}
	return counts[key]
}

// print writes a table: how many objects, how many of them the server accepts, how often both agree, and, if wanted,
// at how many of those that both refuse the server's first place is among those of the other one.
func (t tally) print(out io.Writer, title string, places bool) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(name string, c count) {
		fmt.Fprintf(table, "%s\t%d\t%.0f %%\t%.2f %%\t", name, c.all, 100*c.acceptance(), 100*c.agreement())
		if places {
			fmt.Fprintf(table, "%d/%d\t", c.found, c.located)
		}
		fmt.Fprintln(table)
	}
	fmt.Fprintf(table, "%s\tobjects\taccepted\tagreement\t", title)
	if places {
		fmt.Fprint(table, "places\t")
	}
	fmt.Fprintln(table)
	for _, counts := range []map[string]*count{t.byOperator, t.byKind} {
		for _, name := range slices.Sorted(maps.Keys(counts)) {
			row(name, *counts[name])
		}
	}
	row("all", t.total)
	return table.Flush()
}
