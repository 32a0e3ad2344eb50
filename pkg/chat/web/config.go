package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/kservegen/kservegen/pkg/chat/web/limit"
)

const (
	// patience is long: a request that waits in vLLM's queue has no header yet, and a model that scales from zero loads.
	patience = 5 * time.Minute
	// maxBody, in bytes, is some million tokens of conversation, more than the models of today take.
	maxBody = 4 << 20
	// room, in bytes, is what the questions of all people may take at once, from their first byte to the end of their answers: 64 of
	// the largest, or some thousand usual ones. With what the collector leaves around it is half of a pod's memory (pkg/k8s).
	room = 64 * maxBody
)

// Config says what is talked to, and who may.
type Config struct {
	// Upstream is the base URL of an OpenAI-compatible API, which ends with the API's version as https://x.example/v1 does.
	Upstream *url.URL
	// Transport carries the requests there; TLS, tokens, the Host header and port-forwards are its business.
	// Default: http.DefaultTransport.
	Transport http.RoundTripper
	// Name is what the page calls the one that answers. Default: the host of Upstream.
	Name string
	// Model is the served name that is chosen first. Default: the first that the API lists.
	Model string
	// Revisions in the order of the page; none where they are not known.
	Revisions []Revision
	// Live knows the revisions of the moment, and is asked instead of Revisions at each request; nil where nobody does.
	Live Live
	// Token is demanded of all but the page's files. Empty demands none; then SignIn must, or the address be loopback (Listen).
	Token string
	// SignIn knows who asks; nil where nobody has to say it.
	SignIn SignIn
	// PerMinute is how many questions each person may ask in a minute, a third of them at once or 20. 0 for any number.
	PerMinute int
	// Hosts are the names, without scheme, port and star, under which the page is reached, besides localhost and addresses.
	Hosts []string
	// Patience is how long nothing may come, before an answer and within one. Default: 5 minutes.
	Patience time.Duration

	// room is for the questions of everyone, open for what each person asks the model at the moment.
	room, open *limit.Open
}

// Revision is one that can be asked for by name.
type Revision struct {
	// Name as in the document: v2.
	Name string
	// Header and Value make the route choose this revision whatever its weight; without, it cannot be asked for.
	Header, Value string
	// Weight is its share of the route in percent; 0 in all revisions where it is not known.
	Weight int
}

// Live knows what changes while the page is served.
type Live interface {
	// Revisions in the order of the page. It answers at once, by what was read last.
	Revisions() []Revision
	// Unread is the model whose route should say the weights and cannot be read, empty where there is none. Why is for the log.
	Unread() string
}

func (c Config) complete() (Config, error) {
	if c.Upstream == nil || c.Upstream.Host == "" || (c.Upstream.Scheme != "http" && c.Upstream.Scheme != "https") {
		return c, errors.New("the model's address is not an http or https URL; write one as http://127.0.0.1:8000/v1")
	}
	for _, r := range c.Revisions {
		if r.Name == "" || (r.Header == "") != (r.Value == "") {
			return c, fmt.Errorf("revision %q needs a name, and of its testers' header the name and the value or neither", r.Name)
		}
	}
	if err := checkHosts(c.Hosts); err != nil {
		return c, err
	}
	if c.PerMinute < 0 {
		return c, fmt.Errorf("%d questions a minute are below 0", c.PerMinute)
	}
	if c.Transport == nil {
		c.Transport = http.DefaultTransport
	}
	if c.Name == "" {
		c.Name = c.Upstream.Host
	}
	c.room, c.open = limit.NewOpen(room), limit.NewOpen(int64(burst(c.PerMinute)))
	if c.Patience == 0 {
		c.Patience = patience
	}
	return c, nil
}

// checkHosts refuses what no browser says as the host: the page would answer 421 to everybody.
func checkHosts(names []string) error {
	for _, name := range names {
		if name == "" || Hostname(name) != name || strings.ContainsAny(name, "/*") {
			return fmt.Errorf("the page is reached under no such name as %q; write it without scheme, port and star, as chat.example.com", name)
		}
	}
	return nil
}

// known are the revisions of the moment.
func (c Config) known() []Revision {
	if c.Live != nil {
		return c.Live.Revisions()
	}
	return c.Revisions
}

// revision finds one that can be asked for. The empty name is the route's own choice.
func (c Config) revision(name string) (Revision, bool) {
	for _, r := range c.known() {
		if r.Name == name && r.Header != "" {
			return r, true
		}
	}
	return Revision{}, name == ""
}
