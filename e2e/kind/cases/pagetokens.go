package cases

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/kservegen/kservegen/e2e/kind/browser"
	"github.com/kservegen/kservegen/e2e/kind/install"
	"github.com/kservegen/kservegen/e2e/kind/oidc"
	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// tokenCookie is the one in which the page and the mesh find a token (pkg/chat/web/signin).
const tokenCookie = "__Secure-kservegen-chat"

// What the page is called at its issuer, and what the Service before the issuer is.
const (
	pageAtIssuer = "kservegen-chat"
	clientKey    = "client-secret"
	clientName   = "chat-e2e-oidc"
	issuerName   = "issuer"
	personAtAll  = "ada"
)

// signsInByTokens renders the tree's document with an issuer of the test in place of passwords. The mesh refuses the page's API
// without a token and with wrong ones, the page answers to the right one, and a person gets one by signing in.
func signsInByTokens(ctx context.Context, e *Env) (err error) {
	if err := e.needsPage(); err != nil {
		return err
	}
	i, err := e.issuer(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, i.Close()) }()
	changed, err := e.withIssuer(ctx, i)
	if err != nil {
		return err
	}
	beside, err := e.besideIssuer(ctx, i)
	if err != nil {
		return err
	}
	defer e.undo(ctx, &err, func(ctx context.Context) error {
		return e.Kubectl.Delete(ctx, append(beside, changed.Without(e.Tree)...)...)
	}, e.mendPage)
	if err := e.Kubectl.Apply(ctx, beside...); err != nil {
		return err
	}
	own := *e
	own.Tree = changed
	if err := own.Apply(ctx, changed.Dir); err != nil {
		return err
	}
	if err := own.pageReady(ctx); err != nil {
		return err
	}
	return errors.Join(own.judgesTokens(ctx, i), own.givesToken(ctx, i), own.signsInBrowser(ctx, i))
}

// issuer serves one to pods, which reach it as a Service.
func (e *Env) issuer(ctx context.Context) (*oidc.Issuer, error) {
	host, err := e.Host(ctx)
	if err != nil {
		return nil, err
	}
	i, err := oidc.Listen(ctx, host, personAtAll, oidc.Client{
		ID: pageAtIssuer, Secret: randomWord(), Redirect: "https://" + e.Tree.Chat.Host + "/auth/callback",
	})
	if err == nil {
		i.URL = fmt.Sprintf("http://%s.%s.svc.cluster.local:%d", issuerName, install.Strangers, i.Port)
	}
	return i, err
}

// withIssuer is the tree of the document that signs in there.
func (e *Env) withIssuer(ctx context.Context, i *oidc.Issuer) (*tree.Tree, error) {
	d, err := e.ownDocument()
	if err != nil {
		return nil, err
	}
	keys, err := i.Keys()
	if err != nil {
		return nil, err
	}
	changed := d.clone()
	chat, ok := changed.Spec["chat"].(map[string]any)
	if !ok {
		return nil, lacks("no page in its document")
	}
	chat["signIn"] = map[string]any{"oidc": map[string]any{"issuer": i.URL, "clientId": pageAtIssuer, "secret": clientName, "jwks": keys}}
	environments, _ := changed.Spec["environments"].([]any)
	for _, one := range environments {
		environment, _ := one.(map[string]any)
		if own, ok := environment["chat"].(map[string]any); ok {
			delete(own, "signIn")
		}
	}
	return e.rendered(ctx, changed)
}

// besideIssuer are the Secret that the document names, and a Service that leads to this machine.
func (e *Env) besideIssuer(ctx context.Context, i *oidc.Issuer) ([]map[string]any, error) {
	host, err := e.Host(ctx)
	if err != nil {
		return nil, err
	}
	named := func(version, kind, namespace, name string) map[string]any {
		return map[string]any{"apiVersion": version, "kind": kind, "metadata": map[string]any{"namespace": namespace, "name": name}}
	}
	secret := named("v1", "Secret", e.Tree.Namespace(), clientName)
	secret["stringData"] = map[string]any{clientKey: i.Secret()}
	port := map[string]any{"name": "http", "port": i.Port, "protocol": "TCP"}
	service := named("v1", "Service", install.Strangers, issuerName)
	service["spec"] = map[string]any{"ports": []any{port}}
	slice := named("discovery.k8s.io/v1", "EndpointSlice", install.Strangers, issuerName)
	slice["metadata"].(map[string]any)["labels"] = map[string]any{"kubernetes.io/service-name": issuerName}
	slice["addressType"], slice["ports"] = "IPv4", []any{port}
	slice["endpoints"] = []any{map[string]any{"addresses": []any{host}}}
	return []map[string]any{secret, service, slice}, nil
}

