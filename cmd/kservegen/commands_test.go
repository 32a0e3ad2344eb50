package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

type command = func(ts *testscript.TestScript, neg bool, args []string)

// commands of the scripts, besides those of testscript:
//
//	exitcode N PROGRAM...      run it; it must end with N
//	snapshot DIR               remember a tree
//	changed DIR [±~PATH...]    what became of it since: + added, - removed, ~ other bytes, mode or link
//	write FILE TEXT            TEXT may hold Go escapes, so that it may be no text at all
//	append FILE TEXT           the same, behind what is there
//	pad FILE SIZE              comment until the file has SIZE bytes
//	edit FILE OLD NEW          replace all; OLD must be there
//	relock DIR FILE            write the digest of DIR/FILE into DIR's lock, as if it had been rendered so
//	difflines N FILE1 FILE2    as many lines in both, and N of them differ
func commands() map[string]command {
	return map[string]command{
		"exitcode":  exitcode,
		"snapshot":  snapshot,
		"changed":   changed,
		"write":     write,
		"append":    appendTo,
		"pad":       pad,
		"edit":      edit,
		"relock":    relock,
		"difflines": difflines,
	}
}

// arguments checks the form of a call.
func arguments(ts *testscript.TestScript, neg bool, args []string, least, most int) {
	if neg || len(args) < least || len(args) > most {
		ts.Fatalf("wrong call; see commands_test.go")
	}
}

func relock(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 2, 2)
	data, err := os.ReadFile(ts.MkAbs(filepath.Join(args[0], args[1])))
	ts.Check(err)
	lock := ts.MkAbs(filepath.Join(args[0], "kservegen.lock"))
	text, err := os.ReadFile(lock)
	ts.Check(err)
	lines := strings.Split(string(text), "\n")
	i := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "  "+args[1]+": ") })
	if i < 0 {
		ts.Fatalf("the lock does not list %s", args[1])
	}
	lines[i] = fmt.Sprintf("  %s: sha256:%x", args[1], sha256.Sum256(data))
	ts.Check(os.WriteFile(lock, []byte(strings.Join(lines, "\n")), 0o600))
}

func exitcode(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 2, 100)
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// snapshots are trees by directory: each file, link and empty directory with what it holds.
type snapshots map[string]map[string]string

// snapshotsKey is where a script keeps them.
type snapshotsKey struct{}

func snapshot(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 1, 1)
	tree, err := look(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Value(snapshotsKey{}).(snapshots)[args[0]] = tree
}

func changed(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 1, 100)
	before, ok := ts.Value(snapshotsKey{}).(snapshots)[args[0]]
	if !ok {
		ts.Fatalf("there is no snapshot of %s", args[0])
	}
	after, err := look(ts.MkAbs(args[0]))
	ts.Check(err)
	got := compare(before, after)
	want := slices.Sorted(slices.Values(args[1:]))
	if !slices.Equal(got, want) {
		ts.Fatalf("changed in %s:\n  %s\nwant:\n  %s", args[0], strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// compare lists what became of the paths of a tree.
func compare(before, after map[string]string) []string {
	var changes []string
	for path, was := range before {
		if is, ok := after[path]; !ok {
			changes = append(changes, "-"+path)
		} else if is != was {
			changes = append(changes, "~"+path)
		}
	}
	for path := range after {
		if _, ok := before[path]; !ok {
			changes = append(changes, "+"+path)
		}
	}
	slices.Sort(changes)
	return changes
}

// look reads a tree. A directory that does not exist is an empty tree; one that is empty is not.
func look(root string) (map[string]string, error) {
	found := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if path == root && errors.Is(err, fs.ErrNotExist) {
			return fs.SkipAll
		}
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		delete(found, filepath.Dir(name))
		found[filepath.ToSlash(name)], err = describe(path, entry)
		return err
	})
	return found, err
}

func describe(path string, entry fs.DirEntry) (string, error) {
	switch {
	case entry.IsDir():
		return "directory", nil
	case entry.Type()&fs.ModeSymlink != 0:
		target, err := os.Readlink(path)
		return "link to " + target, err
	}
	info, err := entry.Info()
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(path)
	return fmt.Sprintf("%v %x", info.Mode(), sha256.Sum256(data)), err
}

func write(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 2, 2)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), unescape(ts, args[1]), 0o644))
}

func appendTo(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 2, 2)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), append([]byte(ts.ReadFile(args[0])), unescape(ts, args[1])...), 0o644))
}

func unescape(ts *testscript.TestScript, text string) []byte {
	data, err := strconv.Unquote(`"` + strings.ReplaceAll(text, `"`, `\"`) + `"`)
	ts.Check(err)
	return []byte(data)
}

func pad(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 2, 2)
	size, err := strconv.Atoi(args[1])
	ts.Check(err)
	data := []byte(ts.ReadFile(args[0]))
	data = append(data, bytes.Repeat([]byte("#"), size-len(data)-1)...)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), append(data, '\n'), 0o644))
}

func edit(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 3, 3)
	text, old := ts.ReadFile(args[0]), string(unescape(ts, args[1]))
	if !strings.Contains(text, old) {
		ts.Fatalf("%s does not hold %q", args[0], old)
	}
	text = strings.ReplaceAll(text, old, string(unescape(ts, args[2])))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o644))
}

func difflines(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 3, 3)
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	a, b := strings.Split(ts.ReadFile(args[1]), "\n"), strings.Split(ts.ReadFile(args[2]), "\n")
	if len(a) != len(b) {
		ts.Fatalf("%s has %d lines, %s has %d", args[1], len(a), args[2], len(b))
	}
	differ := map[int]string{}
	for i := range a {
		if a[i] != b[i] {
			differ[i+1] = a[i] + " | " + b[i]
		}
	}
	if len(differ) != want {
		ts.Fatalf("%d lines differ, want %d: %v", len(differ), want, slices.Collect(maps.Values(differ)))
	}
}
