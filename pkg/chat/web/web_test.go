package web_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/chat/web"
)

const token = "a-token-of-22-letters-"

// serve starts the page before an upstream and returns its base URL.
func serve(t *testing.T, upstream http.HandlerFunc, change func(*web.Config)) string {
	t.Helper()
	model := httptest.NewServer(upstream)
	t.Cleanup(model.Close)
	base, err := url.Parse(model.URL + "/v1")
	require.NoError(t, err)
	c := web.Config{Upstream: base, Name: "m", Revisions: []web.Revision{
		{Name: "v1", Weight: 90}, {Name: "v2", Header: "X-Llm-Track", Value: "v2", Weight: 10},
	}}
	if change != nil {
		change(&c)
	}
	handler, err := web.New(c)
	require.NoError(t, err)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func request(t *testing.T, method, address, body string, header map[string]string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	require.NoError(t, err)
	for name, value := range header {
		if name == "Host" {
			r.Host = value
		}
		r.Header.Set(name, value)
	}
	return r
}

func do(t *testing.T, r *http.Request) (*http.Response, string) {
	t.Helper()
	response, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response, string(body)
}

// with are the headers of a request of the page, and more.
func with(more ...string) map[string]string {
	out := map[string]string{"X-Kservegen-Chat": "1", "Content-Type": "application/json"}
	for i := 0; i < len(more); i += 2 {
		out[more[i]] = more[i+1]
	}
	return out
}

func silent(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }

func TestHeaders(t *testing.T) {
	t.Parallel()
	base := serve(t, silent, nil)
	for _, path := range []string{"/", "/main.mjs", "/none", "/api/about", "/api/none"} {
		response, _ := do(t, request(t, "GET", base+path, "", nil))
		for name, value := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
				"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
			"Permissions-Policy": "camera=(), geolocation=(), microphone=()",
		} {
			assert.Equal(t, value, response.Header.Get(name), "%s of %s", name, path)
		}
		assert.Empty(t, response.Header.Get("Access-Control-Allow-Origin"), path)
		assert.NotContains(t, response.Header.Get("Content-Security-Policy"), "unsafe")
	}
}

// TestPages: the page is small, nothing in it is inline or from elsewhere, and no markup is made of text.
func TestPages(t *testing.T) {
	t.Parallel()
	base := serve(t, silent, nil)
	files, err := filepath.Glob("static/*")
	require.NoError(t, err)
	weight := 0
	for _, file := range files {
		data, unread := os.ReadFile(file)
		require.NoError(t, unread)
		weight += len(data)
		response, body := do(t, request(t, "GET", base+"/"+filepath.Base(file), "", nil))
		assert.Equal(t, http.StatusOK, response.StatusCode, file)
		assert.Equal(t, string(data), body)
		assert.Equal(t, "no-cache", response.Header.Get("Cache-Control"))
		assert.NotRegexp(t, `innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\(|new Function|createContextualFragment`, body, file)
		assert.NotRegexp(t, `(src|href|url|import|from)\s*[=(]?\s*["']?(https?:)?//`, body, file)
		again, _ := do(t, request(t, "GET", base+"/"+filepath.Base(file), "", map[string]string{"If-None-Match": response.Header.Get("Etag")}))
		assert.Equal(t, http.StatusNotModified, again.StatusCode, file)
	}
	t.Logf("the page weighs %d bytes in %d files", weight, len(files))
	assert.Less(t, weight, 300<<10)
	index, err := os.ReadFile("static/index.html")
	require.NoError(t, err)
	assert.NotRegexp(t, `\sstyle=|\son\w+=|<style|<script>`, string(index))
	response, _ := do(t, request(t, "POST", base+"/", "", nil))
	assert.Equal(t, http.StatusMethodNotAllowed, response.StatusCode)
}

