package cluster

import (
	"context"
	"path/filepath"

	"github.com/kservegen/kservegen/e2e/cluster/folder"
)

// unfinished are patterns of what a process makes in the suite's folder on its way, and removes unless it is killed.
func unfinished() []string {
	return []string{
		"node/rootfs-*", "node/node-*", "node/images/layer-*.tar", "images/layer-*.tar",
		"node/images/*.tar.[0-9]*", "images/*.tar.[0-9]*", "programs/*.[0-9]*",
	}
}

// sweep removes what a process that was killed left half made. It is for one that holds the lock.
func (s *Suite) sweep(ctx context.Context) error {
	for _, pattern := range unfinished() {
		found, err := filepath.Glob(filepath.Join(s.dir, filepath.FromSlash(pattern)))
		if err != nil {
			return err
		}
		for _, path := range found {
			if err := folder.Remove(ctx, path); err != nil {
				return err
			}
		}
	}
	return nil
}
