package cli

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const analyzed = "../../testdata/documents/canary.yaml"

// analyze runs the command on a Prometheus.
func analyze(t *testing.T, url string, flags ...string) (code int, out, said string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	args := append([]string{"canary", "analyze", "-f", analyzed, "--env", "production", "--prometheus", url, "--since", "1970-01-01T00:00:00Z", "--until", "1970-01-01T01:00:00Z"}, flags...)
	code = Main(t.Context(), args, Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr})
	return code, stdout.String(), stderr.String()
}

// prometheus answers each query as long as a model that serves: all counters grow, those of errors of v2 as told.
func prometheus(t *testing.T, errors int) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.FormValue("query")
		switch {
		case strings.Contains(query, "http_requests_total"):
			bad := 0
			if strings.Contains(query, `revision="v2"`) {
				bad = errors
			}
			matrix(w, map[string]int{`"status":"2xx"`: 200, `"status":"5xx"`: bad})
		case strings.Contains(query, "_bucket"):
			matrix(w, map[string]int{`"le":"0.1"`: 100, `"le":"0.25"`: 180, `"le":"0.5"`: 195, `"le":"+Inf"`: 200})
		case strings.Contains(query, "avg_over_time"):
			_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"matrix","result":[]}}`)
		default:
			matrix(w, map[string]int{`"finished_reason":"stop"`: 200})
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// matrix answers with counters that grow by some each minute of an hour, all by a part more or less than that.
func matrix(w io.Writer, series map[string]int) {
	dice, part := rand.New(rand.NewPCG(1, 1)), make([]float64, 61)
	for i := range part {
		part[i] = .8 + .4*dice.Float64()
	}
	var results []string
	for labels, each := range series {
		var values []string
		sum := 0
		for i, p := range part {
			values = append(values, fmt.Sprintf(`[%d,"%d"]`, 60*i, sum))
			sum += int(float64(each) * p)
		}
		results = append(results, fmt.Sprintf(`{"metric":{"pod":"a",%s},"values":[%s]}`, labels, strings.Join(values, ",")))
	}
	fmt.Fprintf(w, `{"status":"success","data":{"resultType":"matrix","result":[%s]}}`, strings.Join(results, ","))
}

func TestAnalyzeExitCodes(t *testing.T) {
	t.Parallel()
	ignore := []string{"--profile", "vllm", "--ignore", "itl-mean", "--ignore", "ttft-mean"}
	code, out, said := analyze(t, prometheus(t, 0), ignore...)
	assert.Equal(t, exitOK, code, out+said)
	assert.Contains(t, out, "PASS of v2 against v1")
	assert.Empty(t, said)

	code, out, said = analyze(t, prometheus(t, 40), append(ignore, "-o", "markdown")...)
	assert.Equal(t, exitFindings, code, out+said)
	assert.Contains(t, out, "### canary in production: FAIL of v2 against v1")
	assert.Contains(t, out, "- errors is 16.5 % and the baseline's 0 %, worse than by chance")
	assert.Empty(t, said)

	empty := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"matrix","result":[]}}`)
	}))
	defer empty.Close()
	code, out, _ = analyze(t, empty.URL, "-o", "json")
	assert.Equal(t, exitUndecided, code)
	assert.Contains(t, out, `"verdict": "not enough data"`)

	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "gone", http.StatusServiceUnavailable) }))
	defer broken.Close()
	code, out, said = analyze(t, broken.URL)
	assert.Equal(t, exitInternal, code)
	assert.Empty(t, out, "no report of what was not read")
	assert.Contains(t, said, "503")
}

func TestAnalyzeLimits(t *testing.T) {
	t.Parallel()
	url := prometheus(t, 0)
	code, _, said := analyze(t, url, "--profile", "vllm", "--slo", "ttft-p95=2")
	require.Equal(t, exitUsage, code)
	assert.Contains(t, said, "no boundary; it has [0.1 0.25 0.5]")
	code, out, _ := analyze(t, url, "--profile", "vllm", "--slo", "ttft-p95=0.1")
	require.Equal(t, exitFindings, code)
	assert.Contains(t, out, "ttft-p95 (limit) is 418.24ms, and may be at most 100ms")
}
