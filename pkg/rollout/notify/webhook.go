package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/kservegen/kservegen/pkg/rollout/runner"
)

// Format is what is sent.
type Format string

// Formats.
const (
	// JSON is Message.
	JSON Format = "json"
	// Slack is {"text": "…"}, which Slack, Mattermost and Rocket.Chat take (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).
	Slack Format = "slack"
)

// Formats lists them.
func Formats() []Format { return []Format{JSON, Slack} }

// SignatureHeader has sha256= and the hexadecimal HMAC of the body, as GitHub sends it
// (https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries).
const SignatureHeader = "X-Kservegen-Signature-256"

// Message is what JSON sends: an event as `canary run -o json` prints it. Its fields stay.
type Message struct {
	runner.Event
	// Commit that has the share in Git, missing in a cluster.
	Commit string `json:"commit,omitempty"`
}

// Webhook is where events go.
type Webhook struct {
	// URL of it. Its path may be a secret, as Slack's is: no error repeats it.
	URL    string
	Format Format
	// Secret signs the bodies; empty for no signature.
	Secret []byte
	// Client, http.DefaultClient's timeouts and proxies where it is nil.
	Client *http.Client
	// Commit is the newest of the place, nil where there is none.
	Commit func() string
	// Pause is the first one between two tries, half a second where it is 0; the next is twice as long.
	Pause time.Duration
}

// tries is how often one event is sent, patience how long one try may take. Together they stay under what a runner waits.
const (
	tries    = 3
	patience = 2500 * time.Millisecond
)

// Check says what is wrong, without repeating the URL.
func (w Webhook) Check() error {
	at, err := url.Parse(w.URL)
	if err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" {
		return errors.New("the webhook's URL is none; want one such as https://hooks.example.com/services/…")
	}
	for _, known := range Formats() {
		if w.Format == known {
			return nil
		}
	}
	return fmt.Errorf("webhooks have no format %q; json or slack", w.Format)
}

// ReadSecret reads what signs from a file, or else from a variable of the environment; empty names are none.
func ReadSecret(file, variable string) ([]byte, error) {
	switch {
	case file != "" && variable != "":
		return nil, errors.New("the webhook's secret is in a file or in a variable, not in both")
	case file != "":
		data, err := os.ReadFile(file)
		if data = bytes.TrimSpace(data); err == nil && len(data) == 0 {
			err = fmt.Errorf("%s is empty; write the webhook's secret into it", file)
		}
		return data, err
	case variable != "":
		text := strings.TrimSpace(os.Getenv(variable))
		if text == "" {
			return nil, fmt.Errorf("the variable %s is empty; it should have the webhook's secret", variable)
		}
		return []byte(text), nil
	}
	return nil, nil
}

// Notify sends an event, unless nothing came of it, and tries again where the other side is not well.
func (w Webhook) Notify(ctx context.Context, e runner.Event) error {
	if e.Kind == runner.Looked {
		return nil
	}
	body, err := w.body(e)
	if err != nil {
		return err
	}
	pause := w.Pause
	if pause == 0 {
		pause = time.Second / 2
	}
	for try := 1; ; try++ {
		again, err := w.send(ctx, body)
		if err == nil || !again || try == tries {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
		pause *= 2
	}
}

func (w Webhook) body(e runner.Event) ([]byte, error) {
	if w.Format == Slack {
		return json.Marshal(struct {
			Text string `json:"text"`
		}{Text(e)})
	}
	m := Message{Event: e}
	m.Time = e.Time.UTC()
	if w.Commit != nil {
		m.Commit = w.Commit()
	}
	return json.Marshal(m)
}

// Text is an event in a line, as Slack's mrkdwn.
func Text(e runner.Event) string {
	share := fmt.Sprintf("%s has %d %%", e.Canary, e.Share)
	if e.Before != e.Share {
		share = fmt.Sprintf("%s: %d → %d %%", e.Canary, e.Before, e.Share)
	}
	switch {
	case e.ShadowBefore != e.Shadow:
		share += fmt.Sprintf(" and copies of %d → %d %%", e.ShadowBefore, e.Shadow)
	case e.Shadow > 0:
		share += fmt.Sprintf(" and copies of %d %%", e.Shadow)
	}
	text := fmt.Sprintf("*%s* in %s: %s, %s", e.Model, e.Environment, e.Kind, share)
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// send makes one request. again says whether another one may do better.
func (w Webhook) send(ctx context.Context, body []byte) (again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		return false, errors.New("the webhook's URL is none")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "kservegen")
	if len(w.Secret) > 0 {
		request.Header.Set(SignatureHeader, "sha256="+sign(w.Secret, body))
	}
	response, err := w.client().Do(request)
	var wrapped *url.Error
	if errors.As(err, &wrapped) { // which has the whole URL
		return true, fmt.Errorf("the webhook at %s does not answer: %w", request.URL.Host, wrapped.Err)
	}
	if err != nil {
		return true, fmt.Errorf("the webhook at %s does not answer: %w", request.URL.Host, err)
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<16)) // so that the connection is used again
	if response.StatusCode < 200 || response.StatusCode > 299 {
		again = response.StatusCode >= 500 || response.StatusCode == http.StatusTooManyRequests
		return again, fmt.Errorf("the webhook at %s answered %s", request.URL.Host, response.Status)
	}
	return false, nil
}

func sign(secret, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// client follows no redirects: the body would be signed for somebody else.
func (w Webhook) client() *http.Client {
	client := http.Client{}
	if w.Client != nil {
		client = *w.Client
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}
