package chat

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	role   = `data: {"model":"m","choices":[{"delta":{"role":"assistant","content":""}}]}` + "\n\n"
	finish = `data: {"model":"m","choices":[{"delta":{},"finish_reason":"stop"}]}` + "\n\n"
	last   = "data: [DONE]\n\n"
)

func piece(field, text string) string {
	value, _ := json.Marshal(text)
	return fmt.Sprintf(`data: {"model":"m","choices":[{"delta":{%q:%s}}]}`+"\n\n", field, value)
}

// stream answers every question with these events.
func stream(events ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		for _, event := range events {
			_, _ = io.WriteString(w, event)
			w.(http.Flusher).Flush()
		}
	}
}

func client(t *testing.T, handler http.HandlerFunc, change ...func(*Config)) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	config := Config{URL: server.URL}
	for _, f := range change {
		f(&config)
	}
	c, err := New(config)
	require.NoError(t, err)
	return c
}

func hello() Question {
	return Question{Model: "m", Messages: []Message{{Role: "user", Content: "Hello"}}}
}

func ask(t *testing.T, c *Client, q Question) (Answer, []Event) {
	t.Helper()
	var events []Event
	a := c.Ask(t.Context(), q, func(e Event) { events = append(events, e) })
	return a, events
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	usage := `data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":9,"total_tokens":12}}` + "\n\n"
	for _, test := range []struct {
		name, content, reasoning, counted string
		events                            []string
	}{
		{"content", "Hello you", "", "chunks", []string{role, piece("content", "Hello"), piece("content", " you"), finish, last}},
		{"reasoning_content", "4", "2+2", "usage", []string{role, piece("reasoning_content", "2+2"), piece("content", "4"), finish, usage, last}},
		{"reasoning", "4", "2+2", "chunks", []string{piece("reasoning", "2+2"), piece("content", "4"), finish, last}},
		{"tags", "4", "2+2\n", "chunks", []string{piece("content", "<thi"), piece("content", "nk>2+2\n</"), piece("content", "think>\n\n4"), finish, last}},
		{"tag without its begin", "4", "2+2\n", "chunks", []string{piece("content", "2+2\n"), piece("content", "</think>\n\n4"), finish, last}},
		{"tags are text where the server parses", "<think>", "2+2", "chunks", []string{piece("reasoning", "2+2"), piece("content", "<think>"), finish, last}},
		{"no last event", "4", "", "chunks", []string{piece("content", "4"), finish}},
		{"no empty line at the end", "4", "", "chunks", []string{piece("content", "4"), finish, "data: [DONE]\n"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a, _ := ask(t, client(t, stream(test.events...)), hello())
			require.Nil(t, a.Error)
			assert.Equal(t, test.content, a.Content)
			assert.Equal(t, test.reasoning, a.Reasoning)
			assert.Equal(t, "stop", a.FinishReason)
			assert.Equal(t, "m", a.Model)
			assert.Equal(t, test.counted, a.Timing.Counted)
			assert.Positive(t, a.Timing.FirstToken)
			assert.GreaterOrEqual(t, a.Timing.Total, a.Timing.FirstToken)
		})
	}
}

// TestSpeed: parts that come in one piece say nothing of how fast they were made.
func TestSpeed(t *testing.T) {
	t.Parallel()
	speed := func(took time.Duration) float64 {
		start := time.Now()
		c := &collector{send: func(Event) {}, start: start, first: start, last: start.Add(took), chunks: 3}
		return c.finish(start.Add(took)).Timing.TokensPerSecond
	}
	assert.Zero(t, speed(50*time.Microsecond))
	assert.InDelta(t, 100.0, speed(20*time.Millisecond), 0.01)
}

func TestAnswerJSON(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal(Answer{Content: "4", Timing: Timing{FirstToken: 1500 * time.Microsecond, Total: time.Second, TokensPerSecond: 2, Counted: "usage"}})
	require.NoError(t, err)
	assert.JSONEq(t, `{"answer":"4","timing":{"firstTokenMilliseconds":1.5,"reasoningMilliseconds":0,"totalMilliseconds":1000,"tokensPerSecond":2,"counted":"usage"}}`, string(data))
}

