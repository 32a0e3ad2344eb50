// Package folder removes folders in which something may be mounted.
package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/e2e/cluster/engine"
)

// Remove deletes a folder with all that is in it. What is mounted there is unmounted first, since it is the
// machine's (/proc, /sys); where that fails nothing is deleted.
func Remove(ctx context.Context, path string) error {
	path, err := filepath.EvalSymlinks(path) // as the kernel names it
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return fmt.Errorf("removing %s: %w", path, err)
	}
	for _, mount := range slices.Backward(under(string(table), path)) {
		if _, err := engine.Run(ctx, nil, nil, "umount", "--lazy", mount); err != nil {
			return fmt.Errorf("removing %s: %w", path, err)
		}
	}
	return os.RemoveAll(path)
}

// under lists what a table of mounts (proc_pid_mountinfo(5)) has at a folder or below it, in its order: later ones
// may lie on earlier ones.
func under(table, path string) []string {
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	var mounts []string
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		mount := unescape.Replace(fields[4])
		if mount == path || strings.HasPrefix(mount, path+"/") {
			mounts = append(mounts, mount)
		}
	}
	return mounts
}
