package terminal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/chat"
)

// asker answers with what it has for a question.
type asker struct {
	answers   map[string][]chat.Event
	revisions []chat.Revision
	asked     []chat.Question
	models    error
}

func (a *asker) Ask(_ context.Context, q chat.Question, each func(chat.Event)) chat.Answer {
	a.asked = append(a.asked, q)
	answer := chat.Answer{Revision: q.Revision}
	for _, e := range a.answers[q.Messages[len(q.Messages)-1].Content] {
		each(e)
		switch e.Kind {
		case chat.Content:
			answer.Content += e.Text
		case chat.Reasoning:
			answer.Reasoning += e.Text
		case chat.Recast:
			answer.Reasoning, answer.Content = answer.Content, ""
		}
	}
	if answer.Content == "" {
		answer.Error = &chat.Error{Kind: chat.Failed, Message: "nothing \x1b came"}
	}
	return answer
}

func (a *asker) Models(context.Context) ([]string, error) { return []string{"a", "b"}, a.models }
func (a *asker) Revisions() []chat.Revision               { return a.revisions }

// talk says lines and returns what is printed.
func talk(t *testing.T, a *asker, lines ...string) (*Session, string, bool) {
	t.Helper()
	var out bytes.Buffer
	s := &Session{
		Asker: a, Console: NewLines(strings.NewReader(strings.Join(lines, "\n")), &out, false),
		Style: Style{Width: func() int { return 0 }}, Question: chat.Question{Model: "a"},
	}
	whole, err := s.Run(t.Context())
	require.NoError(t, err)
	return s, out.String(), whole
}

func TestCommands(t *testing.T) {
	t.Parallel()
	two := []chat.Revision{{Name: "v1"}, {Name: "v2", Testers: &chat.Header{Name: "x-llm-track", Value: "v2"}}}
	for _, test := range []struct {
		name, says string
		revisions  []chat.Revision
		lines      []string
	}{
		{"model", "a  (this one)\nb\n", nil, []string{"/model"}},
		{"another model", "Now b answers.", nil, []string{"/model b"}},
		{"system", "The system prompt: be brief\n", nil, []string{"/system be brief", "/system"}},
		{"no system", "There is no system prompt.", nil, []string{"/system be brief", "/system -"}},
		{"revisions", "v1: no testers' header, so it answers by its weight alone\nv2: by x-llm-track: v2\n", two, []string{"/revision"}},
		{"this revision", "v2: by x-llm-track: v2  (this one)\n", two, []string{"/revision v2", "/revision"}},
		{"any revision", "Whichever the weights give answers.", two, []string{"/revision -"}},
		{"no revisions", "Nothing is known of revisions", nil, []string{"/revision"}},
		{"compare without revisions", "there are 0", nil, []string{"/compare hi"}},
		{"compare without a prompt", "Compare with which prompt? /compare v1 v2 PROMPT", two, []string{"/compare"}},
		{"no reasoning", "There is no reasoning in the last answer.", nil, []string{"/think"}},
		{"think how", "/think on or /think off", nil, []string{"/think hard"}},
		{"retry what", "Nothing was asked yet.", nil, []string{"/retry"}},
		{"save what", "Nothing was said yet.", nil, []string{"/save x"}},
		{"save where", "Into which file?", nil, []string{"/save"}},
		{"unknown", "There is no /xyz; /help lists what there is.", nil, []string{"/xyz"}},
		{"misspelt", "did you mean /retry?", nil, []string{"/rety"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := &asker{revisions: test.revisions}
			_, out, whole := talk(t, a, test.lines...)
			assert.Contains(t, out, test.says)
			assert.True(t, whole)
			assert.Empty(t, a.asked)
		})
	}
}

func TestHelpHasEveryCommand(t *testing.T) {
	t.Parallel()
	for _, c := range commands() {
		_, out, _ := talk(t, &asker{}, "/help", "/"+c.name)
		assert.Contains(t, out, "/"+c.name)
		assert.NotContains(t, out, "There is no /", c.name)
	}
}

func TestModelsThatCannotBeListed(t *testing.T) {
	t.Parallel()
	_, out, _ := talk(t, &asker{models: errors.New("refused \x1b")}, "/model")
	assert.Equal(t, "! refused ␛\n", out)
}

func TestConversation(t *testing.T) {
	t.Parallel()
	a := &asker{answers: map[string][]chat.Event{
		"one":  {{Kind: chat.Content, Text: "1"}},
		"two":  {{Kind: chat.Reasoning, Text: "hm"}, {Kind: chat.Content, Text: "2"}},
		"/etc": {{Kind: chat.Content, Text: "thought\n"}, {Kind: chat.Recast}, {Kind: chat.Content, Text: "3"}},
	}}
	s, out, whole := talk(t, a, "one", "two", "fails", "//etc", "/retry", "/think on", "two", "/new", "one")
	assert.False(t, whole)
	assert.Contains(t, out, "! nothing ␛ came")
	assert.Contains(t, out, "What stands above was reasoning")
	assert.Contains(t, out, "Reasoning:\nhm\n\n2\n")
	assert.Len(t, s.turns, 1)
	var said [][]string
	for _, q := range a.asked {
		var messages []string
		for _, m := range q.Messages {
			messages = append(messages, m.Content)
		}
		said = append(said, messages)
	}
	assert.Equal(t, [][]string{
		{"one"}, {"one", "1", "two"}, {"one", "1", "two", "2", "fails"},
		{"one", "1", "two", "2", "/etc"}, {"one", "1", "two", "2", "/etc"}, {"one", "1", "two", "2", "/etc", "3", "two"}, {"one"},
	}, said)
}

