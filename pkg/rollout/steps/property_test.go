package steps_test

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/kservegen/kservegen/pkg/rollout/steps"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/spec/spectest"
)

// command is one call, as a user would make it.
type command struct {
	name         string
	environments []string
	revision     string
	weights      map[string]int
	shadow       int
}

func (c command) run(d *steps.Document) (steps.Change, error) {
	switch c.name {
	case "start":
		return d.Start(c.environments, steps.Start{Name: c.revision, Set: []steps.Setting{{Path: "runtime.env.CANARY", Value: "\"" + c.revision + "\""}}, Weight: c.weights[c.revision], Shadow: c.shadow})
	case "set":
		return d.Set(c.environments, c.weights)
	case "step":
		return d.Step(c.environments)
	case "promote":
		return d.Promote(c.environments, c.revision)
	case "abort":
		return d.Abort(c.environments)
	}
	var named []string
	if c.revision != "" {
		named = []string{c.revision}
	}
	return d.Finish(c.environments, named)
}

func drawCommand(t *rapid.T, d *steps.Document) command {
	c := command{name: rapid.SampledFrom([]string{"start", "set", "step", "promote", "abort", "finish"}).Draw(t, "command")}
	for _, target := range d.Environments {
		if rapid.Bool().Draw(t, "in "+target.Environment) {
			c.environments = append(c.environments, target.Environment)
		}
	}
	revisions := append(d.RevisionNames(), "")
	switch c.name {
	case "start":
		c.revision = rapid.SampledFrom([]string{"new", "1e9", "canary-2", "yes"}).Draw(t, "new revision")
		c.weights = map[string]int{c.revision: rapid.SampledFrom([]int{0, 0, 5}).Draw(t, "first weight")}
		c.shadow = rapid.SampledFrom([]int{0, 10, 100}).Draw(t, "shadow")
	case "set":
		c.weights = map[string]int{}
		for range 1 + rapid.IntRange(0, 1).Draw(t, "revisions") {
			c.weights[rapid.SampledFrom(revisions).Draw(t, "revision")] = rapid.SampledFrom([]int{0, 1, 10, 50, 99, 100}).Draw(t, "weight")
		}
	case "promote", "finish":
		c.revision = rapid.SampledFrom(revisions).Draw(t, "revision")
	}
	return c
}

// TestAnySequence: whatever is called in whatever order on any valid document, what is left is a valid document, in which
// each environment's weights sum to 100 and go to revisions that it has; environments that were not named keep theirs; a
// command twice is that command once; no byte changes but those that the command is about; and abort gives back.
func TestAnySequence(t *testing.T) {
	t.Parallel()
	var made, changed, refused atomic.Int64
	rapid.Check(t, func(rt *rapid.T) {
		file, model := spectest.Document(rt), ""
		if rapid.Bool().Draw(rt, "two documents") {
			file, model = other+"---\n"+file, load(rt, file)[0].Name
		}
		if rapid.Bool().Draw(rt, "Windows") {
			file = strings.ReplaceAll(file, "\n", "\r\n")
		}
		d := open(rt, []byte(file), model)
		var before map[string][]steps.Share // of the canary that is on its way
		for range rapid.IntRange(1, 8).Draw(rt, "length") {
			c := drawCommand(rt, d)
			change, err := c.run(d)
			made.Add(1)
			if err != nil {
				require.Truef(rt, steps.Refused(err), "%v: %v\n%s", c, err, d.Data)
				refused.Add(1)
				continue
			}
			if !bytes.Equal(change.Data, d.Data) {
				changed.Add(1)
			}
			after := open(rt, change.Data, model)
			checkWeights(rt, after)
			checkOthers(rt, c, d, after)
			checkBytes(rt, c, d, after)
			checkCopies(rt, c, d, after)
			checkTwice(rt, c, after)
			before = giveBack(rt, c, before, d, after)
			d = after
		}
	})
	t.Logf("%d commands: %d changed something, %d were refused", made.Load(), changed.Load(), refused.Load())
	require.Greater(t, changed.Load()*5, made.Load(), "a test of refusals alone shows little")
}

const other = `# of somebody else
apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: somebody-elses}
spec:
  model: {id: openai/gpt-oss-20b}
  accelerator: {type: a10g}
`

func load(t require.TestingT, file string) []*spec.Deployment {
	all, err := spec.Load("d.yaml", strings.NewReader(file))
	require.NoError(t, err, file)
	return all
}

func open(t require.TestingT, data []byte, model string) *steps.Document {
	d, err := steps.Open("d.yaml", data, model)
	require.NoError(t, err, string(data))
	return d
}

func checkWeights(t require.TestingT, d *steps.Document) {
	for _, target := range append(d.Environments, d.Base) {
		sum := 0
		for _, share := range steps.Shares(target) {
			require.Contains(t, d.RevisionNames(), share.Revision)
			sum += share.Weight
		}
		require.Equal(t, 100, sum, target.Environment)
	}
}

func checkOthers(t require.TestingT, c command, before, after *steps.Document) {
	if len(c.environments) == 0 {
		return
	}
	for i, target := range after.Environments {
		if !slices.Contains(c.environments, target.Environment) {
			require.Equal(t, steps.Shares(before.Environments[i]), steps.Shares(target), "%v changed %s\n%s", c, target.Environment, after.Data)
		}
	}
	if c.name != "start" && c.name != "finish" {
		require.Equal(t, before.Digest(), after.Digest(), "%v changed more than weights", c)
	}
}

