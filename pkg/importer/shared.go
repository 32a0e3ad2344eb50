package importer

import (
	"encoding/json"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// quota infers spec.quota from the namespace's ResourceQuota, nil where none is about the model's accelerators.
func (s *scene) quota() map[string]any {
	var quota map[string]any
	s.each("ResourceQuota", "v1", func(r *manifest.Resource) {
		if devices := s.quotaOf(r); devices != nil && quota == nil {
			quota = map[string]any{"devices": devices}
		}
	})
	return quota
}

// quotaOf is what a ResourceQuota allows of the model's accelerators, nil where it says nothing of them.
func (s *scene) quotaOf(r *manifest.Resource) any {
	spec := fields(r.Data["spec"])
	if r.Namespace() != s.workloads[0].object.Namespace() || spec["scopes"] != nil || spec["scopeSelector"] != nil {
		return nil
	}
	for name, hard := range fields(spec["hard"]) {
		if device, ok := strings.CutPrefix(name, "requests."); ok && s.usesDevice(device) {
			if devices, err := resource.ParseQuantity(text(quantity(hard))); err == nil && devices.Value() > 0 {
				return devices.Value()
			}
		}
	}
	return nil
}

func (s *scene) usesDevice(device string) bool {
	return slices.ContainsFunc(s.workloads, func(w *workload) bool {
		name, _ := w.deviceResource()
		return name == device
	})
}

// card is a model in a list that a gateway answers by itself.
type card struct {
	ID string `json:"id"`
	// all of it, as it is compared
	text string
}

// listed says whether a VirtualService answers the list of models of the model's host by itself, and names the model in it.
func (s *scene) listed(r *manifest.Resource) bool { return s.cardIn(r) != nil }

// cardIn is the model's own entry in such a list, nil where it has none.
func (s *scene) cardIn(r *manifest.Resource) *card {
	if s.route == nil || isHTTPRoute(s.route) || !s.atGateway(r) || !slices.ContainsFunc(texts(dig(r.Data, "spec", "hosts")), s.hasHost) {
		return nil
	}
	for _, rule := range items(dig(r.Data, "spec", "http")) {
		var list struct {
			Data []json.RawMessage `json:"data"`
		}
		if json.Unmarshal([]byte(text(dig(rule, "directResponse", "body", "string"))), &list) != nil {
			continue
		}
		for _, entry := range list.Data {
			c := &card{text: string(entry)}
			if json.Unmarshal(entry, c) == nil && c.ID == s.workloads[0].servedName() {
				return c
			}
		}
	}
	return nil
}

func (s *scene) hasHost(host string) bool { return slices.Contains(s.hosts(), host) }

func (s *scene) atGateway(r *manifest.Resource) bool {
	return slices.ContainsFunc(texts(dig(r.Data, "spec", "gateways")), func(name string) bool {
		return qualified("gateways", name, r.Namespace()) == s.gateway()
	})
}

// lists says that the gateway names the model in a list.
func (s *scene) lists() bool {
	found := false
	s.each("VirtualService", "networking.istio.io/", func(r *manifest.Resource) { found = found || s.listed(r) })
	return found
}

// nameList leaves of a list what it says of the model: the others have documents of their own.
func (s *scene) nameList(r *manifest.Resource, spec map[string]any) {
	own := s.cardIn(r)
	for _, rule := range items(spec["http"]) {
		if body := fields(dig(rule, "directResponse", "body")); body["string"] != nil {
			body["string"] = own.text
		}
	}
}
