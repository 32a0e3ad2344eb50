package chat

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	// done is the last event of an answer.
	done = "[DONE]"
	// answerLimit is how many bytes an answer may have; 100,000 tokens have half of one MiB.
	answerLimit = 64 << 20
	// DefaultPatience is how long nothing may come. A model that has a long prompt, or a queue, is silent for minutes.
	DefaultPatience = 5 * time.Minute
)

// RevisionHeader is the response header by which a route says which revision answered. podHeader is the one by which
// llm-d's simulator says which pod did (llm-d-inference-sim, pkg/communication/http.go); vLLM has none.
const (
	RevisionHeader = "x-llm-revision"
	podHeader      = "x-inference-pod"
)

// Header is a request header.
type Header struct{ Name, Value string }

// Revision is one that can be asked for.
type Revision struct {
	Name string
	// Testers leads to it whatever its weight; nil where nothing does.
	Testers *Header
}

// Config says where a model is and how it is asked.
type Config struct {
	// URL is the base of the API as OpenAI's clients take it: scheme, host, and a path that ends with the API's version. A
	// path that does not gets /v1.
	URL string
	// Host that the server is told, where URL has an address instead. Empty for URL's.
	Host string
	// Select is sent with each request, where it takes a header to choose the model.
	Select []Header
	// Token is an API key or JWT. Empty for none.
	Token string
	// Revisions that are known, by their names. Where it is one, it has all answers.
	Revisions []Revision
	// Patience is how long nothing may come. 0 for DefaultPatience.
	Patience time.Duration
	// Transport carries requests. nil for one that goes by the address and the proxy of the environment.
	Transport http.RoundTripper
}

// Client asks a model. It may be used by several at a time.
type Client struct {
	base      *url.URL
	host      string
	selecting []Header
	token     string
	revisions []Revision
	patience  time.Duration
	http      *http.Client
}

// version is how the path of an OpenAI-compatible API ends: /v1, /v1beta/openai.
func version() *regexp.Regexp { return regexp.MustCompile(`/v[0-9][^/]*(/openai)?$`) }

// New makes a client. It asks nothing yet.
func New(c Config) (*Client, error) {
	base, err := url.Parse(c.URL)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("%q is no base URL; such as https://deepseek.example.com/v1", c.URL)
	}
	if base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, fmt.Errorf("the base URL has a user, a query or a fragment; it takes scheme, host and path alone")
	}
	base.Path = strings.TrimRight(base.Path, "/")
	if !version().MatchString(base.Path) {
		base.Path += "/v1"
	}
	transport := c.Transport
	if transport == nil {
		standard := http.DefaultTransport.(*http.Transport).Clone()
		if c.Host != "" {
			standard.TLSClientConfig = &tls.Config{ServerName: c.Host, MinVersion: tls.VersionTLS12}
		}
		transport = standard
	}
	return &Client{
		base: base, host: c.Host, selecting: c.Select, token: c.Token, revisions: c.Revisions,
		patience: cmp.Or(c.Patience, DefaultPatience),
		http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // a POST would become a GET, and a credential go elsewhere
		}},
	}, nil
}

// URL is the base of what is asked.
func (c *Client) URL() string { return c.base.String() }

// Revisions are those that are known.
func (c *Client) Revisions() []Revision { return c.revisions }

func (c *Client) hostName() string { return cmp.Or(c.host, c.base.Host) }

// Models are those that the server has, in its order.
func (c *Client) Models(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(c.patience, func() { cancel(errTooLate) })
	defer watch.Stop()
	response, err := c.do(ctx, http.MethodGet, "/models", nil, nil)
	if err != nil {
		return nil, c.unsent(ctx, err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, c.refusal(response)
	}
	var list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if err = json.NewDecoder(io.LimitReader(response.Body, eventLimit)).Decode(&list); err != nil {
		return nil, &Error{Kind: Invalid, Status: http.StatusOK, cause: err,
			Message: fmt.Sprintf("%s/models is no list of models: %v", c.base, err)}
	}
	var names []string
	for _, model := range list.Data {
		names = append(names, model.ID)
	}
	return names, nil
}

// Question is a conversation whose next message is wanted.
type Question struct {
	// Model is the served name.
	Model    string
	Messages []Message
	// Revision to ask, by its testers' header. Empty for whichever the weights give.
	Revision string
	// MaxTokens of the answer. 0 for the server's own limit.
	MaxTokens int
	// Temperature of sampling. nil for the server's default.
	Temperature *float64
}

// Ask sends a question and calls each as parts of the answer come, from this goroutine. The answer holds what came,
// whatever went wrong; why it is not whole is in its Error.
func (c *Client) Ask(ctx context.Context, q Question, each func(Event)) Answer {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	collect := &collector{send: each, start: time.Now()}
	testers, err := c.testers(q.Revision)
	if err != nil {
		return collect.failed(err)
	}
	watch := time.AfterFunc(c.patience, func() { cancel(errTooLate) })
	defer watch.Stop()
	response, unsent := c.send(ctx, q, testers)
	if unsent != nil {
		return collect.failed(c.unsent(ctx, unsent))
	}
	defer func() { _ = response.Body.Close() }()
	c.identify(&collect.answer, q, response.Header)
	if refused := c.refused(response); refused != nil {
		if refused.Kind == UnknownModel {
			c.list(ctx, q.Model, refused)
		}
		return collect.failed(refused)
	}
	each(Event{Kind: Headers, Text: collect.answer.Revision})
	body := &alive{Reader: response.Body, alive: func() { watch.Reset(c.patience) }}
	if broken := collect.read(newEvents(body)); broken != nil {
		return collect.failed(c.broken(ctx, broken))
	}
	return collect.finish(time.Now())
}

func (c *collector) failed(err *Error) Answer {
	a := c.finish(time.Now())
	a.Error = err
	return a
}

// alive says of every read that something came.
type alive struct {
	io.Reader
	alive func()
}

func (a *alive) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	if n > 0 {
		a.alive()
	}
	return n, err
}

