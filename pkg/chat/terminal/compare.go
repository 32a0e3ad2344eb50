package terminal

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/width"

	"github.com/kservegen/kservegen/pkg/chat"
)

// columnsFrom is the width of a terminal from which on two answers stand side by side.
const columnsFrom = 80

// between stands between two columns.
const between = " │ "

// compare asks two revisions the same. The answers are in no conversation: neither would be the one to go on from.
func (s *Session) compare(ctx context.Context, rest string) {
	pair, prompt, ok := s.pair(rest)
	if !ok {
		return
	}
	if prompt == "" && len(s.turns) > 0 {
		prompt = s.turns[len(s.turns)-1].Question
	}
	if prompt == "" {
		s.say("Compare with which prompt? /compare %s %s PROMPT", pair[0], pair[1])
		return
	}
	s.answering(ctx, func(ctx context.Context) {
		if total := s.Style.Width(); total >= columnsFrom {
			s.beside(ctx, pair, prompt, (total-columnsOf(between))/2)
			return
		}
		for _, name := range pair {
			if ctx.Err() == nil {
				s.say("── %s", name)
				p := s.printer()
				p.end(s.Asker.Ask(ctx, s.to(name, prompt), p.event))
			}
		}
	})
}

// to is the next question, for a revision.
func (s *Session) to(revision, prompt string) chat.Question {
	q := s.next(prompt)
	q.Revision = revision
	return q
}

// pair finds two revisions at the begin of what was said, or else the first two.
func (s *Session) pair(rest string) (pair [2]string, prompt string, ok bool) {
	names := s.names()
	if len(names) < 2 {
		s.say("To compare takes two revisions that a document or a cluster knows; there are %d.", len(names))
		return pair, "", false
	}
	a, others, _ := strings.Cut(rest, " ")
	b, prompt, _ := strings.Cut(strings.TrimSpace(others), " ")
	if s.knows(a) && s.knows(b) {
		return [2]string{a, b}, strings.TrimSpace(prompt), true
	}
	return [2]string{names[0], names[1]}, rest, true
}

// beside prints two answers in columns: a row as soon as both have it, so that they come as they are generated.
func (s *Session) beside(ctx context.Context, pair [2]string, prompt string, each int) {
	p := &pages{s: s, columns: [2]*column{{width: each}, {width: each}}}
	p.add(0, pair[0]+"\n")
	p.add(1, pair[1]+"\n")
	var answers [2]chat.Answer
	var both sync.WaitGroup
	for i, name := range pair {
		both.Go(func() {
			answers[i] = s.Asker.Ask(ctx, s.to(name, prompt), func(e chat.Event) {
				switch e.Kind {
				case chat.Content:
					p.add(i, chat.Plain(e.Text))
				case chat.Recast:
					p.add(i, "\n(What stands above was reasoning.)\n")
				}
			})
			p.done(i)
		})
	}
	both.Wait()
	for i, name := range pair {
		fmt.Fprintln(s.Console, name+":")
		s.about(answers[i])
	}
}

// pages prints the rows of two columns.
type pages struct {
	s       *Session
	mu      sync.Mutex
	columns [2]*column
	printed int
}

func (p *pages) add(i int, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.columns[i].add(text)
	p.print()
}

func (p *pages) done(i int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.columns[i].end()
	p.print()
}

func (p *pages) print() {
	for p.columns[0].has(p.printed) && p.columns[1].has(p.printed) {
		left, right := p.columns[0].row(p.printed), p.columns[1].row(p.printed)
		if p.columns[0].finished(p.printed) && p.columns[1].finished(p.printed) {
			return
		}
		pad := strings.Repeat(" ", p.columns[0].width-columnsOf(left))
		fmt.Fprintln(p.s.Console, strings.TrimRight(left+pad+between+right, " "))
		p.printed++
	}
}

// column wraps text as it comes.
type column struct {
	width int
	rows  []string
	// line is the row that is not full.
	line  string
	used  int
	ended bool
}

// add takes text. A word that does not fit goes to the next row, and is broken where it is longer than one.
func (c *column) add(text string) {
	for _, r := range strings.ReplaceAll(text, "\t", "    ") {
		if r == '\n' {
			c.next("")
			continue
		}
		if n := columnOf(r); c.used+n > c.width {
			c.wrap(r)
		}
		c.line += string(r)
		c.used += columnOf(r)
	}
}

// wrap begins a new row, with the word that the last one ends with.
func (c *column) wrap(r rune) {
	i := strings.LastIndex(c.line, " ")
	if i <= 0 || unicode.IsSpace(r) {
		c.next("")
		return
	}
	word := c.line[i+1:]
	c.line = c.line[:i]
	c.next(word)
}

func (c *column) next(begin string) {
	c.rows = append(c.rows, c.line)
	c.line, c.used = begin, columnsOf(begin)
}

func (c *column) end() {
	if c.line != "" {
		c.next("")
	}
	c.ended = true
}

func (c *column) has(i int) bool { return i < len(c.rows) || c.ended }

func (c *column) finished(i int) bool { return c.ended && i >= len(c.rows) }

func (c *column) row(i int) string {
	if i < len(c.rows) {
		return c.rows[i]
	}
	return ""
}

func columnsOf(text string) int {
	n := 0
	for _, r := range text {
		n += columnOf(r)
	}
	return n
}

// columnOf is how many characters wide a terminal shows one.
func columnOf(r rune) int {
	switch kind := width.LookupRune(r).Kind(); {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case kind == width.EastAsianWide || kind == width.EastAsianFullwidth:
		return 2
	}
	return 1
}
