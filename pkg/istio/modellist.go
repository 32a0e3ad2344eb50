package istio

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
	clientv1 "istio.io/client-go/pkg/apis/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// listed is a model as vLLM lists it (vllm: entrypoints/openai/protocol.py, ModelCard), and how it is chosen on this host.
type listed struct {
	ID      string            `json:"id"`
	Object  string            `json:"object"`
	Created int64             `json:"created"` // seconds since 1970; 0, since a tree is the same on every day
	OwnedBy string            `json:"owned_by"`
	BaseURL string            `json:"base_url"`
	Headers map[string]string `json:"headers,omitempty"`
}

// ModelLists make the gateways answer GET /v1/models of each host with the models there that want to be listed. Envoy
// answers by itself: istiod lets it send 1 MiB (pilot/pkg/networking/core/route/route.go), and no pod is asked.
func ModelLists(targets []spec.Target, labels map[string]string) []manifest.Object {
	type place struct{ gateway, host string }
	lists := map[place][]spec.Target{}
	for _, t := range targets {
		if !t.ListsModel() {
			continue
		}
		for _, host := range t.Expose.Hosts {
			at := place{t.Expose.Gateway, host}
			lists[at] = append(lists[at], t)
		}
	}
	objects := make([]manifest.Object, 0, len(lists))
	for at, models := range lists {
		objects = append(objects, modelList(at.gateway, at.host, models, labels))
	}
	slices.SortFunc(objects, func(a, b manifest.Object) int { return cmp.Compare(a.File, b.File) })
	return objects
}

func modelList(gateway, host string, models []spec.Target, labels map[string]string) manifest.Object {
	namespace, name, _ := strings.Cut(gateway, "/")
	vs := &clientv1.VirtualService{
		TypeMeta: metav1.TypeMeta{APIVersion: clientv1.SchemeGroupVersion.String(), Kind: "VirtualService"},
		ObjectMeta: metav1.ObjectMeta{
			Name: name + "-models-" + listName(host), Namespace: namespace, Labels: labels,
		},
	}
	vs.Spec.Hosts = []string{host}
	vs.Spec.Gateways = []string{gateway}
	vs.Spec.Http = []*networking.HTTPRoute{{
		Name: "models",
		Match: []*networking.HTTPMatchRequest{{
			Uri: exact(spec.ModelListPath), Method: exact("GET"), WithoutHeaders: selecting(models),
		}},
		DirectResponse: &networking.HTTPDirectResponse{
			Status: 200, Body: &networking.HTTPBody{Specifier: &networking.HTTPBody_String_{String_: listOf(models)}},
		},
		Headers: &networking.Headers{Response: &networking.Headers_HeaderOperations{Set: map[string]string{"content-type": "application/json"}}},
	}}
	return manifest.Object{
		File: "virtualservice-" + namespace + "-" + vs.Name, Typed: vs,
		Comments: manifest.Comments{
			Head: "The models of " + host + ", for GET /v1/models. It says what the documents say, not what is up: the gateway answers it by itself.",
		},
	}
}

// listName is a name for a host that no other host has; no object can be called by a star.
func listName(host string) string {
	if domain, ok := strings.CutPrefix(host, "*."); ok {
		return "under-" + domain
	}
	return "at-" + host
}

// selecting are the headers that choose a model: a request that has one is answered by that model's server.
func selecting(models []spec.Target) map[string]*networking.StringMatch {
	headers := map[string]*networking.StringMatch{}
	for _, t := range models {
		if t.Expose.Header != nil {
			headers[t.Expose.Header.Header] = &networking.StringMatch{} // whatever its value
		}
	}
	return headers
}

// listOf is the answer, in the form of OpenAI's API.
func listOf(models []spec.Target) string {
	list := struct {
		Object string   `json:"object"`
		Data   []listed `json:"data"`
	}{Object: "list"}
	for _, t := range models {
		card := listed{ID: t.ServedName, Object: "model", OwnedBy: "vllm", BaseURL: t.Expose.Path + "v1"}
		if h := t.Expose.Header; h != nil {
			card.BaseURL, card.Headers = "/v1", map[string]string{h.Header: h.Value}
		}
		list.Data = append(list.Data, card)
	}
	slices.SortFunc(list.Data, func(a, b listed) int { return cmp.Compare(a.ID, b.ID) })
	body, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		panic(err) // only strings and numbers are in there
	}
	return string(body) + "\n"
}
