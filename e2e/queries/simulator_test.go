package queries

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// simulator is for who raises the pin of llm-d-inference-sim: `go run ./e2e/tools/build llm-d-inference-sim` builds it into the
// cache, and `go test -run TestRecord . -simulator PATH` here writes what that one exports.
var simulator = flag.String("simulator", "", "the program llm-d-inference-sim: run it, ask it, and write what it exports to testdata")

// scrapes are what the simulator exported while it was asked, one PodMonitor's interval apart.
func scrapes() []string {
	return []string{filepath.Join("testdata", "simulator-1.prom"), filepath.Join("testdata", "simulator-2.prom")}
}

const apart = 15 * time.Second

// TestRecord: the scrapes are of the simulator that the suites pin.
func TestRecord(t *testing.T) {
	pins, err := os.ReadFile(filepath.Join("..", "tools", "simulator", "go.mod"))
	require.NoError(t, err)
	pinned := regexp.MustCompile(`(?m)^\s*github.com/llm-d/llm-d-inference-sim (v\S+)`).FindSubmatch(pins)
	require.NotNil(t, pinned)
	head := "# llm-d-inference-sim " + string(pinned[1]) + "\n"
	if *simulator != "" {
		record(t, head)
	}
	for _, file := range scrapes() {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.True(t, bytes.HasPrefix(data, []byte(head)), "%s is not of %s; record it again", file, head)
	}
}

// record asks the simulator as many things at once as make some wait, and scrapes it twice meanwhile.
func record(t *testing.T, head string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	cmd := exec.CommandContext(t.Context(), *simulator, "--port="+port, "--model=m", "--force-dummy-tokenizer", "--max-num-seqs=2", "--time-to-first-token=100ms", "--inter-token-latency=20ms")
	require.NoError(t, cmd.Start())
	address := "http://127.0.0.1:" + port
	require.Eventually(t, func() bool { _, err := fetch(t.Context(), address+"/health/ready", ""); return err == nil }, time.Minute, 100*time.Millisecond)
	var clients sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	for range 6 {
		clients.Go(func() {
			for ctx.Err() == nil {
				_, _ = fetch(ctx, address+"/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"hello"}],"max_tokens":16}`)
			}
		})
	}
	for _, file := range scrapes() {
		time.Sleep(apart)
		text, err := fetch(t.Context(), address+"/metrics", "")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(file, append([]byte(head), text...), 0o600))
	}
	stop()
	clients.Wait()
}

// fetch gets what is at an address, or posts to it.
func fetch(ctx context.Context, address, body string) ([]byte, error) {
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s", address, response.Status)
	}
	return text, err
}

var sampleLine = regexp.MustCompile(`^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$`)

// samples of a scrape, by name and labels.
func samples(t *testing.T, file string) map[string]float64 {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	values := map[string]float64{}
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		match := sampleLine.FindStringSubmatch(line)
		require.NotNil(t, match, line)
		value, err := strconv.ParseFloat(match[3], 64)
		require.NoError(t, err)
		values[match[1]+"{"+match[2]] = value
	}
	return values
}

// simulated are the series of a revision's pod that is the simulator: counters grow on as between the two scrapes.
func simulated(t *testing.T, revision string) []string {
	t.Helper()
	first, second := samples(t, scrapes()[0]), samples(t, scrapes()[1])
	pod := healthy(revision, 0).pod()
	series := []string{fmt.Sprintf("up{%s} 1x%d", pod, steps)}
	for id, value := range second {
		step := value - first[id]
		if !counts(id) {
			step = 0
		}
		name, own, _ := strings.Cut(id, "{")
		if own != "" {
			own = ", " + own
		}
		series = append(series, fmt.Sprintf("%s{%s%s} %g+%gx%d", name, pod, own, value, step, steps))
	}
	slices.Sort(series)
	return series
}

// counts says whether a series is of a counter or a histogram.
func counts(id string) bool {
	return regexp.MustCompile(`_(total|bucket|sum|count)\{`).MatchString(id)
}

