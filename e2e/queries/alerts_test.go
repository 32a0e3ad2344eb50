package queries

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func labelsNone() labels.Labels { return labels.EmptyLabels() }

// watched is a document with alerts and a dashboard, of what serves, on what, and more.
const watched = `apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: m, namespace: llm}
spec:
  serving: %s
  model: {id: deepseek-ai/DeepSeek-R1-Distill-Llama-8B, source: "pvc://models/m"}
  accelerator: %s
  runtime: {startupTimeout: 10m}
  monitoring: {alerts: {labels: {team: llm}}, dashboard: {}}
%s
  environments: [{name: dev}]
`

const (
	device8B      = "{type: a10g}"
	twoNodes      = "{type: h100, perReplica: 16, nodes: 2}"
	oneRevision   = "  replicas: {min: 1, max: 2}"
	twoRevisions  = "  replicas: {min: 1, max: 2}\n  revisions: [{name: v1}, {name: v2}]\n  traffic: [{revision: v1, weight: 90}, {revision: v2, weight: 10}]"
	goesToZero    = "  replicas: {min: 0, max: 2}\n  scaling: {type: keda}\n  expose: {hosts: [llm.example.com], gateway: istio-ingress/llm}"
	fixedReplicas = "  replicas: {min: 1}"
)

func documentOf(serving, accelerator, more string) string {
	return fmt.Sprintf(watched, serving, accelerator, more)
}

// documents by the name that cases have for them.
func documents() map[string]string {
	return map[string]string{
		"one":    documentOf("InferenceService", device8B, oneRevision),
		"two":    documentOf("InferenceService", device8B, twoRevisions),
		"zero":   documentOf("InferenceService", device8B, goesToZero),
		"llm":    documentOf("LLMInferenceService", device8B, fixedReplicas),
		"groups": documentOf("LeaderWorkerSet", twoNodes, fixedReplicas),
	}
}

// situation is what Prometheus sees of a model for some time, and which alerts fire at its end: those and no others.
type situation struct {
	document string
	series   [][]string
	lasts    time.Duration
	firing   []string
	// spared are alerts that are near and don't fire.
	spared []string
}

const (
	revisionsWorse = "LLMRevisionFailsMore/warning"
	startsSlower   = "LLMRevisionStartsSlower/warning"
	streamsSlower  = "LLMRevisionStreamsSlower/warning"
	availability   = "LLMAvailabilityBurn/critical"
	availabilityLo = "LLMAvailabilityBurn/warning"
	firstToken     = "LLMTimeToFirstTokenBurn/critical"
	firstTokenLo   = "LLMTimeToFirstTokenBurn/warning"
	interToken     = "LLMInterTokenLatencyBurn/critical"
	interTokenLo   = "LLMInterTokenLatencyBurn/warning"
	down           = "LLMRevisionDown/critical"
	missing        = "LLMReplicasMissing/warning"
	blind          = "LLMMetricsMissing/warning"
	waiting        = "LLMRequestsWaiting/warning"
	cacheFull      = "LLMCacheFull/warning"
	preemptions    = "LLMPreemptions/warning"
	deviceError    = "LLMDeviceError/warning"
)

const (
	hour = time.Hour
	pod1 = "m-v1-predictor-7d9f8b6c54-abcde"
)

func of(loads ...load) []string {
	var series []string
	for _, l := range loads {
		series = append(series, l.series()...)
	}
	return series
}

// v1 is the only revision of most situations, healthy but for a change.
func v1(change func(l *load)) []string { return of(healthy("v1", 100).with(change)) }

// beside is v1, healthy, beside a v2 of a tenth of its requests.
func beside(change func(l *load)) []string {
	return of(healthy("v1", 100), healthy("v2", 10).with(change))
}

func same(*load) {}

