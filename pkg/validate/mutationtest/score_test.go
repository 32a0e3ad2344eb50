package mutationtest

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/kservegen/kservegen/pkg/effective"
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/load"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/validate"
)

const (
	// floor is the share of mistakes that must be found, mostEquivalent that of those that may be none, of all with
	// wrong types.
	floor, mostEquivalent = 0.85, 0.05
	list                  = "testdata/survivors.txt"
	dropped               = "dropped object"
	untyped               = "all but wrong type"
)

var update = flag.Bool("update", false, "write the mistakes that are not found to "+list)

// TestScore makes every mistake in every reference tree. A tree's overlays repeat most objects of its base; the same
// mistake in the same object counts once.
func TestScore(t *testing.T) {
	overlays, err := filepath.Glob("../../../overlays/*/*/overlays/*")
	require.NoError(t, err)
	require.NotEmpty(t, overlays)
	effective.DiscardLogs()
	j := newJudge(t)
	counts := map[string]*count{}
	var survivors []string
	seen := map[string]bool{}
	for _, overlay := range overlays {
		objects := build(t, overlay)
		lock := newLocked(t, overlay)
		said, _ := j.complaints(t, objects)
		require.Empty(t, said, "%s is right as it is", overlay)
		for _, m := range mutants(objects, seen) {
			found, fails := j.complaints(t, m.apply(objects))
			line := fmt.Sprintf("%s: %s %s %s", m.operator, objects[m.object]["kind"], nameOf(objects[m.object]), m)
			reason := ""
			if len(found) == 0 {
				if reason = equivalent(m, objects[m.object]); reason == "" && j.sameEffect(t, m, objects) {
					reason = sameEffect
				}
			}
			if reason != "" {
				line += " (no mistake: " + reason + ")"
			}
			rows := rowsOf(m, objects[m.object])
			locked := len(found) == 0 && m.changed == nil && lock.misses(t, objects[m.object])
			for _, row := range rows {
				entry(counts, row).add(len(found) > 0, fails, reason != "")
				if strings.HasPrefix(row, "all") || m.changed == nil {
					entry(counts, row+" (with the lock)").add(len(found) > 0 || locked, fails, reason != "")
				}
			}
			if locked {
				line += " (the lock tells)"
			}
			if len(found) == 0 {
				survivors = append(survivors, line)
			}
		}
	}
	slices.Sort(survivors)
	t.Log("\n" + table(counts))
	t.Log(capped(counts[untyped]))
	assert.Positive(t, counts[policy].made, "dropped policies")
	for _, operator := range operators() {
		assert.Positivef(t, entry(counts, operator.name).made, "mistakes by %s", operator.name)
	}
	all := counts["all"]
	assert.GreaterOrEqual(t, counts[untyped].share(), floor, "mistakes that rules and schemas find, without those that any schema finds")
	assert.GreaterOrEqual(t, all.share(), floor, "mistakes that are found")
	assert.LessOrEqual(t, float64(all.equivalent)/float64(all.made), mostEquivalent, "mistakes that are none, of all with wrong types; of the others it is more, see capped")
	assert.Equal(t, counts[dropped].made, counts[dropped+" (with the lock)"].found, "of every object that is gone the lock tells")
	checkList(t, strings.Join(slices.Compact(survivors), "\n")+"\n")
}

// policy is the row of objects without which everything works and is open.
const policy = "dropped policy"

// rowsOf are the rows of the table that a mistake counts in.
func rowsOf(m mutant, original map[string]any) []string {
	rows := []string{m.operator, "all"}
	if m.operator != "wrong type" { // schemas find those, and they are many
		rows = append(rows, untyped)
	}
	kind, _ := original["kind"].(string)
	if m.changed == nil && slices.Contains([]string{"PeerAuthentication", "AuthorizationPolicy", "NetworkPolicy", "RequestAuthentication"}, kind) {
		rows = append(rows, policy)
	}
	return rows
}

// capped is the score where no more may be none than mostEquivalent of the row's own mistakes; the others count as
// missed.
func capped(c *count) string {
	excluded := min(c.equivalent, int(mostEquivalent*float64(c.made)))
	return fmt.Sprintf("%s: %d of %d (%.1f %%) are no mistakes; with at most %d (%.0f %%) left out, the score is %.1f %%", untyped,
		c.equivalent, c.made, 100*float64(c.equivalent)/float64(c.made), excluded, 100*mostEquivalent,
		100*float64(c.found)/float64(c.made-excluded))
}

