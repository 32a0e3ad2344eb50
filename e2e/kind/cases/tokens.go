package cases

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/kservegen/kservegen/e2e/kind/install"
	"github.com/kservegen/kservegen/e2e/kind/load"
)

//go:embed authorization.yaml
var authorizationYAML []byte

// These are the document's.
const (
	issuer   = "https://issuer.example.com"
	audience = "llm"
	guarded  = "tokens"
)

// tokensChecked renders and applies a model that asks for tokens, and comes with none, bad ones and a good one.
func tokensChecked(ctx context.Context, e *Env) (err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	overlay, err := e.renderGuarded(ctx, key)
	if err != nil {
		return err
	}
	if _, err = e.Kubectl.Run(ctx, "delete", "namespace", guarded, "--ignore-not-found", "--timeout=2m"); err != nil {
		return err
	}
	namespace := map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": guarded}}
	if err = e.Kubectl.Apply(ctx, namespace); err != nil {
		return err
	}
	defer func() {
		// Its end takes as long as a server's last requests may; whoever comes next waits for it.
		_, undo := e.Kubectl.Run(ctx, "delete", "namespace", guarded, "--wait=false")
		err = errors.Join(err, undo)
	}()
	if err = e.Apply(ctx, overlay); err != nil {
		return err
	}
	if _, err = e.Kubectl.Run(ctx, "-n", guarded, "wait", "--for=condition=Ready", "inferenceservice", "--all", "--timeout=3m"); err != nil {
		return err
	}
	return e.askWithTokens(ctx, key)
}

// renderGuarded writes the document with the issuer's keys, renders it as a user does, and returns the overlay.
func (e *Env) renderGuarded(ctx context.Context, key *ecdsa.PrivateKey) (string, error) {
	document, err := readDocument(authorizationYAML)
	if err != nil {
		return "", err
	}
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{
		Key: key.Public(), KeyID: "test", Algorithm: string(jose.ES256), Use: "sig",
	}}})
	if err != nil {
		return "", err
	}
	security, _ := document.Spec["security"].(map[string]any)
	token, ok := security["jwt"].(map[string]any)
	if !ok {
		return "", errors.New("authorization.yaml asks for no token")
	}
	token["jwks"] = string(keys)
	expose, ok := document.Spec["expose"].(map[string]any)
	if !ok {
		return "", errors.New("authorization.yaml is not exposed")
	}
	expose["gateway"] = e.GatewayNamespace + "/" + install.OwnGateway
	dir, err := e.render(ctx, document)
	return filepath.Join(dir, guarded, "overlays", "default"), err
}

// sign makes a token.
func sign(key *ecdsa.PrivateKey, claims jwt.Claims) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", "test"))
	if err != nil {
		return "", err
	}
	return jwt.Signed(signer).Claims(claims).Serialize()
}

// askWithTokens compares what each token gets. The good one comes first and waits for the mesh to know the keys:
// from then on each refusal has its own reason.
func (e *Env) askWithTokens(ctx context.Context, key *ecdsa.PrivateKey) error {
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	client := load.NewClient(e.Gateway, "tokens.example.com", guarded, 1)
	valid := func() jwt.Claims {
		return jwt.Claims{Issuer: issuer, Subject: "tester", Audience: jwt.Audience{audience}, Expiry: jwt.NewNumericDate(time.Now().Add(time.Hour))}
	}
	expired, wrongIssuer, wrongAudience := valid(), valid(), valid()
	expired.Expiry = jwt.NewNumericDate(time.Now().Add(-time.Hour))
	wrongIssuer.Issuer = "https://other.example.com"
	wrongAudience.Audience = jwt.Audience{"billing"}
	type try struct {
		name   string
		key    *ecdsa.PrivateKey
		claims jwt.Claims
		want   int
	}
	for _, t := range []try{
		{"good", key, valid(), http.StatusOK},
		{"expired", key, expired, http.StatusUnauthorized},
		{"wrong issuer", key, wrongIssuer, http.StatusUnauthorized},
		{"wrong audience", key, wrongAudience, http.StatusForbidden},
		{"signed by another", other, valid(), http.StatusUnauthorized},
		{"none", nil, jwt.Claims{}, http.StatusForbidden},
		{"good again", key, valid(), http.StatusOK},
	} {
		header := map[string]string{}
		if t.key != nil {
			token, err := sign(t.key, t.claims)
			if err != nil {
				return err
			}
			header["Authorization"] = "Bearer " + token
		}
		ask := func(ctx context.Context) error {
			status, body, err := client.Get(ctx, "/v1/models", header)
			if err == nil && status != t.want {
				err = fmt.Errorf("token %s: got %d, not %d: %s", t.name, status, t.want, body)
			}
			return err
		}
		if t.name == "good" {
			err = eventually(ctx, "the mesh to know the issuer's keys", ask)
		} else {
			err = ask(ctx)
		}
		if err != nil {
			return err
		}
		e.Figure("token %s: %d", t.name, t.want)
	}
	return nil
}
