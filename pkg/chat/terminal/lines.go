package terminal

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
)

// Lines reads prompts where there is no terminal, or one that understands no movements of the cursor.
type Lines struct {
	io.Writer
	prompts bool
	next    chan line
}

type line struct {
	text string
	err  error
}

// NewLines reads lines until they end. Prompts are printed where somebody types.
func NewLines(in io.Reader, out io.Writer, prompts bool) *Lines {
	l := &Lines{Writer: out, prompts: prompts, next: make(chan line)}
	go func() {
		buffered := bufio.NewReader(in)
		for {
			text, err := buffered.ReadString('\n')
			if err != nil && text != "" {
				err = nil
			}
			l.next <- line{strings.TrimRight(text, "\r\n"), err}
			if err != nil {
				return
			}
		}
	}()
	return l
}

// ReadLine returns a prompt without its end, and io.EOF after the last one.
func (l *Lines) ReadLine(ctx context.Context, prompt string) (string, error) {
	if l.prompts {
		fmt.Fprint(l.Writer, prompt)
	}
	select {
	case read := <-l.next:
		return read.text, read.err
	case <-ctx.Done():
		return "", io.EOF
	}
}
