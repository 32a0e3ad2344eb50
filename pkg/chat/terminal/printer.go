package terminal

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/kservegen/kservegen/pkg/chat"
)

// tick is how often the line is renewed that says how long something takes.
const tick = time.Second

// printer prints an answer as it comes. Reasoning is folded into one line unless it is shown.
type printer struct {
	s     *Session
	start time.Time

	mu sync.Mutex
	// status is set while a line says how long something takes.
	status bool
	what   string
	words  int
	// thought is when reasoning began.
	thought time.Time
	kind    chat.EventKind
	// folded is set when the line about reasoning was printed.
	folded bool
	ended  chan struct{}
	ticker sync.WaitGroup
}

func (s *Session) printer() *printer {
	p := &printer{s: s, start: time.Now(), what: "waiting", ended: make(chan struct{})}
	if s.Style.Live {
		p.ticker.Go(p.count)
	}
	return p
}

// count says once a second how long it takes, until text comes.
func (p *printer) count() {
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-p.ended:
			return
		case <-t.C:
			p.mu.Lock()
			p.show()
			p.mu.Unlock()
		}
	}
}

func (p *printer) show() {
	if p.what == "" {
		return
	}
	p.status = true
	fmt.Fprintf(p.s.Console, "\r\x1b[K%s", p.s.Style.dim(fmt.Sprintf("%s … %.0f s", p.what, time.Since(p.start).Seconds())))
}

func (p *printer) clear() {
	if p.status {
		fmt.Fprint(p.s.Console, "\r\x1b[K")
	}
	p.status, p.what = false, ""
}

func (p *printer) event(e chat.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e.Kind {
	case chat.Reasoning:
		p.reasoning(e.Text)
	case chat.Content:
		p.content(e.Text)
	case chat.Recast:
		p.clear()
		fmt.Fprintln(p.s.Console)
		p.s.say("(What stands above was reasoning; the server has no reasoning parser.)")
		p.kind = ""
	}
}

func (p *printer) reasoning(text string) {
	p.words += len(strings.Fields(text))
	if p.thought.IsZero() {
		p.thought = time.Now()
	}
	if !p.s.unfolded {
		p.what, p.kind = "thinking", chat.Reasoning
		return
	}
	p.clear()
	if p.kind != chat.Reasoning {
		p.s.say("Reasoning:")
	}
	p.kind = chat.Reasoning
	fmt.Fprint(p.s.Console, p.s.Style.dim(chat.Plain(text)))
}

func (p *printer) content(text string) {
	if p.kind == chat.Reasoning {
		p.fold()
	}
	p.clear()
	p.kind = chat.Content
	fmt.Fprint(p.s.Console, chat.Plain(text))
}

// fold ends reasoning.
func (p *printer) fold() {
	p.clear()
	switch {
	case p.s.unfolded:
		fmt.Fprint(p.s.Console, "\n\n")
	case !p.folded:
		p.s.say("Thought for %.1f s, some %d words; /think shows them.", time.Since(p.thought).Seconds(), p.words)
		p.folded = true
	}
}

// end prints what is said of an answer as a whole.
func (p *printer) end(a chat.Answer) {
	close(p.ended)
	p.ticker.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kind == chat.Reasoning {
		p.fold()
	}
	p.clear()
	if p.kind == chat.Content {
		fmt.Fprintln(p.s.Console)
	}
	p.s.about(a)
}

// about prints tool calls, what went wrong, and who answered how fast.
func (s *Session) about(a chat.Answer) {
	for _, call := range a.ToolCalls {
		fmt.Fprintln(s.Console, chat.Plain("Tool call: "+call.Name+" "+call.Arguments))
	}
	if a.Error == nil || a.Timing.FirstToken > 0 {
		s.say("%s", a.Summary())
	}
	if a.Error != nil {
		s.fail(a.Error)
	}
}