// judgesTokens compares what each token gets. The good one comes first and waits for the mesh to know the keys.
func (e *Env) judgesTokens(ctx context.Context, i *oidc.Issuer) error {
	expired, otherIssuer, otherAudience := i.Claims(), i.Claims(), i.Claims()
	expired.Expiry = jwt.NewNumericDate(time.Now().Add(-time.Hour))
	otherIssuer.Issuer = "https://other.example.com"
	otherAudience.Audience = jwt.Audience{"billing"}
	for _, try := range []struct {
		name   string
		sign   func(...any) (string, error)
		claims jwt.Claims
		want   int
	}{
		{"good", i.Sign, i.Claims(), http.StatusOK},
		{"expired", i.Sign, expired, http.StatusUnauthorized},
		{"of another issuer", i.Sign, otherIssuer, http.StatusUnauthorized},
		{"for another audience", i.Sign, otherAudience, http.StatusForbidden},
		{"signed by another", i.Forge, i.Claims(), http.StatusUnauthorized},
	} {
		token, err := try.sign(try.claims)
		if err != nil {
			return err
		}
		if err := e.tokenGets(ctx, "a token "+try.name, map[string]string{"Cookie": tokenCookie + "=" + token}, try.name == "good", try.want); err != nil {
			return err
		}
	}
	return e.tokenGets(ctx, "no token", nil, false, http.StatusForbidden)
}

// tokenGets wants a status of the API, and where that is none of success that the mesh has said it: the page answers in JSON.
func (e *Env) tokenGets(ctx context.Context, what string, header map[string]string, wait bool, want int) error {
	ask := func(ctx context.Context) error {
		got, err := e.asPage(ctx, "/api/about", "", header)
		switch {
		case err != nil:
			return err
		case got.status != want:
			return violated("%s gets %d, not %d: %.200s", what, got.status, want, got.body)
		case want != http.StatusOK && got.code() != "":
			return violated("%s was let through to the page: %.200s", what, got.body)
		case want == http.StatusOK && !strings.Contains(got.body, personAtAll):
			return violated("the page does not know %s: %s", personAtAll, got.body)
		}
		return nil
	}
	if wait {
		if err := eventually(ctx, what+" to be let through", ask); err != nil {
			return err
		}
	} else if err := ask(ctx); err != nil {
		return err
	}
	e.Figure("%s: %d", what, want)
	return nil
}

// givesToken signs in as a browser does: to the issuer, back with a code, and to the API with the cookie that the page gave for it.
func (e *Env) givesToken(ctx context.Context, i *oidc.Issuer) error {
	begun, err := e.asPage(ctx, "/auth/login", "", nil)
	if err != nil {
		return err
	}
	to, err := url.Parse(begun.header.Get("Location"))
	if err != nil || begun.status != http.StatusFound || !strings.HasPrefix(to.String(), i.URL+"/authorize?") {
		return violated("who wants to sign in gets %d and is sent to %q", begun.status, to)
	}
	back, err := i.Asked(ctx, to.RawQuery)
	if err != nil {
		return violated("the issuer refuses the page: %v", err)
	}
	given, err := e.asPage(ctx, back.RequestURI(), "", map[string]string{"Cookie": cookies(begun.header)})
	if err != nil {
		return err
	}
	if given.status != http.StatusSeeOther || !strings.Contains(cookies(given.header), tokenCookie+"=ey") {
		return violated("with the issuer's code the page answers %d: %.300s", given.status, given.body)
	}
	header := map[string]string{"Cookie": cookies(given.header)}
	if err := e.tokenGets(ctx, "who signed in", header, false, http.StatusOK); err != nil {
		return err
	}
	asked, err := e.asPage(ctx, "/api/chat?revision=", e.question(), header)
	if err == nil && asked.status != http.StatusOK {
		err = violated("who signed in asks and gets %d: %.200s", asked.status, asked.body)
	}
	return err
}

// signsInBrowser is the same in a real browser, which keeps such a cookie of a page by https alone: TLS ends before the gateway.
func (e *Env) signsInBrowser(ctx context.Context, i *oidc.Issuer) (err error) {
	host := e.Tree.Chat.Host
	front, err := oidc.NewFront(ctx, host, e.Gateway)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, front.Close()) }()
	visit := browser.Visit{Link: "https://" + host + "/", Addresses: map[string]string{host + ":443": front.Address, strings.TrimPrefix(i.URL, "http://"): i.Address()}}
	return e.visitedAt(ctx, visit, func(page *browser.Browser) error {
		before, err := page.See()
		if err != nil {
			return err
		}
		if before.User != "" {
			return violated("before anybody signs in the page calls them %q", before.User)
		}
		if err := page.SignIn(); err != nil {
			return err
		}
		after, err := page.See()
		if err != nil {
			return err
		}
		if after.User != personAtAll {
			return violated("the page calls who signed in %q", after.User)
		}
		e.Figure("in a browser %s signs in at the issuer", after.User)
		return e.answersInBrowser(page)
	})
}

// cookies are those that an answer sets, as a browser sends them back. Those that it takes away are left out.
func cookies(header http.Header) string {
	var pairs []string
	for _, cookie := range (&http.Response{Header: header}).Cookies() {
		if cookie.MaxAge >= 0 {
			pairs = append(pairs, cookie.Name+"="+cookie.Value)
		}
	}
	return strings.Join(pairs, "; ")
}