func TestWhoMayAsk(t *testing.T) {
	t.Parallel()
	free := serve(t, silent, func(c *web.Config) { c.Hosts = []string{"chat.example"} })
	guarded := serve(t, silent, func(c *web.Config) { c.Token = token })
	port := free[strings.LastIndex(free, ":"):]
	bearer := "Bearer " + token
	for name, c := range map[string]struct {
		base   string
		header map[string]string
		status int
	}{
		"the page":                       {free, with("Origin", free, "Sec-Fetch-Site", "same-origin"), 200},
		"a program":                      {free, with(), 200},
		"by localhost":                   {free, with("Host", "localhost"+port), 200},
		"by localhost, origin":           {free, with("Host", "localhost"+port, "Origin", "http://localhost"+port), 200},
		"by IPv6":                        {free, with("Host", "[::1]"+port), 200},
		"through a tunnel's port":        {free, with("Host", "localhost:9"), 200},
		"by a name given":                {free, with("Host", "Chat.Example:443", "Origin", "https://chat.example:443"), 200},
		"a name turned here":             {free, with("Host", "evil.example"+port), 421},
		"a name like ours":               {free, with("Host", "localhost.evil.example"), 421},
		"a name that begins as a number": {free, with("Host", "127.0.0.1.evil.example"), 421},
		"another address":                {free, with("Host", "10.0.0.1"+port), 421},
		"all addresses":                  {free, with("Host", "0.0.0.0"+port), 421},
		"another site":                   {free, with("Origin", "http://evil.example"), 403},
		"another port":                   {free, with("Origin", "http://127.0.0.1:1"), 403},
		"no origin of its own":           {free, with("Origin", "null"), 403},
		"another site's fetch":           {free, with("Sec-Fetch-Site", "cross-site"), 403},
		"another port's fetch":           {free, with("Sec-Fetch-Site", "same-site"), 403},
		"a form":                         {free, with("Content-Type", "text/plain"), 415},
		"without our header":             {free, with("X-Kservegen-Chat", ""), 403},
		"no token":                       {guarded, with(), 401},
		"a wrong token":                  {guarded, with("Authorization", "Bearer x"), 401},
		"the token bare":                 {guarded, with("Authorization", token), 401},
		"the token":                      {guarded, with("Authorization", bearer), 200},
		"the token by an address":        {guarded, with("Authorization", bearer, "Host", "10.0.0.1"), 200},
		"the token by a name":            {guarded, with("Authorization", bearer, "Host", "evil.example"), 421},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			response, body := do(t, request(t, "POST", c.base+"/api/chat", "{}", c.header))
			assert.Equal(t, c.status, response.StatusCode, body)
			if c.status != http.StatusOK {
				assert.NotContains(t, body, token)
			}
		})
	}
}

// TestWhatTheModelIsAsked: the body and the tester's header, and nothing else of the browser's.
func TestWhatTheModelIsAsked(t *testing.T) {
	t.Parallel()
	type seen struct {
		path, body string
		header     http.Header
	}
	got := make(chan seen, 1)
	upstream := func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- seen{r.Method + " " + r.URL.RequestURI(), string(body), r.Header}
	}
	base := serve(t, upstream, func(c *web.Config) { c.Token = token; c.Upstream.Path = "/models/m/v1/" })
	header := with("Authorization", "Bearer "+token, "Cookie", "session=1", "X-Llm-Track", "v9", "X-Forwarded-For", "1.2.3.4")
	response, _ := do(t, request(t, "POST", base+"/api/chat?revision=v2", `{"a":1}`, header))
	require.Equal(t, http.StatusOK, response.StatusCode)
	asked := <-got
	assert.Equal(t, "POST /models/m/v1/chat/completions", asked.path)
	assert.Equal(t, `{"a":1}`, asked.body)
	assert.Equal(t, http.Header{
		"Accept": {"text/event-stream, application/json"}, "Accept-Encoding": {"identity"}, "Content-Length": {"7"},
		"Content-Type": {"application/json"}, "User-Agent": {"kservegen-chat"}, "X-Llm-Track": {"v2"},
	}, asked.header)

	do(t, request(t, "GET", base+"/api/models", "", header))
	asked = <-got
	assert.Equal(t, "GET /models/m/v1/models", asked.path)
	assert.Empty(t, asked.header.Get("X-Llm-Track"))
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	base := serve(t, silent, nil)
	for name, c := range map[string]struct {
		path, body, says string
		status           int
	}{
		"no JSON":                {"/api/chat", "{", "not a JSON object", 400},
		"an array":               {"/api/chat", "[]", "not a JSON object", 400},
		"null":                   {"/api/chat", "null", "not a JSON object", 400},
		"too much":               {"/api/chat", `"` + strings.Repeat("x", 4<<20) + `"`, "larger than 4 MiB", 413},
		"an unknown revision":    {"/api/chat?revision=v3", "{}", `\"v3\" has no testers' header`, 400},
		"one without a header":   {"/api/chat?revision=v1", "{}", `\"v1\" has no testers' header`, 400},
		"another path":           {"/api/completions", "{}", "not part of the page's API", 404},
		"a path out of the page": {"/api/../../etc/passwd", "{}", "", 307},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			response, body := do(t, request(t, "POST", base+c.path, c.body, with()))
			assert.Equal(t, c.status, response.StatusCode)
			assert.Contains(t, body, c.says)
		})
	}
}

