package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ErrMoved marks a push that came too late: the branch has other commits than the pushed one was made on.
var ErrMoved = errors.New("others have pushed")

// Branch is a branch of a remote repository, as a work tree reaches it.
type Branch struct {
	r *Repository
	// Remote is the name or the URL of the repository, Name that of the branch there.
	Remote, Name string
}

// Tracked is what the branch that is checked out follows.
func (r *Repository) Tracked(ctx context.Context) (Branch, error) {
	u, err := r.upstream(ctx)
	if err != nil {
		return Branch{}, err
	}
	return Branch{r, u.remote, strings.TrimPrefix(u.ref, branches)}, nil
}

// Branch is a branch of a remote by its name, whatever is checked out.
func (r *Repository) Branch(remote, name string) Branch { return Branch{r, remote, name} }

// Sibling is another branch of the same remote repository.
func (b Branch) Sibling(name string) Branch { return Branch{b.r, b.Remote, name} }

// String is how git calls it: origin/main.
func (b Branch) String() string { return b.Remote + "/" + b.Name }

// branches is what the full names of branches begin with.
const branches = "refs/heads/"

// patience is how long the remote may take.
const patience = time.Minute

// ask is about the remote, which may never answer. Nobody is asked for a password.
func (b Branch) ask(ctx context.Context, args ...string) ([]byte, error) {
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	out, err := runWith(bounded, b.r.top, []string{"GIT_TERMINAL_PROMPT=0"}, nil, args...)
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("git %s: %s did not answer in %s", args[0], b.Remote, patience)
	}
	return out, err
}

// Fetch brings what the branch has here, and returns its newest commit, empty where there is no such branch. No branch of the
// work tree moves, nor what it remembers of the remote: several may fetch at once.
func (b Branch) Fetch(ctx context.Context) (string, error) {
	for range tries {
		listed, err := b.ask(ctx, "ls-remote", b.Remote, branches+b.Name)
		if err != nil || len(listed) == 0 {
			return "", err
		}
		hash, _, _ := strings.Cut(string(listed), "\t")
		if _, err = b.ask(ctx, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--refmap=", b.Remote, branches+b.Name); err != nil {
			return "", err
		}
		if _, err = b.r.git(ctx, "cat-file", "-e", hash+"^{commit}"); err == nil {
			return hash, nil
		} // else it was replaced by another meanwhile
	}
	return "", fmt.Errorf("branch %s is replaced faster than it is fetched", b)
}

// Send makes a commit the newest one of the branch. was is the commit that it must have until then, empty where there must be no
// such branch. Where it has another one, the error is ErrMoved.
func (b Branch) Send(ctx context.Context, commit, was string) error {
	ref := branches + b.Name
	_, err := b.ask(ctx, "push", "--quiet", "--force-with-lease="+ref+":"+was, b.Remote, commit+":"+ref)
	var said *failure
	if errors.As(err, &said) && rejected.MatchString(said.stderr) {
		return fmt.Errorf("%w to %s", ErrMoved, b)
	}
	return err
}

// Committer says who commits are by, and fails where git would not know.
func (r *Repository) Committer(ctx context.Context) (string, error) {
	who, err := r.line(ctx, "var", "GIT_COMMITTER_IDENT")
	if err != nil && ctx.Err() == nil {
		return "", errors.New("git does not know by whom a commit is; git config user.name NAME and git config user.email ADDRESS")
	}
	return who, err
}

// indexed is the line of `git update-index --index-info` for a file, whose content is stored first.
func (r *Repository) indexed(ctx context.Context, parent, name string, data []byte) (string, error) {
	if data == nil {
		return "0 " + strings.Repeat("0", 40) + "\t" + name + "\x00", nil
	}
	blob, err := runWith(ctx, r.top, nil, data, "hash-object", "-w", "--stdin")
	if err != nil {
		return "", err
	}
	mode, err := r.mode(ctx, parent, name)
	return mode + " " + strings.TrimSpace(string(blob)) + "\t" + name + "\x00", err
}

// CommitOn makes a commit on top of another one that differs from it in the content of some files, and returns its hash. Neither
// the work tree nor the index nor a branch changes: until it is sent, nobody sees it. Files without content, nil, are removed.
func (r *Repository) CommitOn(ctx context.Context, parent, message string, files map[string][]byte) (string, error) {
	dir, err := os.MkdirTemp("", "kservegen-index-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	index := func(stdin string, args ...string) (string, error) {
		out, failed := runWith(ctx, r.top, []string{"GIT_INDEX_FILE=" + filepath.Join(dir, "index")}, []byte(stdin), args...)
		return strings.TrimSpace(string(out)), failed
	}
	if _, err = index("", "read-tree", parent); err != nil {
		return "", err
	}
	for name, data := range files {
		line, unmade := r.indexed(ctx, parent, name, data)
		if unmade == nil {
			_, unmade = index(line, "update-index", "-z", "--index-info")
		}
		if unmade != nil {
			return "", unmade
		}
	}
	tree, err := index("", "write-tree")
	if err != nil {
		return "", err
	}
	args := []string{"commit-tree", tree, "-p", parent, "-F", "-"}
	if signed, _ := r.line(ctx, "config", "--type=bool", "--get", "commit.gpgSign"); signed == "true" {
		args = append(args, "-S") // which commit-tree does not do by itself
	}
	return index(message, args...)
}

// mode is that of a file of a commit: a new one is no program.
func (r *Repository) mode(ctx context.Context, commit, name string) (string, error) {
	about, err := r.line(ctx, "ls-tree", "--full-tree", commit, "--", name)
	if err != nil || about == "" {
		return "100644", err
	}
	mode, _, _ := strings.Cut(about, " ")
	return mode, nil
}

// FirstParents lists the commits of a branch's own line, the newest first, in which some paths changed: of what was merged into
// it, the merge. complete is false where the history that is here ends before that of the branch does, as in a shallow clone.
func (r *Repository) FirstParents(ctx context.Context, commit string, paths ...string) (entries []Entry, complete bool, err error) {
	entries, err = r.log(ctx, append([]string{"--first-parent", commit, "--"}, paths...)...)
	if err != nil {
		return nil, false, err
	}
	shallow, err := r.line(ctx, "rev-parse", "--is-shallow-repository")
	return entries, shallow != "true", err
}

// Ahead lists the commits that are checked out here and that another commit does not have, of those that touch some paths.
func (r *Repository) Ahead(ctx context.Context, of string, paths ...string) ([]Entry, error) {
	return r.log(ctx, append([]string{of + "..HEAD", "--"}, paths...)...)
}

// Message is the whole text of a commit.
func (r *Repository) Message(ctx context.Context, commit string) (string, error) {
	return r.line(ctx, "log", "-1", "--no-show-signature", "--format=%B", commit)
}
