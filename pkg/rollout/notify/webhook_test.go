package notify_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/rollout/gate"
	"github.com/kservegen/kservegen/pkg/rollout/notify"
	"github.com/kservegen/kservegen/pkg/rollout/runner"
)

func event() runner.Event {
	return runner.Event{
		Time: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), Kind: runner.RolledBack, Before: 25, Share: 0, Phase: runner.Testers,
		Subject: runner.Subject{Model: "m", Namespace: "llm", Environment: "production", Baseline: "v1", Canary: "v2"},
		Reason:  "errors: 3 % for <1 %", Report: &gate.Report{Verdict: gate.Fail},
	}
}

// listening answers with codes, one after the other and then the last, and keeps what came.
func listening(t *testing.T, codes ...int) (url string, bodies *[]string, headers *[]http.Header) {
	t.Helper()
	bodies, headers = &[]string{}, &[]http.Header{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		assert.Equal(t, http.MethodPost, r.Method)
		*bodies, *headers = append(*bodies, string(body)), append(*headers, r.Header)
		code := codes[min(len(*bodies), len(codes))-1]
		if code >= 300 && code < 400 {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(code)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/services/T0/very-secret-path", bodies, headers
}

// TestWhatIsSent: the fields are those of the documentation, and the signature is that of the body.
func TestWhatIsSent(t *testing.T) {
	t.Parallel()
	url, bodies, headers := listening(t, http.StatusOK)
	hook := notify.Webhook{URL: url, Format: notify.JSON, Secret: []byte("s3cret"), Commit: func() string { return "3f2a1bc" }}
	require.NoError(t, hook.Check())
	require.NoError(t, hook.Notify(t.Context(), event()))
	require.Len(t, *bodies, 1)
	assert.JSONEq(t, `{"event":"rolled back","model":"m","namespace":"llm","environment":"production","baseline":"v1","canary":"v2","before":25,"share":0,"phase":"testers",
		"reason":"errors: 3 % for <1 %","time":"2026-11-30T12:00:00Z","commit":"3f2a1bc","report":{"verdict":"fail","reasons":null,"blocks":0,
		"excluded":0,"baselineRequests":0,"canaryRequests":0,"metrics":null}}`, (*bodies)[0])
	mac := hmac.New(sha256.New, []byte("s3cret"))
	mac.Write([]byte((*bodies)[0]))
	assert.Equal(t, "sha256="+hex.EncodeToString(mac.Sum(nil)), (*headers)[0].Get(notify.SignatureHeader))
	assert.Equal(t, "application/json", (*headers)[0].Get("Content-Type"))

	hook = notify.Webhook{URL: url, Format: notify.Slack}
	require.NoError(t, hook.Notify(t.Context(), event()))
	assert.JSONEq(t, `{"text":"*m* in production: rolled back, v2: 25 → 0 %: errors: 3 % for &lt;1 %"}`, (*bodies)[1])
	assert.Empty(t, (*headers)[1].Get(notify.SignatureHeader))
}

// TestCopiesAreTold beside the share.
func TestCopiesAreTold(t *testing.T) {
	t.Parallel()
	e := event()
	e.Before, e.ShadowBefore, e.Reason = 0, 20, ""
	assert.Equal(t, "*m* in production: rolled back, v2 has 0 % and copies of 20 → 0 %", notify.Text(e))
	e.Kind, e.Shadow = runner.Waiting, 20
	assert.Equal(t, "*m* in production: waiting, v2 has 0 % and copies of 20 %", notify.Text(e))
	e.Kind, e.Share, e.Shadow = runner.Moved, 5, 0
	assert.Equal(t, "*m* in production: moved, v2: 0 → 5 % and copies of 20 → 0 %", notify.Text(e))
}

// TestTheSameAsPrinted: a program reads what is posted as what `-o json` prints.
func TestTheSameAsPrinted(t *testing.T) {
	t.Parallel()
	url, bodies, _ := listening(t, http.StatusNoContent)
	require.NoError(t, notify.Webhook{URL: url, Format: notify.JSON}.Notify(t.Context(), event()))
	printed, err := json.Marshal(event())
	require.NoError(t, err)
	assert.JSONEq(t, string(printed), (*bodies)[0])
}

func TestTries(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		codes []int
		sent  int
		words string
	}{
		"well at once":      {[]int{200}, 1, ""},
		"well in the end":   {[]int{503, 429, 200}, 3, ""},
		"never":             {[]int{500}, 3, "answered 500"},
		"wrong from us":     {[]int{404}, 1, "answered 404"},
		"somewhere else":    {[]int{302}, 1, "answered 302"},
		"wrong secondarily": {[]int{503, 403}, 2, "answered 403"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, bodies, _ := listening(t, test.codes...)
			err := notify.Webhook{URL: url, Format: notify.JSON, Pause: time.Millisecond}.Notify(t.Context(), event())
			assert.Len(t, *bodies, test.sent)
			if test.words == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.words)
			assert.NotContains(t, err.Error(), "secret", "the URL is one")
		})
	}
}

// TestADeadWebhook is an error soon, and does not say the URL.
func TestADeadWebhook(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	hook := notify.Webhook{URL: s.URL + "/very-secret-path", Format: notify.JSON, Pause: time.Millisecond}
	err := hook.Notify(t.Context(), event())
	require.ErrorContains(t, err, "does not answer")
	assert.NotContains(t, err.Error(), "secret")

	var asked atomic.Int32
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	t.Cleanup(silent.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	hook.URL = silent.URL
	require.Error(t, hook.Notify(ctx, event()))
	assert.Less(t, time.Since(began), 5*time.Second)
	assert.Equal(t, int32(1), asked.Load())
}

// TestWhatIsNotSent: a look that nothing came of.
func TestWhatIsNotSent(t *testing.T) {
	t.Parallel()
	url, bodies, _ := listening(t, 200)
	hook := notify.Webhook{URL: url, Format: notify.JSON}
	require.NoError(t, hook.Notify(t.Context(), runner.Event{Kind: runner.Looked}))
	assert.Empty(t, *bodies)
}

func TestWebhooksThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, hook := range []notify.Webhook{
		{URL: "", Format: notify.JSON}, {URL: "secret", Format: notify.JSON}, {URL: "ftp://secret/x", Format: notify.JSON},
		{URL: "https://secret:%zz/", Format: notify.JSON}, {URL: "https://secret/", Format: "teams"},
	} {
		err := hook.Check()
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "secret")
	}
}

func TestReadSecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte("of a file\n"), 0o600))
	t.Setenv("HOOK", "of a variable")
	t.Setenv("NOTHING", " ")
	for _, test := range []struct{ file, variable, want, words string }{
		{"", "", "", ""}, {file, "", "of a file", ""}, {"", "HOOK", "of a variable", ""},
		{file, "HOOK", "", "not in both"}, {"", "NOTHING", "", "NOTHING is empty"}, {file + "x", "", "", "no such file"},
	} {
		secret, err := notify.ReadSecret(test.file, test.variable)
		if test.words != "" {
			require.ErrorContains(t, err, test.words)
			assert.NotContains(t, err.Error(), strings.Repeat("of a variable", 1))
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, test.want, string(secret))
	}
}