func TestSave(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	theirs, ours := filepath.Join(dir, "theirs.md"), filepath.Join(dir, "ours.json")
	require.NoError(t, os.WriteFile(theirs, []byte("theirs"), 0o600))
	a := &asker{answers: map[string][]chat.Event{"one": {{Kind: chat.Content, Text: "\x1b1\u009b"}}}}
	_, out, _ := talk(t, a, "one", "/save "+theirs, "/save "+ours, "one", "/save "+ours, "/save "+filepath.Join(dir, "no", "x.md"))
	assert.Contains(t, out, "is there already")
	assert.Contains(t, out, "! open ")
	data, err := os.ReadFile(theirs)
	require.NoError(t, err)
	assert.Equal(t, "theirs", string(data))
	data, err = os.ReadFile(ours)
	require.NoError(t, err)
	var written conversation
	require.NoError(t, json.Unmarshal(data, &written))
	assert.Len(t, written.Turns, 2)
	assert.Equal(t, "\x1b1\u009b", written.Turns[0].Answer.Content, "JSON has what the model said")
	assert.NotContains(t, string(data), "\u009b", "and acts on no terminal")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, left, 2, "nothing temporary stays")
}

func TestCompleteIsUnambiguous(t *testing.T) {
	t.Parallel()
	s := &Session{Asker: &asker{revisions: []chat.Revision{{Name: "v1"}, {Name: "canary"}}}}
	for in, want := range map[string]string{
		"/mo": "/model", "/re": "/re", "/rev": "/revision", "/revision c": "/revision canary", "hello": "hello", "": "",
	} {
		assert.Equal(t, want, s.Complete(in))
	}
}

// TestKeysComeInPieces: however the keys are cut into blocks, the same line comes of them.
func TestKeysComeInPieces(t *testing.T) {
	t.Parallel()
	const keys = "a\x1b[D\x1b[200~one\r\ntwo\x1b[201~b\x07\x1b[200~c\x1b[201~"
	want := "a\x1b[D[paste 1: 7 characters, 2 lines]bc"
	for cut := range len(keys) + 1 {
		k := &Keyboard{}
		k.more = newCond(k)
		assert.False(t, k.feed([]byte(keys[:cut])))
		assert.False(t, k.feed([]byte(keys[cut:])))
		assert.Equal(t, want, string(k.keys), "cut at %d", cut)
		assert.Equal(t, "x one\ntwo y", k.expand("x [paste 1: 7 characters, 2 lines] y"))
	}
}

func TestPasteThatIsTooLarge(t *testing.T) {
	t.Parallel()
	k := &Keyboard{}
	k.more = newCond(k)
	k.feed(pasteStart)
	for range 20 {
		k.feed(bytes.Repeat([]byte("x"), 1<<20))
	}
	assert.LessOrEqual(t, len(k.paste), pasteLimit+1)
	k.feed(pasteEnd)
	assert.Equal(t, "[paste 1: left out, it is over 16 MiB]", string(k.keys))
}

func TestInterruptWhileNobodyReads(t *testing.T) {
	t.Parallel()
	in, keys := io.Pipe()
	stopped := make(chan struct{})
	k := NewKeyboard(in, io.Discard, 80, 24, func() { close(stopped) }, func(s string) string { return s })
	_, err := keys.Write([]byte("typed ahead\x03"))
	require.NoError(t, err)
	select {
	case <-stopped:
	case <-time.After(10 * time.Second):
		require.Fail(t, "not stopped")
	}
	k.Close()
	line, err := k.ReadLine(t.Context(), "> ")
	require.ErrorIs(t, err, io.EOF)
	assert.Empty(t, line, "what was typed before is not for the next prompt")
}

func TestColumn(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		in   string
		want []string
	}{
		{"one two three", []string{"one two", "three"}},
		{"one\n\ntwo", []string{"one", "", "two"}},
		{"abcdefghijklmnop", []string{"abcdefgh", "ijklmnop"}},
		{"世界世界世界", []string{"世界世界", "世界"}},
		{"e\u0301e\u0301e\u0301e\u0301 e\u0301e\u0301e\u0301e\u0301", []string{"e\u0301e\u0301e\u0301e\u0301", "e\u0301e\u0301e\u0301e\u0301"}},
		{"", nil},
	} {
		for cut := range len(test.in) + 1 {
			c := &column{width: 8}
			if !strings.HasPrefix(strings.ToValidUTF8(test.in[cut:], "!"), "!") {
				c.add(test.in[:cut])
				c.add(test.in[cut:])
				c.end()
				assert.Equal(t, test.want, c.rows, "%q cut at %d", test.in, cut)
			}
		}
	}
}

// FuzzColumn: no row is wider than its column, unless by one wide character.
func FuzzColumn(f *testing.F) {
	f.Add("one two three\tfour\n世界", 8)
	f.Fuzz(func(t *testing.T, text string, width int) {
		c := &column{width: 2 + max(0, width%80)}
		c.add(chat.Plain(text))
		c.end()
		for _, row := range c.rows {
			require.LessOrEqual(t, columnsOf(row), c.width, "%q", row)
		}
	})
}
