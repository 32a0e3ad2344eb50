// Package load asks a model server as its clients do, alone or many at a time, and counts what became of it.
package load

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// podHeader is where the simulator says who answered (llm-d-inference-sim, pkg/communication/http.go).
const podHeader = "x-inference-pod"

// Client asks one model by the OpenAI API.
type Client struct {
	// URL is the address of the gateway, as http://127.0.0.1:8080; Host the name that clients use.
	URL, Host string
	// Prefix comes before every path, as /model; Header is added to every request's.
	Prefix string
	Header map[string]string
	// ChatPath is where chat answers are; empty for /v1/chat/completions.
	ChatPath string
	// Model is the served name.
	Model string
	// HTTP sends the requests.
	HTTP *http.Client
}

// NewClient keeps as many idle connections as requests run at a time, as a client's library does.
func NewClient(url, host, model string, concurrency int) *Client {
	transport := &http.Transport{MaxIdleConnsPerHost: concurrency}
	return &Client{URL: url, Host: host, Model: model, HTTP: &http.Client{Transport: transport, Timeout: time.Minute}}
}

// Request is one question for a chat answer.
type Request struct {
	// Stream asks for server-sent events.
	Stream bool
	// Tokens, at least 1, is how long the answer is: vLLM's ignore_eos keeps it from ending earlier.
	Tokens int
	// Header is added to the request's.
	Header map[string]string
}

// Answer is what became of a request.
type Answer struct {
	// At is when it was asked, Took how long it took until its last byte.
	At   time.Time
	Took time.Duration
	// Status is 0 where there was no answer.
	Status int
	// Pod answered.
	Pod string
	// Streamed says that events were asked for, Events how many came, Done that the last one did.
	Streamed, Done bool
	Events         int
	// Model is the name in the answer.
	Model string
	// Err is why the answer is not whole.
	Err error
}

// Failed says that the client did not get what it asked for: another status than 200, no answer, or a part of it.
func (a Answer) Failed() bool { return a.Err != nil }

// Cut says that an answer had begun and broke off.
func (a Answer) Cut() bool { return a.Err != nil && a.Status == http.StatusOK }

// Chat asks for a chat answer.
func (c *Client) Chat(ctx context.Context, r Request) Answer {
	answer := Answer{At: time.Now(), Streamed: r.Stream}
	response, err := c.send(ctx, r)
	if err != nil {
		answer.Err = err
		answer.Took = time.Since(answer.At)
		return answer
	}
	answer.Status, answer.Pod = response.StatusCode, response.Header.Get(podHeader)
	switch {
	case response.StatusCode != http.StatusOK:
		answer.Err = statusError(response)
	case r.Stream:
		answer.readStream(response.Body)
	default:
		answer.readWhole(response.Body)
	}
	answer.Err = errors.Join(answer.Err, response.Body.Close())
	answer.Took = time.Since(answer.At)
	return answer
}

func (c *Client) send(ctx context.Context, r Request) (*http.Response, error) {
	body, err := json.Marshal(map[string]any{
		"model": c.Model, "stream": r.Stream, "max_tokens": r.Tokens, "ignore_eos": true,
		"messages": []map[string]string{{"role": "user", "content": "Say something."}},
	})
	if err != nil {
		return nil, err
	}
	request, err := c.request(ctx, http.MethodPost, cmp.Or(c.ChatPath, "/v1/chat/completions"), bytes.NewReader(body), r.Header)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	return c.HTTP.Do(request)
}

// request is one for a path of the server, with what the way to it takes.
func (c *Client) request(ctx context.Context, method, path string, body io.Reader, header map[string]string) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.URL+c.Prefix+path, body)
	if err != nil {
		return nil, err
	}
	request.Host = c.Host
	for _, values := range []map[string]string{c.Header, header} {
		for name, value := range values {
			request.Header.Set(name, value)
		}
	}
	return request, nil
}

// Get asks for another path of the server and returns status and body, of which it reads 64 KiB at most.
func (c *Client) Get(ctx context.Context, path string, header map[string]string) (int, string, error) {
	request, err := c.request(ctx, http.MethodGet, path, nil, header)
	if err != nil {
		return 0, "", err
	}
	response, err := c.HTTP.Do(request)
	if err != nil {
		return 0, "", err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	return response.StatusCode, string(body), errors.Join(err, response.Body.Close())
}

// statusError names the status and how the body begins.
func statusError(response *http.Response) error {
	start := make([]byte, 160)
	n, err := io.ReadFull(response.Body, start)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("status %d: %w", response.StatusCode, err)
	}
	return fmt.Errorf("status %d: %s", response.StatusCode, bytes.TrimSpace(start[:n]))
}

func (a *Answer) readWhole(body io.Reader) {
	var completion struct {
		Model   string
		Choices []struct {
			Message      struct{ Content string }
			FinishReason string `json:"finish_reason"`
		}
	}
	if a.Err = json.NewDecoder(body).Decode(&completion); a.Err != nil {
		return
	}
	a.Model, a.Done = completion.Model, true
	switch {
	case len(completion.Choices) == 0 || completion.Choices[0].Message.Content == "":
		a.Err = errors.New("the answer says nothing")
	case completion.Choices[0].FinishReason != whole:
		a.Err = fmt.Errorf("the answer ended early: %q", completion.Choices[0].FinishReason)
	}
}

// whole is why an answer ends that has as many tokens as were asked for. A server that shuts down ends it earlier,
// by the same [DONE].
const whole = "length"

// readStream reads events until the one that ends a stream of the OpenAI API.
func (a *Answer) readStream(body io.Reader) {
	reason := ""
	scanner := bufio.NewScanner(body)
	for scanner.Scan() {
		data, ok := strings.CutPrefix(scanner.Text(), "data: ")
		if !ok {
			continue
		}
		if data == "[DONE]" {
			a.Done = true
			continue
		}
		var event struct {
			Model   string
			Error   json.RawMessage
			Choices []struct {
				FinishReason string `json:"finish_reason"`
			}
		}
		if a.Err = json.Unmarshal([]byte(data), &event); a.Err != nil {
			return
		}
		if len(event.Error) > 0 {
			a.Err = fmt.Errorf("the stream broke off: %s", event.Error)
			return
		}
		a.Events++
		a.Model = event.Model
		for _, choice := range event.Choices {
			if choice.FinishReason != "" {
				reason = choice.FinishReason
			}
		}
	}
	a.Err = scanner.Err()
	if a.Err == nil && !a.Done {
		a.Err = fmt.Errorf("the stream ended after %d events without [DONE]", a.Events)
	}
	if a.Err == nil && reason != whole {
		a.Err = fmt.Errorf("the stream ended early: %q", reason)
	}
}
