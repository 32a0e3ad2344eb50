package gate

import (
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	update = flag.Bool("update", false, "rewrite the table in docs/canary-gate.md")
	runs   = flag.Int("runs", 10000, "hours that are simulated of each kind, with -update")
)

const (
	page  = "../../../docs/canary-gate.md"
	begin = "<!-- power: make gate-power -->\n"
	end   = "<!-- /power -->\n"
	quick = 40 // hours of each kind in the unit tests, and of which the page remembers the outcome
)

// kind is one kind of hour, and what the verdict should be.
type kind struct {
	name  string
	world world
	bad   bool
}

func kinds() []kind {
	usual := world{perMinute: 600, part: .25, errors: .005, own: 1, worse: same}
	change := func(of func(*world)) world {
		w := usual
		of(&w)
		return w
	}
	return []kind{
		{"no difference", usual, false},
		{"no difference, each revision in waves of its own", change(func(w *world) { w.own = 4 }), false},
		{"no difference, one request in 25 s to the canary", change(func(w *world) { w.perMinute, w.part = 24, .1 }), false},
		{"twice the errors, 1 % for 0.5 %", change(func(w *world) {
			w.worse = func(float64) (errors, ttft, itl float64) { return 2, 1, 1 }
		}), true},
		{"time to first token 20 % longer", change(func(w *world) {
			w.worse = func(float64) (errors, ttft, itl float64) { return 1, 1.2, 1 }
		}), true},
		{"slow drift: all times grow, to 40 % more at the end", change(func(w *world) {
			w.worse = func(part float64) (errors, ttft, itl float64) { return 1, 1 + .4*part, 1 + .4*part }
		}), true},
		{"every tenth request fails", change(func(w *world) {
			w.worse = func(float64) (errors, ttft, itl float64) { return 20, 1, 1 }
		}), true},
	}
}

// outcome is how many of the hours ended how, and after how many minutes those that failed did.
type outcome struct {
	Fail, Pass, Open int
	minutes          []int
}

func (o *outcome) add(v Verdict, after int) {
	switch v {
	case Fail:
		o.Fail++
		o.minutes = append(o.minutes, after)
	case Pass:
		o.Pass++
		o.minutes = append(o.minutes, after)
	case Undecided:
		o.Open++
	}
}

func (o *outcome) all() float64 { return float64(o.Fail + o.Pass + o.Open) }

func (o *outcome) median() string {
	if len(o.minutes) == 0 {
		return "–"
	}
	sort.Ints(o.minutes)
	return fmt.Sprint(o.minutes[len(o.minutes)/2])
}

// rule is a way to decide.
type rule struct {
	name   string
	decide func(Data) (Verdict, int)
}

func rules() []rule {
	return []rule{
		{"gate", func(data Data) (Verdict, int) {
			verdict, after, err := Replay(data, Defaults())
			if err != nil {
				panic(err)
			}
			return verdict, after
		}},
		{"thresholds, 6 good minutes", func(data Data) (Verdict, int) { return thresholds(data, 6, .01, 1.2) }},
		{"thresholds, the hour", func(data Data) (Verdict, int) { return thresholds(data, minutes, .01, 1.2) }},
		{"wider thresholds, the hour", func(data Data) (Verdict, int) { return thresholds(data, minutes, .03, 1.6) }},
	}
}

// thresholds is Flagger's rule: each minute the canary alone must keep every threshold, five minutes that do not are a rollback,
// and so many that do a promotion; a failed check is not forgotten (flagger v1.44.0 pkg/controller/scheduler.go,
// scheduler_metrics.go). The thresholds are on the share of errors and, as a MetricTemplate would have it, on the 95th percentile
// of the time to the first token, so many times the usual one, which we know and a user has to find out.
func thresholds(data Data, good int, errors, slower float64) (Verdict, int) {
	usual := .15 * math.Exp(1.645*.7)
	failed, kept := 0, 0
	for i, b := range data.Blocks[warmUp:] {
		late, ok := b.Canary.TTFT.Quantile(.95, data.Bounds.TTFT)
		switch {
		case b.Canary.Errors.Of == 0 || !ok:
			failed++ // no values found: a failed check
		case b.Canary.Errors.share() > errors || late > slower*usual:
			failed++
		default:
			kept++
		}
		if failed == 5 {
			return Fail, i + 1
		}
		if kept == good {
			return Pass, i + 1
		}
	}
	return Pass, minutes
}

// simulate decides so many hours of a kind by every rule, on as many processors as there are.
func simulate(k kind, by []rule, hours int) []outcome {
	found := make([]outcome, len(by))
	var lock sync.Mutex
	var workers sync.WaitGroup
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for run := range next {
				data := k.world.hour(uint64(run))
				for i, r := range by {
					verdict, after := r.decide(data)
					lock.Lock()
					found[i].add(verdict, after)
					lock.Unlock()
				}
			}
		})
	}
	for run := range hours {
		next <- run
	}
	close(next)
	workers.Wait()
	return found
}

func TestPower(t *testing.T) {
	if *update {
		rewrite(t)
		return
	}
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	for _, k := range kinds() {
		by := rules()[:1]
		got := simulate(k, by, quick)[0]
		same := strings.Contains(string(text), remember(k, got))
		assert.True(t, same, "the gate decides otherwise than when the table in %s was made (%+v of %s); make gate-power", page, got, k.name)
		wrong := got.Fail
		if k.bad {
			wrong = got.Pass
		}
		assert.LessOrEqual(t, float64(wrong), bound99(got.all(), Defaults().FalseAlarms), "%s: %+v", k.name, got)
	}
}

// bound99 is how many of n at most are wrong, but for one time in a hundred, at an error rate.
func bound99(n, rate float64) float64 { return n*rate + 2.33*math.Sqrt(n*rate*(1-rate)) }

func remember(k kind, o outcome) string {
	return fmt.Sprintf("<!-- first %d of %s: %d fail, %d pass -->\n", quick, k.name, o.Fail, o.Pass)
}

// grouped writes thousands as people read them.
func grouped(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

func rewrite(t *testing.T) {
	var table, first strings.Builder
	table.WriteString("| an hour of | rule | fails | passes | no verdict | median minutes |\n|---|---|---:|---:|---:|---:|\n")
	for _, k := range kinds() {
		by := rules()
		fmt.Fprint(&first, remember(k, simulate(k, by[:1], quick)[0]))
		for i, o := range simulate(k, by, *runs) {
			name := k.name
			if i > 0 {
				name = ""
			}
			fmt.Fprintf(&table, "| %s | %s | %.2f %% | %.2f %% | %.2f %% | %s |\n", name, by[i].name,
				100*float64(o.Fail)/o.all(), 100*float64(o.Pass)/o.all(), 100*float64(o.Open)/o.all(), o.median())
		}
	}
	t.Log("\n" + table.String())
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(text), begin)
	require.True(t, ok)
	_, after, ok := strings.Cut(rest, end)
	require.True(t, ok)
	made := before + begin + fmt.Sprintf("%s simulated hours of each kind.\n\n", grouped(*runs)) + table.String() + "\n" + first.String() + end + after
	require.NoError(t, os.WriteFile(page, []byte(made), 0o644))
}
