package sources

import (
	"context"
	"errors"
	"fmt"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Branch is the one that the repository has.
const Branch = "main"

// Git is a repository whose work tree is a folder, and the server that it is cloned from.
type Git struct {
	*server
	dir, program string
}

// NewGit makes a repository in the folder, without a commit, and serves it at that address of this machine.
func NewGit(ctx context.Context, dir, host string) (*Git, error) {
	program, err := exec.LookPath("git")
	if err != nil {
		return nil, fmt.Errorf("serving a repository (Debian's package git): %w", err)
	}
	g := &Git{dir: dir, program: program}
	if _, err := g.run(ctx, "init", "--quiet", "--initial-branch="+Branch); err != nil {
		return nil, err
	}
	// Without http.receivepack it refuses every push, since nobody is known to it by name (git-http-backend(1)).
	g.server, err = serve(ctx, host, &cgi.Handler{
		Path: program, Args: []string{"http-backend"}, Root: "/tree.git",
		Env: append(environment(), "GIT_PROJECT_ROOT="+filepath.Join(dir, ".git"), "GIT_HTTP_EXPORT_ALL=1"),
	})
	return g, err
}

// URL is where it is cloned from.
func (g *Git) URL() string { return "http://" + g.address + "/tree.git" }

// Publish commits all that is in the folder, and returns the revision as Flux names it. Without a change it fails.
func (g *Git) Publish(ctx context.Context) (string, error) {
	if _, err := g.run(ctx, "add", "--all"); err != nil {
		return "", err
	}
	if _, err := g.run(ctx, "commit", "--quiet", "--message=Change the tree"); err != nil {
		return "", err
	}
	return g.revision(ctx)
}

// Revert commits the opposite of so many of the last commits, and returns the revision as Flux names it.
func (g *Git) Revert(ctx context.Context, commits int) (string, error) {
	if _, err := g.run(ctx, "revert", "--no-edit", fmt.Sprintf("HEAD~%d..HEAD", commits)); err != nil {
		return "", err
	}
	return g.revision(ctx)
}

func (g *Git) revision(ctx context.Context) (string, error) {
	head, err := g.run(ctx, "rev-parse", "HEAD")
	return Branch + "@sha1:" + strings.TrimSpace(head), err
}

func (g *Git) run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, g.program, args...)
	cmd.Dir, cmd.Env = g.dir, environment()
	out, err := cmd.Output()
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		err = fmt.Errorf("%s in %s: %w\n%s%s", cmd, g.dir, err, out, failed.Stderr)
	}
	return string(out), err
}

// environment leaves out what this machine's owner has set, and the repository that a hook may be running for.
func environment() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull,
		"GIT_AUTHOR_NAME=e2e", "GIT_AUTHOR_EMAIL=e2e@example.org", "GIT_COMMITTER_NAME=e2e", "GIT_COMMITTER_EMAIL=e2e@example.org",
	}
}
