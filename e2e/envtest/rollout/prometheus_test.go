package rollout

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// prometheus answers range queries of counters that both revisions count up evenly, since the Unix epoch.
type prometheus struct {
	*httptest.Server
	// broken is since when half of v2's answers are errors, in Unix seconds; 0 for never.
	broken atomic.Int64
	// away makes it refuse to answer.
	away atomic.Bool
	// asked counts queries.
	asked atomic.Int64
}

func newPrometheus(t *testing.T) *prometheus {
	t.Helper()
	p := &prometheus{}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

// perSecond is how many requests a revision answers.
const perSecond = 2000

func (p *prometheus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.asked.Add(1)
	if p.away.Load() {
		http.Error(w, "gone", http.StatusServiceUnavailable)
		return
	}
	query := r.FormValue("query")
	start, end, step := seconds(r, "start"), seconds(r, "end"), seconds(r, "step")
	series := func(labels string, count func(at float64) float64) string {
		var values []string
		for at := start; at <= end+1e-6; at += step {
			values = append(values, fmt.Sprintf(`[%.3f,"%d"]`, at, int64(count(at))))
		}
		return fmt.Sprintf(`{"metric":{"pod":"a",%s},"values":[%s]}`, labels, strings.Join(values, ","))
	}
	share := func(of float64) func(float64) float64 {
		return func(at float64) float64 { return of * counted(at) }
	}
	var results []string
	switch {
	case strings.Contains(query, "http_requests_total"):
		bad := func(at float64) float64 {
			if since := p.broken.Load(); since > 0 && strings.Contains(query, `revision="v2"`) {
				return max(0, counted(at)-counted(float64(since))) / 2
			}
			return 0
		}
		results = []string{series(`"status":"2xx"`, share(1)), series(`"status":"5xx"`, bad)}
	case strings.Contains(query, "_bucket"):
		for le, of := range map[string]float64{"0.1": .5, "0.25": .9, "0.5": .975, "+Inf": 1} {
			results = append(results, series(`"le":"`+le+`"`, share(of)))
		}
	case strings.Contains(query, "avg_over_time"):
	default:
		results = []string{series(`"finished_reason":"stop"`, share(1))}
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"matrix","result":[`+strings.Join(results, ",")+`]}}`)
}

// counted is how many requests were answered until a time, with a little more or less in each second.
func counted(at float64) float64 {
	second := int64(at)
	dice := rand.New(rand.NewPCG(uint64(second), 1))
	return perSecond*(at-1.7e9) + 20*dice.Float64()
}

func seconds(r *http.Request, name string) float64 {
	text := r.FormValue(name)
	var number json.Number = json.Number(strings.TrimSuffix(text, "s"))
	value, err := strconv.ParseFloat(number.String(), 64)
	if err != nil {
		panic(fmt.Sprintf("%s=%q", name, text))
	}
	return value
}
