package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Lock keeps every other process from changing the cluster, until Unlock or the end of this one, and removes what one
// that was killed left half made. Its error says which process has it.
func (s *Suite) Lock(ctx context.Context) error {
	path := filepath.Join(s.dir, "lock")
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		holder, _ := io.ReadAll(file) // without it the path alone must do
		return errors.Join(fmt.Errorf("process %s runs the suite in the same cluster (%s): wait until it ends, or end it",
			strings.TrimSpace(string(holder)), path), file.Close())
	}
	if err == nil {
		err = errors.Join(file.Truncate(0), write(file, fmt.Sprintln(os.Getpid())))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("locking %s: %w", path, err), file.Close())
	}
	s.lock = file
	if err = s.sweep(ctx); err != nil {
		return errors.Join(fmt.Errorf("removing what a run before left: %w", err), s.Unlock())
	}
	return nil
}

func write(file *os.File, text string) error {
	_, err := file.WriteAt([]byte(text), 0)
	return err
}

// Unlock lets others in. The file stays: another process may be waiting to open it.
func (s *Suite) Unlock() error {
	if s.lock == nil {
		return nil
	}
	err := s.lock.Close()
	s.lock = nil
	return err
}
