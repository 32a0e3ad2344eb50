package native

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/kservegen/kservegen/e2e/envtest/mutate"
	"github.com/kservegen/kservegen/pkg/schema"
)

const (
	// floor is the share of mutants on which both must agree, kindFloor that of any kind's.
	floor, kindFloor = 0.995, 0.98
	list             = "testdata/disagreements.txt"
)

var update = flag.Bool("update", false, "write the disagreements that are found to "+list)

// TestAgreement compares the verdicts on every single change that mutate can make to an object of the corpus, and the
// fields of what both refuse.
func TestAgreement(t *testing.T) {
	began := time.Now()
	oracle := buildOracle(t)
	t.Logf("the oracle is there after %.0f s", time.Since(began).Seconds())
	var native []map[string]any
	objects := corpus(t)
	for i, a := range ask(t, oracle, unchanged(objects)) {
		if a.Known {
			assert.Emptyf(t, a.Causes, "%s %s: the corpus is what the server accepts", objects[i]["kind"], objects[i]["metadata"])
			native = append(native, objects[i])
		}
	}
	mutants := append(unchanged(native), mutate.Generate(native, mutate.Options{PerOperator: math.MaxInt, Schemas: readFields(t)})...)
	c := compare(t, mutants, ask(t, oracle, mutants))
	t.Logf("%d objects\n%s", len(native), c.table())
	for _, kind := range slices.Sorted(maps.Keys(c.byKind)) {
		assert.GreaterOrEqualf(t, c.byKind[kind].mutants, 50, "mutants of a %s", kind)
		assert.GreaterOrEqualf(t, c.byKind[kind].share(), kindFloor, "verdicts on a %s that agree", kind)
	}
	assert.GreaterOrEqual(t, c.all.share(), floor, "verdicts that agree")
	found := strings.Join(c.disagreements, "\n") + "\n"
	if *update {
		require.NoError(t, os.WriteFile(list, []byte(found), 0o644))
	}
	known, err := os.ReadFile(list)
	require.NoError(t, err)
	assert.Equal(t, string(known), found, "the disagreements changed: go test -update lists them")
}

func unchanged(objects []map[string]any) []mutate.Mutant {
	var all []mutate.Mutant
	for _, object := range objects {
		kind, _ := object["kind"].(string)
		all = append(all, mutate.Mutant{Operator: "none", Kind: kind, Change: "unchanged", Object: object})
	}
	return all
}

// count is what is known of some mutants: how many there are, how many the server accepts, on how many both agree,
// and of those that both refuse, how often they name the same field.
type count struct{ mutants, accepted, agreed, refused, sameField int }

func (c count) share() float64 { return float64(c.agreed) / float64(max(1, c.mutants)) }

type comparison struct {
	all                count
	byKind, byOperator map[string]*count
	disagreements      []string
}

func compare(t *testing.T, mutants []mutate.Mutant, answers []answer) comparison {
	t.Helper()
	catalog, err := schema.New(nil)
	require.NoError(t, err)
	c := comparison{byKind: map[string]*count{}, byOperator: map[string]*count{}}
	for i, mutant := range mutants {
		require.Truef(t, answers[i].Known, "%s", mutant)
		problems, err := catalog.Validate(t.Context(), decoded(t, mutant.Object))
		require.NoErrorf(t, err, "%s", mutant)
		c.add(mutant, answers[i], problems)
	}
	slices.Sort(c.disagreements)
	return c
}

// decoded has the types of JSON, whole numbers as int64.
func decoded(t *testing.T, object map[string]any) map[string]any {
	t.Helper()
	content, err := json.Marshal(object)
	require.NoError(t, err)
	var plain map[string]any
	require.NoError(t, utiljson.Unmarshal(content, &plain))
	return plain
}

func (c *comparison) add(mutant mutate.Mutant, a answer, problems []schema.Problem) {
	for _, into := range []*count{&c.all, entry(c.byKind, mutant.Kind), entry(c.byOperator, string(mutant.Operator))} {
		into.add(a, problems)
	}
	if a.accepted() == (len(problems) == 0) {
		return
	}
	why := fmt.Sprintf("pkg/schema refuses %s", text(problems))
	if !a.accepted() {
		why = fmt.Sprintf("the server refuses %s: %s", a.Causes[0].Field, a.Causes[0].Message)
	}
	line := fmt.Sprintf("%s: %s", mutant, why)
	c.disagreements = append(c.disagreements, strings.ReplaceAll(line, strings.Repeat("x", 300), "x…"))
}

func (c *count) add(a answer, problems []schema.Problem) {
	c.mutants++
	if a.accepted() {
		c.accepted++
	}
	if a.accepted() == (len(problems) == 0) {
		c.agreed++
	}
	if a.accepted() || len(problems) == 0 || a.Causes[0].Field == "" { // an error of decoding names no field
		return
	}
	c.refused++
	for _, p := range problems {
		if p.Field == a.Causes[0].Field {
			c.sameField++
			return
		}
	}
}

func text(problems []schema.Problem) string {
	var all []string
	for _, p := range problems {
		all = append(all, p.String())
	}
	return strings.Join(all, "; ")
}

func entry(counts map[string]*count, key string) *count {
	if counts[key] == nil {
		counts[key] = &count{}
	}
	return counts[key]
}

func (c *comparison) table() string {
	var out bytes.Buffer
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\tmutants\taccepted\tverdict agrees\tfield agrees\t")
	row := func(name string, n count) {
		fmt.Fprintf(table, "%s\t%d\t%d\t%.2f %%\t%.1f %%\t\n", name, n.mutants, n.accepted, 100*n.share(), 100*float64(n.sameField)/float64(max(1, n.refused)))
	}
	for _, counts := range []map[string]*count{c.byOperator, c.byKind} {
		for _, name := range slices.Sorted(maps.Keys(counts)) {
			row(name, *counts[name])
		}
	}
	row("all", c.all)
	_ = table.Flush() // a buffer takes everything
	return out.String()
}
