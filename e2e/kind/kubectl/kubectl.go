// Package kubectl runs kubectl as a person would, so that what a test did can be repeated by hand.
package kubectl

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/kservegen/kservegen/e2e/tools"
)

// Kubectl talks to one cluster.
type Kubectl struct {
	// Path is the program, Kubeconfig how it reaches the cluster.
	Path, Kubeconfig string
}

// longest bounds a call that hangs: more than the longest wait that a call is given.
const longest = 10 * time.Minute

// Run returns what kubectl prints. Its error has the command line and what kubectl said.
func (k Kubectl) Run(ctx context.Context, args ...string) (string, error) {
	return k.Send(ctx, nil, args...)
}

// Send is Run with standard input.
func (k Kubectl) Send(ctx context.Context, stdin io.Reader, args ...string) (string, error) {
	out, _, err := k.run(ctx, stdin, args...)
	return out, err
}

// Said returns what kubectl says beside what it prints: warnings, and what it will try again.
func (k Kubectl) Said(ctx context.Context, args ...string) (string, error) {
	_, said, err := k.run(ctx, nil, args...)
	return said, err
}

// run returns standard output and standard error.
func (k Kubectl) run(ctx context.Context, stdin io.Reader, args ...string) (printed, said string, err error) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	cmd := tools.Command(ctx, k.Path, args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+k.Kubeconfig)
	cmd.Stdin = stdin
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err = cmd.Run(); err == nil {
		return stdout.String(), stderr.String(), nil
	}
	if ctx.Err() != nil {
		err = errors.Join(ctx.Err(), err)
	}
	return stdout.String(), stderr.String(), fmt.Errorf("kubectl %s: %w\n%s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
}

// Apply makes or changes objects by server-side apply. It is for what the suite supplies; a tree is applied by
// its folder.
func (k Kubectl) Apply(ctx context.Context, objects ...map[string]any) error {
	if len(objects) == 0 {
		return nil
	}
	_, err := k.OfObjects(ctx, objects, "apply", "--server-side", "--force-conflicts", "--field-manager=kservegen-e2e")
	return err
}

// Delete deletes objects, and returns when they are gone.
func (k Kubectl) Delete(ctx context.Context, objects ...map[string]any) error {
	_, err := k.OfObjects(ctx, objects, "delete", "--timeout=5m")
	return err
}

// OfObjects runs a command that takes objects by -f.
func (k Kubectl) OfObjects(ctx context.Context, objects []map[string]any, args ...string) (string, error) {
	content, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": objects})
	if err != nil {
		return "", err
	}
	return k.Send(ctx, bytes.NewReader(content), append(args, "-f", "-")...)
}

// Get reads what `kubectl get ARGS -o json` prints.
func Get[T any](ctx context.Context, k Kubectl, args ...string) (T, error) {
	var found T
	out, err := k.Run(ctx, append([]string{"get", "-o", "json"}, args...)...)
	if err != nil {
		return found, err
	}
	if err := json.Unmarshal([]byte(out), &found); err != nil {
		return found, fmt.Errorf("kubectl get %s: %w", strings.Join(args, " "), err)
	}
	return found, nil
}

// Raw decodes what the API server answers at a path.
func Raw[T any](ctx context.Context, k Kubectl, path string) (T, error) {
	var found T
	out, err := k.Run(ctx, "get", "--raw", path)
	if err != nil {
		return found, err
	}
	if err := json.Unmarshal([]byte(out), &found); err != nil {
		return found, fmt.Errorf("kubectl get --raw %s: %w", path, err)
	}
	return found, nil
}
