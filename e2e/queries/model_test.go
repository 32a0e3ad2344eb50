package queries

import (
	"fmt"
	"strings"
)

// load of one revision's only pod, in each 15 s, at the names of vLLM 0.33. The zero value is one that runs and is asked nothing.
type load struct {
	revision string
	// answered and failed are requests by what the sidecar saw.
	answered, failed int
	// first tokens come within firstAt, those that are late within lateAt; tokens within tokenAt or lateTokenAt. In seconds.
	first, late              int
	firstAt, lateAt          string
	tokens, lateTokens       int
	tokenAt, lateTokenAt     string
	waiting                  int
	cache                    float64
	preempted, finished      int
	silent, vanished, asleep bool
}

// healthy is a revision as it should be, of so many requests in 15 s.
func healthy(revision string, requests int) load {
	return load{
		revision: revision, answered: requests, first: requests, firstAt: "0.5", lateAt: "40.0",
		tokens: 100 * requests, tokenAt: "0.025", lateTokenAt: "0.3", waiting: 1, cache: 0.5, finished: requests,
	}
}

// with changes a load.
func (l load) with(change func(l *load)) load {
	change(&l)
	return l
}

// pod are the labels that the operator gives the series of the pod (TestLoad checks them against the rendered objects).
func (l load) pod() string {
	return fmt.Sprintf(`namespace="llm", pod="m-%s-predictor-7d9f8b6c54-abcde", kservegen_dev_model="m", kservegen_dev_revision=%q`, l.revision, l.revision)
}

const steps = 400

// series of the pod for a hundred minutes.
func (l load) series() []string {
	if l.asleep {
		return nil
	}
	own := []string{fmt.Sprintf("up{%s} 1x%d", l.pod(), steps)}
	own = append(own, l.counter("istio_requests_total", `reporter="destination", response_code="200", response_flags="-"`, l.answered))
	if l.failed > 0 {
		own = append(own, l.counter("istio_requests_total", `reporter="destination", response_code="503", response_flags="-"`, l.failed))
	}
	if l.silent {
		return own
	}
	const engine = `model_name="m", engine="0"`
	own = append(own,
		l.gauge("vllm:num_requests_running", engine, "2"), l.gauge("vllm:num_requests_waiting", engine, fmt.Sprint(l.waiting)),
		l.gauge("vllm:kv_cache_usage_perc", engine, fmt.Sprint(l.cache)), l.counter("vllm:num_preemptions_total", engine, l.preempted),
		l.counter("vllm:request_success_total", engine+`, finished_reason="stop"`, l.finished),
	)
	own = append(own, l.histogram("vllm:time_to_first_token_seconds", engine, l.first, l.firstAt, l.late, l.lateAt)...)
	return append(own, l.histogram("vllm:inter_token_latency_seconds", engine, l.tokens, l.tokenAt, l.lateTokens, l.lateTokenAt)...)
}

func (l load) gauge(name, labels, value string) string {
	return fmt.Sprintf("%s{%s, %s} %sx%d", name, l.pod(), labels, value, steps)
}

func (l load) counter(name, labels string, step int) string {
	return fmt.Sprintf("%s{%s, %s} 0+%dx%d", name, l.pod(), labels, step, steps)
}

// edges are some of vLLM's buckets, as it writes them.
func edges() []string {
	return strings.Fields("0.01 0.025 0.1 0.25 0.3 0.5 1.0 2.5 5.0 40.0 +Inf")
}

// histogram has some values in the bucket that ends at one edge, and the others at another.
func (l load) histogram(name, labels string, some int, at string, others int, otherAt string) []string {
	var list []string
	count := 0
	for _, edge := range edges() {
		if edge == at {
			count += some
		}
		if edge == otherAt {
			count += others
		}
		list = append(list, l.counter(name+"_bucket", labels+fmt.Sprintf(", le=%q", edge), count))
	}
	return append(list, l.counter(name+"_count", labels, some+others))
}

// replicas are what kube-state-metrics says of a revision's controller.
func replicas(kind, name, wanted, ready string) []string {
	metrics := map[string][2]string{
		"deployment":  {"kube_deployment_spec_replicas", "kube_deployment_status_replicas_available"},
		"statefulset": {"kube_statefulset_replicas", "kube_statefulset_status_replicas_ready"},
	}[kind]
	labels := fmt.Sprintf(`{namespace="llm", %s=%q, job="kube-state-metrics"} `, kind, name)
	return []string{metrics[0] + labels + wanted, metrics[1] + labels + ready}
}

// device is what dcgm-exporter says of the last Xid of a pod's GPU, with the labels that the operator gives the exporter's own pod.
func device(pod, xid string) string {
	return fmt.Sprintf(`DCGM_FI_DEV_XID_ERRORS{gpu="0", UUID="GPU-1", Hostname="node-1", namespace="gpu-operator", pod="nvidia-dcgm-exporter-1", exported_namespace="llm", exported_pod=%q} %s`, pod, xid)
}

// refused are requests that found no pod of a revision, as the gateway counts them, so many in 15 s.
func refused(revision string, step int) string {
	return fmt.Sprintf(`istio_requests_total{reporter="source", namespace="istio-ingress", pod="gateway-1", destination_service="m-%s-predictor.llm.svc.cluster.local", destination_service_name="m-%s-predictor", destination_service_namespace="llm", response_code="503", response_flags="UH"} 0+%dx%d`, revision, revision, step, steps)
}