// TestWhatTheBrowserGets: status, events and three headers; no cookie, no redirect, no other type.
func TestWhatTheBrowserGets(t *testing.T) {
	t.Parallel()
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for name, value := range map[string]string{
			"Content-Type": "text/html", "Set-Cookie": "a=1", "X-Llm-Revision": "v1", "X-Inference-Pod": "p", "Retry-After": "7",
			"Content-Security-Policy": "default-src *", "Access-Control-Allow-Origin": "*", "X-Other": "1", "Location": "http://evil.example/",
		} {
			w.Header().Set(name, value)
		}
		status := http.StatusTooManyRequests
		if r.Header.Get("X-Llm-Track") == "v2" {
			status = http.StatusFound
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "<script>")
	}, nil)
	response, body := do(t, request(t, "POST", base+"/api/chat", "{}", with()))
	assert.Equal(t, http.StatusTooManyRequests, response.StatusCode)
	assert.Equal(t, "<script>", body)
	for name, value := range map[string]string{
		"Content-Type": "text/plain; charset=utf-8", "X-Llm-Revision": "v1", "X-Inference-Pod": "p", "Retry-After": "7", "Cache-Control": "no-store",
		"Set-Cookie": "", "Access-Control-Allow-Origin": "", "X-Other": "", "Location": "",
	} {
		assert.Equal(t, value, response.Header.Get(name), name)
	}
	assert.NotContains(t, response.Header.Values("Content-Security-Policy"), "default-src *")

	response, body = do(t, request(t, "POST", base+"/api/chat?revision=v2", "{}", with()))
	assert.Equal(t, http.StatusBadGateway, response.StatusCode)
	assert.Contains(t, body, "redirects to")
	assert.Empty(t, response.Header.Get("Location"))
}

// TestStream: an event is there before the next is made; a browser that leaves ends the model's request.
func TestStream(t *testing.T) {
	t.Parallel()
	next, left := make(chan struct{}), make(chan struct{})
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		_, _ = io.WriteString(w, "data: 1\n\n")
		w.(http.Flusher).Flush()
		<-next
		_, _ = io.WriteString(w, "data: 2\n\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		close(left)
	}, nil)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	response, err := http.DefaultTransport.RoundTrip(request(t, "POST", base+"/api/chat", "{}", with()).WithContext(ctx))
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	assert.Equal(t, "text/event-stream", response.Header.Get("Content-Type"))
	event := make([]byte, 9)
	_, err = io.ReadFull(response.Body, event)
	require.NoError(t, err)
	assert.Equal(t, "data: 1\n\n", string(event))
	close(next)
	_, err = io.ReadFull(response.Body, event)
	require.NoError(t, err)
	leave()
	select {
	case <-left:
	case <-time.After(10 * time.Second):
		t.Fatal("the model goes on for nobody")
	}
}

