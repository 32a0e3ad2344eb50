package metrics

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/rollout/gate"
)

// TestHostileAnswers: whatever answers in Prometheus' place, or Prometheus itself when it is not well, is an error that says what
// came, and never a calm hour.
func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	matrix := func(result string) string {
		return fmt.Sprintf(`{"status":"success","data":{"resultType":"matrix","result":[%s]}}`, result)
	}
	for name, c := range map[string]struct {
		code       int
		body, want string
	}{
		"NaN":                    {200, matrix(`{"metric":{"pod":"a"},"values":[[0,"NaN"]]}`), "counts nothing"},
		"+Inf":                   {200, matrix(`{"metric":{"pod":"a"},"values":[[0,"+Inf"]]}`), "counts nothing"},
		"negative":               {200, matrix(`{"metric":{"pod":"a"},"values":[[0,"-1"]]}`), "counts nothing"},
		"not a number":           {200, matrix(`{"metric":{"pod":"a"},"values":[[0,"many"]]}`), "many"},
		"another time":           {200, matrix(`{"metric":{"pod":"a"},"values":[[7,"1"]]}`), "not asked for"},
		"a later time":           {200, matrix(`{"metric":{"pod":"a"},"values":[[600,"1"]]}`), "not asked for"},
		"no pod":                 {200, matrix(`{"metric":{},"values":[[0,"1"]]}`), "without the label pod"},
		"a native histogram":     {200, matrix(`{"metric":{"pod":"a"},"histograms":[[0,{"count":"1","sum":"1","buckets":[]}]]}`), "native histogram"},
		"a vector":               {200, `{"status":"success","data":{"resultType":"vector","result":[]}}`, "no matrix"},
		"a scalar":               {200, `{"status":"success","data":{"resultType":"scalar","result":[0,"1"]}}`, "no matrix"},
		"a string":               {200, `{"status":"success","data":{"resultType":"string","result":[0,"x"]}}`, "string"},
		"no type":                {200, `{"status":"success","data":{}}`, "unexpected value type"},
		"a page":                 {200, `<html>Log in</html>`, "bad_response"},
		"nothing":                {200, ``, "bad_response"},
		"half an answer":         {200, `{"status":"success","data":{"resultType":"matrix","result":[{"met`, "bad_response"},
		"a refusal":              {200, `{"status":"error","errorType":"bad_data","error":"parse error"}`, "parse error"},
		"a bad query":            {400, `{"status":"error","errorType":"bad_data","error":"parse error"}`, "parse error"},
		"too much":               {422, `{"status":"error","errorType":"execution","error":"too many samples"}`, "too many samples"},
		"a timeout":              {503, `{"status":"error","errorType":"timeout","error":"query timed out"}`, "timed out"},
		"not ready":              {503, `Service Unavailable`, "503"},
		"no such path":           {404, `nothing here`, "404"},
		"an incomplete answer":   {200, `{"status":"success","warnings":["a store is down"],"data":{"resultType":"matrix","result":[]}}`, "a store is down"},
		"a proxy without target": {502, `<html>Bad Gateway</html>`, "502"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.code)
				_, _ = w.Write([]byte(c.body))
			}))
			defer server.Close()
			from, err := Access{URL: server.URL}.Dial()
			require.NoError(t, err)
			_, err = reader{from, span()}.counters(t.Context(), "up")
			require.Error(t, err)
			assert.Contains(t, err.Error(), c.want)
			_, err = Read(t.Context(), from, Istio, Pair{Revision{Name: "v1"}, Revision{Name: "v2"}}, span())
			require.ErrorContains(t, err, "revision v1")
		})
	}
}

func TestSlowAnswers(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, answered(ctx, t, Access{URL: server.URL}), context.DeadlineExceeded)
}

