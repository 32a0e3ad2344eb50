package queries

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"strings"
)

// traffic is what the pods of a revision count: so many requests between two scrapes, over 270 of them.
type traffic struct {
	perScrape float64
	// ttft and itl are so many times the usual ones.
	ttft, itl float64
	errors    float64
	// old metrics are those of vLLM 0.10.0.
	old bool
	// sidecars count, and no callers.
	sidecars bool
	// restart has one pod's processes begin anew in the middle.
	restart bool
}

func destination(w *traffic) { w.sidecars = true }
func failing(w *traffic)     { w.errors = .05 }

const collections = 270

// series are those of two pods and the gateway, in the words of promqltest's load; none where perScrape is negative.
func (w traffic) series(seed uint64, revision string) string {
	if w.perScrape < 0 {
		return ""
	}
	dice := rand.New(rand.NewPCG(seed, 1))
	all := map[string][]float64{}
	for _, pod := range []string{"a", "b"} {
		p := &process{dice: dice, w: w, revision: revision, pod: pod, counts: map[string]float64{}}
		for scrape := range collections {
			if w.restart && pod == "b" && scrape == collections/2 {
				p.counts = map[string]float64{}
			}
			p.step()
			for name, value := range p.counts {
				for len(all[name]) < scrape {
					all[name] = append(all[name], math.NaN())
				}
				all[name] = append(all[name], value)
			}
		}
	}
	var text strings.Builder
	for name, values := range all {
		fmt.Fprintf(&text, "  %s", name)
		for _, value := range values {
			if math.IsNaN(value) {
				text.WriteString(" _")
				continue
			}
			fmt.Fprintf(&text, " %g", value)
		}
		text.WriteByte('\n')
	}
	return text.String()
}

// process is one pod, its sidecar, and what the gateway counts of it.
type process struct {
	dice          *rand.Rand
	w             traffic
	revision, pod string
	counts        map[string]float64
}

func (p *process) add(name, labels string, n float64) {
	pod := fmt.Sprintf(`{namespace="llm", pod="m-%s-%s", kservegen_dev_model="m", kservegen_dev_revision=%q`, p.revision, p.pod, p.revision)
	if labels != "" {
		pod += ", " + labels
	}
	p.counts[name+pod+"}"] += n
}

func (p *process) step() {
	half := p.w.perScrape / 2
	n := max(0, int(math.Round(half+math.Sqrt(half)*p.dice.NormFloat64())))
	failed := 0
	for range n {
		if p.dice.Float64() < p.w.errors {
			failed++
		}
	}
	p.answered(n-failed, failed)
	itl, usage := "vllm:inter_token_latency_seconds", "vllm:kv_cache_usage_perc"
	if p.w.old {
		itl = "vllm:time_per_output_token_seconds"
	}
	first := p.observer("vllm:time_to_first_token_seconds", .001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5)
	between := p.observer(itl, .01, .025, .05, .075, .1, .15, .2, .3)
	queue := p.observer("vllm:request_queue_time_seconds", .3, .5, .8, 1)
	tokens, seconds := 0.0, 0.0
	for range n - failed {
		first(.15*p.w.ttft*math.Exp(.6*p.dice.NormFloat64()), 1)
		queue(.02*p.dice.ExpFloat64()*p.w.ttft, 1)
		each, count := .024*p.w.itl*math.Exp(.15*p.dice.NormFloat64()), math.Round(20+80*p.dice.Float64())
		between(each, count)
		tokens, seconds = tokens+count, seconds+each*count
	}
	for _, reason := range []string{"stop", "length", "abort"} {
		p.add("vllm:request_success_total", fmt.Sprintf(`finished_reason=%q`, reason), 0)
	}
	p.add("vllm:request_success_total", `finished_reason="stop"`, float64(n-failed))
	p.add("vllm:num_preemptions_total", "", 0)
	p.add("vllm:request_generation_tokens_sum", "", tokens)
	p.add("vllm:request_generation_tokens_count", "", float64(n-failed))
	p.add("vllm:request_decode_time_seconds_sum", "", seconds)
	p.add(usage, "", 0)
	for name := range p.counts {
		if strings.HasPrefix(name, usage) {
			p.counts[name] = .4 + .2*p.dice.Float64()
		}
	}
}

// answered counts in all the ways that there are. Where a code was not answered yet, it has no counter.
func (p *process) answered(good, bad int) {
	service := fmt.Sprintf(`m-%s-predictor.llm.svc.cluster.local`, p.revision)
	for code, n := range map[string]int{"200": good, "503": bad} {
		if n == 0 {
			continue
		}
		reporter, pod := "source", "gateway-"+p.pod
		if p.w.sidecars {
			reporter, pod = "destination", "m-"+p.revision+"-"+p.pod
		}
		p.counts[fmt.Sprintf(`istio_requests_total{reporter=%q, pod=%q, destination_service=%q, response_code=%q}`, reporter, pod, service, code)] += float64(n)
		cluster := "outbound|80||" + service + ";"
		p.counts[fmt.Sprintf(`envoy_cluster_upstream_rq{pod=%q, cluster_name=%q, response_code_class="%cxx"}`, "gateway-"+p.pod, cluster, code[0])] += float64(n)
		p.counts[fmt.Sprintf(`envoy_cluster_upstream_rq{pod=%q, cluster_name=%q, response_code=%q}`, "gateway-"+p.pod, cluster, code)] += float64(n)
		p.add("http_requests_total", fmt.Sprintf(`handler="/v1/chat/completions", method="POST", status="%cxx"`, code[0]), float64(n))
	}
}

// observer counts in the buckets of a histogram.
func (p *process) observer(name string, bounds ...float64) func(value, times float64) {
	labels := make([]string, len(bounds)+1)
	for i, b := range bounds {
		labels[i] = fmt.Sprintf(`le="%g"`, b)
	}
	labels[len(bounds)] = `le="+Inf"`
	for _, le := range labels {
		p.add(name+"_bucket", le, 0)
	}
	p.add(name+"_sum", "", 0)
	return func(value, times float64) {
		for i := sort.SearchFloat64s(bounds, value); i <= len(bounds); i++ {
			p.add(name+"_bucket", labels[i], times)
		}
		p.add(name+"_sum", "", value*times)
	}
}
