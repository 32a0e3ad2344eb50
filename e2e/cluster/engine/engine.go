// Package engine runs containers, by Docker as it is on the machine, or by a podman whose storage, networks and
// settings are the suite's own.
package engine

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/kservegen/kservegen/e2e/tools"
)

// Engine is a container engine's command and what it needs in the environment.
type Engine struct {
	// Program is docker or podman, which is also kind's name of the provider.
	Program string
	// Env comes on top of this process's environment. It is kind's, too, since kind runs the program.
	Env []string
}

// Docker is the machine's own.
func Docker() Engine {
	return Engine{Program: "docker", Env: []string{"KIND_EXPERIMENTAL_PROVIDER=docker"}}
}

// Output runs the engine and returns what it writes.
func (e Engine) Output(ctx context.Context, args ...string) (string, error) {
	return e.Feed(ctx, nil, args...)
}

// Feed runs the engine with an input.
func (e Engine) Feed(ctx context.Context, in io.Reader, args ...string) (string, error) {
	return Run(ctx, e.Env, in, e.Program, args...)
}

// Run runs a command with more in its environment. Its error has the end of what the command said.
func Run(ctx context.Context, env []string, in io.Reader, program string, args ...string) (string, error) {
	cmd := tools.Command(ctx, program, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin = in
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if err != nil {
		said := stderr.String()
		if strings.TrimSpace(said) == "" {
			said = string(stdout)
		}
		return string(stdout), fmt.Errorf("%s: %w\n%s", cmd, err, tail(said))
	}
	return string(stdout), nil
}

// tail keeps an error readable: the last lines of an engine's output have the cause.
func tail(output string) string {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}