// TestHostileAmounts: what a server sends without end costs no more than its length. It counts memory, so nothing runs beside it.
func TestHostileAmounts(t *testing.T) {
	took := func(c *collector, d delta, n int) (bytes uint64) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range n {
			require.NoError(t, c.delta(d, time.Now()))
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	sent := 0
	blanks := &collector{send: func(e Event) { sent += len(e.Text) }}
	assert.Less(t, took(blanks, delta{Content: strings.Repeat(" ", 100)}, 5000), uint64(50<<20))
	assert.Equal(t, 500_000, sent, "white space is not held until something else comes")
	assert.Equal(t, 500_000, blanks.size, "and counts for the limit")

	tools := &collector{send: func(Event) {}}
	call := delta{ToolCalls: []byte(`[{"index":0,"function":{"name":"ab","arguments":"abcdefgh"}}]`)}
	assert.Less(t, took(tools, call, 20_000), uint64(200<<20))
	answer := tools.finish(time.Now())
	require.Len(t, answer.ToolCalls, 1)
	assert.Len(t, answer.ToolCalls[0].Name, 40_000)
	assert.Len(t, answer.ToolCalls[0].Arguments, 160_000)
}

// TestAnswerLimit: an answer that never ends is given up, whatever it is made of.
func TestAnswerLimit(t *testing.T) {
	t.Parallel()
	for _, event := range []string{piece("content", "12345"), piece("reasoning", "12345"), piece("content", "     "), piece("content", "<thi")} {
		c := &collector{send: func(Event) {}, size: answerLimit - 8}
		err := c.read(newEvents(strings.NewReader(strings.Repeat(event, 500) + finish + last)))
		require.ErrorIs(t, err, errLimit, event)
	}
}

func TestToolCalls(t *testing.T) {
	t.Parallel()
	tools := func(calls string) string {
		return `data: {"choices":[{"delta":{"tool_calls":` + calls + `}}]}` + "\n\n"
	}
	a, events := ask(t, client(t, stream(
		tools(`[{"index":0,"id":"a","function":{"name":"weather","arguments":""}}]`),
		tools(`[{"index":0,"function":{"arguments":"{\"city\":"}}]`),
		tools(`[{"index":0,"function":{"arguments":"\"Ulm\"}"}},{"index":1,"id":"b","function":{"name":"time"}}]`),
		`data: {"choices":[{"delta":{},"finish_reason":"tool_calls"}]}`+"\n\n", last)), hello())
	require.Nil(t, a.Error)
	assert.Equal(t, []ToolCall{{ID: "a", Name: "weather", Arguments: `{"city":"Ulm"}`}, {ID: "b", Name: "time"}}, a.ToolCalls)
	assert.Len(t, events, 4)

	a, _ = ask(t, client(t, stream(tools(`[{"index":7}]`), last)), hello())
	require.NotNil(t, a.Error)
	assert.Equal(t, Invalid, a.Error.Kind)
}

func TestRequest(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body string
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		got, body = r, string(data)
		w.Header().Set(RevisionHeader, "v2")
		w.Header().Set("x-inference-pod", "m-v2-predictor-abc")
		stream(piece("content", "4"), finish, last)(w, r)
	}, func(c *Config) {
		c.URL += "/deepseek/"
		c.Host, c.Token, c.Select = "deepseek.example.com", "secret", []Header{{"x-model", "deepseek"}}
		c.Revisions = []Revision{{Name: "v1"}, {Name: "v2", Testers: &Header{"x-llm-track", "v2"}}}
	})
	q := hello()
	q.Revision, q.MaxTokens = "v2", 7
	a, events := ask(t, c, q)
	require.Nil(t, a.Error)
	assert.Equal(t, "/deepseek/v1/chat/completions", got.URL.Path)
	assert.Equal(t, "deepseek.example.com", got.Host)
	assert.Equal(t, "Bearer secret", got.Header.Get("Authorization"))
	assert.Equal(t, "deepseek", got.Header.Get("X-Model"))
	assert.Equal(t, "v2", got.Header.Get("X-Llm-Track"))
	assert.JSONEq(t, `{"model":"m","messages":[{"role":"user","content":"Hello"}],"stream":true,"stream_options":{"include_usage":true},"max_tokens":7}`, body)
	assert.Equal(t, "v2", a.Revision)
	assert.Equal(t, FromRoute, a.RevisionFrom)
	assert.Equal(t, "m-v2-predictor-abc", a.Pod)
	assert.Equal(t, []Event{{Headers, "v2"}, {Content, "4"}}, events)
}

