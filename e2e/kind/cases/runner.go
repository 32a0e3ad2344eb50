package cases

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/kservegen/kservegen/pkg/rollout/runner"
)

// rolling is `kservegen canary run` at work.
type rolling struct {
	cmd  *exec.Cmd
	said *bytes.Buffer
	// events are what it prints, one a line; the channel is closed when it has ended.
	events chan runner.Event
	// past are those that were taken from the channel.
	past []runner.Event
}

// shares of the plan that the last revision is taken through here.
func planned() []any { return []any{int64(20), int64(50), int64(100)} }

// canaryRun starts the program for the tree's environment, at weights that a document with a plan of few steps has.
func (e *Env) canaryRun(ctx context.Context, flags ...string) (*rolling, error) {
	dir, err := e.plannedDocument(ctx)
	if err != nil {
		return nil, err
	}
	prometheus, err := e.askPrometheus(ctx)
	if err != nil {
		return nil, err
	}
	args := []string{
		"canary", "run", "-f", filepath.Join(dir, "document.yaml"), "-d", filepath.Join(dir, "deploy"), "--env", e.environment(),
		"--kubeconfig", e.Kubectl.Kubeconfig, "-o", "json", "--profile=envoy",
		"--interval=" + block.String(), "--warm-up=" + block.String(), "--step-min=" + (2 * block).String(), "--step-max=8m",
		// What a machine with a few cores does to the times of a few hundred answers is no difference between revisions.
		"--margin=ttft-mean=1", "--margin=ttft-p95=1", "--margin=itl-mean=1",
	}
	r := &rolling{cmd: exec.Command(e.Kservegen, append(append(args, prometheus...), flags...)...), said: &bytes.Buffer{}, events: make(chan runner.Event)}
	r.cmd.Stderr = r.said
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(r.events)
		for lines := json.NewDecoder(out); ; {
			var event runner.Event
			if lines.Decode(&event) != nil {
				return
			}
			r.events <- event
		}
	}()
	return r, nil
}

// plannedDocument is the tree's document with the plan, and the tree of it beside it.
func (e *Env) plannedDocument(ctx context.Context) (string, error) {
	d, err := e.ownDocument()
	if err != nil {
		return "", err
	}
	own := d.clone()
	rollout, _ := own.Spec["rollout"].(map[string]any)
	if rollout == nil {
		rollout = map[string]any{}
	}
	rollout["steps"] = planned()
	own.Spec["rollout"] = rollout
	out, err := e.render(ctx, own)
	return filepath.Dir(out), err
}

// until waits for an event; none comes where the program ends before.
func (r *rolling) until(ctx context.Context, want func(runner.Event) bool) (runner.Event, error) {
	for {
		select {
		case <-ctx.Done():
			return runner.Event{}, ctx.Err()
		case event, more := <-r.events:
			if !more {
				return event, violated("it ended: %s\n%s", r, r.said)
			}
			r.past = append(r.past, event)
			if want(event) {
				return event, nil
			}
		}
	}
}

// end waits until the program has ended, and returns its exit code.
func (r *rolling) end(ctx context.Context) (int, error) {
	if r.cmd.ProcessState != nil {
		return r.cmd.ProcessState.ExitCode(), nil
	}
	_, err := r.until(ctx, func(runner.Event) bool { return false })
	if err := ctx.Err(); err != nil {
		return 0, errors.Join(err, r.kill())
	}
	if !isViolated(err) {
		return 0, err
	}
	err = r.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = nil
	}
	return r.cmd.ProcessState.ExitCode(), err
}

// kill ends it at once, as a machine that loses power does.
func (r *rolling) kill() error { return r.signal(syscall.SIGKILL) }

func (r *rolling) signal(s os.Signal) error {
	if err := r.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	for range r.events { // what it had printed
	}
	err := r.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = nil
	}
	return err
}

// first is the first of its events of a kind.
func (r *rolling) first(kind runner.Kind) (runner.Event, bool) {
	for _, event := range r.past {
		if event.Kind == kind {
			return event, true
		}
	}
	return runner.Event{}, false
}

// greatest is the greatest share that it has given.
func (r *rolling) greatest() int {
	most := 0
	for _, event := range r.past {
		most = max(most, event.Share)
	}
	return most
}

// String is what happened, in one line.
func (r *rolling) String() string {
	var words []string
	for _, event := range r.past {
		if event.Kind != runner.Looked {
			words = append(words, fmt.Sprintf("%s at %d after %.0f s", event.Kind, event.Share, event.Time.Sub(r.past[0].Time).Seconds()))
		}
	}
	if len(r.past) > 0 {
		words = append(words, r.past[len(r.past)-1].Reason)
	}
	return strings.Join(words, ", ")
}

// moved says that an event gave a share.
func moved(share int) func(runner.Event) bool {
	return func(event runner.Event) bool { return event.Kind == runner.Moved && event.Share == share }
}

// abandoned ends what still runs, where a check failed.
func (r *rolling) abandoned() {
	if r.cmd.ProcessState == nil {
		_ = r.kill()
	}
}

// settled is how long Envoy may take to have a share that the cluster has.
const settled = 2 * time.Second
