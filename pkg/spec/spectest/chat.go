package spectest

import "strconv"

// talk draws the chat's page, for spec or for an environment. One that has no gateway has no page.
func (d *drawer) talk(n *node, whole bool) {
	switch expose := n.get("expose"); {
	case !d.page:
	case expose != nil && expose.kind == raw:
		n.set("chat", pick(d, "no page", null(), fields("enabled", scalar(raw, "false"))))
	case whole || d.chance("page here", 3):
		n.set("chat", d.chat(whole))
	}
}

func (d *drawer) chat(whole bool) *node {
	c := fields()
	if d.chance("page said", 3) {
		c.set("enabled", scalar(raw, pick(d, "page", "true", "false")))
	}
	if whole || d.chance("image of the page", 3) {
		c.set("image", scalar(str, pick(d, "image of the page", "registry.example.com:5000/kservegen:v1", "kservegen@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")))
	}
	if whole || d.chance("host of the page", 3) {
		c.set("host", scalar(str, pick(d, "host of the page", "chat.example.com", "xn--bcher-kva.chat.example", "chat")))
	}
	if d.chance("replicas of the page", 3) {
		least := 1 + d.upTo("least pages", 3)
		c.set("replicas", fields("min", scalar(raw, strconv.Itoa(least)), "max", d.number("most pages", least, least+3)))
	}
	if d.chance("requests of the page", 3) {
		c.set("requestsPerMinute", d.number("requests", 1, 600))
	}
	if whole || d.chance("sign-in here", 3) {
		c.set("signIn", d.signIn())
	}
	return c
}

func (d *drawer) signIn() *node {
	if d.chance("basic", 2) {
		return fields("basic", fields("secret", scalar(str, pick(d, "users", "chat-users", "on"))))
	}
	o := fields(
		"issuer", scalar(str, pick(d, "page's issuer", "https://login.example.com/realms/llm", "https://login.example.com:8443", "http://dex.auth.svc:5556/dex")),
		"clientId", scalar(str, pick(d, "client", "kservegen-chat", "1", "https://chat.example.com/")),
	)
	if d.chance("confidential", 2) {
		o.set("secret", scalar(str, pick(d, "client's secret", "chat-oidc", "null")))
	}
	if d.chance("scopes", 3) {
		o.set("scopes", items(scalar(str, "profile"), scalar(str, "openid")))
	}
	if d.keysBy == 1 && d.chance("keys of the page", 2) {
		o.set("jwksUri", scalar(str, "https://login.example.com/keys"))
	}
	return fields("oidc", o)
}