func TestWhoAnswered(t *testing.T) {
	t.Parallel()
	v1, v2 := Revision{Name: "v1"}, Revision{Name: "v2", Testers: &Header{"x-llm-track", "v2"}}
	for _, test := range []struct {
		name, asked, revision, from string
		known                       []Revision
	}{
		{"nothing is known", "", "", "", nil},
		{"two, by weight", "", "", "", []Revision{v1, v2}},
		{"by testers' header", "v2", "v2", FromTesters, []Revision{v1, v2}},
		{"the only one", "", "v1", FromOnly, []Revision{v1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			q := hello()
			q.Revision = test.asked
			a, _ := ask(t, client(t, stream(piece("content", "4"), finish, last), func(c *Config) { c.Revisions = test.known }), q)
			require.Nil(t, a.Error)
			assert.Equal(t, test.revision, a.Revision)
			assert.Equal(t, test.from, a.RevisionFrom)
		})
	}
}

func TestRevisionThatCannotBeAsked(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		known []Revision
		want  string
	}{
		{nil, "nothing is known of revision v2"},
		{[]Revision{{Name: "v1"}, {Name: "v3"}}, "there is no revision v2; there is v1, v3"},
		{[]Revision{{Name: "v1"}, {Name: "v2"}}, "revision v2 has no testers' header"},
	} {
		q := hello()
		q.Revision = "v2"
		a, _ := ask(t, client(t, stream(last), func(c *Config) { c.Revisions = test.known }), q)
		require.NotNil(t, a.Error)
		assert.Contains(t, a.Error.Message, test.want)
	}
}

func status(code int, kind, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// TestBroken: each thing that a server can do wrong has its kind and its sentence, and what came is kept.
func TestBroken(t *testing.T) {
	t.Parallel()
	half := piece("content", "half of")
	for _, test := range []struct {
		name    string
		server  http.HandlerFunc
		kind    Kind
		says    string
		content string
	}{
		{"half a chunk", stream(half, `data: {"choices":[{"del`), Cut, "the answer was cut", "half of"},
		{"no end", stream(half), Cut, "the answer was cut", "half of"},
		{"end without a reason", stream(half, last), Cut, "the answer was cut", "half of"},
		{"aborted", stream(half, `data: {"choices":[{"delta":{},"finish_reason":"abort"}]}`+"\n\n", last), Cut, "the answer was cut", "half of"},
		{"connection dies", func(w http.ResponseWriter, r *http.Request) {
			stream(half)(w, r)
			panic(http.ErrAbortHandler)
		}, Cut, "the answer was cut", "half of"},
		{"invalid JSON", stream(half, "data: {nonsense}\n\n", last), Invalid, "no answer of the OpenAI API", "half of"},
		{"JSON of another kind", stream(half, `data: {"choices":7}`+"\n\n", last), Invalid, "no answer of the OpenAI API", "half of"},
		{"error event", stream(half, `data: {"error":{"message":"CUDA out of memory","code":500}}`+"\n\n", last), Failed, "CUDA out of memory", "half of"},
		{"error event of old vLLM", stream(half, `data: {"object":"error","message":"engine is dead"}`+"\n\n", last), Failed, "engine is dead", "half of"},
		{"web page", status(200, "text/html", "<html>sign in</html>"), Invalid, `answers "text/html" and not a stream`, ""},
		{"429 in seconds", status(429, "text/plain", "local_rate_limited", "Retry-After", "7"), RateLimited, "it asks to wait 7s", ""},
		{"429", status(429, "text/plain", ""), RateLimited, "(429)", ""},
		{"503", status(503, "text/plain", "no healthy upstream"), Unavailable, "no replica takes requests: it is not ready, or overloaded (503) (it said: no healthy upstream)", ""},
		{"504", status(504, "text/plain", "upstream request timeout"), Unavailable, "(504)", ""},
		{"500", status(500, "application/json", `{"error":{"message":"boom"}}`), Failed, "the server failed (500) (it said: boom)", ""},
		{"400", status(400, "application/json", `{"error":{"message":"maximum context length is 2048"}}`), Rejected, "maximum context length is 2048", ""},
		{"422 of FastAPI", status(422, "application/json", `{"detail":[{"loc":["body"]}]}`), Rejected, `[{"loc":["body"]}]`, ""},
		{"401", status(401, "application/json", `{"error":"Unauthorized"}`), Unauthorized, "wants an API key or a JWT, and none was given", ""},
		{"403", status(403, "text/plain", "RBAC: access denied"), Forbidden, "AuthorizationPolicy", ""},
		{"404 of a gateway", status(404, "text/plain", ""), NoRoute, "has nothing at /v1/chat/completions for host 127.0.0.1", ""},
		{"301", status(301, "text/plain", "", "Location", "https://elsewhere.example.com/"), Rejected, "https://elsewhere.example.com/", ""},
		{"long web page", status(500, "text/html", "<html>"+strings.Repeat("x", 1<<20)), Failed, "(it said: a web page)", ""},
		{"hangs up", func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			_ = conn.Close()
		}, Unreachable, "closed the connection without an answer", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a, _ := ask(t, client(t, test.server), hello())
			require.NotNil(t, a.Error)
			assert.Equal(t, test.kind, a.Error.Kind)
			assert.Contains(t, a.Error.Message, test.says)
			assert.Less(t, len(a.Error.Message), 1000)
			assert.Equal(t, test.content, a.Content)
		})
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)
	assert.Equal(t, 7, retryAfter("7", now))
	assert.Equal(t, 90, retryAfter("Mon, 30 Nov 2026 08:01:30 GMT", now))
	assert.Zero(t, retryAfter("Mon, 30 Nov 2026 07:00:00 GMT", now))
	assert.Zero(t, retryAfter("-4", now))
	assert.Zero(t, retryAfter("soon", now))
	assert.Zero(t, retryAfter("99999999999999", now), "nobody waits for years")
	assert.Zero(t, retryAfter("Mon, 30 Nov 9999 08:00:00 GMT", now))
}

