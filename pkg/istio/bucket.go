package istio

import (
	"cmp"
	_ "embed" // the scripts
	"fmt"
	"slices"
	"strings"

	extensions "istio.io/api/extensions/v1alpha1"
	apitype "istio.io/api/type/v1beta1"
	clientv1 "istio.io/client-go/pkg/apis/extensions/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

var (
	//go:embed lua/bucket.lua
	bucketScript string
	//go:embed lua/cookie.lua
	cookieScript string
	//go:embed lua/claim.lua
	claimScript string
	//go:embed lua/header.lua
	headerScript string
)

// Buckets make gateways write the bucket of a user into the requests of models that say where a user is found. They are in the
// namespaces of the gateways, and so belong to what documents share.
//
// A weighted cluster of Envoy can choose by a hash itself (use_hash_policy), but takes it from the load balancer's hash policy: a
// model would then have no choice but consistent hashing between the replicas of a revision, and the route no header by which
// istiod's own routes can be tested.
func Buckets(targets []spec.Target, labels map[string]string) []manifest.Object {
	var objects []manifest.Object
	for _, t := range targets {
		if t.WritesBucket() {
			objects = append(objects, bucketWriter(t, labels))
		}
	}
	slices.SortFunc(objects, func(a, b manifest.Object) int { return cmp.Compare(a.File, b.File) })
	return objects
}

// bucketWriter is called by model and namespace, with a dot, which neither can have.
func bucketWriter(t spec.Target, labels map[string]string) manifest.Object {
	namespace, gateway, _ := strings.Cut(t.Expose.Gateway, "/")
	extension := &clientv1.TrafficExtension{
		TypeMeta:   metav1.TypeMeta{APIVersion: clientv1.SchemeGroupVersion.String(), Kind: "TrafficExtension"},
		ObjectMeta: metav1.ObjectMeta{Name: t.Name + "." + t.Namespace, Namespace: namespace, Labels: labels},
	}
	at := map[string]string{
		"/spec/lua": "No phase: behind the gateway's own authentication, in front of the choice of a route.",
	}
	if t.Expose.OfGatewayAPI() {
		extension.Spec.TargetRefs = []*apitype.PolicyTargetReference{{Group: gatewayGroup, Kind: "Gateway", Name: gateway}}
	} else {
		extension.Spec.Selector = &apitype.WorkloadSelector{MatchLabels: gatewayPods()}
		at["/spec/selector"] = "The label of istioctl's and the demo's gateway; patch it in custom/ where yours has another."
	}
	extension.Spec.FilterConfig = &extensions.TrafficExtension_Lua{Lua: &extensions.LuaConfig{InlineCode: bucketCode(t)}}
	return manifest.Object{
		File: "trafficextension-" + namespace + "-" + extension.Name, Typed: extension,
		Comments: manifest.Comments{
			Head: "Writes the bucket of a user, 0 to 99, into " + t.Sticky.Header + " of requests to " + t.ServedName + ". What a client sends\nunder this name is taken off. Istio knows this kind since 1.31.",
			At:   at,
		},
	}
}

// bucketCode is the script with its settings in front.
func bucketCode(t spec.Target) string {
	quoted := make([]string, 0, len(t.Expose.Hosts))
	for _, host := range t.Expose.Hosts {
		quoted = append(quoted, luaString(host))
	}
	path, header := t.Expose.Path, ""
	if path == "" {
		path = "/"
	}
	if h := t.Expose.Header; h != nil {
		header = fmt.Sprintf(", header = %s, value = %s", luaString(h.Header), luaString(h.Value))
	}
	kind, name, script := "cookie", t.Sticky.From.Cookie, cookieScript
	switch {
	case t.Sticky.From.Claim != "":
		kind, name, script = "claim", t.Sticky.From.Claim, claimScript
	case t.Sticky.From.Header != "":
		kind, name, script = "header", t.Sticky.From.Header, headerScript
	}
	return fmt.Sprintf("local model = {hosts = {%s}, path = %s%s}\nlocal bucket = %s\nlocal from = {%s = %s}\n\n", strings.Join(quoted, ", "), luaString(path), header, luaString(t.Sticky.Header), kind, luaString(name)) +
		script + "\n" + bucketScript
}

// luaString quotes a text for Lua: what is no plain ASCII is an escape of three decimal digits.
func luaString(text string) string {
	var quoted strings.Builder
	quoted.WriteByte('"')
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			fmt.Fprintf(&quoted, "\\%03d", c)
		} else {
			quoted.WriteByte(c)
		}
	}
	quoted.WriteByte('"')
	return quoted.String()
}
