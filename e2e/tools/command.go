package tools

import (
	"context"
	"os/exec"
	"syscall"
	"time"
)

// Command is a command that is asked to end when the context does, so that it can undo what it has begun
// (debootstrap unmounts, the go command removes its folder), and is killed a minute later.
func Command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = time.Minute
	return cmd
}
