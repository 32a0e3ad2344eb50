package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"

	"github.com/kservegen/kservegen/pkg/chat"
	"github.com/kservegen/kservegen/pkg/chat/terminal"
)

// talk holds a conversation: on a terminal with editing, on a simple one or from a pipe line by line.
func (o *chatOptions) talk(ctx context.Context, s Streams, link *chatLink, q chat.Question) error {
	session := &terminal.Session{Asker: link.client, Question: q, System: o.system, Style: terminal.Style{Width: func() int { return 0 }}}
	typed := onTerminal(s.In) && onTerminal(s.Out)
	hello := fmt.Sprintf("%s at %s%s. /help lists what can be said besides; Ctrl-D leaves.", q.Model, link.client.URL(), link.through)
	switch {
	case !typed:
		session.Console = terminal.NewLines(s.In, s.Out, false)
		whole, err := session.Run(ctx)
		if err == nil && ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil && !whole {
			return errFindings
		}
		return err
	case os.Getenv("TERM") == "dumb":
		session.Console = terminal.NewLines(s.In, s.Out, true)
	default:
		restore, err := o.raw(s, session)
		if err != nil {
			return err
		}
		defer restore()
	}
	ctx, cancel := signalled(ctx, session)
	defer cancel()
	fmt.Fprintln(session.Console, chat.Plain(hello))
	_, err := session.Run(ctx)
	fmt.Fprintln(session.Console)
	return err
}

// signalled is a context that an interrupt does not end while an answer comes: it stops the answer.
func signalled(ctx context.Context, session *terminal.Session) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		for {
			select {
			case got := <-signals:
				if got != os.Interrupt || !session.Interrupt() {
					cancel()
				}
			case <-ctx.Done():
				signal.Stop(signals)
				return
			}
		}
	}()
	return ctx, cancel
}

// raw takes the terminal's keys one by one, until restore is called.
func (o *chatOptions) raw(s Streams, session *terminal.Session) (restore func(), err error) {
	in, out := int(s.In.(*os.File).Fd()), int(s.Out.(*os.File).Fd())
	var history *terminal.History
	if o.history != "" {
		if history, err = terminal.OpenHistory(o.history, func(err error) { fmt.Fprintf(session.Console, "! %v\n", err) }); err != nil {
			return nil, usageError{err}
		}
	}
	before, err := term.MakeRaw(in)
	if err != nil {
		return nil, fmt.Errorf("taking the terminal's keys: %w", err)
	}
	session.Style = terminal.Style{Dim: isTerminal(s.Out), Live: true, Width: func() int {
		width, _, _ := term.GetSize(out)
		return width
	}}
	width, height, _ := term.GetSize(out)
	keyboard := terminal.NewKeyboard(s.In, s.Out, width, height, func() { session.Interrupt() }, session.Complete)
	if history != nil {
		keyboard.Remember(history)
	}
	session.Console = keyboard
	unwatch := resized(func() {
		if width, height, err := term.GetSize(out); err == nil {
			keyboard.Resize(width, height)
		}
	})
	return func() {
		unwatch()
		keyboard.Close()
		_ = term.Restore(in, before)
	}, nil
}
