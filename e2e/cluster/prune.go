package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/kservegen/kservegen/e2e/cluster/engine"
	"github.com/kservegen/kservegen/e2e/cluster/folder"
	"github.com/kservegen/kservegen/e2e/cluster/node"
	"github.com/kservegen/kservegen/e2e/tools"
)

// prune removes what changes made useless: node images other than the one in use, and of each program, archive and
// root file system all but the one used last. Pinned tools stay, which other suites and checkouts may use.
func (s *Suite) prune(ctx context.Context, nodeImage string) error {
	for _, dir := range []string{"programs", "images", "node", filepath.Join("node", "images")} {
		if err := superseded(filepath.Join(s.dir, dir)); err != nil {
			return err
		}
	}
	if s.way != fromSource {
		return nil
	}
	output, err := s.engine.Output(ctx, "images", "--format", "{{.Repository}}:{{.Tag}}", node.Repository)
	if err != nil {
		return err
	}
	for name := range strings.FieldsSeq(output) {
		if name == nodeImage {
			continue
		}
		if _, err := s.engine.Output(ctx, "image", "rm", name); err != nil {
			return err
		}
	}
	return nil
}

// superseded removes of the files NAME-DIGEST, which may end in .tar or .tar.gz, all but the one of each name that
// was used last.
func superseded(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	named := regexp.MustCompile(`^(.+)-[0-9a-f]{16}(\.tar|\.tar\.gz)?$`)
	last := map[string]os.FileInfo{}
	for _, entry := range entries {
		match := named.FindStringSubmatch(entry.Name())
		if match == nil {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		older := info
		if was := last[match[1]]; was == nil || was.ModTime().Before(info.ModTime()) {
			older, last[match[1]] = was, info
		}
		if older == nil {
			continue
		}
		if err := os.Remove(filepath.Join(dir, older.Name())); err != nil {
			return err
		}
	}
	return nil
}

// Clean removes the cluster and all that was built, the tools of the other suites too. It is for one that holds the
// lock.
func (s *Suite) Clean(ctx context.Context) error {
	if err := s.Down(ctx); err != nil {
		return err
	}
	built, err := tools.Cache()
	if err != nil {
		return err
	}
	for _, dir := range []string{engine.RunDir(s.podman()), built, s.dir} {
		if err := folder.Remove(ctx, dir); err != nil {
			return err
		}
		fmt.Fprintf(s.out, "%s is removed\n", dir)
	}
	return nil
}