func situations() map[string]situation {
	return map[string]situation{
		"all is well": {
			"two", [][]string{beside(same), replicas("deployment", "m-v1-predictor", "1x400", "1x400"), {device(pod1, "0x400")}}, hour, nil,
			[]string{availability, availabilityLo, firstToken, firstTokenLo, interToken, interTokenLo, revisionsWorse, startsSlower, streamsSlower, down, missing, blind, waiting, cacheFull, preemptions, deviceError},
		},
		"nobody asks": {"two", [][]string{of(healthy("v1", 0), healthy("v2", 0))}, hour, nil, []string{availability, firstToken, interToken, preemptions}},
		"a tenth fails": {
			"one", [][]string{v1(func(l *load) { l.failed = 11 })}, hour, []string{availability, availabilityLo}, []string{revisionsWorse},
		},
		"one in thirty fails, for hours": {
			"one", [][]string{v1(func(l *load) { l.failed = 4 })}, hour, []string{availability, availabilityLo}, nil,
		},
		"one in a hundred fails":  {"one", [][]string{v1(func(l *load) { l.failed = 1 })}, hour, []string{availabilityLo}, []string{availability}},
		"one in a thousand fails": {"one", [][]string{of(healthy("v1", 1000).with(func(l *load) { l.failed = 1 }))}, hour, nil, []string{availabilityLo}},
		"a few of very few fail":  {"one", [][]string{of(load{revision: "v1"}), {`istio_requests_total{` + (load{revision: "v1"}).pod() + `, reporter="destination", response_code="500"} 0x40 5x360`}}, hour, nil, []string{availability, availabilityLo}},
		"failed until forty minutes ago": {
			"one", [][]string{v1(same), {`istio_requests_total{` + (load{revision: "v1"}).pod() + `, reporter="destination", response_code="500"} 0+30x80 2400x320`}}, hour,
			[]string{availabilityLo}, []string{availability},
		},
		"nobody answers, says the gateway":               {"one", [][]string{v1(func(l *load) { l.answered = 0 }), {refused("v1", 10)}}, hour, []string{availability, availabilityLo}, nil},
		"another model's revision, says the gateway":     {"one", [][]string{v1(same), {refused("x-v1", 100)}}, hour, nil, []string{availability, availabilityLo}},
		"asleep on purpose, and somebody asks":           {"zero", [][]string{{refused("v1", 10)}, replicas("deployment", "m-v1-predictor", "0x400", "0x400")}, hour, nil, []string{availability, availabilityLo, down, missing, blind}},
		"woken a minute ago":                             {"zero", [][]string{{refused("v1", 10)}, replicas("deployment", "m-v1-predictor", "0x236 1x160", "0x400")}, hour, nil, []string{down, missing}},
		"woken, and never ready":                         {"zero", [][]string{replicas("deployment", "m-v1-predictor", "0x100 1x300", "0x400")}, hour, []string{down + " v1"}, nil},
		"nine in ten first tokens are late":              {"one", [][]string{v1(func(l *load) { l.first, l.late = 10, 90 })}, hour, []string{firstToken, firstTokenLo}, nil},
		"a tenth of the first tokens is late":            {"one", [][]string{v1(func(l *load) { l.first, l.late = 90, 10 })}, hour, []string{firstTokenLo}, []string{firstToken}},
		"one in fifty first tokens is late":              {"one", [][]string{v1(func(l *load) { l.first, l.late = 98, 2 })}, hour, nil, []string{firstTokenLo}},
		"first tokens just in time":                      {"one", [][]string{v1(func(l *load) { l.firstAt = "2.5" })}, hour, nil, []string{firstToken, firstTokenLo}},
		"nine in ten tokens are late":                    {"one", [][]string{v1(func(l *load) { l.tokens, l.lateTokens = 1000, 9000 })}, hour, []string{interToken, interTokenLo}, nil},
		"a tenth of the tokens is late":                  {"one", [][]string{v1(func(l *load) { l.tokens, l.lateTokens = 9000, 1000 })}, hour, []string{interTokenLo}, []string{interToken}},
		"one in fifty tokens is late":                    {"one", [][]string{v1(func(l *load) { l.tokens, l.lateTokens = 9800, 200 })}, hour, nil, []string{interTokenLo}},
		"the new revision fails more":                    {"two", [][]string{beside(func(l *load) { l.answered, l.failed = 9, 1 })}, hour, []string{availabilityLo, revisionsWorse + " v2"}, []string{availability}},
		"the old revision fails more":                    {"two", [][]string{of(healthy("v1", 100).with(func(l *load) { l.failed = 4 }), healthy("v2", 10))}, hour, []string{availability, availabilityLo, revisionsWorse + " v1"}, nil},
		"both fail":                                      {"two", [][]string{of(healthy("v1", 100).with(func(l *load) { l.failed = 11 }), healthy("v2", 100).with(func(l *load) { l.failed = 12 }))}, hour, []string{availability, availabilityLo}, []string{revisionsWorse}},
		"the new revision fails, of too few requests":    {"two", [][]string{of(healthy("v1", 1000), healthy("v2", 0).with(func(l *load) { l.failed = 0 })), {`istio_requests_total{` + (load{revision: "v2"}).pod() + `, reporter="destination", response_code="500"} 0x120 9x280`}}, hour, nil, []string{revisionsWorse}},
		"the new revision starts slower":                 {"two", [][]string{beside(func(l *load) { l.firstAt = "2.5" })}, hour, []string{startsSlower + " v2"}, []string{firstToken}},
		"the new revision starts a little slower":        {"two", [][]string{of(healthy("v1", 100).with(func(l *load) { l.firstAt = "0.25" }), healthy("v2", 10).with(func(l *load) { l.firstAt = "0.3" }))}, hour, nil, []string{startsSlower}},
		"one that starts slowly is alone":                {"one", [][]string{v1(func(l *load) { l.firstAt = "2.5" })}, hour, nil, []string{startsSlower, streamsSlower, revisionsWorse}},
		"the new revision streams slower":                {"two", [][]string{beside(func(l *load) { l.tokenAt = "0.1" })}, hour, []string{streamsSlower + " v2"}, []string{interToken}},
		"the new revision streams slower, of hardly any": {"two", [][]string{of(healthy("v1", 1000), healthy("v2", 0).with(func(l *load) { l.tokens, l.tokenAt = 20, "0.1" }))}, hour, nil, []string{streamsSlower}},
		"no replica is left":                             {"one", [][]string{replicas("deployment", "m-v1-predictor", "2x400", "2x200 0x200")}, hour, []string{down + " v1"}, []string{missing}},
		"no replica is left, for a minute":               {"one", [][]string{replicas("deployment", "m-v1-predictor", "2x400", "2x235 0x165")}, hour, nil, []string{down}},
		"a new revision loads":                           {"two", [][]string{replicas("deployment", "m-v2-predictor", "_x220 2x180", "_x220 0x180")}, hour, nil, []string{down, missing}},
		"no LLMInferenceService is left":                 {"llm", [][]string{replicas("deployment", "m-v1-kserve", "1x400", "1x200 0x200")}, hour, []string{down + " v1"}, nil},
		"no group is left":                               {"groups", [][]string{replicas("statefulset", "m-v1", "1x400", "1x200 0x200"), replicas("statefulset", "m-v1-0", "1x400", "0x400")}, hour, []string{down + " v1"}, nil},
		"another model's replicas":                       {"one", [][]string{replicas("deployment", "m-x-v1-predictor", "2x400", "0x400")}, hour, nil, []string{down, missing}},
		"a replica has no node":                          {"one", [][]string{replicas("deployment", "m-v1-predictor", "2x400", "1x400")}, hour, []string{missing + " v1"}, []string{down}},
		"a replica comes up":                             {"one", [][]string{replicas("deployment", "m-v1-predictor", "1x200 2x200", "1x236 2x164")}, hour, nil, []string{missing}},
		"no metrics of vLLM":                             {"one", [][]string{v1(func(l *load) { l.silent = true })}, hour, []string{blind + " v1"}, nil},
		"requests wait":                                  {"one", [][]string{v1(func(l *load) { l.waiting = 11 })}, hour, []string{waiting + " v1"}, nil},
		"requests wait, and are scaled for":              {"one", [][]string{v1(func(l *load) { l.waiting = 10 })}, hour, nil, []string{waiting}},
		"the cache is full":                              {"one", [][]string{v1(func(l *load) { l.cache = 0.98 })}, hour, []string{cacheFull + " v1"}, nil},
		"the cache is used":                              {"one", [][]string{v1(func(l *load) { l.cache = 0.94 })}, hour, nil, []string{cacheFull}},
		"requests are preempted":                         {"one", [][]string{v1(func(l *load) { l.preempted = 20 })}, hour, []string{preemptions + " v1"}, nil},
		"some requests are preempted":                    {"one", [][]string{v1(func(l *load) { l.preempted = 9 })}, hour, nil, []string{preemptions}},
		"a device breaks":                                {"one", [][]string{v1(same), {device(pod1, "0x100 79x300")}}, hour, []string{deviceError + " v1"}, nil},
		"a device breaks, honoured labels":               {"one", [][]string{v1(same), {`DCGM_FI_DEV_XID_ERRORS{gpu="0", UUID="GPU-1", namespace="llm", pod="` + pod1 + `"} 48x400`}}, hour, []string{deviceError + " v1"}, nil},
		"a program breaks on a device":                   {"one", [][]string{v1(same), {device(pod1, "0x100 31x300")}}, hour, nil, []string{deviceError}},
		"a worker's device breaks":                       {"groups", [][]string{of(healthy("v1", 100)), {device("m-v1-0-3", "79x400")}}, hour, []string{deviceError + " v1"}, nil},
		"another group's device breaks":                  {"groups", [][]string{of(healthy("v1", 100)), {device("m-x-v1-0-3", "79x400"), device("m-v1-predictor-0", "79x400")}}, hour, nil, []string{deviceError}},
		"another pod's device breaks":                    {"one", [][]string{v1(same), {device("other", "79x400")}}, hour, nil, []string{deviceError}},
		"a device takes its pod away":                    {"one", [][]string{{fmt.Sprintf("up{%s} 1x200", healthy("v1", 1).pod()), device(pod1, "0x198 79x200")}}, hour, []string{deviceError + " v1"}, nil},
	}
}

