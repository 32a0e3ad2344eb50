package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// bodyTime is how long a browser may take to send a conversation.
const bodyTime = 30 * time.Second

// everyone is the one key of what all have together.
const everyone = ""

// revisionHeader says which revision answered.
const revisionHeader = "X-Llm-Revision"

// errLate is why a request was given up that had no answer.
var errLate = errors.New("no answer began")

func (c Config) models(w http.ResponseWriter, r *http.Request) {
	c.forward(w, r, c.Upstream.JoinPath("models"), Revision{}, nil)
}

func (c Config) chat(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("revision")
	revision, known := c.revision(name)
	if !known {
		Refuse(w, http.StatusBadRequest, "unknown_revision", fmt.Sprintf("revision %q has no testers' header, and cannot be asked for by name", name))
		return
	}
	size := int64(maxBody)
	if r.ContentLength >= 0 {
		size = min(r.ContentLength, maxBody)
	}
	if !c.room.Enter(everyone, size) {
		full(w, http.StatusServiceUnavailable, retryAfter, "this page has no room for another conversation of that size at the moment; ask again in a while")
		return
	}
	defer c.room.Leave(everyone, size)
	body, ok := readBody(w, r, size, bodyTime)
	if ok {
		c.forward(w, r, c.Upstream.JoinPath("chat/completions"), revision, body)
	}
}

// timely lets no body come forever, wherever it is sent: net/http waits for the end of one that nobody reads, before it answers, and who
// never ends it would hold a connection for each request, without a sign-in.
func timely(within time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			// A writer of a test may know no deadlines.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(within))
		}
		next.ServeHTTP(w, r)
	})
}

// readBody reads a JSON object of as many bytes as there is room for. A body that comes forever is cut by its size and by time; the deadline is lifted once it is read,
// since an answer may take as long as it likes.
func readBody(w http.ResponseWriter, r *http.Request, size int64, within time.Duration) ([]byte, bool) {
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(time.Now().Add(within))
	buffer := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead)) // which does not grow
	_, err := buffer.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody))
	body := buffer.Bytes()
	if err == nil {
		_ = connection.SetReadDeadline(time.Time{})
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		Refuse(w, http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("the conversation is larger than %d MiB; start a new one", maxBody>>20))
		return nil, false
	}
	// Looked at where it is: a copy of each would be what a pod has memory for.
	if err != nil || !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) || !json.Valid(body) {
		Refuse(w, http.StatusBadRequest, "not_json", "the request's body is not a JSON object")
		return nil, false
	}
	return body, true
}

// forward asks the model and streams what it says. A browser that goes away ends the request, and the model stops.
//
// It is no httputil.ReverseProxy: that carries what is to be kept away here, early hints and trailers with whatever headers
// they have, and its early hints empty the headers that are set already.
func (c Config) forward(w http.ResponseWriter, r *http.Request, to *url.URL, revision Revision, body []byte) {
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	late := time.AfterFunc(c.Patience, func() { cancel(errLate) })
	defer late.Stop()
	response, err := c.ask(ctx, to, revision, body)
	if err != nil {
		c.unanswered(w, context.Cause(ctx), err)
		return
	}
	defer func() { _ = response.Body.Close() }()
	c.incoming(w.Header(), response.Header)
	w.WriteHeader(response.StatusCode)
	stream(w, response.Body, c.Patience, func() { late.Reset(c.Patience) })
}

// ask leaves nothing of the browser's request but its body: neither cookies nor the page's token reach the model.
func (c Config) ask(ctx context.Context, to *url.URL, revision Revision, body []byte) (*http.Response, error) {
	method := http.MethodGet
	if body != nil {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(ctx, method, to.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header = http.Header{"User-Agent": {"kservegen-chat"}, "Accept": {"text/event-stream, application/json"}, "Accept-Encoding": {"identity"}}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if revision.Header != "" {
		r.Header.Set(revision.Header, revision.Value)
	}
	response, err := c.Transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if err = final(response); err != nil {
		_ = response.Body.Close()
		return nil, err
	}
	return response, nil
}

// final refuses what is no answer: one that lies elsewhere, another protocol, or a status that HTTP does not have.
func final(r *http.Response) error {
	switch {
	case r.StatusCode >= 300 && r.StatusCode < 400:
		return fmt.Errorf("it redirects to %q (%s); start the chat with that address if it is the model's", r.Header.Get("Location"), r.Status)
	case r.StatusCode < 200:
		return fmt.Errorf("it answers with status %d, which no HTTP API does", r.StatusCode)
	}
	return nil
}

// incoming takes of the model's headers what the page shows, and nothing else: no cookie is set, nothing is cached, and
// what is neither events nor JSON is plain text.
func (c Config) incoming(out, said http.Header) {
	for _, name := range []string{"Retry-After", revisionHeader, "X-Inference-Pod"} {
		if value := said.Get(name); value != "" {
			out.Set(name, value)
		}
	}
	if known := c.known(); len(known) == 1 {
		out.Set(revisionHeader, known[0].Name) // there is no other
	}
	out.Set("Content-Type", contentType(said.Get("Content-Type")))
}

// stream copies what comes as it comes, and calls alive of each piece. Where it breaks it just ends: the page tells by the last
// event whether an answer is whole; were the connection broken as well, the browser would throw away what the page has not read
// yet (Streams Standard: an error resets the queue). A browser that takes nothing for so long is given up: it would hold for good what
// an answer takes.
func stream(w http.ResponseWriter, from io.Reader, patience time.Duration, alive func()) {
	connection := http.NewResponseController(w)
	_ = connection.Flush() // who answers is known before the first word
	for piece := make([]byte, 32<<10); ; {
		n, err := from.Read(piece)
		if n > 0 {
			alive()
			_ = connection.SetWriteDeadline(time.Now().Add(patience))
			if _, gone := w.Write(piece[:n]); gone != nil || connection.Flush() != nil {
				return
			}
		}
		if err != nil {
			_ = connection.SetWriteDeadline(time.Time{}) // net/http would keep it for the next answer
			return
		}
	}
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
		Refuse(w, http.StatusGatewayTimeout, "late", fmt.Sprintf("%s has not begun to answer within %s; it may be loading, or its queue is long", c.Name, c.Patience))
		return
	}
	Refuse(w, http.StatusBadGateway, "unreachable", fmt.Sprintf("%s cannot be asked: %s", c.Name, err))
}