func TestUnknownModelListsThose(t *testing.T) {
	t.Parallel()
	a, _ := ask(t, client(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/models" {
			status(200, "application/json", `{"data":[{"id":"a"},{"id":"b"}]}`)(w, r)
			return
		}
		status(404, "application/json", `{"error":{"message":"The model `+"`m`"+` does not exist."}}`)(w, r)
	}), hello())
	require.NotNil(t, a.Error)
	assert.Equal(t, UnknownModel, a.Error.Kind)
	assert.Equal(t, []string{"a", "b"}, a.Error.Models)
	assert.Contains(t, a.Error.Message, `has no model "m"; it has a, b`)
}

func impatient(c *Config) { c.Patience = 100 * time.Millisecond }

func TestSilent(t *testing.T) {
	t.Parallel()
	a, _ := ask(t, client(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}, impatient), hello())
	require.NotNil(t, a.Error)
	assert.Equal(t, Silent, a.Error.Kind)
	assert.Contains(t, a.Error.Message, "did not answer within 100ms, not even with headers")
}

func TestStalled(t *testing.T) {
	t.Parallel()
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		stream(piece("content", "half of"))(w, r)
		<-r.Context().Done()
	}, impatient)
	a, _ := ask(t, c, hello())
	require.NotNil(t, a.Error)
	assert.Equal(t, Stalled, a.Error.Kind)
	assert.Equal(t, "half of", a.Content)
}

// TestSlowIsNotStalled: an answer may take longer than the patience, as long as something comes.
func TestSlowIsNotStalled(t *testing.T) {
	t.Parallel()
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for range 8 {
			time.Sleep(400 * time.Millisecond)
			_, _ = io.WriteString(w, ": keep-alive\n\n")
			w.(http.Flusher).Flush()
		}
		stream(piece("content", "4"), finish, last)(w, r)
	}, func(c *Config) { c.Patience = 2 * time.Second })
	a, _ := ask(t, c, hello())
	assert.Nil(t, a.Error)
	assert.Equal(t, "4", a.Content)
}

func TestStopped(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		stream(piece("content", "half of"))(w, r)
		<-r.Context().Done()
		close(gone)
	})
	ctx, cancel := context.WithCancel(t.Context())
	a := c.Ask(ctx, hello(), func(e Event) {
		if e.Kind == Content {
			cancel()
		}
	})
	require.NotNil(t, a.Error)
	assert.Equal(t, Stopped, a.Error.Kind)
	assert.Equal(t, "half of", a.Content)
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		require.Fail(t, "the server was not told that nobody listens any more")
	}
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	c, err := New(Config{URL: "http://" + address})
	require.NoError(t, err)
	a, _ := ask(t, c, hello())
	require.NotNil(t, a.Error)
	assert.Equal(t, Refused, a.Error.Kind)
	assert.Contains(t, a.Error.Message, "nothing listens at "+address)

	c, err = New(Config{URL: "http://nowhere.invalid"})
	require.NoError(t, err)
	a, _ = ask(t, c, hello())
	require.NotNil(t, a.Error)
	assert.Equal(t, UnknownHost, a.Error.Kind)
	assert.Contains(t, a.Error.Message, "the name nowhere.invalid has no address here")
}