// TestCut: what is cut on the way to the model has no last event, and reaches the browser as far as it came.
func TestCut(t *testing.T) {
	t.Parallel()
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "data: 1\n\n")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}, nil)
	response, err := http.DefaultTransport.RoundTrip(request(t, "POST", base+"/api/chat", "{}", with()))
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.Equal(t, "data: 1\n\n", string(body))
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	base := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}, func(c *web.Config) { c.Patience = 50 * time.Millisecond })
	response, body := do(t, request(t, "POST", base+"/api/chat", "{}", with()))
	assert.Equal(t, http.StatusGatewayTimeout, response.StatusCode)
	assert.Contains(t, body, "m has not begun to answer within 50ms")

	base = serve(t, silent, func(c *web.Config) { c.Upstream = &url.URL{Scheme: "http", Host: "127.0.0.1:1"} })
	response, body = do(t, request(t, "POST", base+"/api/chat", "{}", with()))
	assert.Equal(t, http.StatusBadGateway, response.StatusCode)
	assert.Contains(t, body, "m cannot be asked: dial tcp 127.0.0.1:1")
}

func TestAbout(t *testing.T) {
	t.Parallel()
	about := func(change func(*web.Config)) string {
		_, body := do(t, request(t, "GET", serve(t, silent, change)+"/api/about", "", with()))
		return body
	}
	assert.JSONEq(t, `{"name":"m","revisions":[{"name":"v1","weight":90,"chosen":false},{"name":"v2","weight":10,"chosen":true}]}`, about(nil))
	assert.JSONEq(t, `{"name":"m","model":"x","revisions":[{"name":"v1","chosen":false}]}`,
		about(func(c *web.Config) { c.Model = "x"; c.Revisions = []web.Revision{{Name: "v1"}} }))
	assert.NotContains(t, about(nil), "X-Llm-Track")
}

// TestOneRevision: where there is one, it has all answers, whatever the route says.
func TestOneRevision(t *testing.T) {
	t.Parallel()
	for revisions, want := range map[int]string{0: "", 1: "v1", 2: ""} {
		base := serve(t, silent, func(c *web.Config) { c.Revisions = c.Revisions[:revisions] })
		response, _ := do(t, request(t, "POST", base+"/api/chat", "{}", with()))
		assert.Equal(t, want, response.Header.Get("X-Llm-Revision"))
	}
}

func TestConfigsThatCannotWork(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "127.0.0.1:80", "ftp://x/", "/v1"} {
		base, _ := url.Parse(address)
		_, err := web.New(web.Config{Upstream: base})
		require.ErrorContains(t, err, "not an http or https URL", address)
	}
	for _, host := range []string{"", "https://chat.example.com", "chat.example.com:443", "*.example.com", "chat.example.com/", "[::1]"} {
		_, err := web.New(web.Config{Upstream: &url.URL{Scheme: "http", Host: "x"}, Hosts: []string{"chat.example.com", "10.0.0.1", "::1", host}})
		require.ErrorContains(t, err, "no such name as \""+host+"\"", "nobody would come in by it")
	}
	_, err := web.New(web.Config{Upstream: &url.URL{Scheme: "http", Host: "x"}, Revisions: []web.Revision{{Name: "v1", Header: "x"}}})
	require.ErrorContains(t, err, `revision "v1" needs`)
}

func TestListen(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ address, token, says string }{
		{"0.0.0.0:0", "", "reached from other machines, so a token or a sign-in is needed"},
		{":0", "", "reached from other machines"},
		{"[::]:0", "", "reached from other machines"},
		{"chat.example:0", "", "reached from other machines"},
		{"8080", "", "not host:port"},
		{"127.0.0.1:0", "short", "has 5 characters; give it at least 16"},
	} {
		_, err := web.Listen(t.Context(), c.address, web.Config{Token: c.token})
		require.ErrorContains(t, err, c.says, c.address)
	}
	assert.True(t, web.Local("127.0.0.1:0"))
	assert.False(t, web.Local(":0"))
	for address, token := range map[string]string{"127.0.0.1:0": "", "localhost:0": "", "0.0.0.0:0": web.NewToken()} {
		l, err := web.Listen(t.Context(), address, web.Config{Token: token})
		require.NoError(t, err, address)
		link, err := url.Parse(web.Link(l, token))
		require.NoError(t, err)
		assert.Equal(t, "127.0.0.1", link.Hostname())
		assert.Empty(t, link.RawQuery)
		assert.Equal(t, token != "", strings.HasPrefix(link.Fragment, "token="))
		require.NoError(t, l.Close())
	}
}

