package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/kservegen/kservegen/pkg/chat"
)

// Asker is the model's side.
type Asker interface {
	Ask(ctx context.Context, q chat.Question, each func(chat.Event)) chat.Answer
	Models(ctx context.Context) ([]string, error)
	Revisions() []chat.Revision
}

// Console is the user's side: a Keyboard or Lines.
type Console interface {
	io.Writer
	ReadLine(ctx context.Context, prompt string) (string, error)
}

// Style is what the terminal can do.
type Style struct {
	// Dim is set where text may be dimmed.
	Dim bool
	// Live is set where a line may be written over.
	Live bool
	// Width returns how many characters are in a line.
	Width func() int
}

// turn is a question and what came of it.
type turn struct {
	Question string      `json:"question"`
	Answer   chat.Answer `json:"answer"`
}

// Session is a conversation.
type Session struct {
	Asker   Asker
	Console Console
	Style   Style
	// Question has the model, the revision and the limits; its messages are those of the conversation.
	Question chat.Question
	// System prompt, empty for none.
	System string

	turns []turn
	// unfolded shows reasoning as it comes.
	unfolded bool
	saved    string

	mu   sync.Mutex
	stop context.CancelFunc
}

// Interrupt stops the answer that comes. It reports whether one does.
func (s *Session) Interrupt() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop == nil {
		return false
	}
	s.stop()
	return true
}

// answering runs what Interrupt may stop.
func (s *Session) answering(ctx context.Context, run func(context.Context)) {
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	s.stop = cancel
	s.mu.Unlock()
	run(ctx)
	s.mu.Lock()
	s.stop = nil
	s.mu.Unlock()
	cancel()
}

// Run talks until the user leaves or the context ends. It reports whether all answers were whole.
func (s *Session) Run(ctx context.Context) (whole bool, err error) {
	whole = true
	for ctx.Err() == nil {
		text, err := s.prompt(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return whole, fmt.Errorf("reading a prompt: %w", err)
		}
		name, rest, command := command(text)
		switch {
		case strings.TrimSpace(text) == "":
		case command && (name == "quit" || name == "exit"):
			return whole, nil
		case command:
			s.command(ctx, name, rest)
		default:
			whole = s.ask(ctx, unescaped(text)) && whole
		}
	}
	return whole, nil
}

// unescaped is a prompt without the slash that stands for one.
func unescaped(text string) string {
	if strings.HasPrefix(text, "//") {
		return text[1:]
	}
	return text
}

// prompt reads lines until one does not end with a backslash.
func (s *Session) prompt(ctx context.Context) (string, error) {
	sign := "> "
	if s.Question.Revision != "" {
		sign = chat.Plain(s.Question.Revision) + "> "
	}
	text, err := s.Console.ReadLine(ctx, sign)
	for err == nil && strings.HasSuffix(text, `\`) {
		var more string
		more, err = s.Console.ReadLine(ctx, "… ")
		text = strings.TrimSuffix(text, `\`) + "\n" + more
	}
	return text, err
}

// ask sends a question with the conversation before it.
func (s *Session) ask(ctx context.Context, text string) bool {
	q := s.next(text)
	var answer chat.Answer
	s.answering(ctx, func(ctx context.Context) {
		p := s.printer()
		answer = s.Asker.Ask(ctx, q, p.event)
		p.end(answer)
	})
	s.turns = append(s.turns, turn{text, answer})
	return answer.Error == nil
}

// next is the question that continues the conversation. What the model thought is not sent back to it, as the authors of
// reasoning models ask (DeepSeek-R1's API drops it), and questions without an answer are left out.
func (s *Session) next(text string) chat.Question {
	q := s.Question
	q.Messages = nil
	if s.System != "" {
		q.Messages = append(q.Messages, chat.Message{Role: "system", Content: s.System})
	}
	for _, t := range s.turns {
		if t.Answer.Content != "" {
			q.Messages = append(q.Messages, chat.Message{Role: "user", Content: t.Question}, chat.Message{Role: "assistant", Content: t.Answer.Content})
		}
	}
	q.Messages = append(q.Messages, chat.Message{Role: "user", Content: text})
	return q
}

// say prints a line of the program's own.
func (s *Session) say(format string, args ...any) {
	fmt.Fprintln(s.Console, s.Style.dim(chat.Plain(fmt.Sprintf(format, args...))))
}

// fail prints what went wrong.
func (s *Session) fail(err error) { fmt.Fprintln(s.Console, "! "+chat.Plain(err.Error())) }

func (s Style) dim(text string) string {
	if !s.Dim {
		return text
	}
	return "\x1b[2m" + text + "\x1b[0m"
}

// names are those of the revisions.
func (s *Session) names() []string {
	var names []string
	for _, r := range s.Asker.Revisions() {
		names = append(names, r.Name)
	}
	return names
}

func (s *Session) knows(revision string) bool { return slices.Contains(s.names(), revision) }
