package metrics

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
)

// Access is how a Prometheus, or what answers its HTTP API, is reached. Secrets are files, which are read again for each query:
// a token may be exchanged meanwhile.
type Access struct {
	// URL of the server, with the path that it is served under.
	URL string
	// Username and PasswordFile are for basic authentication, TokenFile for a bearer token; not both.
	Username, PasswordFile, TokenFile string
	// CAFile has the certificates that the server's is checked by, instead of the system's; CertFile and KeyFile are the client's
	// own. All are PEM. ServerName is what the server's certificate must name, instead of the URL's host.
	CAFile, CertFile, KeyFile, ServerName string
}

// Check says what is missing, or is too much.
func (a Access) Check() error {
	if err := a.CheckElsewhere(); err != nil {
		return err
	}
	return a.readable()
}

// CheckElsewhere is Check for where the files are not those of this machine.
func (a Access) CheckElsewhere() error {
	at, err := url.Parse(a.URL)
	switch {
	case err != nil:
		return fmt.Errorf("the URL of Prometheus: %w", err)
	case at.Scheme != "http" && at.Scheme != "https" || at.Host == "":
		return fmt.Errorf("the URL of Prometheus is %q; want one such as https://prometheus.example.com:9090", at.Redacted())
	case at.User != nil:
		return fmt.Errorf("the URL %s has a password, which other processes see; name a user and a file with the password", at.Redacted())
	case at.RawQuery != "" || at.Fragment != "":
		return fmt.Errorf("the URL %s has more than the path that Prometheus is served under", at.Redacted())
	case a.TokenFile != "" && a.Username+a.PasswordFile != "":
		return fmt.Errorf("a bearer token and a user exclude each other")
	case (a.Username == "") != (a.PasswordFile == ""):
		return fmt.Errorf("basic authentication takes a user and a file with the password")
	case (a.CertFile == "") != (a.KeyFile == ""):
		return fmt.Errorf("a client's certificate takes its key, and the key the certificate")
	case at.Scheme == "http" && a.CAFile+a.CertFile+a.ServerName != "":
		return fmt.Errorf("%s is not https, so that no certificate is looked at", at.Redacted())
	}
	return nil
}

func (a Access) readable() error {
	for _, name := range []string{a.PasswordFile, a.TokenFile, a.CAFile, a.CertFile, a.KeyFile} {
		if name == "" {
			continue
		}
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		file.Close()
	}
	return nil
}

// Ranger answers range queries, as the API of Prometheus does.
type Ranger interface {
	QueryRange(ctx context.Context, query string, r v1.Range, opts ...v1.Option) (model.Value, v1.Warnings, error)
}

// patience is how long one query may take, largest how many bytes an answer may have: a histogram of a hundred pods over a day of
// minutes stays under it.
const (
	patience = time.Minute
	largest  = 256 << 20
)

// Dial makes a client; nothing is asked yet. It follows no redirects, which would lead to a page for people to log in, and
// would take the credentials elsewhere.
func (a Access) Dial() (Ranger, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	how := config.DefaultHTTPClientConfig
	how.FollowRedirects = false
	how.TLSConfig = config.TLSConfig{CAFile: a.CAFile, CertFile: a.CertFile, KeyFile: a.KeyFile, ServerName: a.ServerName}
	switch {
	case a.Username != "":
		how.BasicAuth = &config.BasicAuth{Username: a.Username, PasswordFile: a.PasswordFile}
	case a.TokenFile != "":
		how.Authorization = &config.Authorization{Type: "Bearer", CredentialsFile: a.TokenFile}
	}
	if err := how.Validate(); err != nil {
		return nil, err
	}
	transport, err := config.NewRoundTripperFromConfig(how, "kservegen")
	if err != nil {
		return nil, fmt.Errorf("the certificates for Prometheus: %w", err)
	}
	client, err := api.NewClient(api.Config{Address: a.URL, Client: &http.Client{
		Transport:     limited{transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}})
	if err != nil {
		return nil, err
	}
	return v1.NewAPI(client), nil
}

// limited reads no more of an answer than there can be.
type limited struct{ http.RoundTripper }

func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := l.RoundTripper.RoundTrip(r)
	if err == nil {
		response.Body = http.MaxBytesReader(nil, response.Body, largest)
	}
	return response, err
}