// TestServe: the end of the program waits for an answer that ends soon, and not for one that does not.
func TestServe(t *testing.T) {
	t.Parallel()
	started := make(chan struct{}, 2)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started <- struct{}{}
		if r.URL.Path == "/forever" {
			<-r.Context().Done()
		}
		time.Sleep(100 * time.Millisecond)
		_ = json.NewEncoder(w).Encode("whole")
	})
	l, err := web.Listen(t.Context(), "127.0.0.1:0", web.Config{})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- web.Serve(ctx, l, handler, time.Second) }()
	answers := make(chan string, 2)
	for _, path := range []string{"soon", "forever"} {
		go func() {
			r, _ := http.NewRequestWithContext(t.Context(), "GET", web.Link(l, "")+path, nil)
			var got bytes.Buffer
			if response, err := http.DefaultTransport.RoundTrip(r); err == nil {
				_, _ = io.Copy(&got, response.Body)
				_ = response.Body.Close()
			}
			answers <- path + got.String()
		}()
		<-started
	}
	stop()
	assert.Equal(t, "soon\"whole\"\n", <-answers)
	require.NoError(t, <-ended)
	assert.Equal(t, "forever", <-answers)
}

// raw is an upstream that writes bytes, as no server of a library would. It returns the page's base URL.
func raw(t *testing.T, answers string, change func(*web.Config)) string {
	t.Helper()
	return serve(t, nil, func(c *web.Config) {
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		t.Cleanup(func() { _ = listener.Close() })
		go func() {
			for {
				connection, err := listener.Accept()
				if err != nil {
					return
				}
				go func() {
					defer func() { _ = connection.Close() }()
					if r, err := http.ReadRequest(bufio.NewReader(connection)); err == nil {
						_, _ = io.Copy(io.Discard, r.Body)
						_, _ = io.WriteString(connection, answers)
					}
				}()
			}
		}()
		c.Upstream.Host = listener.Addr().String()
		if change != nil {
			change(c)
		}
	})
}

// TestHostileAnswers: neither what comes before an answer nor a status of no known meaning takes the page's headers away,
// adds to them, or ends the request without a word.
func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answers string
		status  int
	}{
		"early hints":  {"HTTP/1.1 103 Early Hints\r\nSet-Cookie: a=1\r\nLink: <http://evil.example/>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200},
		"upgrade":      {"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: evil\r\n\r\n", 502},
		"no status":    {"HTTP/1.1 000 None\r\nContent-Length: 0\r\n\r\n", 502},
		"not modified": {"HTTP/1.1 304 Not Modified\r\n\r\n", 502},
		"a trailer":    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Set-Cookie\r\n\r\n2\r\n{}\r\n0\r\nSet-Cookie: a=1\r\n\r\n", 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base := raw(t, c.answers, nil)
			early := http.Header{}
			r := request(t, "POST", base+"/api/chat", "{}", with())
			r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
				early = http.Header(h)
				return nil
			}}))
			response, body := do(t, r)
			assert.Equal(t, c.status, response.StatusCode, body)
			assert.Empty(t, early)
			assert.Empty(t, response.Trailer)
			assert.Empty(t, response.Header.Get("Set-Cookie")+response.Header.Get("Link"))
			assert.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"))
			assert.Contains(t, response.Header.Get("Content-Security-Policy"), "default-src 'none'")
			assert.Equal(t, "no-store", response.Header.Get("Cache-Control"))
		})
	}
}

// TestStalled: an answer in which nothing more comes ends, as far as it came.
func TestStalled(t *testing.T) {
	t.Parallel()
	left := make(chan struct{})
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		for range 8 { // longer in all than the patience, which is between two events
			_, _ = io.WriteString(w, "data: 1\n\n")
			w.(http.Flusher).Flush()
			time.Sleep(50 * time.Millisecond)
		}
		<-r.Context().Done()
		close(left)
	}, func(c *web.Config) { c.Patience = 300 * time.Millisecond })
	_, body := do(t, request(t, "POST", base+"/api/chat", "{}", with()))
	assert.Equal(t, strings.Repeat("data: 1\n\n", 8), body)
	<-left
}
