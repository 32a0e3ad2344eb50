//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// model is a server that answers by what it is asked.
type model struct {
	*httptest.Server
	mu    sync.Mutex
	asked []chatRequest
	// gone counts questions whose asker went away.
	gone chan struct{}
}

type chatRequest struct {
	header   http.Header
	host     string
	Model    string `json:"model"`
	Messages []struct {
		Role, Content string
	} `json:"messages"`
}

func newModel(t *testing.T) *model {
	m := &model{gone: make(chan struct{}, 10)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"data":[{"id":"deepseek-r1"},{"id":"other"}]}`)
	})
	mux.HandleFunc("POST /v1/chat/completions", m.answer)
	m.Server = httptest.NewServer(mux)
	t.Cleanup(m.Close)
	return m
}

func (m *model) requests() []chatRequest {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]chatRequest(nil), m.asked...)
}

func (m *model) answer(w http.ResponseWriter, r *http.Request) {
	request := chatRequest{header: r.Header, host: r.Host}
	_ = json.NewDecoder(r.Body).Decode(&request)
	m.mu.Lock()
	m.asked = append(m.asked, request)
	m.mu.Unlock()
	prompt := request.Messages[len(request.Messages)-1].Content
	w.Header().Set("Content-Type", "text/event-stream")
	if track := r.Header.Get("x-llm-track"); track != "" {
		w.Header().Set("x-llm-revision", track)
	}
	say := func(field, text string) {
		value, _ := json.Marshal(text)
		fmt.Fprintf(w, `data: {"choices":[{"delta":{%q:%s}}]}`+"\n\n", field, value)
		w.(http.Flusher).Flush()
	}
	switch {
	case prompt == "forever":
		say("content", "once upon")
		<-r.Context().Done()
		m.gone <- struct{}{}
		return
	case prompt == "cut":
		say("content", "half of")
		return
	case prompt == "hostile":
		say("content", "\x1b]0;owned\x07\x1b[2J\u009b2J\u202e")
	case prompt == "think":
		say("reasoning_content", "secretly pondering")
		say("content", "done")
	case prompt == "revision":
		say("content", "I am "+r.Header.Get("x-llm-track"))
	case len(prompt) > 1000:
		say("content", fmt.Sprintf("that was %d bytes", len(prompt)))
	default:
		say("content", "echo: "+prompt)
	}
	_, _ = io.WriteString(w, `data: {"choices":[{"delta":{},"finish_reason":"stop"}]}`+"\n\ndata: [DONE]\n\n")
}

// screen is a terminal in which kservegen runs.
type screen struct {
	t    *testing.T
	file *os.File
	cmd  *exec.Cmd
	mu   sync.Mutex
	text bytes.Buffer
	seen int
	done chan error
}

func openScreen(t *testing.T, env []string, args ...string) *screen {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "kservegen", append([]string{"chat"}, args...)...)
	cmd.Env = append(os.Environ(), append([]string{"TERM=xterm-256color", "NO_COLOR="}, env...)...)
	file, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 100})
	require.NoError(t, err)
	s := &screen{t: t, file: file, cmd: cmd, done: make(chan error, 1)}
	t.Cleanup(func() { _ = file.Close(); _ = cmd.Process.Kill() })
	go s.read()
	return s
}

func (s *screen) read() {
	block := make([]byte, 4096)
	for {
		n, err := s.file.Read(block)
		s.mu.Lock()
		s.text.Write(block[:n])
		s.mu.Unlock()
		if err != nil {
			s.done <- s.cmd.Wait()
			return
		}
	}
}

func (s *screen) raw() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (s *screen) send(keys string) {
	s.t.Helper()
	_, err := io.WriteString(s.file, keys)
	require.NoError(s.t, err)
}

// see waits until a text is on the screen after what was seen before.
func (s *screen) see(want string) {
	s.t.Helper()
	require.Eventuallyf(s.t, func() bool {
		text := s.raw()
		at := strings.Index(text[s.seen:], want)
		if at >= 0 {
			s.seen += at + len(want)
		}
		return at >= 0
	}, 30*time.Second, 10*time.Millisecond, "%q is not on the screen", want)
}

func (s *screen) left() {
	s.t.Helper()
	select {
	case <-s.done:
		assert.Zero(s.t, s.cmd.ProcessState.ExitCode())
	case <-time.After(30 * time.Second):
		require.Failf(s.t, "it did not end", "%q", s.raw())
	}
}

const ctrlC, ctrlD = "\x03", "\x04"

func TestChatOnATerminal(t *testing.T) {
	t.Parallel()
	m := newModel(t)
	saved := filepath.Join(t.TempDir(), "talk.md")
	s := openScreen(t, nil, "--url", m.URL)
	s.see("deepseek-r1 at " + m.URL + "/v1")
	s.see("> ")
	s.send("hellp\x7fo\r")
	s.see("echo: hello")
	s.see("revision unknown")
	s.send("forever\r")
	s.see("once upon")
	s.send(ctrlC)
	s.see("! stopped")
	<-m.gone
	s.send("cut\r")
	s.see("half of")
	s.see("! the answer was cut")
	s.send("think\r")
	s.see("Thought for")
	s.see("done")
	s.send("/think\r")
	s.see("secretly pondering")
	s.send("hostile\r")
	s.see(`␛]0;owned␇␛[2J\u009b2J\u202e`)
	s.send("/mod\t\r")
	s.see("deepseek-r1  (this one)")
	s.send("/modell\r")
	s.see("did you mean /model?")
	s.send("two \\\rlines\r")
	s.see("echo: two \r\nlines")
	s.send("/save " + saved + "\r")
	s.see("has the conversation")
	s.send(ctrlC)
	s.see("Once more, or Ctrl-D, leaves.")
	s.send("again" + ctrlC + "\x1b[A\r") // the line is gone; up is /save
	s.see("has the conversation")
	s.send(ctrlC)
	s.see("Once more")
	s.send(ctrlC)
	s.left()

	assert.NotContains(t, s.raw(), "\x1b]0;owned")
	assert.NotContains(t, s.raw(), "\x1b[2J")
	data, err := os.ReadFile(saved)
	require.NoError(t, err)
	assert.Contains(t, string(data), "## Question\n\nhello\n\n## Answer\n\necho: hello")
	assert.Contains(t, string(data), "half of")
	info, err := os.Stat(saved)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode())
	var roles []string
	for _, message := range m.requests()[2].Messages {
		roles = append(roles, message.Role+" "+message.Content)
	}
	assert.Equal(t, []string{"user hello", "assistant echo: hello", "user forever", "assistant once upon", "user cut"}, roles)
}

func TestChatLeavesByCtrlDAndRestoresTheTerminal(t *testing.T) {
	t.Parallel()
	m := newModel(t)
	for name, end := range map[string]func(*screen){
		"Ctrl-D": func(s *screen) { s.send(ctrlD) },
		"quit":   func(s *screen) { s.send("/quit\r") },
		"signal": func(s *screen) { _ = s.cmd.Process.Signal(syscall.SIGTERM) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openScreen(t, nil, "--url", m.URL)
			s.see("> ")
			end(s)
			s.left()
			assert.Contains(t, s.raw(), "\x1b[?2004l", "pastes are marked no more")
		})
	}
}

// TestChatPaste: a megabyte of many lines is one question, and not typed letter by letter.
func TestChatPaste(t *testing.T) {
	t.Parallel()
	m := newModel(t)
	s := openScreen(t, nil, "--url", m.URL)
	s.see("> ")
	text := strings.Repeat("all work and no play\n", 1<<20/21)
	start := time.Now()
	s.send("say: \x1b[200~" + strings.ReplaceAll(text, "\n", "\r") + "\x1b[201~")
	s.see(fmt.Sprintf("[paste 1: %d characters, %d lines]", len(text), 1<<20/21))
	s.send("\r")
	s.see(fmt.Sprintf("that was %d bytes", len("say: "+text)))
	t.Logf("a paste of 1 MiB was answered after %s", time.Since(start))
	assert.Less(t, time.Since(start), 20*time.Second)
	require.Len(t, m.requests(), 1)
	assert.Equal(t, "say: "+text, m.requests()[0].Messages[0].Content)
	s.send("\x1b[200~short\x1b[201~ one\r")
	s.see("echo: short one")
	s.send(strings.Repeat("x", 5000) + "\r")
	s.see("! that was longer than the 4096 characters that a line takes, and was not sent")
	s.send("ok\r")
	s.see("echo: ok")
	s.send(ctrlD)
	s.left()
}

func TestChatResize(t *testing.T) {
	t.Parallel()
	m := newModel(t)
	s := openScreen(t, nil, "--url", m.URL)
	s.see("> ")
	require.NoError(t, pty.Setsize(s.file, &pty.Winsize{Rows: 24, Cols: 30}))
	time.Sleep(200 * time.Millisecond) // for the signal
	s.send(strings.Repeat("x", 40))
	s.see(strings.Repeat("x", 28) + "\r\n") // the prompt takes two of thirty
	s.send("\r")
	s.see("echo: " + strings.Repeat("x", 40))
	s.send(ctrlD)
	s.left()
}

func TestChatColours(t *testing.T) {
	t.Parallel()
	m := newModel(t)
	style := regexp.MustCompile(`\x1b\[[0-9;]*m`)
	for _, test := range []struct {
		name, env string
		want      bool
	}{{"a terminal", "TERM=xterm", true}, {"NO_COLOR", "NO_COLOR=1", false}, {"dumb", "TERM=dumb", false}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := openScreen(t, []string{test.env}, "--url", m.URL)
			s.see("> ")
			s.send("think\n")
			s.see("done")
			s.see("revision unknown")
			s.send("/quit\n")
			s.left()
			assert.Equal(t, test.want, style.MatchString(s.raw()))
			if test.env == "TERM=dumb" {
				assert.NotContains(t, s.raw(), "\x1b")
			}
		})
	}
}

// TestChatInterruptOnADumbTerminal: there Ctrl-C is a signal, and stops the answer, too.
func TestChatInterruptOnADumbTerminal(t *testing.T) {
	t.Parallel()
	m := newModel(t)
	s := openScreen(t, []string{"TERM=dumb"}, "--url", m.URL)
	s.see("> ")
	s.send("forever\n")
	s.see("once upon")
	s.send(ctrlC)
	s.see("! stopped")
	s.send("hello\n")
	s.see("echo: hello")
	s.see("> ")
	s.send(ctrlC)
	s.left()
}

func TestChatHistory(t *testing.T) {
	t.Parallel()
	m := newModel(t)
	file := filepath.Join(t.TempDir(), "history")
	require.NoError(t, os.WriteFile(file, []byte("from before\n"), 0o644))
	s := openScreen(t, nil, "--url", m.URL, "--history", file)
	s.see("> ")
	s.send("my token: hf_abcdefghijklmnop\r")
	s.see("echo: my token")
	s.send("\x1b[A\x1b[A\r")
	s.see("echo: from before")
	s.send(ctrlD)
	s.left()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, "from before\nfrom before\n", string(data))
	info, err := os.Stat(file)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode())
}

const twoRevisions = `apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: deepseek-r1, namespace: llm}
spec:
  model: {id: deepseek-ai/DeepSeek-R1-Distill-Llama-8B, revision: 6a6f4aa4197940add57724a7707d069478df56b1}
  accelerator: {type: a10g}
  revisions: [{name: v1}, {name: v2}]
  traffic:
  - {revision: v1, weight: 90, testers: {header: x-llm-track, value: v1}}
  - {revision: v2, weight: 10, testers: {header: x-llm-track, value: v2}}
  expose: {hosts: [deepseek.example.com], gateway: istio-ingress/llm}
  environments: [{name: production}]
`

func TestChatRevisions(t *testing.T) {
	t.Parallel()
	m := newModel(t)
	document := filepath.Join(t.TempDir(), "deepseek.yaml")
	require.NoError(t, os.WriteFile(document, []byte(twoRevisions), 0o600))
	s := openScreen(t, []string{"KSERVEGEN_CHAT_TOKEN=very-secret"}, "-f", document, "--url", m.URL)
	s.see("> ")
	s.send("/revision v3\r")
	s.see("There is no revision v3; there is v1, v2.")
	s.send("/revision v2\r")
	s.see("v2> ")
	s.send("revision\r")
	s.see("I am v2")
	s.see("v2 · first token")
	s.send("/compare\r")
	s.see("v1" + strings.Repeat(" ", 46) + " │ v2")
	s.see("I am v1" + strings.Repeat(" ", 41) + " │ I am v2")
	require.NoError(t, pty.Setsize(s.file, &pty.Winsize{Rows: 24, Cols: 60}))
	time.Sleep(200 * time.Millisecond) // for the signal
	s.send("/compare v2 v1 revision\r")
	s.see("── v2")
	s.see("I am v2")
	s.see("── v1")
	s.see("I am v1")
	s.send(ctrlD)
	s.left()
	assert.NotContains(t, s.raw(), "very-secret")
	assert.Equal(t, "Bearer very-secret", m.requests()[0].header.Get("Authorization"))
}

func TestChatFromAPipe(t *testing.T) {
	t.Parallel()
	m := newModel(t)
	code, out, errs := call(t, "hello\n/system be brief\nthink\n", "chat", "--url", m.URL)
	assert.Zero(t, code, errs)
	assert.Contains(t, out, "echo: hello\nrevision unknown")
	assert.Contains(t, out, "Thought for")
	assert.NotContains(t, out, "\x1b")
	assert.Equal(t, "be brief", m.requests()[1].Messages[0].Content)

	code, out, _ = call(t, "cut\nhello\n", "chat", "--url", m.URL)
	assert.Equal(t, 1, code)
	assert.Contains(t, out, "half of\n")
	assert.Contains(t, out, "! the answer was cut")
	assert.Contains(t, out, "echo: hello")
}

func TestChatOnce(t *testing.T) {
	t.Parallel()
	m := newModel(t)
	ask := func(prompt string, args ...string) (int, string, string) {
		return call(t, prompt, append([]string{"chat", "--url", m.URL, "--once"}, args...)...)
	}
	code, out, errs := ask("hello\n")
	assert.Zero(t, code)
	assert.Equal(t, "echo: hello\n", out)
	assert.Contains(t, errs, "first token")

	code, out, errs = ask("think", "-o", "json")
	assert.Zero(t, code)
	assert.Empty(t, errs)
	var answer struct {
		Answer, Reasoning, FinishReason string
		Timing                          map[string]any
		Error                           struct{ Kind string }
	}
	require.NoError(t, json.Unmarshal([]byte(out), &answer))
	assert.Equal(t, "done", answer.Answer)
	assert.Equal(t, "secretly pondering", answer.Reasoning)
	assert.Equal(t, "stop", answer.FinishReason)
	assert.Equal(t, "chunks", answer.Timing["counted"])

	_, out, _ = ask("hostile", "-o", "json")
	assert.False(t, strings.ContainsAny(out, "\x1b\u009b\u202e"), "JSON is read on terminals, too")
	require.NoError(t, json.Unmarshal([]byte(out), &answer))
	assert.Equal(t, "\x1b]0;owned\x07\x1b[2J\u009b2J\u202e", answer.Answer)

	code, out, _ = ask("cut", "-o", "json")
	assert.Equal(t, 1, code)
	require.NoError(t, json.Unmarshal([]byte(out), &answer))
	assert.Equal(t, "half of", answer.Answer)
	assert.Equal(t, "cut", answer.Error.Kind)

	code, out, errs = ask("cut")
	assert.Equal(t, 1, code)
	assert.Equal(t, "half of\n", out)
	assert.Contains(t, errs, "kservegen: the answer was cut")
}

func TestChatUsage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	empty, words := filepath.Join(dir, "empty"), filepath.Join(dir, "words")
	require.NoError(t, os.WriteFile(empty, []byte("\n"), 0o600))
	require.NoError(t, os.WriteFile(words, []byte("very secret"), 0o600))
	for _, test := range []struct {
		args []string
		says string
	}{
		{nil, "with what? --url URL"},
		{[]string{"--url", "a.example.com"}, "is no base URL"},
		{[]string{"--url", "http://a", "--model-deployment", "m"}, "two ways to a model"},
		{[]string{"--model-deployment", "m"}, "-n NAMESPACE"},
		{[]string{"--url", "http://a", "-o", "json"}, "-o json is for --once"},
		{[]string{"--url", "http://a", "--once", "-o", "yaml"}, "text or json"},
		{[]string{"--url", "http://a", "--once", "--timeout", "0s"}, "is not over 0"},
		{[]string{"--url", "http://a", "--model", "m", "--once"}, "standard input has no question"},
		{[]string{"--url", "http://a", "--token-file", empty}, "is empty"},
		{[]string{"--url", "http://a", "--token-file", words}, "more than one word"},
		{[]string{"--url", "http://a", "--context", "c"}, "--url is asked directly"},
	} {
		code, out, errs := call(t, "", append([]string{"chat"}, test.args...)...)
		assert.Equal(t, 2, code, test.args)
		assert.Empty(t, out)
		assert.Contains(t, errs, test.says)
		assert.NotContains(t, errs, "very secret")
	}
}
