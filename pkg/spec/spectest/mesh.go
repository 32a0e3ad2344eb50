package spectest

import (
	"pgregory.net/rapid"

	"github.com/kservegen/kservegen/pkg/spec"
)

func (d *drawer) sticky() *node {
	if d.api == byKServe || !d.writes && !d.chance("sticky", 3) {
		return nil
	}
	if d.writes {
		return fields("from", pick(d, "from", fields("cookie", scalar(str, "session~id")), fields("header", scalar(str, "x-user"))))
	}
	return pick(d, "sticky", fields(), fields("header", scalar(str, "x-user-bucket")))
}

// mesh draws everything about who may call, how, and who watches; for spec or for an environment.
func (d *drawer) mesh(n *node, whole bool) {
	if d.expose && (whole || d.chance("expose here", 4)) {
		n.set("expose", d.exposed(whole))
	} else if !d.expose && !whole && d.chance("expose only here", 4) {
		n.set("expose", d.exposed(true))
	}
	if d.expose && !d.jwt && !d.writes && !whole && d.chance("not exposed here", 8) {
		n.set("expose", null())
	}
	d.talk(n, whole)
	if security := d.security(whole); security != nil && (whole || d.chance("security here", 4)) {
		n.set("security", security)
	}
	if scaling := orNil(d.scaling(whole)); scaling != nil {
		n.set("scaling", scaling)
	}
	if d.chance("monitoring", 4) {
		n.set("monitoring", d.monitoring())
	}
	if d.chance("platform", 4) {
		n.set("platform", fields("eks", d.eks()))
	}
	if d.from != unsynced && (whole || d.chance("synced otherwise here", 4)) {
		n.set("gitops", d.gitops(whole))
	}
	if d.from != unsynced && !whole && d.chance("not synced here", 8) {
		n.set("gitops", null())
	}
	if d.chance("quota", 4) {
		n.set("quota", fields("devices", scalar(raw, "auto"))) // a number is refused beside accelerators of two kinds
	}
	if d.chance("omit", 4) {
		n.set("omit", d.omit())
	}
}

// header has a name of its own for each thing that it is drawn for.
func (d *drawer) header(what string, names ...string) *node {
	name := pick(d, what+" header", names...)
	return fields("header", scalar(str, name), "value", scalar(str, value(d.t, what+" value")))
}

// exposed draws a gateway's view; an environment may change only a part of it.
func (d *drawer) exposed(whole bool) *node {
	e := fields()
	if whole || d.chance("hosts", 2) {
		hosts := rapid.Permutation([]string{"llm.example.com", "*.example.org", "a-b.c", "xn--bcher-kva.example"}).Draw(d.t, "hosts")
		list := items()
		for _, host := range hosts[:1+d.upTo("more hosts", 2)] {
			list.items = append(list.items, scalar(str, host))
		}
		e.set("hosts", list)
	}
	if whole || d.chance("gateway", 3) {
		e.set("gateway", scalar(str, pick(d, "gateway", "istio-ingress/llm", "a/b", "istio-system/gw-eu")))
	}
	if d.exposeBy == 1 && (whole || d.chance("path", 3)) {
		e.set("path", scalar(str, d.path()))
	}
	if d.exposeBy == 2 && (whole || d.chance("header", 3)) {
		e.set("header", d.header("expose", "x-model", "null", "x.y"))
	}
	d.route(e, whole)
	if d.api == byIstio && d.exposeBy != 0 && !d.jwt && d.chance("listed", 3) {
		e.set("modelList", scalar(raw, pick(d, "listed", "true", "false")))
	}
	if d.api != byKServe && d.chance("revealed", 3) {
		e.set("revealRevision", scalar(raw, pick(d, "revealed", "true", "false")))
	}
	if d.chance("tls", 3) {
		e.set("tlsSecret", scalar(str, pick(d, "tls", "llm-example-com", "no")))
	}
	if d.chance("gateway's account", 3) {
		e.set("gatewayServiceAccount", scalar(str, pick(d, "account", "istio-ingressgateway", "gw.eu", "on")))
	}
	return e
}

// path is one that every API of the document takes.
func (d *drawer) path() string {
	if d.api == byIstio {
		return pick(d, "path", "/deepseek/", "/a/b/", "/größe/")
	}
	return pick(d, "path", "/deepseek/", "/a/b/", "/gr%C3%B6%C3%9Fe/")
}

// route says which API routes requests. A class is said only where no environment can go back to Istio's API.
func (d *drawer) route(e *node, whole bool) {
	switch d.api {
	case byIstio:
		if d.chance("said", 4) {
			e.set("api", scalar(str, "istio"))
		}
	case byGatewayAPI:
		if whole || d.chance("said", 4) {
			e.set("api", scalar(str, "gateway"))
		}
		if d.chance("class", 3) {
			e.set("gatewayClass", scalar(str, pick(d, "class", "istio", "eg", "on")))
		}
	case byKServe:
		if whole || d.chance("said", 4) {
			e.set("api", scalar(str, "kserve"))
		}
	case byEither:
		if d.chance("said", 2) {
			e.set("api", scalar(str, pick(d, "api", "istio", "gateway")))
		}
	}
}

func (d *drawer) security(whole bool) *node {
	s := fields()
	if d.chance("mtls", 3) {
		s.set("mtls", scalar(str, pick(d, "mtls", "strict", "off")))
	}
	if d.chance("callers", 3) {
		accounts := rapid.Permutation([]string{"chat/chat-ui", "a/b", "batch/jobs.nightly"}).Draw(d.t, "callers")
		callers := items()
		for _, account := range accounts[:d.upTo("callers", 3)] {
			callers.items = append(callers.items, fields("serviceAccount", scalar(str, account)))
		}
		s.set("callers", callers)
	}
	if d.jwt && (whole || d.chance("jwt here", 2)) {
		s.set("jwt", d.token(whole))
	}
	return orNil(s)
}