// TestSituations: the rules as rendered, in Prometheus' own engine.
func TestSituations(t *testing.T) {
	files := map[string]string{}
	for name, document := range documents() {
		files[name] = ruleFile(t, objectsOf(t, document))
	}
	for name, s := range situations() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEvaluation(t, files[s.document], slices.Concat(s.series...))
			e.until(t, s.lasts)
			want := slices.Clone(s.firing)
			slices.Sort(want)
			assert.Equal(t, want, e.firing())
		})
	}
}

// TestEveryAlertHasBothCases: each rendered alert fires somewhere above, and somewhere is near and doesn't.
func TestEveryAlertHasBothCases(t *testing.T) {
	fires, spared := map[string]bool{}, map[string]bool{}
	for name, s := range situations() {
		for _, alert := range s.firing {
			alert, _, _ = strings.Cut(alert, " ")
			fires[alert] = true
			assert.NotContains(t, s.spared, alert, name)
		}
		for _, alert := range s.spared {
			spared[alert] = true
		}
	}
	rendered := map[string]bool{}
	for _, document := range documents() {
		for _, alert := range newEvaluation(t, ruleFile(t, objectsOf(t, document)), []string{"up 1"}).alerts() {
			rendered[nameOf(alert)] = true
			assert.Equal(t, "llm", alert.Labels().Get("team"), alert.Name())
			assert.Equal(t, "m", alert.Labels().Get("kservegen_dev_model"), alert.Name())
			for _, annotation := range []string{"summary", "description", "runbook_url"} {
				assert.NotEmpty(t, alert.Annotations().Get(annotation), alert.Name())
			}
		}
	}
	require.Len(t, rendered, 16)
	assert.Equal(t, slices.Sorted(maps.Keys(rendered)), slices.Sorted(maps.Keys(fires)), "alerts with a case that fires")
	assert.Equal(t, slices.Sorted(maps.Keys(rendered)), slices.Sorted(maps.Keys(spared)), "alerts with a case that doesn't")
}