// around are what others export of two simulators: the sidecars, a gateway, kube-state-metrics and dcgm-exporter.
func around() []string {
	var series []string
	for _, revision := range []string{"v1", "v2"} {
		l := load{revision: revision}
		series = append(series, l.counter("istio_requests_total", `reporter="destination", response_code="200", response_flags="-"`, 20))
		series = append(series, replicas("deployment", "m-"+revision+"-predictor", "1x400", "1x400")...)
	}
	series = append(series, refused("v2", 0), device(pod1, "0x400"))
	for _, metric := range []string{"DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_FB_USED"} {
		series = append(series, strings.Replace(device(pod1, "50x400"), "DCGM_FI_DEV_XID_ERRORS", metric, 1))
	}
	return series
}

// withoutData are the panels that stay empty over the simulator, and why.
func withoutData() map[string]string {
	return map[string]string{
		"Preemptions":  "the simulator has no blocks to take away, and so no vllm:num_preemptions_total",
		"Prefix cache": "it counts with --enable-kvcache only, and without the _total that vLLM's counters end in",
	}
}

// TestPanelsOverTheSimulator: each panel of the dashboard shows something, or is known not to.
func TestPanelsOverTheSimulator(t *testing.T) {
	var panels []panel
	objects := objectsOf(t, documents()["two"])
	for _, object := range objects {
		if object["kind"] == "ConfigMap" {
			panels = panelsOf(t, object)
		}
	}
	e := newEvaluation(t, ruleFile(t, objects), slices.Concat(simulated(t, "v1"), simulated(t, "v2"), around()))
	at := time.Unix(0, 0).Add(10 * time.Minute)
	graphs := 0
	e.series.WithSamplesTill(at, func(err error) {
		require.NoError(t, err)
		for _, p := range panels {
			for _, query := range p.Targets {
				graphs++
				answer := ask(t, e, inGraph(query.Expr), at)
				if why, empty := withoutData()[p.Title]; empty {
					assert.Empty(t, answer, "%s shows something after all: %s", p.Title, why)
					continue
				}
				assert.NotEmpty(t, answer, "%s: %s", p.Title, query.Expr)
				for _, sample := range answer {
					assert.False(t, math.IsNaN(sample.F), "%s: %s", p.Title, query.Expr)
				}
			}
		}
	})
	assert.Greater(t, graphs, 25)
}

func ask(t *testing.T, e *evaluation, expression string, at time.Time) promql.Vector {
	t.Helper()
	query, err := e.series.QueryEngine().NewInstantQuery(t.Context(), e.series.Queryable(), nil, expression, at)
	require.NoError(t, err, expression)
	defer query.Close()
	result := query.Exec(t.Context())
	require.NoError(t, result.Err, expression)
	vector, err := result.Vector()
	require.NoError(t, err)
	return slices.Clone(vector)
}

// TestRulesOverTheSimulator: all that is recorded has a value for each revision, and nothing fires: two of the same are not worse than
// each other.
func TestRulesOverTheSimulator(t *testing.T) {
	objects := objectsOf(t, documents()["two"])
	file := ruleFile(t, objects)
	e := newEvaluation(t, file, slices.Concat(simulated(t, "v1"), simulated(t, "v2"), around()))
	e.until(t, 45*time.Minute)
	assert.Empty(t, e.firing())
	_, recorded := expressions(t, objects)
	delete(recorded, "") // of alerts
	assert.Len(t, recorded, 11)
	for name := range recorded {
		answer := ask(t, e, name, time.Unix(0, 0).Add(45*time.Minute))
		assert.Len(t, answer, 2, name)
		for _, sample := range answer {
			assert.False(t, math.IsNaN(sample.F), name)
		}
	}
}

// TestPanelsDoNotOverlap: panels stand beside each other in Grafana's 24 columns, each with an id of its own.
func TestPanelsDoNotOverlap(t *testing.T) {
	for _, object := range objectsOf(t, documents()["two"]) {
		if object["kind"] != "ConfigMap" {
			continue
		}
		taken, ids := map[[2]int]string{}, map[int]bool{}
		for _, p := range panelsOf(t, object) {
			assert.False(t, ids[p.ID], p.Title)
			ids[p.ID] = true
			assert.LessOrEqual(t, p.GridPos.X+p.GridPos.W, 24, p.Title)
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					assert.Empty(t, taken[[2]int{x, y}], p.Title)
					taken[[2]int{x, y}] = p.Title
				}
			}
		}
	}
}
