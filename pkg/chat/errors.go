package chat

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Kind is what went wrong.
type Kind string

// The kinds of errors.
const (
	// Stopped by the caller.
	Stopped Kind = "stopped"
	// Silent: not even headers came in time.
	Silent Kind = "silent"
	// Stalled: an answer began, and nothing more came in time.
	Stalled Kind = "stalled"
	// Cut: an answer began and broke off.
	Cut Kind = "cut"
	// Refused: nothing listens there.
	Refused Kind = "refused"
	// Unreachable: no way to the server, for another reason.
	Unreachable Kind = "unreachable"
	// UnknownHost: the name has no address.
	UnknownHost Kind = "unknown-host"
	// TLS: the secure connection was not made.
	TLS Kind = "tls"
	// Unauthorized: a credential is missing, or is none of those that are taken.
	Unauthorized Kind = "unauthorized"
	// Forbidden: the caller may not.
	Forbidden Kind = "forbidden"
	// UnknownModel: the server has no model of this name.
	UnknownModel Kind = "unknown-model"
	// NoRoute: nothing is at this host and path.
	NoRoute Kind = "no-route"
	// RateLimited: too many requests.
	RateLimited Kind = "rate-limited"
	// Unavailable: no replica takes requests.
	Unavailable Kind = "unavailable"
	// Rejected: the server does not take this request.
	Rejected Kind = "rejected"
	// Failed: the server failed.
	Failed Kind = "failed"
	// Invalid: what came is not an answer of the API.
	Invalid Kind = "invalid"
)

// Error is why there is no answer, or a part of one.
type Error struct {
	Kind Kind `json:"kind"`
	// Message is a sentence for people, with what to do. What a server said is quoted in it and may hold anything: print
	// it by Plain.
	Message string `json:"message"`
	// Status is HTTP's, 0 where there was none.
	Status int `json:"status,omitempty"`
	// RetryAfter in seconds is when the server wants to be asked again, 0 where it does not say.
	RetryAfter int `json:"retryAfterSeconds,omitempty"`
	// Models are those that the server has, where it does not know the one that was asked for.
	Models []string `json:"models,omitempty"`
	cause  error
}

func (e *Error) Error() string { return e.Message }

// Unwrap returns what caused it, nil where the server said it.
func (e *Error) Unwrap() error { return e.cause }

var (
	errTooLate   = errors.New("too late")
	errToolIndex = errors.New("a tool call comes out of order")
	errLimit     = errors.New("the answer is over 64 MiB")
)

// unsent says why a request got no headers.
func (c *Client) unsent(ctx context.Context, err error) *Error {
	at := c.base.Host
	e := &Error{Kind: Unreachable, Message: fmt.Sprintf("%s cannot be reached: %v", at, plainCause(err)), cause: err}
	var dns *net.DNSError
	switch {
	case errors.Is(context.Cause(ctx), errTooLate):
		e.Kind, e.Message = Silent, fmt.Sprintf("%s did not answer within %s, not even with headers: it may be loading the model, or have a long queue", at, c.patience)
	case errors.Is(ctx.Err(), context.Canceled):
		e.Kind, e.Message = Stopped, "stopped before an answer came"
	case errors.As(err, &dns):
		e.Kind, e.Message = UnknownHost, fmt.Sprintf("the name %s has no address here: check it, or give the gateway's own address", dns.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Kind, e.Message = Refused, fmt.Sprintf("nothing listens at %s: the server is not up, or the port is another", at)
	case errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET):
		e.Message = fmt.Sprintf("%s closed the connection without an answer: it may want https instead of http", at)
	case tlsWords(err) != "":
		e.Kind, e.Message = TLS, fmt.Sprintf("no secure connection to %s: %s", at, tlsWords(err))
	}
	return e
}

// plainCause leaves out the method and URL that http.Client puts before an error.
func plainCause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}

// tlsWords says what is wrong with a secure connection, empty where it is something else.
func tlsWords(err error) string {
	var (
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		alert     tls.AlertError
	)
	switch {
	case errors.As(err, &authority):
		return "its certificate is signed by nobody whom this machine trusts; SSL_CERT_FILE names a file of more authorities"
	case errors.As(err, &host):
		return host.Error()
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "its certificate has expired or is not valid yet: " + invalid.Error()
	case errors.As(err, &invalid):
		return invalid.Error()
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return "it does not speak TLS there; try http instead of https"
	case errors.As(err, &alert):
		return "it ended the handshake: " + alert.Error()
	}
	return ""
}