func TestTLS(t *testing.T) {
	t.Parallel()
	secure := httptest.NewTLSServer(stream(last))
	t.Cleanup(secure.Close)
	secure.Config.ErrorLog = nil
	plain := httptest.NewServer(stream(last))
	t.Cleanup(plain.Close)
	for _, test := range []struct {
		name, url, host, says string
		trusted               bool
	}{
		{"unknown authority", secure.URL, "", "signed by nobody whom this machine trusts", false},
		{"another name", secure.URL, "deepseek.test", "deepseek.test", true},
		{"no TLS", strings.Replace(plain.URL, "http:", "https:", 1), "", "it does not speak TLS there", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			config := Config{URL: test.url, Host: test.host}
			if test.trusted {
				transport := secure.Client().Transport.(*http.Transport).Clone()
				transport.TLSClientConfig.ServerName = test.host
				config.Transport = transport
			}
			c, err := New(config)
			require.NoError(t, err)
			a, _ := ask(t, c, hello())
			require.NotNil(t, a.Error)
			assert.Equal(t, TLS, a.Error.Kind, a.Error.Message)
			assert.Contains(t, a.Error.Message, test.says)
		})
	}
}

// TestTokenIsNeverSaid: neither where the server refuses it nor where it sends elsewhere.
func TestTokenIsNeverSaid(t *testing.T) {
	t.Parallel()
	asked := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	t.Cleanup(other.Close)
	for _, server := range []http.HandlerFunc{
		status(401, "text/plain", ""), status(307, "text/plain", "", "Location", other.URL), status(200, "text/html", ""),
	} {
		a, _ := ask(t, client(t, server, func(c *Config) { c.Token = "very-secret" }), hello())
		require.NotNil(t, a.Error)
		data, err := json.Marshal(a)
		require.NoError(t, err)
		assert.NotContains(t, string(data), "very-secret")
	}
	assert.False(t, asked, "a redirect was followed")
}

func TestBaseURL(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"https://a.example.com":                 "https://a.example.com/v1",
		"https://a.example.com/":                "https://a.example.com/v1",
		"https://a.example.com/v1/":             "https://a.example.com/v1",
		"http://127.0.0.1:8080/deepseek/":       "http://127.0.0.1:8080/deepseek/v1",
		"https://a.example.com/v1beta/openai":   "https://a.example.com/v1beta/openai",
		"https://a.example.com/deepseek/v1/api": "https://a.example.com/deepseek/v1/api/v1",
	} {
		c, err := New(Config{URL: given})
		require.NoError(t, err)
		assert.Equal(t, want, c.URL())
	}
	for _, bad := range []string{"", "a.example.com", "ftp://a.example.com", "https://", "https://user:secret@a.example.com", "https://a.example.com?key=secret"} {
		_, err := New(Config{URL: bad})
		require.Error(t, err, bad)
		assert.NotContains(t, strings.TrimPrefix(err.Error(), fmt.Sprintf("%q", bad)), "secret")
	}
}

// TestLongAnswer: 100,000 tokens arrive whole, and a line that never ends does not fill the memory.
func TestLongAnswer(t *testing.T) {
	t.Parallel()
	const tokens = 100_000
	a, _ := ask(t, client(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for range tokens {
			_, _ = io.WriteString(w, piece("content", "word "))
		}
		_, _ = io.WriteString(w, finish+last)
	}), hello())
	require.Nil(t, a.Error)
	assert.Len(t, a.Content, 5*tokens)

	a, _ = ask(t, client(t, func(w http.ResponseWriter, r *http.Request) {
		stream(piece("content", "half of"), "data: ")(w, r)
		block := strings.Repeat("x", 1<<20)
		for range 20 {
			_, _ = io.WriteString(w, block)
		}
	}), hello())
	require.NotNil(t, a.Error)
	assert.Equal(t, Invalid, a.Error.Kind)
	assert.Contains(t, a.Error.Message, "an event is over 16 MiB")
	assert.Equal(t, "half of", a.Content)
}

// TestTransport: what others ask over it has the client's credential and host, and what they hand over is not changed.
func TestTransport(t *testing.T) {
	t.Parallel()
	asked := make(chan *http.Request, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r }))
	t.Cleanup(server.Close)
	client, err := New(Config{URL: server.URL, Host: "m.example", Token: "secret", Select: []Header{{Name: "x-model", Value: "m"}}})
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	require.NoError(t, err)
	response, err := client.Transport().RoundTrip(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	got := <-asked
	assert.Equal(t, []string{"m.example", "Bearer secret", "m"}, []string{got.Host, got.Header.Get("Authorization"), got.Header.Get("X-Model")})
	assert.Empty(t, request.Header)
}
