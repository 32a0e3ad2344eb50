package importer

import (
	"slices"
	"strconv"
	"strings"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// pageRole begins the roles of what belongs to the chat's page.
const pageRole = "chatpage"

// ofPage says whether an object is one of the page of a model of ours.
func (s *scene) ofPage(r *manifest.Resource) bool {
	if len(s.workloads) == 0 || !s.ours() {
		return false
	}
	w := s.workloads[0]
	return r.Namespace() == w.object.Namespace() && r.Name() == spec.Target{Name: w.model}.ChatName() &&
		text(dig(r.Data, "metadata", "labels", "app.kubernetes.io/component")) == spec.ComponentChat
}

// ofItsPage is an object of the page of a kind, nil where there is none.
func (s *scene) ofItsPage(kind, group string) *manifest.Resource {
	var found *manifest.Resource
	s.each(kind, group, func(r *manifest.Resource) {
		if s.ofPage(r) {
			found = r
		}
	})
	return found
}

// chat infers spec.chat from the page's pods and what is around them, nil where there is no page of ours.
func (s *scene) chat() map[string]any {
	page := s.ofItsPage("Deployment", "apps/")
	if page == nil {
		return nil
	}
	pod := dig(page.Data, "spec", "template", "spec")
	containers := items(dig(pod, "containers"))
	if len(containers) == 0 {
		return nil
	}
	flags := pageFlags(texts(dig(containers[0], "args")))
	chat := map[string]any{}
	put(chat, text(dig(containers[0], "image")), "image")
	put(chat, flags["listen-host"], "host")
	if perMinute, err := strconv.ParseInt(flags["requests-per-minute"], 10, 64); err == nil {
		put(chat, perMinute, "requestsPerMinute")
	}
	put(chat, orNil(s.pageReplicas(page)), "replicas")
	put(chat, orNil(s.signIn(flags, pageSecret(pod))), "signIn")
	return chat
}

// pageFlags are those of the page's program, which are all written with their values.
func pageFlags(args []string) map[string]string {
	flags := map[string]string{}
	for _, arg := range args {
		if name, value, joined := strings.Cut(strings.TrimPrefix(arg, "--"), "="); joined {
			flags[name] = value
		}
	}
	return flags
}

// pageSecret is the Secret that the page's pods mount, empty for none.
func pageSecret(pod any) string {
	for _, volume := range items(dig(pod, "volumes")) {
		if name := text(dig(volume, "secret", "secretName")); name != "" {
			return name
		}
	}
	return ""
}

// pageReplicas are those of the page's autoscaler, or else a fixed number. A base may have neither.
func (s *scene) pageReplicas(page *manifest.Resource) map[string]any {
	low := dig(page.Data, "spec", "replicas")
	high := low
	if scaler := s.ofItsPage("HorizontalPodAutoscaler", "autoscaling/"); scaler != nil {
		low, high = dig(scaler.Data, "spec", "minReplicas"), dig(scaler.Data, "spec", "maxReplicas")
	}
	replicas := map[string]any{}
	put(replicas, low, "min")
	put(replicas, high, "max")
	return replicas
}

// signIn infers how people sign in. Where the mesh has an issuer's keys from stands beside the pods.
func (s *scene) signIn(flags map[string]string, secret string) map[string]any {
	signIn := map[string]any{}
	if flags["users-file"] != "" {
		put(signIn, secret, "basic", "secret")
		return signIn
	}
	put(signIn, flags["oidc-issuer-url"], "oidc", "issuer")
	put(signIn, flags["oidc-client-id"], "oidc", "clientId")
	put(signIn, secret, "oidc", "secret")
	if scopes := flags["oidc-scopes"]; scopes != "" {
		put(signIn, anys(strings.Split(scopes, ",")), "oidc", "scopes")
	}
	if checks := s.ofItsPage("RequestAuthentication", "security.istio.io/"); checks != nil {
		for _, rule := range items(dig(checks.Data, "spec", "jwtRules")) {
			put(signIn, text(dig(rule, "jwksUri")), "oidc", "jwksUri")
			put(signIn, text(dig(rule, "jwks")), "oidc", "jwks")
		}
	}
	return signIn
}

// pageAccount is the identity of the pods of a page of ours, as namespace/name.
func (s *scene) pageAccount() string {
	w := s.workloads[0]
	return spec.Target{Name: w.model, Namespace: w.object.Namespace()}.ChatAccount()
}

// withoutPage leaves out the page's account among callers: the document does not name it.
func (s *scene) withoutPage(accounts []string) []string {
	if s.ofItsPage("Deployment", "apps/") == nil {
		return accounts
	}
	return slices.DeleteFunc(accounts, func(account string) bool { return account == s.pageAccount() })
}

// letsPageIn says whether policies of the model let a page in. In a base they do where its own objects are in overlays, for some
// environment has none.
func (s *scene) letsPageIn() bool {
	found := slices.Contains(s.principals(func(r *manifest.Resource) bool { return !isGateway(r) }), s.pageAccount())
	s.each("NetworkPolicy", "networking.k8s.io/", func(r *manifest.Resource) {
		for _, rule := range items(dig(r.Data, "spec", "ingress")) {
			for _, from := range items(dig(rule, "from")) {
				found = found || text(dig(from, "podSelector", "matchLabels", spec.ChatLabel)) == s.workloads[0].model
			}
		}
	})
	return found
}

// pageAs fills in what a base does not show of its page, by what environments have: all of it where its objects are in overlays, the
// replicas where an autoscaler of an overlay has their number.
func (d *draft) pageAs(s *scene, drafts []*draft) {
	for _, other := range drafts {
		theirs := fields(other.whole["chat"])
		replicas := fields(theirs["replicas"])
		switch page := fields(d.whole["chat"]); {
		case theirs == nil:
		case page == nil && s.letsPageIn():
			d.whole["chat"] = theirs
			security := fields(d.whole["security"])
			security["callers"] = slices.DeleteFunc(items(security["callers"]), func(caller any) bool {
				return dig(caller, "serviceAccount") == s.pageAccount()
			})
		case page != nil && page["replicas"] == nil && number(replicas["max"], 1) > number(replicas["min"], 1):
			page["replicas"] = replicas
		}
	}
}
