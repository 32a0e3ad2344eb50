package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"
)

// bodyTime is how long a browser may take to send a conversation.
const bodyTime = 30 * time.Second

// errLate is why a request was given up that had no answer.
var errLate = errors.New("no answer began")

func (c Config) models(w http.ResponseWriter, r *http.Request) {
	c.forward(w, r, c.Upstream.JoinPath("models"), Revision{}, nil)
}

func (c Config) chat(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("revision")
	revision, known := c.revision(name)
	if !known {
		refuse(w, http.StatusBadRequest, "unknown_revision", fmt.Sprintf("revision %q has no testers' header, and cannot be asked for by name", name))
		return
	}
	body, ok := readBody(w, r)
	if ok {
		c.forward(w, r, c.Upstream.JoinPath("chat/completions"), revision, body)
	}
}

// readBody reads a JSON object. A body that comes forever is cut by its size and by time; the deadline is lifted
// afterwards, since an answer may take as long as it likes.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	connection := http.NewResponseController(w)
	// A writer of a test may know no deadlines.
	_ = connection.SetReadDeadline(time.Now().Add(bodyTime))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	_ = connection.SetReadDeadline(time.Time{})
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		refuse(w, http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("the conversation is larger than %d MiB; start a new one", maxBody>>20))
		return nil, false
	}
	var object map[string]json.RawMessage
	if err != nil || json.Unmarshal(body, &object) != nil || object == nil {
		refuse(w, http.StatusBadRequest, "not_json", "the request's body is not a JSON object")
		return nil, false
	}
	return body, true
}

// forward asks the model and streams what it says. A browser that goes away ends the request, and the model stops.
func (c Config) forward(w http.ResponseWriter, r *http.Request, to *url.URL, revision Revision, body []byte) {
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	late := time.AfterFunc(c.Patience, func() { cancel(errLate) })
	defer late.Stop()
	proxy := httputil.ReverseProxy{
		Transport:     c.Transport,
		FlushInterval: -1,
		ErrorLog:      log.New(io.Discard, "", 0),
		Rewrite:       func(p *httputil.ProxyRequest) { outgoing(p.Out, to, revision, body) },
		ModifyResponse: func(response *http.Response) error {
			late.Stop()
			return c.incoming(response)
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			c.unanswered(w, context.Cause(ctx), err)
		},
	}
	proxy.ServeHTTP(w, r.WithContext(ctx))
}

// outgoing leaves nothing of the browser's request but its body: neither cookies nor the page's token reach the model.
func outgoing(r *http.Request, to *url.URL, revision Revision, body []byte) {
	r.URL, r.Host = to, ""
	r.Header = http.Header{"User-Agent": {"kservegen-chat"}, "Accept": {"text/event-stream, application/json"}, "Accept-Encoding": {"identity"}}
	r.Body, r.ContentLength = http.NoBody, 0
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	if revision.Header != "" {
		r.Header.Set(revision.Header, revision.Value)
	}
}

// incoming leaves nothing of the model's headers but what the page shows: no cookie is set, nothing is cached, and
// what is neither events nor JSON is plain text.
func (c Config) incoming(r *http.Response) error {
	if r.StatusCode >= 300 && r.StatusCode < 400 {
		return fmt.Errorf("it redirects to %q (%s); start the chat with that address if it is the model's", r.Header.Get("Location"), r.Status)
	}
	kept := http.Header{}
	for _, name := range []string{"Retry-After", "X-Llm-Revision", "X-Inference-Pod"} {
		if value := r.Header.Get(name); value != "" {
			kept.Set(name, value)
		}
	}
	if len(c.Revisions) == 1 {
		kept.Set("X-Llm-Revision", c.Revisions[0].Name) // there is no other
	}
	kept.Set("Content-Type", contentType(r.Header.Get("Content-Type")))
	r.Header, r.Trailer, r.Body = kept, nil, cut{r.Body}
	return nil
}

// cut is a stream that ends where it breaks. The page tells by the last event whether an answer is whole; were the connection
// broken as well, the browser would throw away what the page has not read yet (Streams Standard: an error resets the queue).
type cut struct{ io.ReadCloser }

func (c cut) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if err != nil {
		err = io.EOF
	}
	return n, err
}

func contentType(said string) string {
	for _, kind := range []string{"text/event-stream", "application/json"} {
		if len(said) >= len(kind) && said[:len(kind)] == kind {
			return kind
		}
	}
	return "text/plain; charset=utf-8"
}

func (c Config) unanswered(w http.ResponseWriter, cause, err error) {
	if errors.Is(cause, errLate) {
		refuse(w, http.StatusGatewayTimeout, "late", fmt.Sprintf("%s has not begun to answer within %s; it may be loading, or its queue is long", c.Name, c.Patience))
		return
	}
	refuse(w, http.StatusBadGateway, "unreachable", fmt.Sprintf("%s cannot be asked: %s", c.Name, err))
}
