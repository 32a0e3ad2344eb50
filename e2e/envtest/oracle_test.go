package envtest

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"text/tabwriter"

	"golang.org/x/sync/errgroup"

	"github.com/kservegen/kservegen/e2e/envtest/api"
	"github.com/kservegen/kservegen/e2e/envtest/mutate"
)

// workers ask a judge at the same time; the server has work for more than one at once.
const workers = 8

// judge says what is wrong with an object: the API server, or what is compared with it.
type judge interface {
	Verdict(ctx context.Context, object map[string]any) (api.Verdict, error)
}

var _ judge = (*api.Client)(nil)

// verdicts asks a judge about every mutant.
func verdicts(ctx context.Context, by judge, mutants []mutate.Mutant) ([]api.Verdict, error) {
	given := make([]api.Verdict, len(mutants))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for i, mutant := range mutants {
		group.Go(func() (err error) {
			if given[i], err = by.Verdict(ctx, mutant.Object); err != nil {
				return fmt.Errorf("%s: %w", mutant, err)
			}
			return nil
		})
	}
	return given, group.Wait()
}

// count is what is known of some mutants.
type count struct{ all, accepted, agreed int }

func (c count) share() float64 { return float64(c.accepted) / float64(max(1, c.all)) }

// tally counts mutants by operator and by kind.
type tally struct {
	total      count
	byOperator map[string]*count
	byKind     map[string]*count
}

// newTally counts the server's verdicts and, where there are any, how often the others are the same.
func newTally(mutants []mutate.Mutant, server, others []api.Verdict) tally {
	t := tally{byOperator: map[string]*count{}, byKind: map[string]*count{}}
	for i, mutant := range mutants {
		for _, c := range []*count{&t.total, entry(t.byOperator, string(mutant.Operator)), entry(t.byKind, mutant.Kind)} {
			c.all++
			if server[i].Accepted {
				c.accepted++
			}
			if others != nil && others[i].Accepted == server[i].Accepted {
				c.agreed++
			}
		}
	}
	return t
}

func entry(counts map[string]*count, key string) *count {
	if counts[key] == nil {
		counts[key] = &count{}
	}
	return counts[key]
}

// print writes a table: how many mutants, how many of them the server accepts, how often both judges agree.
func (t tally) print(out io.Writer, compared bool) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(name string, c count) {
		fmt.Fprintf(table, "%s\t%d\t%.0f %%\t", name, c.all, 100*c.share())
		if compared {
			fmt.Fprintf(table, "%.2f %%\t", 100*float64(c.agreed)/float64(max(1, c.all)))
		}
		fmt.Fprintln(table)
	}
	fmt.Fprintln(table, "\tmutants\taccepted\t")
	for _, counts := range []map[string]*count{t.byOperator, t.byKind} {
		for _, name := range slices.Sorted(maps.Keys(counts)) {
			row(name, *counts[name])
		}
	}
	row("all", t.total)
	return table.Flush()
}

// schemas are those that the server publishes, asked for once per kind.
type schemas struct {
	found map[string]mutate.Field
	mutex sync.Mutex
	ask   func(apiVersion, kind string) mutate.Field
}

// Schema is nil for a kind that the server does not have.
func (s *schemas) Schema(apiVersion, kind string) mutate.Field {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	key := apiVersion + " " + kind
	if field, ok := s.found[key]; ok {
		return field
	}
	s.found[key] = s.ask(apiVersion, kind)
	return s.found[key]
}
