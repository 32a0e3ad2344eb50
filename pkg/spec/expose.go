package spec

import (
	"fmt"
	"net"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Values of expose.api.
const (
	APIIstio   = "istio"
	APIGateway = "gateway"
	APIKServe  = "kserve"
)

// defaultGatewayClass is the class that istiod makes: https://istio.io/latest/docs/tasks/traffic-management/ingress/gateway-api/
const defaultGatewayClass = "istio"

// What an HTTPRoute has room for, in its lists and in characters (gateway-api: apis/v1/httproute_types.go).
const (
	maxHostnames   = 16
	maxRules       = 16
	maxBackends    = 16
	maxPath        = 1024
	maxHeaderName  = 256
	maxHeaderValue = 4096
)

// routePath is what an HTTPRoute matches as a prefix (gateway-api: apis/v1/httproute_types.go, HTTPPathMatch).
var routePath = regexp.MustCompile(`^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+$`)

func (r *resolver) checkExpose() {
	e := r.spec.Expose
	if e == nil {
		return
	}
	r.enum("spec.expose.api", &e.API, APIIstio, APIIstio, APIGateway, APIKServe)
	r.checkQualified("spec.expose.gateway", e.Gateway)
	switch e.API {
	case APIKServe:
		r.checkKServeRoutes(e)
	case APIGateway:
		r.checkHosts(e)
		r.checkGatewayAPI(e)
	default:
		r.checkHosts(e)
		r.checkIstioGateway(e)
	}
	if e.GatewayServiceAccount != "" && len(validation.IsDNS1123Subdomain(e.GatewayServiceAccount)) > 0 {
		r.failf("spec.expose.gatewayServiceAccount", "%q is not a service account's name; its namespace is that of the gateway", e.GatewayServiceAccount)
	}
	if e.Path != "" && (!strings.HasPrefix(e.Path, "/") || !strings.HasSuffix(e.Path, "/") || e.Path == "/" || strings.ContainsAny(e.Path, " ?#")) {
		r.failf("spec.expose.path", "%q must begin and end with / and have a name between, for example /deepseek/", e.Path)
	}
	if e.Path != "" && e.Header != nil {
		r.failf("spec.expose.header", "path and header are two ways to select a model; keep one")
	}
	r.checkHeader("spec.expose.header", e.Header)
	if e.ModelList {
		r.checkModelList(e)
	}
	if e.RevealRevision && e.API == APIKServe {
		r.failf("spec.expose.revealRevision", "KServe makes the routes, and gives their answers no header; leave revealRevision out, or set spec.expose.api: istio or gateway")
	}
}

// RevisionHeader is the response header that says which revision answered, where spec.expose.revealRevision is set.
const RevisionHeader = "x-llm-revision"

// checkModelList: the gateway answers by itself, before any pod is asked.
func (r *resolver) checkModelList(e *Expose) {
	const path = "spec.expose.modelList"
	switch {
	case e.OfGatewayAPI():
		r.failf(path, "the Gateway API has no answer that a gateway gives by itself; ask each model at its own path or with its header, or set spec.expose.api: istio")
	case e.Path == "" && e.Header == nil:
		r.failf(path, "the model has its hosts alone, and its server answers /v1/models there; leave modelList out, or give the model a path or a header")
	case r.spec.Security.JWT != nil:
		r.failf(path, "the gateway answers the list without asking for a token, and spec.security.jwt wants one of everybody; leave one of them out")
	}
}

// OfGatewayAPI reports whether the gateway is one of the Gateway API.
func (e *Expose) OfGatewayAPI() bool { return e.API == APIGateway || e.API == APIKServe }

// checkHosts wants at least one name that clients call.
func (r *resolver) checkHosts(e *Expose) {
	if len(e.Hosts) == 0 {
		r.failf("spec.expose.hosts", "is missing; at least one host name that clients call")
	}
	seen := map[string]bool{}
	for i, host := range e.Hosts {
		path := fmt.Sprintf("spec.expose.hosts[%d]", i)
		if errs := validation.IsDNS1123Subdomain(strings.TrimPrefix(host, "*.")); len(errs) > 0 {
			r.failf(path, "%q is not a host name", host)
		}
		if seen[host] {
			r.failf(path, "host %q is listed already", host)
		}
		seen[host] = true
	}
}

// checkQualified wants namespace/name.
func (r *resolver) checkQualified(path, value string) {
	if value == "" {
		r.failf(path, "is missing; want namespace/name")
		return
	}
	namespace, name, ok := strings.Cut(value, "/")
	if !ok || !namespaceName.MatchString(namespace) || len(validation.IsDNS1123Subdomain(name)) > 0 {
		r.failf(path, "want namespace/name, got %q", value)
	}
}

// checkIstioGateway checks what a VirtualService cannot say.
func (r *resolver) checkIstioGateway(e *Expose) {
	if _, name, _ := strings.Cut(e.Gateway, "/"); strings.Contains(name, ".") {
		// A Gateway may be called that, and istiod refuses every VirtualService that names it (validateGatewayNames).
		r.failf("spec.expose.gateway", "no VirtualService can name gateway %q, for the dot; give the Gateway a name without one", e.Gateway)
	}
	if e.GatewayClass != "" {
		r.failf("spec.expose.gatewayClass", "Istio's Gateways have no class; set spec.expose.api: gateway, or leave it out")
	}
}

// checkGatewayAPI checks what an HTTPRoute cannot say.
func (r *resolver) checkGatewayAPI(e *Expose) {
	if e.GatewayClass == "" {
		e.GatewayClass = defaultGatewayClass
	}
	if len(validation.IsDNS1123Subdomain(e.GatewayClass)) > 0 {
		r.failf("spec.expose.gatewayClass", "%q is not the name of a GatewayClass", e.GatewayClass)
	}
	if len(e.Hosts) > maxHostnames {
		r.failf("spec.expose.hosts", "are %d, and an HTTPRoute has room for %d; use a wildcard such as *.example.com, or spec.expose.api: istio", len(e.Hosts), maxHostnames)
	}
	for i, host := range e.Hosts {
		if net.ParseIP(host) != nil {
			// The CRD's pattern takes it, and the API does not (apis/v1/shared_types.go, Hostname).
			r.failf(fmt.Sprintf("spec.expose.hosts[%d]", i), "an HTTPRoute takes no IP address; give %s a name", host)
		}
	}
	if e.Path != "" && (len(e.Path) > maxPath || !routePath.MatchString(e.Path) || hasDots(e.Path)) {
		r.failf("spec.expose.path", "%q is no prefix for an HTTPRoute: at most %d characters, percent-encoded but for letters, digits and -._~!$&'()*+,;=:@, without //, /./, /../ and %%2F", e.Path, maxPath)
	}
	running := max(len(r.spec.Traffic), 1)
	rules := 1
	if r.spec.Sticky != nil {
		rules += running
	}
	for i, t := range r.spec.Traffic {
		if t.Testers != nil {
			rules++
		}
		r.checkHeaderRoom(fmt.Sprintf("spec.traffic[%d].testers", i), t.Testers)
	}
	r.checkHeaderRoom("spec.expose.header", e.Header)
	if r.spec.Sticky != nil {
		r.checkHeaderRoom("spec.sticky", &HeaderMatch{Header: r.spec.Sticky.Header})
	}
	if rules > maxRules || running > maxBackends {
		r.failf("spec.traffic", "takes %d rules for %d revisions, and an HTTPRoute has room for %d and %d; run fewer revisions, or set spec.expose.api: istio", rules, running, maxRules, maxBackends)
	}
}

func hasDots(path string) bool {
	for _, part := range []string{"//", "/./", "/../", "%2f", "%2F"} {
		if strings.Contains(path, part) {
			return true
		}
	}
	return false
}

func (r *resolver) checkHeaderRoom(path string, h *HeaderMatch) {
	if h == nil {
		return
	}
	if len(h.Header) > maxHeaderName {
		r.failf(path+".header", "has %d characters, and an HTTPRoute has room for %d; choose a shorter name", len(h.Header), maxHeaderName)
	}
	if len(h.Value) > maxHeaderValue {
		r.failf(path+".value", "has %d characters, and an HTTPRoute has room for %d; choose a shorter value", len(h.Value), maxHeaderValue)
	}
}

// checkSelection: a rule for testers or buckets of a model that a header selects asks for both headers; of one name there
// can be only one.
func (r *resolver) checkSelection() {
	if r.spec.Expose == nil || r.spec.Expose.Header == nil {
		return
	}
	selects := r.spec.Expose.Header.Header
	for i, t := range r.spec.Traffic {
		if t.Testers != nil && t.Testers.Header == selects {
			r.failf(fmt.Sprintf("spec.traffic[%d].testers.header", i), "%s selects the model already (spec.expose.header); choose another header", selects)
		}
	}
	if r.spec.Sticky != nil && r.spec.Sticky.Header == selects {
		r.failf("spec.sticky.header", "%s selects the model already (spec.expose.header); choose another header", selects)
	}
}
