// Package process runs servers for the length of a test: their output goes to a file, and none outlives the
// program that started it.
package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// grace is what a server has to end by itself before it is killed.
const grace = 10 * time.Second

// Command describes a server.
type Command struct {
	// Name is what it is called in messages, and its log file.
	Name string
	// Path is the program.
	Path string
	// Args are its arguments.
	Args []string
	// Env is its whole environment: what a developer has set must not change a test.
	Env []string
	// Logs is the folder that gets <name>.log.
	Logs string
}

// Process is a running server.
type Process struct {
	name string
	log  string
	pid  int
	done chan struct{}
	err  error // how it ended; read it when done is closed
}

// Start runs the server in a process group of its own, so that an interrupt in a terminal reaches the test
// alone, which then stops its servers in order.
func Start(c Command) (*Process, error) {
	p := &Process{name: c.Name, log: filepath.Join(c.Logs, c.Name+".log"), done: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.Name, err)
	}
	cmd := &exec.Cmd{
		Path: c.Path, Args: append([]string{c.Path}, c.Args...),
		Env:    append([]string{}, c.Env...), // nil would mean ours
		Stdout: log, Stderr: log, SysProcAttr: attributes(),
	}
	started := make(chan error)
	go p.run(cmd, log, started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.Name, err)
	}
	return p, nil
}

// run keeps to one thread: Linux sends the signal of a parent's death when the thread that started the child
// ends, not when the program does (golang/go#27505).
func (p *Process) run(cmd *exec.Cmd, log *os.File, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer log.Close()
	err := cmd.Start()
	if err == nil {
		p.pid = cmd.Process.Pid
	}
	started <- err
	if err != nil {
		return
	}
	p.err = cmd.Wait()
	close(p.done)
}

// Done is closed when the server has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err is why a server that should run does not, with the last lines that it wrote; nil while it runs.
func (p *Process) Err() error {
	select {
	case <-p.done:
		how := "by itself"
		if p.err != nil {
			how = p.err.Error()
		}
		return fmt.Errorf("%s ended (%s); the end of %s:\n%s", p.name, how, p.log, p.tail())
	default:
		return nil
	}
}

// Stop ends the server and all that it started: asked first, killed where that does not help.
func (p *Process) Stop() error {
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.done:
	case <-time.After(grace):
		if err := p.signal(syscall.SIGKILL); err != nil {
			return err
		}
		<-p.done
	}
	return nil
}

// signal reaches the whole group. That there is nobody left to get it is not an error.
func (p *Process) signal(s syscall.Signal) error {
	if err := syscall.Kill(-p.pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("stopping %s: %w", p.name, err)
	}
	return nil
}

// tail is the end of the log: enough for a server's dying words.
func (p *Process) tail() string {
	content, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}