// broken says why an answer ended that had begun.
func (c *Client) broken(ctx context.Context, err error) *Error {
	e := &Error{Kind: Cut, Status: http.StatusOK, cause: err,
		Message: "the answer was cut: the connection ended before the server said that it was done; what came is all there is"}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	var said *Error
	switch {
	case errors.As(err, &said):
		return said
	case errors.Is(context.Cause(ctx), errTooLate):
		e.Kind, e.Message = Stalled, fmt.Sprintf("the answer stopped: nothing came for %s; what came is all there is", c.patience)
	case errors.Is(ctx.Err(), context.Canceled):
		e.Kind, e.Message = Stopped, "stopped"
	case errors.As(err, &syntax), errors.As(err, &kind), errors.Is(err, errToolIndex):
		e.Kind, e.Message = Invalid, fmt.Sprintf("the server sent something that is no answer of the OpenAI API: %v", err)
	case errors.Is(err, errLimit), errors.Is(err, errEventLimit):
		e.Kind, e.Message = Invalid, fmt.Sprintf("stopped reading: %v", err)
	}
	return e
}

// failure is how servers of the API say that something is wrong: in an object error, or at the top as vLLM did before 0.10.
type failure struct {
	Error   json.RawMessage `json:"error"`
	Object  string          `json:"object"`
	Message string          `json:"message"`
	Detail  json.RawMessage `json:"detail"`
}

// words returns what the server said is wrong, empty for nothing.
func (f failure) words() string {
	var inner struct {
		Message string `json:"message"`
	}
	var text string
	switch {
	case json.Unmarshal(f.Error, &inner) == nil && inner.Message != "":
		return inner.Message
	case json.Unmarshal(f.Error, &text) == nil && text != "":
		return text
	case f.Message != "":
		return f.Message
	case json.Unmarshal(f.Detail, &text) == nil:
		return text
	}
	return string(f.Detail)
}

// says reports that an event is about a failure.
func (f failure) says() bool {
	return len(f.Error) > 0 && string(f.Error) != "null" || f.Object == "error"
}

// bodyLimit is how much of an error's body is read, wordsLimit how much of it is quoted.
const (
	bodyLimit  = 64 << 10
	wordsLimit = 500
)

// refusal makes an error of an answer that is not 200.
func (c *Client) refusal(response *http.Response) *Error {
	body, _ := io.ReadAll(io.LimitReader(response.Body, bodyLimit))
	var f failure
	ours := json.Unmarshal(body, &f) == nil && f.words() != ""
	said := f.words()
	if !ours {
		said = strings.TrimSpace(string(body))
		if strings.HasPrefix(said, "<") {
			said = "a web page"
		}
	}
	if len(said) > wordsLimit {
		said = strings.ToValidUTF8(said[:wordsLimit], "") + "…"
	}
	e := &Error{Status: response.StatusCode, RetryAfter: retryAfter(response.Header.Get("Retry-After"), time.Now())}
	e.Kind, e.Message = c.verdict(response, ours)
	if said != "" {
		e.Message += fmt.Sprintf(" (it said: %s)", said)
	}
	if e.RetryAfter > 0 {
		e.Message += fmt.Sprintf("; it asks to wait %s", time.Duration(e.RetryAfter)*time.Second)
	}
	return e
}

// verdict says what a status means. A server of the API explains itself (ours); a gateway does not.
func (c *Client) verdict(response *http.Response, ours bool) (Kind, string) {
	at, status := c.base.Host, response.StatusCode
	switch {
	case status == http.StatusUnauthorized && c.token == "":
		return Unauthorized, at + " wants an API key or a JWT, and none was given"
	case status == http.StatusUnauthorized:
		return Unauthorized, at + " does not take the credential: it is wrong, has expired or is for another audience"
	case status == http.StatusForbidden:
		return Forbidden, at + " does not let this caller in: see the model's AuthorizationPolicy"
	case status == http.StatusNotFound && ours:
		return UnknownModel, at + " has no such model"
	case status == http.StatusNotFound:
		return NoRoute, fmt.Sprintf("%s has nothing at %s for host %s: check the path, the host and what selects the model", at, response.Request.URL.Path, c.hostName())
	case status == http.StatusTooManyRequests:
		return RateLimited, at + " takes no more requests of this caller for now (429)"
	case status == http.StatusServiceUnavailable:
		return Unavailable, "no replica takes requests: it is not ready, or overloaded (503)"
	case status == http.StatusGatewayTimeout:
		return Unavailable, "the gateway waited in vain for the model (504)"
	case status >= 300 && status < 400:
		return Rejected, fmt.Sprintf("%s sends elsewhere, to %s: use that address, a question is not sent on", at, response.Header.Get("Location"))
	case status >= 500:
		return Failed, fmt.Sprintf("the server failed (%d)", status)
	}
	return Rejected, fmt.Sprintf("the server does not take this request (%d)", status)
}

// longestWait, in seconds, is what a server may ask for and still be believed.
const longestWait = 30 * 24 * 3600

// retryAfter reads seconds or a date, 0 for neither. It rounds up.
func retryAfter(value string, now time.Time) int {
	seconds, err := strconv.Atoi(value)
	if date, noDate := http.ParseTime(value); err != nil && noDate == nil {
		seconds = int(date.Sub(now).Seconds() + 0.999)
	}
	if seconds > longestWait {
		return 0
	}
	return max(seconds, 0)
}
