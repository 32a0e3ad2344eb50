package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Repository is a work tree.
type Repository struct{ top string }

// failure is what git said when it ended with another code than 0.
type failure struct {
	args   []string
	stderr string
	cause  error
}

func (f *failure) Error() string {
	said := strings.TrimSpace(f.stderr)
	if said == "" {
		said = f.cause.Error()
	}
	return fmt.Sprintf("git %s: %s", f.args[0], said)
}

func (f *failure) Unwrap() error { return f.cause }

// Open finds the work tree that holds a directory.
func Open(ctx context.Context, dir string) (*Repository, error) {
	out, err := run(ctx, dir, nil, "rev-parse", "--show-toplevel")
	if errors.Is(err, exec.ErrNotFound) {
		return nil, fmt.Errorf("git is not on the PATH; install it, or commit by other means")
	}
	if err != nil {
		return nil, err
	}
	top, err := filepath.EvalSymlinks(strings.TrimSuffix(string(out), "\n"))
	return &Repository{top}, err
}

// run runs git in a directory. Its words are English, and paths are no patterns.
func run(ctx context.Context, dir string, stdin []byte, args ...string) ([]byte, error) {
	return runWith(ctx, dir, nil, stdin, args...)
}

// runWith is run with further variables of the environment.
func runWith(ctx context.Context, dir string, env []string, stdin []byte, args ...string) ([]byte, error) {
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", dir, "--literal-pathspecs"}, args...)...)
	cmd.Env = append(cmd.Environ(), "LC_ALL=C", "GIT_OPTIONAL_LOCKS=0")
	cmd.Env = append(cmd.Env, env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &out, &errs
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &failure{args, errs.String(), err}
	}
	return out.Bytes(), nil
}

func (r *Repository) git(ctx context.Context, args ...string) ([]byte, error) {
	return run(ctx, r.top, nil, args...)
}

// line is the one line that git prints.
func (r *Repository) line(ctx context.Context, args ...string) (string, error) {
	out, err := r.git(ctx, args...)
	return strings.TrimSpace(string(out)), err
}

// Path is a file or directory as the repository calls it, with slashes.
func (r *Repository) Path(path string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(absolute))
	if err != nil {
		return "", err
	}
	relative, err := filepath.Rel(r.top, filepath.Join(dir, filepath.Base(absolute)))
	if err != nil || relative == ".." || strings.HasPrefix(relative, ".."+string(filepath.Separator)) {
		return "", fmt.Errorf("%s is outside of the repository %s", path, r.top)
	}
	return filepath.ToSlash(relative), nil
}

// Dirty lists what is not committed of some paths, new files among it.
func (r *Repository) Dirty(ctx context.Context, paths ...string) ([]string, error) {
	out, err := r.git(ctx, append([]string{"status", "--porcelain", "-z", "--untracked-files=all", "--no-renames", "--"}, paths...)...)
	if err != nil {
		return nil, err
	}
	var dirty []string
	for _, entry := range strings.Split(string(out), "\x00") {
		if len(entry) > 3 {
			dirty = append(dirty, entry[3:])
		}
	}
	return dirty, nil
}

// Commit makes a commit of some paths and of nothing else, whatever else is staged, and returns its short hash.
func (r *Repository) Commit(ctx context.Context, message string, paths ...string) (string, error) {
	if _, err := r.git(ctx, append([]string{"add", "--all", "--"}, paths...)...); err != nil {
		return "", err
	}
	if _, err := r.git(ctx, append([]string{"commit", "--quiet", "--message", message, "--"}, paths...)...); err != nil {
		return "", err
	}
	return r.line(ctx, "rev-parse", "--short", "HEAD")
}

// Entry is one commit.
type Entry struct {
	Hash, Short, Author, Subject string
	Time                         time.Time
}

// Log lists the commits that touched some paths, the newest first.
func (r *Repository) Log(ctx context.Context, paths ...string) ([]Entry, error) {
	return r.log(ctx, append([]string{"--"}, paths...)...)
}

// Entry is one commit by its hash.
func (r *Repository) Entry(ctx context.Context, hash string) (Entry, error) {
	entries, err := r.log(ctx, "--max-count=1", hash)
	if err != nil || len(entries) == 0 {
		return Entry{}, err
	}
	return entries[0], nil
}

func (r *Repository) log(ctx context.Context, args ...string) ([]Entry, error) {
	out, err := r.git(ctx, append([]string{"log", "--no-show-signature", "--format=%H%x00%h%x00%an%x00%cI%x00%s"}, args...)...)
	if err != nil {
		return nil, err
	}
	var entries []Entry
	for line := range strings.Lines(string(out)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\x00")
		if len(fields) != 5 {
			return nil, fmt.Errorf("git log: %q was not expected", line)
		}
		at, err := time.Parse(time.RFC3339, fields[3])
		if err != nil {
			return nil, fmt.Errorf("git log: %w", err)
		}
		entries = append(entries, Entry{Hash: fields[0], Short: fields[1], Author: fields[2], Time: at, Subject: fields[4]})
	}
	return entries, nil
}

// Resolve finds the commit that a name means.
func (r *Repository) Resolve(ctx context.Context, name string) (string, error) {
	hash, err := r.line(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", name+"^{commit}")
	if err != nil && ctx.Err() == nil {
		return "", fmt.Errorf("there is no commit %s", name)
	}
	return hash, err
}

// Read returns a file of a commit, nil where it has none.
func (r *Repository) Read(ctx context.Context, commit, path string) ([]byte, error) {
	files, err := r.Files(ctx, commit, path)
	return files[path], err
}

// Files reads every file of a commit at or below a path.
func (r *Repository) Files(ctx context.Context, commit, path string) (map[string][]byte, error) {
	out, err := r.git(ctx, "ls-tree", "-r", "-z", "--full-tree", commit, "--", path)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	var hashes bytes.Buffer
	var names []string
	for _, entry := range strings.Split(string(out), "\x00") {
		about, name, ok := strings.Cut(entry, "\t")
		fields := strings.Fields(about)
		if !ok || len(fields) != 3 || fields[1] != "blob" {
			continue
		}
		names = append(names, name)
		hashes.WriteString(fields[2] + "\n")
	}
	if len(names) == 0 {
		return files, nil
	}
	contents, err := run(ctx, r.top, hashes.Bytes(), "cat-file", "--batch")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		var size int
		head, rest, ok := bytes.Cut(contents, []byte("\n"))
		if _, err := fmt.Sscanf(string(head), "%s blob %d", new(string), &size); !ok || err != nil || len(rest) <= size {
			return nil, fmt.Errorf("git cat-file: %q was not expected", head)
		}
		files[name], contents = bytes.Clone(rest[:size]), rest[size+1:]
	}
	return files, nil
}
