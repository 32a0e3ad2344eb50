package chat

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func allEvents(in io.Reader) ([]string, error) {
	e := newEvents(in)
	var all []string
	for {
		data, err := e.next()
		if err != nil {
			return all, err
		}
		all = append(all, data)
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, in string
		want     []string
		err      error
	}{
		{"ends of lines", "data: a\n\ndata: b\r\n\r\ndata: c\r\rdata:d\n\n", []string{"a", "b", "c", "d"}, io.EOF},
		{"fields and comments", ": hello\nevent: x\nid: 1\nretry: 3\ndata: a\n\n: alone\n\n", []string{"a"}, io.EOF},
		{"several lines", "data: a\ndata: b\n\n", []string{"a\nb"}, io.EOF},
		{"one space goes", "data:  a\n\n", []string{" a"}, io.EOF},
		{"empty data", "data:\n\ndata\n\n", []string{"", ""}, io.EOF},
		{"byte order mark", "\ufeffdata: a\n\n", []string{"a"}, io.EOF},
		{"done without an empty line", "data: [DONE]\n", []string{done}, io.EOF},
		{"half a line", "data: a\n\ndata: b", []string{"a"}, errHalfEvent},
		{"half an event", "data: a\n\ndata: b\n", []string{"a"}, errHalfEvent},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := allEvents(strings.NewReader(test.in))
			require.ErrorIs(t, err, test.err)
			assert.Equal(t, test.want, got)
		})
	}
}

// FuzzEvents: nothing makes the parser panic, and how a stream is cut into packets means nothing.
func FuzzEvents(f *testing.F) {
	for _, seed := range []string{"data: a\n\ndata: b\r\n\r\n", "data: [DONE]\n", "\ufeffdata: a\r\r", ":\n\ndata", "data: a\ndata\n\nx"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		whole, err := allEvents(strings.NewReader(in))
		bytewise, other := allEvents(iotest.OneByteReader(strings.NewReader(in)))
		require.Equal(t, whole, bytewise)
		require.Equal(t, err, other)
		require.True(t, errors.Is(err, io.EOF) || errors.Is(err, errHalfEvent))
		for _, data := range whole {
			require.NotContains(t, data, "\r")
		}
	})
}

// parts splits text that comes in pieces.
func parts(pieces ...string) (content, reasoning string) {
	var s splitter
	var events []Event
	for _, p := range pieces {
		events = append(events, s.write(p)...)
	}
	for _, e := range append(events, s.end()...) {
		switch e.Kind {
		case Content:
			content += e.Text
		case Reasoning:
			reasoning += e.Text
		case Recast:
			content, reasoning = "", content
		}
	}
	return content, reasoning
}

func TestSplit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, in, content, reasoning string }{
		{"no tags", "a < b", "a < b", ""},
		{"tags", "<think>why</think>so", "so", "why"},
		{"white space", "\n <think>\nwhy\n</think>\n\nso\n", "so\n", "\nwhy\n"},
		{"no end", "<think>why</thi", "", "why</thi"},
		{"no begin", "why\n</think>\n\nso", "so", "why\n"},
		{"only an end", "</think>so", "so", ""},
		{"in a sentence", "Write </think> at the end.", "Write </think> at the end.", ""},
		{"later tags are text", "<think>a</think>b\n</think>c<think>d", "b\n</think>c<think>d", "a"},
		{"twice without a begin", "a\n</think>b\n</think>c", "b\n</think>c", "a\n"},
		{"begin later", "a <think>b</think>", "a <think>b</think>", ""},
		{"looks like a tag", "<thinking>a", "<thinking>a", ""},
		{"half a tag", "<thi", "<thi", ""},
		{"nothing", "", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			content, reasoning := parts(test.in)
			assert.Equal(t, test.content, content)
			assert.Equal(t, test.reasoning, reasoning)
			content, reasoning = parts(strings.Split(test.in, "")...)
			assert.Equal(t, test.content, content, "letter by letter")
			assert.Equal(t, test.reasoning, reasoning, "letter by letter")
		})
	}
}

// FuzzThink: where text is cut means nothing, and nothing of it is lost but tags and the white space around them.
func FuzzThink(f *testing.F) {
	for _, seed := range []string{"<think>a</think>b", "a\n</think>b", " <th", "</think>", "<think><think></think></think>", "a</think>\n</think>"} {
		f.Add(seed, 3, 7)
	}
	f.Fuzz(func(t *testing.T, in string, a, b int) {
		a = min(max(a, 0), len(in))
		b = min(max(a, b), len(in))
		content, reasoning := parts(in)
		cutContent, cutReasoning := parts(in[:a], in[a:b], in[b:])
		require.Equal(t, content, cutContent)
		require.Equal(t, reasoning, cutReasoning)
		lost := len(in) - len(content) - len(reasoning)
		require.GreaterOrEqual(t, lost, 0)
		if lost > 0 {
			require.True(t, strings.Contains(in, thinkOpen) || strings.Contains(in, thinkClose))
		}
	})
}

func TestPlain(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Grüße, 世界 👋🏽\n\tx":         "Grüße, 世界 👋🏽\n\tx",
		"\x1b[31mred\x1b]0;title\a": "␛[31mred␛]0;title␇",
		"over\rwritten\b\x7f":       "over␍written␈␡",
		"\u009b31m":                 `\u009b31m`,
		"a\u202eb\u2066c\u2028d":    `a\u202eb\u2066c\u2028d`,
		"bad \xff\x9b utf-8":        "bad \ufffd\ufffd utf-8",
	} {
		assert.Equal(t, want, Plain(in))
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	said := Answer{Content: "<b>\x1b\u009b31m\x7f\u202e\u2066\u2028 Grüße 👋🏽\n", Error: &Error{Kind: Cut, Message: "\u009d0;owned\u009c"}}
	data, err := JSON(said)
	require.NoError(t, err)
	assert.Equal(t, string(data), Plain(string(data)), "nothing in it acts")
	assert.Contains(t, string(data), `<b>`)
	assert.Contains(t, string(data), `Grüße 👋🏽`)
	var back Answer
	require.NoError(t, json.Unmarshal(data, &back))
	assert.Equal(t, said.Content, back.Content)
	assert.Equal(t, said.Error.Message, back.Error.Message)
}

// FuzzPlain: what is printed acts on no terminal.
func FuzzPlain(f *testing.F) {
	f.Add("\x1b[2J\u009b\u202e\xff")
	f.Fuzz(func(t *testing.T, in string) {
		out := Plain(in)
		require.True(t, utf8.ValidString(out))
		for _, r := range out {
			require.False(t, r != '\n' && r != '\t' && unicode.IsControl(r), "%U", r)
		}
		require.Equal(t, out, Plain(out))
	})
}
