//go:build !unix || aix || solaris

package txn

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// pidLock is a file that names its owner, for systems without flock.
type pidLock struct {
	root *os.Root
	name string
}

func (l *pidLock) Close() error { return l.root.Remove(l.name) }

func lockFile(root *os.Root, name string) (io.Closer, error) {
	err := claim(root, name)
	if err == nil {
		return &pidLock{root, name}, nil
	}
	if !isExist(err) {
		return nil, err
	}
	data, err := root.ReadFile(name)
	if err != nil {
		return nil, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil || pid == os.Getpid() || alive(pid) {
		return nil, fmt.Errorf("%w (if process %d is gone, delete %s)", ErrLocked, pid, name)
	}
	// Of several that find the dead owner's file only one can rename it away. A slow one may meet the next owner's: it gives that back.
	stale := name + "." + strconv.Itoa(os.Getpid())
	if err := root.Rename(name, stale); err != nil {
		return nil, ErrLocked
	}
	if now, err := root.ReadFile(stale); err != nil || string(now) != string(data) {
		_ = root.Rename(stale, name)
		return nil, ErrLocked
	}
	_ = root.Remove(stale)
	if err := claim(root, name); err != nil {
		return nil, ErrLocked
	}
	return &pidLock{root, name}, nil
}

func claim(root *os.Root, name string) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, os.Getpid())
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// alive says whether a process exists; Windows answers truly, where the answer is not known it is yes.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	_ = p.Release()
	return true
}
