package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/kservegen/kservegen/pkg/chat/web"
	"github.com/kservegen/kservegen/pkg/chat/web/signin"
)

const (
	// defaultPerMinute is a question a second, which nobody types.
	defaultPerMinute = 60
	// usersEvery is how often the file of users is read again. The kubelet changes a Secret's within a minute or two.
	usersEvery = 10 * time.Second
)

// signInFlags say who may ask the page.
type signInFlags struct {
	usersFile  string
	issuer     string
	clientID   string
	secretFile string
	scopes     []string
	perMinute  int
}

func (f *signInFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.usersFile, "users-file", "", "with --web: file of the users who may ask, made with htpasswd -B -C 12; read again when it changes")
	flags.StringVar(&f.issuer, "oidc-issuer-url", "", "with --web: OpenID Connect issuer whose users may ask, as https://issuer.example.com")
	flags.StringVar(&f.clientID, "oidc-client-id", "", "the page's client ID at the issuer, with redirect URI https://HOST/auth/callback")
	flags.StringVar(&f.secretFile, "oidc-client-secret-file", "", "file with the client's secret (default a public client)")
	flags.StringSliceVar(&f.scopes, "oidc-scopes", []string{"openid"}, "scopes to ask the issuer for")
	flags.IntVar(&f.perMinute, "requests-per-minute", defaultPerMinute, "questions of each user in a minute, with a sign-in")
	_ = cmd.MarkFlagFilename("users-file")
	_ = cmd.MarkFlagFilename("oidc-client-secret-file")
}

// on reports that people have to sign in.
func (f *signInFlags) on() bool { return f.usersFile != "" || f.issuer != "" }

// validate refuses what makes no sense together.
func (f *signInFlags) validate(cmd *cobra.Command, page bool) error {
	flags := cmd.Flags()
	for _, name := range []string{"users-file", "oidc-issuer-url", "oidc-client-id", "oidc-client-secret-file", "oidc-scopes", "requests-per-minute"} {
		switch given := flags.Changed(name); {
		case given && !page:
			return usagef("--%s is for the page; add --web", name)
		case given && name != "requests-per-minute" && flags.Lookup(name).Value.String() == "":
			return usagef("--%s is empty", name)
		}
	}
	switch {
	case f.usersFile != "" && f.issuer != "":
		return usagef("--users-file and --oidc-issuer-url are two ways to sign in; give one")
	case f.issuer == "" && (f.clientID != "" || f.secretFile != "" || flags.Changed("oidc-scopes")):
		return usagef("--oidc-client-id, --oidc-client-secret-file and --oidc-scopes go with --oidc-issuer-url")
	case f.issuer != "" && f.clientID == "":
		return usagef("--oidc-issuer-url %s knows the page by which client ID? --oidc-client-id ID", f.issuer)
	case !f.on() && flags.Changed("requests-per-minute"):
		return usagef("--requests-per-minute is for each user, and nobody signs in; give --users-file or --oidc-issuer-url")
	case f.perMinute < 1:
		return usagef("--requests-per-minute %d is below 1", f.perMinute)
	}
	return nil
}

// open makes the sign-in; what it watches ends with the context.
func (f *signInFlags) open(ctx context.Context, log signin.Log) (web.SignIn, error) {
	if f.usersFile != "" {
		basic, err := signin.NewBasic(f.usersFile, log)
		if err != nil {
			return nil, usageError{fmt.Errorf("--users-file: %w", err)}
		}
		go basic.Watch(ctx, usersEvery)
		return basic, nil
	}
	oidc, err := signin.NewOIDC(signin.Issuer{URL: f.issuer, ClientID: f.clientID, SecretFile: f.secretFile, Scopes: f.scopes}, log)
	if err != nil {
		return nil, usageError{err}
	}
	go oidc.Watch(ctx)
	return oidc, nil
}
