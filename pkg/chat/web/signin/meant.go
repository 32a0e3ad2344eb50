package signin

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
)

// meant refuses what an issuer signed and this client is an audience of, but that is no proof that its person signed in here: tokens that
// another client got, and access tokens, which go to servers that could pass them on (OpenID Connect Core 1.0, 3.1.3.7; RFC 9068, 2.1).
// Entra ID, for one, gives any application of a tenant an access token for any other one.
func meant(token *oidc.IDToken, clientID, raw string) error {
	kind, err := kindOf(raw)
	if err != nil {
		return err
	}
	var client struct {
		Party any `json:"azp"`
	}
	if err = token.Claims(&client); err != nil {
		return err
	}
	switch {
	case strings.HasSuffix(strings.ToLower(kind), "+jwt"):
		return fmt.Errorf("the token is no ID token, but of type %s", quoted(kind))
	case client.Party == nil && len(token.Audience) > 1:
		return errors.New("the token is for others as well, and does not say whose it is (azp)")
	case client.Party != nil && client.Party != clientID:
		return fmt.Errorf("the token was given to another client, %s (azp)", quoted(fmt.Sprint(client.Party)))
	}
	return nil
}

// kindOf is the type that a token's header names, empty for most.
func kindOf(raw string) (string, error) {
	part, _, _ := strings.Cut(raw, ".")
	header, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return "", err
	}
	var named struct {
		Kind string `json:"typ"`
	}
	return named.Kind, json.Unmarshal(header, &named)
}
