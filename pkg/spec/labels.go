package spec

import (
	"maps"
	"strings"
)

// Labels of our own. Policies, services and monitors select pods by them, so that models in one namespace
// never touch each other.
const (
	ModelLabel    = "kservegen.dev/model"
	RevisionLabel = "kservegen.dev/revision"
	// DownloadLabel is on the pods that download a model's weights, with the model's name. They have no ModelLabel: no
	// Service, policy or budget of the servers is about them.
	DownloadLabel = "kservegen.dev/download"
	// ChatLabel is on the pods of the chat's page, with the model's name. They have no ModelLabel either.
	ChatLabel = "kservegen.dev/chat"
)

// SidecarAnnotations of pods whose answers take long: the sidecar answers the kubelet's probes on their behalf, which STRICT refuses
// otherwise, and waits for streams to end.
func SidecarAnnotations() map[string]string {
	return map[string]string{
		"sidecar.istio.io/rewriteAppHTTPProbers": "true",
		"proxy.istio.io/config":                  `{"proxyMetadata": {"EXIT_ON_ZERO_ACTIVE_CONNECTIONS": "true"}}`,
	}
}

// KServeAnnotation says, on a ServingRuntime, which KServe runs: what is left to it depends on that. On an InferenceService
// KServe would copy it to the pods, and another release would replace them.
const KServeAnnotation = "kservegen.dev/kserve-version"

// Components, the value of app.kubernetes.io/component.
const (
	ComponentServer     = "model-server"
	ComponentRouting    = "routing"
	ComponentSecurity   = "security"
	ComponentMonitoring = "monitoring"
	ComponentScaling    = "scaling"
	ComponentSync       = "sync"
	ComponentDownload   = "download"
	ComponentChat       = "chat"
)

// Labels of an object that belongs to the model as a whole: the recommended ones
// (https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/) and the model's.
func (t Target) Labels(component string) map[string]string {
	return map[string]string{
		"app.kubernetes.io/name":       t.Name,
		"app.kubernetes.io/instance":   t.Name,
		"app.kubernetes.io/component":  component,
		"app.kubernetes.io/managed-by": "kservegen",
		ModelLabel:                     t.Name,
	}
}

// RevisionLabels of an object that belongs to one revision.
func (t Target) RevisionLabels(component, revision string) map[string]string {
	labels := t.Labels(component)
	labels["app.kubernetes.io/instance"] = t.Qualified(revision)
	labels[RevisionLabel] = revision
	return labels
}

// Selector of the pods of all revisions.
func (t Target) Selector() map[string]string { return map[string]string{ModelLabel: t.Name} }

// RevisionSelector of the pods of one revision.
func (t Target) RevisionSelector(revision string) map[string]string {
	selector := maps.Clone(t.Selector())
	selector[RevisionLabel] = revision
	return selector
}

// RoleLabel is on the pods of a group that answer requests, with the value RoleLeader.
const (
	RoleLabel  = "kservegen.dev/role"
	RoleLeader = "leader"
)

// LeaderSelector of the pods of one revision that answer requests where a group of pods is a replica.
func (t Target) LeaderSelector(revision string) map[string]string {
	selector := t.RevisionSelector(revision)
	selector[RoleLabel] = RoleLeader
	return selector
}

// SeriesLabel is what the Prometheus operator calls a label of pods on their series (sanitizeLabelName in its
// pkg/prometheus/promcfg.go).
func SeriesLabel(label string) string { return strings.NewReplacer(".", "_", "/", "_").Replace(label) }