func checkList(t *testing.T, survivors string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(list, []byte(survivors), 0o644))
	}
	known, err := os.ReadFile(list)
	require.NoError(t, err)
	assert.Equal(t, string(known), survivors, "other mistakes are not found than before: go test -update lists them")
}

// build builds an overlay; Kustomize must not run twice at once.
func build(t *testing.T, overlay string) []map[string]any {
	t.Helper()
	built, err := render.BuildObjects(filesys.MakeFsOnDisk(), overlay)
	require.NoError(t, err)
	for i, object := range built {
		content, err := json.Marshal(object)
		require.NoError(t, err)
		built[i] = nil
		require.NoError(t, utiljson.Unmarshal(content, &built[i]))
	}
	return built
}

// apply returns the tree with the mistake in it.
func (m mutant) apply(objects []map[string]any) []map[string]any {
	changed := slices.Clone(objects)
	if m.changed == nil {
		return slices.Delete(changed, m.object, m.object+1)
	}
	changed[m.object] = m.changed
	return changed
}

func nameOf(object map[string]any) string {
	metadata, _ := object["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	return name
}

// judge is validate's, and what KServe makes of a tree.
type judge struct {
	check   *validate.Judge
	builder *effective.Builder
}

func newJudge(t *testing.T) judge {
	t.Helper()
	check, err := validate.NewJudge(validate.JudgeOptions{})
	require.NoError(t, err)
	builder, err := effective.New(effective.Options{})
	require.NoError(t, err)
	return judge{check, builder}
}

func resources(objects []map[string]any) []manifest.Resource {
	var all []manifest.Resource
	for _, object := range objects {
		all = append(all, manifest.Resource{Data: object})
	}
	return all
}

// complaints are what validate says at warning or above, and whether a run without flags fails.
func (j judge) complaints(t *testing.T, objects []map[string]any) (said []string, fails bool) {
	t.Helper()
	findings, err := j.check.Check(t.Context(), load.Set{Name: "tree", Resources: resources(objects)})
	require.NoError(t, err)
	for _, found := range findings {
		if found.Level >= finding.Warning {
			said = append(said, found.Code+": "+found.Message)
		}
		fails = fails || found.Level >= finding.Error
	}
	return said, fails
}

// sameEffect says whether KServe makes the same of a tree with a change in an object that it reads.
func (j judge) sameEffect(t *testing.T, m mutant, objects []map[string]any) bool {
	t.Helper()
	kind := objects[m.object]["kind"]
	if m.changed == nil || kind != "InferenceService" && kind != "ServingRuntime" {
		return false
	}
	return assert.ObjectsAreEqual(j.effect(t, objects), j.effect(t, m.apply(objects)))
}

func (j judge) effect(t *testing.T, objects []map[string]any) []map[string]any {
	t.Helper()
	effect, err := j.builder.Of(t.Context(), resources(objects))
	require.NoError(t, err)
	var made []map[string]any
	for _, service := range effect.Services {
		for _, object := range slices.Concat(service.Objects, service.Pods) {
			made = append(made, object.Data)
		}
	}
	return made
}

// count is what is known of an operator's mistakes.
type count struct{ made, found, failing, equivalent int }

func (c *count) add(found, fails, equivalent bool) {
	c.made++
	if fails {
		c.failing++
	}
	if found {
		c.found++
	}
	if equivalent {
		c.equivalent++
	}
}

func (c *count) share() float64 { return float64(c.found) / float64(max(1, c.made-c.equivalent)) }

func entry(counts map[string]*count, name string) *count {
	if counts[name] == nil {
		counts[name] = &count{}
	}
	return counts[name]
}

func table(counts map[string]*count) string {
	var out bytes.Buffer
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\tmade\tno mistake\tfound\tscore\tthose counted, too\tat error\t")
	names := slices.Sorted(maps.Keys(counts))
	names = slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(name, "all") })
	names = append(names, untyped, untyped+" (with the lock)", "all", "all (with the lock)")
	for _, name := range names {
		c := counts[name]
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%.1f %%\t%.1f %%\t%.1f %%\t\n", name, c.made, c.equivalent, c.found, 100*c.share(),
			100*float64(c.found)/float64(max(1, c.made)), 100*float64(c.failing)/float64(max(1, c.made-c.equivalent)))
	}
	_ = table.Flush() // a buffer takes everything
	return out.String()
}
