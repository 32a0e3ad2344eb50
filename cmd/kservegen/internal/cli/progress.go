package cli

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// patience is how long work stays silent.
const patience = time.Second

// progress counts work on a terminal, from the first second on. Elsewhere it prints nothing.
type progress struct {
	out   io.Writer
	what  string
	start time.Time

	mu    sync.Mutex
	done  int
	total int
	shown time.Time
	ended bool
}

func newProgress(out io.Writer, what string, total int) *progress {
	p := &progress{out: out, what: what, total: total, start: time.Now()}
	file, ok := out.(*os.File)
	p.ended = !ok || !term.IsTerminal(int(file.Fd()))
	return p
}

func (p *progress) step() { p.set(p.done+1, p.total) }

func (p *progress) set(done, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done, p.total = done, total
	now := time.Now()
	if p.ended || now.Sub(p.start) < patience || now.Sub(p.shown) < patience/10 {
		return
	}
	p.shown = now
	fmt.Fprintf(p.out, "\r\033[K%s %d/%d", p.what, done, total)
}

// stop clears the line. It may be called again.
func (p *progress) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended && !p.shown.IsZero() {
		fmt.Fprint(p.out, "\r\033[K")
	}
	p.ended = true
}
