package metrics

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/vllm"
)

// Profile is where the errors come from.
type Profile string

// Profiles.
const (
	// Istio is istio_requests_total, of those who call, or else of the model's own sidecars.
	Istio Profile = "istio"
	// Envoy is what an Envoy counts of its upstream cluster, with the labels that Istio's bootstrap gives: for an Envoy without
	// Istio's own filters.
	Envoy Profile = "envoy"
	// VLLM is what the server itself counts of its answers; requests that never reached it are not among them.
	VLLM Profile = "vllm"
)

// Profiles lists them.
func Profiles() []Profile { return []Profile{Istio, Envoy, VLLM} }

// Revision is one of the two, by what its series are known by.
type Revision struct {
	// Name of the revision, Model and Namespace of what it belongs to.
	Name, Model, Namespace string
	// Host is the full name of its Service.
	Host string
	// Copied is set where it, or the one that it is compared with, gets copies of requests, which no caller reports.
	Copied bool
	// Release of vLLM, nil where the image does not say: names are those of the newest one then.
	Release *vllm.Release
}

// Of is a revision of an environment. pinned gives the version that a runtime of the catalogue pins.
func Of(t spec.Target, r spec.RevisionTarget, pinned func(runtime string) (string, error)) (Revision, error) {
	found := Revision{
		Name: r.Name, Model: t.Name, Namespace: t.Namespace,
		Host:   fmt.Sprintf("%s.%s.svc.cluster.local", t.Predictor(r.Name), t.Namespace),
		Copied: r.Mirror > 0,
	}
	if r.Runtime.Name == "simulator" {
		return found, nil
	}
	release, ok, err := releaseOf(r.Runtime, pinned)
	if ok {
		found.Release = release
	}
	return found, err
}

func releaseOf(r spec.Runtime, pinned func(string) (string, error)) (*vllm.Release, bool, error) {
	if r.Image != "" {
		return vllm.FromImage(r.Image)
	}
	version := r.Version
	if version == "" {
		var err error
		if version, err = pinned(r.Name); err != nil {
			return nil, false, err
		}
	}
	return vllm.Find(version)
}

// names are those that a release has of what was called differently at different times, the newest first.
func (r Revision) names(candidates ...string) ([]string, error) {
	var found []string
	for _, name := range candidates {
		wrong, err := vllm.JudgeMetric(r.Release, name)
		if err != nil {
			return nil, err
		}
		if wrong == "" {
			found = append(found, name)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("revision %s: vLLM has none of %s", r.Name, strings.Join(candidates, ", "))
	}
	return found, nil
}

// pods are the matchers of the series of the revision's pods, by the labels that the PodMonitor copies.
func (r Revision) pods() string {
	label := func(name string) string { return strings.NewReplacer(".", "_", "/", "_").Replace(name) }
	return fmt.Sprintf("namespace=%q, %s=%q, %s=%q", r.Namespace, label(spec.ModelLabel), r.Model, label(spec.RevisionLabel), r.Name)
}

// own is a counter of the revision's pods, by a label beside the pod's name. Where a release has two names for one thing, the first
// is taken, and of pods that do not have it the second.
func (r Revision) own(suffix, by string, candidates ...string) (string, error) {
	names, err := r.names(candidates...)
	if err != nil {
		return "", err
	}
	each := make([]string, len(names))
	for i, name := range names {
		each[i] = fmt.Sprintf("sum by (%s) (vllm:%s%s{%s})", strings.TrimSuffix(podLabel+", "+by, ", "), name, suffix, r.pods())
	}
	return strings.Join(each, " or "), nil
}

// usage is a gauge of the revision's pods on average over them and a block.
func (r Revision) usage(block string, candidates ...string) (string, error) {
	names, err := r.names(candidates...)
	if err != nil {
		return "", err
	}
	each := make([]string, len(names))
	for i, name := range names {
		each[i] = fmt.Sprintf("avg(avg_over_time(vllm:%s{%s}[%s]))", name, r.pods(), block)
	}
	return strings.Join(each, " or "), nil
}

// podLabel tells counters of different processes apart: each begins at 0 when its pod does.
const podLabel = "pod"

// answers is the query of what was answered, and the label of what it was.
func (p Profile) answers(r Revision) (query, label string, err error) {
	switch p {
	case Istio:
		label = "response_code"
		return fmt.Sprintf("sum by (%s, reporter, %s) (istio_requests_total{destination_service=%s})", podLabel, label, strconv.Quote(r.Host)), label, nil
	case Envoy:
		label = "response_code_class"
		cluster := `outbound\|[0-9]+\|[^|]*\|` + regexp.QuoteMeta(r.Host) + ";?"
		return fmt.Sprintf(`sum by (%s, %s) (envoy_cluster_upstream_rq{cluster_name=~%s, %s=~".+"})`, podLabel, label, strconv.Quote(cluster), label), label, nil
	case VLLM:
		label = "status"
		return fmt.Sprintf(`sum by (%s, %s) (http_requests_total{%s, handler=~"/v1/.*"})`, podLabel, label, r.pods()), label, nil
	}
	return "", "", fmt.Errorf("%q is no profile; they are %v", p, Profiles())
}

// Known reports whether there is a profile of the name.
func (p Profile) Known() bool { return slices.Contains(Profiles(), p) }
