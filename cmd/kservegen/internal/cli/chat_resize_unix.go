//go:build unix

package cli

import (
	"os"
	"os/signal"
	"syscall"
)

// resized calls changed whenever the terminal has another size, until it is told to stop.
func resized(changed func()) (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGWINCH)
	go func() {
		for range signals {
			changed()
		}
	}()
	return func() {
		signal.Stop(signals)
		close(signals)
	}
}
