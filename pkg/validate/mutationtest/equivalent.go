package mutationtest

import (
	"reflect"
	"strings"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// equivalent says why a change that is not found is no mistake, in the words of the list; empty where it is one.
// Each reason is a default of the software that reads the field.
func equivalent(m mutant, original map[string]any) string {
	_, dropped := m.is.(gone)
	end := strings.LastIndexByte(m.place, '/')
	above, key := m.place[:max(0, end)], m.place[end+1:]
	switch {
	case key == "weight" && onlyOne(original, above):
		return "the only destination gets every request"
	case dropped && key == "matches" && reflect.DeepEqual(m.was, everything()):
		return "it is the default of the Gateway API's CRD"
	case dropped && key == "sidecar.istio.io~1rewriteAppHTTPProbers":
		return "Istio rewrites probes unless told not to"
	case dropped && key == "prometheus.io~1path" && m.was == "/metrics", dropped && key == "prometheus.io~1scrape" && injected(original):
		return "it is the default of Istio, which injects these pods"
	case dropped && strings.Contains(above, "/requests") && strings.HasSuffix(key, ".com~1gpu"):
		return "Kubernetes requests what is limited"
	case key == "type" && m.is == "Utilization" && strings.HasSuffix(above, "/pods/target"):
		return "the controller reads averageValue of a Pods metric, whatever the type"
	}
	return ""
}

// everything is what a rule of an HTTPRoute matches that says nothing.
func everything() any {
	return []any{map[string]any{"path": map[string]any{"type": "PathPrefix", "value": "/"}}}
}

// sameEffect is the reason where KServe makes the very same objects of the tree.
const sameEffect = "KServe makes the same of it"

// onlyOne says whether a route has one destination; the pointer is the destination's.
func onlyOne(object map[string]any, pointer string) bool {
	routes, _ := manifest.ValueAt(object, pointer[:max(0, strings.LastIndexByte(pointer, '/'))])
	list, _ := routes.([]any)
	return len(list) == 1
}

func injected(object map[string]any) bool {
	value, _ := manifest.ValueAt(object, "/spec/predictor/labels/sidecar.istio.io~1inject")
	return value == "true"
}