func (d *drawer) token(whole bool) *node {
	j := fields()
	if whole || d.chance("issuer", 2) {
		j.set("issuer", scalar(str, pick(d, "issuer", "https://login.example.com", "https://login.example.com/realms/llm", "accounts")))
	}
	if d.chance("audiences", 2) {
		j.set("audiences", pick(d, "audiences", items(scalar(str, "llm")), items(scalar(str, "llm"), scalar(str, "1")), items()))
	}
	if d.keysBy == 1 {
		j.set("jwksUri", scalar(str, pick(d, "keys", "https://login.example.com/keys", "http://dex.dex:5556/keys")))
	}
	if d.keysBy == 2 {
		j.set("jwks", scalar(str, `{"keys": [{"kty": "RSA", "e": "AQAB", "n": "xAE7", "kid": "a"}]}`))
	}
	return j
}

func (d *drawer) scaling(whole bool) *node {
	s := fields()
	switch {
	case whole && d.hpa:
		s.set("type", scalar(str, pick(d, "scaler", "hpa", "keda")))
	case d.chance("scaling off", 6):
		s.set("type", scalar(str, "off"))
	}
	if d.chance("metric", 6) {
		s.set("metric", scalar(str, pick(d, "metric", "vllm:num_requests_running", "queue_depth", "on")))
	}
	if d.chance("target", 6) {
		s.set("target", pick(d, "target", scalar(raw, "10"), scalar(text, "500m"), scalar(raw, "0.5")))
	}
	if d.chance("prometheus", 6) {
		s.set("prometheus", pick(d, "prometheus", fields("serverAddress", scalar(str, "https://thanos.example.com/a?b=c")), fields("authentication", scalar(str, "no"))))
	}
	if d.chance("cooldown", 6) {
		s.set("cooldown", scalar(str, "90m"))
	}
	return s
}

func (d *drawer) monitoring() *node {
	m := fields()
	if d.chance("monitoring's namespace", 2) {
		m.set("namespace", scalar(str, pick(d, "monitoring's namespace", "monitoring", "observability", "1")))
	}
	if d.chance("monitor's labels", 3) {
		labels := fields()
		labels.set(pick(d, "monitor's label", "release", "example.com/prometheus"), scalar(text, pick(d, "monitor's label's value", "stack", "1", "true")))
		m.set("labels", labels)
	}
	if d.chance("alerts", 2) {
		m.set("alerts", d.alerts())
	}
	if d.chance("dashboard", 2) {
		dashboard := fields()
		if d.chance("dashboard's namespace", 3) {
			dashboard.set("namespace", scalar(str, pick(d, "dashboard's namespace", "monitoring", "grafana")))
		}
		if d.chance("dashboard's folder", 3) {
			dashboard.set("folder", scalar(str, pick(d, "dashboard's folder", "LLM", "a folder", "1")))
		}
		m.set("dashboard", dashboard)
	}
	return m
}

func (d *drawer) alerts() *node {
	alerts, objectives := fields(), fields()
	for _, one := range []struct {
		name   string
		values []string
	}{
		{"ttft", []string{"500ms", "2.5s", "10s", "2m40s"}},
		{"itl", []string{"25ms", "100ms", "1s"}},
		{"latency", []string{"90", "95", "99.9", "50"}},
		{"availability", []string{"99", "99.95", "99.999"}},
	} {
		if d.chance(one.name, 3) {
			objectives.set(one.name, scalar(text, pick(d, one.name, one.values...)))
		}
	}
	if len(objectives.keys) > 0 {
		alerts.set("slo", objectives)
	}
	if d.chance("alert's labels", 3) {
		labels := fields()
		labels.set(pick(d, "alert's label", "team", "tier"), scalar(text, pick(d, "alert's label's value", "llm", "1", "a b")))
		alerts.set("labels", labels)
	}
	if d.chance("runbook", 3) {
		alerts.set("runbook", scalar(str, pick(d, "runbook", "https://runbooks.example.com/llm", "https://wiki.example.com/x/")))
	}
	return alerts
}

func (d *drawer) eks() *node {
	e := fields()
	if d.chance("role", 2) {
		e.set("roleArn", scalar(str, pick(d, "role", "arn:aws:iam::123456789012:role/llm-models", "arn:aws-cn:iam::123456789012:role/path/x+y=z,@.-_")))
	}
	if e.get("roleArn") != nil && d.chance("region", 2) { // which is read beside a role only
		e.set("region", scalar(str, pick(d, "region", "us-east-1", "ap-southeast-2", "us-gov-west-1")))
	}
	if d.ipv6 && d.chance("family", 2) {
		e.set("ipFamily", scalar(str, pick(d, "family", "ipv4", spec.IPv6)))
	}
	if d.chance("network", 3) {
		e.set("network", fields("podSecurityGroups", pick(d, "groups of pods",
			items(scalar(str, "sg-0123456789abcdef0")), items(scalar(str, "sg-00000001"), scalar(str, "sg-00000002")))))
	}
	return e
}

func (d *drawer) omit() *node {
	names := rapid.Permutation(spec.Omittables()).Draw(d.t, "omit")
	list := items()
	for _, name := range names[:d.upTo("omitted", 3)] {
		if d.jwt && name == spec.OmitAuthorizationPolicy {
			continue // tokens need it
		}
		if d.page && (name == spec.OmitService || name == spec.OmitVirtualService || name == spec.OmitHTTPRoute) {
			continue // the page asks there
		}
		list.items = append(list.items, scalar(str, string(name)))
	}
	return list
}
