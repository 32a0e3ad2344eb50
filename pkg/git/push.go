package git

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// tries is how often a push that others overtake is tried.
const tries = 5

// ErrOvertaken marks that others pushed changes of the same files.
var ErrOvertaken = errors.New("others changed the same files")

// rejected is what git push says where the branch has moved, be it before it looked or while it pushed.
var rejected = regexp.MustCompile(`\[rejected\]|non-fast-forward|fetch first|cannot lock ref|failed to update ref|reference already exists`)

// Push sends the branch to its upstream. Where that has moved, and none of the paths changed there, the commits that are
// not pushed yet go on top of it, and it is tried again. It returns how often the branch was overtaken.
func (r *Repository) Push(ctx context.Context, paths ...string) (int, error) {
	u, err := r.upstream(ctx)
	if err != nil {
		return 0, err
	}
	for overtaken := 0; ; overtaken++ {
		_, err := r.git(ctx, "push", "--quiet", u.remote, "HEAD:"+u.ref)
		var said *failure
		if err == nil || !errors.As(err, &said) || !rejected.MatchString(said.stderr) || overtaken == tries {
			return overtaken, err
		}
		if err := r.follow(ctx, u, paths); err != nil {
			return overtaken, err
		}
	}
}

type upstream struct{ remote, ref, name string }

func (r *Repository) upstream(ctx context.Context) (upstream, error) {
	branch, err := r.line(ctx, "symbolic-ref", "--quiet", "--short", "HEAD")
	if err != nil {
		return upstream{}, fmt.Errorf("no branch is checked out, and so nothing can be pushed; git switch to one")
	}
	var u upstream
	for key, value := range map[string]*string{"remote": &u.remote, "merge": &u.ref} {
		if *value, err = r.line(ctx, "config", "--get", "branch."+branch+"."+key); err != nil {
			return upstream{}, fmt.Errorf("branch %s has no upstream; once: git push --set-upstream origin %[1]s", branch)
		}
	}
	u.name, err = r.line(ctx, "rev-parse", "--abbrev-ref", branch+"@{upstream}")
	return u, err
}

// follow puts what is not pushed on top of the upstream.
func (r *Repository) follow(ctx context.Context, u upstream, paths []string) error {
	if _, err := r.git(ctx, "fetch", "--quiet", u.remote); err != nil {
		return err
	}
	base, err := r.line(ctx, "merge-base", "HEAD", u.name)
	if err != nil {
		return err
	}
	changed, err := r.line(ctx, append([]string{"diff", "--name-only", base, u.name, "--"}, paths...)...)
	if err != nil {
		return err
	}
	if changed != "" {
		return fmt.Errorf("%w on %s: %s; the commit stays here, unpushed: look at git diff HEAD...%[2]s, then take it back (git reset --keep HEAD~1), git pull, and do the step again",
			ErrOvertaken, u.name, strings.Join(strings.Fields(changed), ", "))
	}
	if _, err := r.git(ctx, "rebase", "--quiet", "--autostash", u.name); err != nil {
		_, _ = r.git(ctx, "rebase", "--abort")
		return fmt.Errorf("putting the commit on top of %s: %w; it stays here, unpushed", u.name, err)
	}
	return nil
}