// read takes the events of an answer. nil means that the server said it is done.
func (c *collector) read(events *events) error {
	for {
		data, err := events.next()
		switch {
		case errors.Is(err, io.EOF):
			return c.ended(io.ErrUnexpectedEOF)
		case err != nil:
			return err
		case strings.TrimSpace(data) == done:
			return c.ended(io.ErrUnexpectedEOF)
		}
		var k chunk
		if err = json.Unmarshal([]byte(data), &k); err != nil {
			return err
		}
		if k.says() {
			return &Error{Kind: Failed, Status: http.StatusOK, Message: "the server failed in the middle of the answer; it said: " + cmp.Or(k.words(), "nothing about why")}
		}
		if err = c.add(k, time.Now()); err != nil {
			return err
		}
		if c.size > answerLimit {
			return errLimit
		}
	}
}

// ended returns an error unless the server said why the answer is over. vLLM says abort of one that it drops when it stops,
// and error of one that it could not finish.
func (c *collector) ended(cut error) error {
	switch c.answer.FinishReason {
	case "", "abort", "error":
		return cut
	}
	return nil
}

// testers is the header that leads to a revision, nil for whichever.
func (c *Client) testers(name string) (*Header, *Error) {
	if name == "" {
		return nil, nil
	}
	i := slices.IndexFunc(c.revisions, func(r Revision) bool { return r.Name == name })
	var names []string
	for _, r := range c.revisions {
		names = append(names, r.Name)
	}
	switch {
	case i < 0 && len(names) == 0:
		return nil, &Error{Kind: Rejected, Message: fmt.Sprintf("nothing is known of revision %s: only a document or a cluster says how to ask it", name)}
	case i < 0:
		return nil, &Error{Kind: Rejected, Message: fmt.Sprintf("there is no revision %s; there is %s", name, strings.Join(names, ", "))}
	case c.revisions[i].Testers == nil && len(c.revisions) > 1:
		return nil, &Error{Kind: Rejected, Message: fmt.Sprintf("revision %s has no testers' header, so nobody can choose it: see traffic[].testers", name)}
	}
	return c.revisions[i].Testers, nil
}

// send asks for a stream.
func (c *Client) send(ctx context.Context, q Question, testers *Header) (*http.Response, error) {
	body, err := json.Marshal(struct {
		Model         string          `json:"model"`
		Messages      []Message       `json:"messages"`
		Stream        bool            `json:"stream"`
		StreamOptions map[string]bool `json:"stream_options"`
		MaxTokens     int             `json:"max_tokens,omitempty"`
		Temperature   *float64        `json:"temperature,omitempty"`
	}{q.Model, q.Messages, true, map[string]bool{"include_usage": true}, q.MaxTokens, q.Temperature})
	if err != nil {
		return nil, err
	}
	return c.do(ctx, http.MethodPost, "/chat/completions", body, testers)
}

func (c *Client) do(ctx context.Context, method, path string, body []byte, testers *Header) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.base.String()+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	c.introduce(request)
	request.Header.Set("Accept", "text/event-stream, application/json")
	request.Header.Set("User-Agent", "kservegen")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if testers != nil {
		request.Header.Set(testers.Name, testers.Value)
	}
	return c.http.Do(request)
}

// refused returns an error unless a stream of events comes.
func (c *Client) refused(response *http.Response) *Error {
	if response.StatusCode != http.StatusOK {
		return c.refusal(response)
	}
	if kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); kind != "text/event-stream" {
		return &Error{Kind: Invalid, Status: http.StatusOK, Message: fmt.Sprintf(
			"%s/chat/completions answers %q and not a stream of events: is this the base of an OpenAI API?", c.base, response.Header.Get("Content-Type"))}
	}
	return nil
}

// list adds to an error the models that there are.
func (c *Client) list(ctx context.Context, asked string, e *Error) {
	models, err := c.Models(ctx)
	if err != nil || len(models) == 0 {
		return
	}
	e.Models = models
	e.Message = fmt.Sprintf("%s has no model %q; it has %s", c.base.Host, asked, strings.Join(models, ", "))
}

// identify finds out who answers.
func (c *Client) identify(a *Answer, q Question, header http.Header) {
	a.Pod = header.Get(podHeader)
	switch said := header.Get(RevisionHeader); {
	case said != "":
		a.Revision, a.RevisionFrom = said, FromRoute
	case q.Revision != "":
		a.Revision, a.RevisionFrom = q.Revision, FromTesters
	case len(c.revisions) == 1:
		a.Revision, a.RevisionFrom = c.revisions[0].Name, FromOnly
	}
}