var (
	digits = regexp.MustCompile(`\d+`)
	// ends are replaced where a canary follows another one.
	ends = regexp.MustCompile(`\b(from|to): *("[^"]*"|[^,}\s]+)`)
)

// checkBytes: a step changes numbers where they stand; adding takes nothing away, and removing adds nothing.
func checkBytes(t require.TestingT, c command, before, after *steps.Document) {
	was, is := string(before.Data), string(after.Data)
	hint := fmt.Sprintf("%v\n%s\n---- became\n%s", c, was, is)
	was, is = ends.ReplaceAllString(was, ""), ends.ReplaceAllString(is, "")
	ownTraffic := strings.Count(was, "traffic") != strings.Count(is, "traffic")
	followed := slices.ContainsFunc(steps.Shares(after.Base), func(s steps.Share) bool {
		return !slices.ContainsFunc(before.Base.Revisions, func(r spec.RevisionTarget) bool { return r.Name == s.Revision })
	})
	shapes := func(d *steps.Document) (n int) {
		for _, target := range d.Environments {
			n += len(target.Revisions)
		}
		return n
	}
	began, ended := copies(before, after), copies(after, before)
	switch {
	case ended && (began || ownTraffic): // something is added, and something taken away
	case ended && shapes(before) == shapes(after):
		require.True(t, within(digits.ReplaceAllString(is, ""), digits.ReplaceAllString(was, "")), hint)
	case began:
		require.True(t, within(digits.ReplaceAllString(was, ""), digits.ReplaceAllString(is, "")), hint)
	case c.name == "finish" && (ownTraffic || followed): // something is added, and something taken away
	case c.name == "finish":
		require.True(t, within(digits.ReplaceAllString(is, ""), digits.ReplaceAllString(was, "")), hint)
	case c.name == "start" || ownTraffic || shapes(before) != shapes(after):
		require.True(t, shapes(before) > shapes(after) || within(digits.ReplaceAllString(was, ""), digits.ReplaceAllString(is, "")), hint)
	default:
		require.Equal(t, digits.ReplaceAllString(was, "0"), digits.ReplaceAllString(is, "0"), hint)
	}
}

// copies says whether a revision that runs in both gets copies in the second alone.
func copies(before, after *steps.Document) bool {
	for i, target := range after.Environments {
		for _, share := range steps.Shares(target) {
			if slices.ContainsFunc(steps.Shares(before.Environments[i]), func(s steps.Share) bool { return s.Revision == share.Revision && s.Mirror == 0 && share.Mirror > 0 }) {
				return true
			}
		}
	}
	return false
}

// within says whether a text is another one with nothing but pieces left out.
func within(less, more string) bool {
	for i := 0; i < len(more) && less != ""; i++ {
		if more[i] == less[0] {
			less = less[1:]
		}
	}
	return less == ""
}

// checkCopies: no step gives a revision its first share and leaves it copies; only step begins them, before any share, and only
// the plan's; nobody else's begin or end.
func checkCopies(t require.TestingT, c command, before, after *steps.Document) {
	for i, target := range after.Environments {
		to := after.EndsOf(target).To
		old := map[string]steps.Share{}
		for _, share := range steps.Shares(before.Environments[i]) {
			old[share.Revision] = share
		}
		for _, share := range steps.Shares(target) {
			was, ran := old[share.Revision]
			first := ran && was.Weight == 0 && share.Weight > 0 && (share.Revision == to || len(c.weights) > 1)
			require.False(t, first && share.Mirror > 0, "%v: %s serves and copies\n%s", c, share.Revision, after.Data)
			if share.Mirror > was.Mirror && ran {
				require.Equal(t, "step", c.name, "%v begins copies\n%s", c, after.Data)
				require.Equal(t, to, share.Revision)
				require.Zero(t, share.Weight)
				require.Equal(t, after.Document.Spec.Rollout.Shadow, share.Mirror)
			}
			if c.name == "abort" && share.Revision == to && (len(c.environments) == 0 || slices.Contains(c.environments, target.Environment)) {
				require.True(t, share.Mirror == 0 || len(target.Revisions) == 1, "%v leaves copies\n%s", c, after.Data)
			}
		}
	}
}

func checkTwice(t require.TestingT, c command, after *steps.Document) {
	if c.name == "step" {
		return // the next step is another one
	}
	again, err := c.run(after)
	require.NoError(t, err, "%v\n%s", c, after.Data)
	require.Equal(t, string(after.Data), string(again.Data), "%v twice", c)
	require.Empty(t, again.Shifts)
}

// giveBack follows a canary from its start, and wants the shares from before in every environment that aborts it.
func giveBack(t require.TestingT, c command, start map[string][]steps.Share, before, after *steps.Document) map[string][]steps.Share {
	switch {
	case c.name == "start" && after.Document.Spec.Rollout.To == c.revision && !slices.Contains(before.RevisionNames(), c.revision):
		start = map[string][]steps.Share{}
		for _, target := range before.Environments {
			start[target.Environment] = steps.Shares(target)
		}
	case c.name == "start" || c.name == "finish" || len(c.weights) > 1:
		return nil
	case c.name == "abort" && start != nil:
		to := after.Document.Spec.Rollout.To
		for _, target := range after.Environments {
			if len(c.environments) > 0 && !slices.Contains(c.environments, target.Environment) {
				continue
			}
			now := slices.DeleteFunc(steps.Shares(target), func(s steps.Share) bool { return s.Revision == to && s.Weight == 0 })
			require.Equal(t, start[target.Environment], now, "aborted in %s\n%s", target.Environment, after.Data)
		}
	}
	return start
}