// TestCopies: while one of the two gets copies of requests, which callers do not count, both are counted by their own sidecars, and
// testers' requests, which callers do count, do not hide that.
func TestCopies(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.FormValue("query")
		if !strings.HasPrefix(query, "sum by (pod, reporter") {
			_, _ = w.Write([]byte(nothing))
			return
		}
		var series []string
		for reporter, each := range map[string]int{"source": 1, "destination": 10} {
			var values []string
			for i := range span().Blocks + 1 {
				at := span().Start.Add(time.Duration(i) * span().Block).Unix()
				values = append(values, fmt.Sprintf(`[%d, "%d"]`, at, i*each))
			}
			series = append(series, fmt.Sprintf(`{"metric": {"pod": "p", "reporter": %q, "response_code": "500"}, "values": [%s]}`, reporter, strings.Join(values, ", ")))
		}
		_, _ = fmt.Fprintf(w, `{"status": "success", "data": {"resultType": "matrix", "result": [%s]}}`, strings.Join(series, ", "))
	}))
	defer server.Close()
	from, err := Access{URL: server.URL}.Dial()
	require.NoError(t, err)
	for _, copied := range []bool{false, true} {
		pair := Pair{Revision{Name: "v1", Host: "m-v1"}, Revision{Name: "v2", Host: "m-v2", Copied: copied}}
		read, err := Read(t.Context(), from, Istio, pair, span())
		require.NoError(t, err)
		want := gate.Count{Events: 1, Of: 1}
		if copied {
			want = gate.Count{Events: 10, Of: 10}
		}
		assert.Equal(t, want, read.Data.Blocks[0].Baseline.Errors)
		assert.Equal(t, want, read.Data.Blocks[0].Canary.Errors)
		assert.Equal(t, copied, len(read.Notes) == 1 && strings.Contains(read.Notes[0], "copies of requests"), read.Notes)
	}
}

// TestNoSeries: a Prometheus that has nothing is no error, and there is a note of what was looked for.
func TestNoSeries(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(nothing)) }))
	defer server.Close()
	from, err := Access{URL: server.URL}.Dial()
	require.NoError(t, err)
	read, err := Read(t.Context(), from, Envoy, Pair{Revision{Name: "v1", Host: "m-v1"}, Revision{Name: "v2", Host: "m-v2"}}, span())
	require.NoError(t, err)
	require.NoError(t, read.Data.Check())
	require.Len(t, read.Notes, 2)
	assert.Contains(t, read.Notes[1], "envoy_cluster_upstream_rq")
	for _, block := range read.Data.Blocks {
		assert.Zero(t, block.Canary.Errors.Of)
		assert.Empty(t, block.Canary.TTFT.Buckets)
	}
}

func TestIncreases(t *testing.T) {
	t.Parallel()
	none := math.NaN()
	all := []samples{
		{model.Metric{"pod": "a", "code": "200"}, []float64{10, 15, 15, 2, none, none, 9}},
		{model.Metric{"pod": "a", "code": "503"}, []float64{none, 3, 4, none, none, 1, 1}},
		{model.Metric{"pod": "b", "code": "200"}, []float64{none, 7, 9, 9, 9, 9, 9}},
	}
	grown := increases(all)
	assert.Equal(t, []float64{5, 0, 2, 0, 0, 9}, grown[0].values, "began anew, was gone, and came back as another process whose other counter was there")
	assert.Equal(t, []float64{3, 1, 0, 0, 0, 0}, grown[1].values, "the first event counts where the pod was there, and not where it was not")
	assert.Equal(t, []float64{0, 2, 0, 0, 0, 0}, grown[2].values, "nobody knows since when it counts")
}

func TestBuckets(t *testing.T) {
	t.Parallel()
	bucket := func(le string, values ...float64) samples {
		return samples{model.Metric{"le": model.LabelValue(le)}, values}
	}
	_, err := cumulative([]samples{bucket("wide", 1)}, 1)
	require.ErrorContains(t, err, "no number")
	_, err = cumulative([]samples{bucket("0.5", 1)}, 1)
	require.ErrorContains(t, err, "+Inf")
	crooked, err := cumulative([]samples{bucket("0.5", 5), bucket("1.0", 3), bucket("+Inf", 6)}, 1)
	require.NoError(t, err)
	crooked.seconds = []float64{1}
	_, err = crooked.cut(0, []float64{.5, 1})
	require.ErrorContains(t, err, "different buckets")
	one, err := cumulative([]samples{bucket("0.5", 2), bucket("1.0", 3), bucket("+Inf", 6)}, 1)
	require.NoError(t, err)
	other, err := cumulative([]samples{bucket("0.5", 2), bucket("2", 3), bucket("+Inf", 6)}, 1)
	require.NoError(t, err)
	assert.Equal(t, []float64{.5}, common(one, other))
	assert.Equal(t, []float64{.5, 1}, common(one, histogram{}))
	one.seconds = []float64{4}
	cut, err := one.cut(0, common(one, other))
	require.NoError(t, err)
	assert.Equal(t, []float64{2, 4}, cut.Buckets)
	missing, err := histogram{}.cut(0, []float64{.5})
	require.NoError(t, err)
	assert.Empty(t, missing.Buckets, "a revision without series does not get the other's")
}
