package node

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/e2e/cluster/engine"
	"github.com/kservegen/kservegen/e2e/cluster/image"
)

// files is the layer over the base: what images/base/Dockerfile and `kind build node-image` put there.
func (b Builder) files(ctx context.Context) ([]image.File, error) {
	spec, err := b.runtimeSpec(ctx)
	if err != nil {
		return nil, err
	}
	files, err := b.kindFiles()
	if err != nil {
		return nil, err
	}
	for name, dir := range programs() {
		source, err := b.Tool(name)
		if err != nil {
			return nil, err
		}
		files = append(files, image.Program(path.Join(dir, name), source))
	}
	journal := "[Journal]\nReadKMsg=no\n" // the kernel's messages are of the machine, not of the node
	files = append(files,
		image.File{Path: "/etc/containerd/cri-base.json", Content: spec},
		image.File{Path: "/kind/version", Content: []byte(b.Version)},
		image.File{Path: "/etc/systemd/journald.conf.d/kind.conf", Content: []byte(journal)},
		image.File{Path: "/usr/sbin/init", Link: "/usr/lib/systemd/systemd"},
		image.File{Path: "/etc/systemd/system/systemd-binfmt.service", Link: "/dev/null"}, // it is the kernel's, for all
		image.Dir("/etc/kubernetes/manifests", 0o755, 0),
		image.Dir("/etc/cni/net.d", 0o755, 0),
	)
	for _, unit := range []string{"kubelet", "containerd", "undo-mount-hacks"} {
		unit += ".service"
		files = append(files, image.File{
			Path: "/etc/systemd/system/multi-user.target.wants/" + unit, Link: "/etc/systemd/system/" + unit,
		})
	}
	slices.SortFunc(files, func(a, b image.File) int { return strings.Compare(a.Path, b.Path) })
	return files, nil
}

// kindFiles are those of kind's module; a module zip keeps no permissions.
func (b Builder) kindFiles() ([]image.File, error) {
	files, err := image.Tree("/", b.Kind, func(name string) fs.FileMode {
		if dir := filepath.Dir(name); dir == "usr/local/bin" || dir == "kind/bin" {
			return 0o755
		}
		return 0o644
	})
	if err != nil {
		return nil, fmt.Errorf("reading kind's files: %w", err)
	}
	// Folders are left to those that the files make necessary: the base has most of them, some as links.
	return slices.DeleteFunc(files, func(f image.File) bool { return f.Mode.IsDir() }), nil
}

// private are the permissions that containerd gives what it stores.
func private(string) fs.FileMode { return 0o600 }

// runtimeSpec is what containerd starts every container from: its own default, with kind's hook that hides the
// machine's product UUID, and without limits of resources, which are the node's.
func (b Builder) runtimeSpec(ctx context.Context) ([]byte, error) {
	ctr, err := b.Tool("ctr")
	if err != nil {
		return nil, err
	}
	output, err := engine.Run(ctx, nil, nil, ctr, "oci", "spec")
	if err != nil {
		return nil, err
	}
	var spec map[string]any
	if err = json.Unmarshal([]byte(output), &spec); err != nil {
		return nil, fmt.Errorf("reading the output of ctr oci spec: %w", err)
	}
	spec["hooks"] = map[string]any{"createContainer": []any{map[string]any{"path": "/kind/bin/mount-product-files.sh"}}}
	if process, ok := spec["process"].(map[string]any); ok {
		delete(process, "rlimits")
	}
	return json.Marshal(spec)
}

// sandbox returns the image that containerd's configuration of kind names for the sandbox of a pod.
func (b Builder) sandbox() (string, error) {
	config := filepath.Join(b.Kind, "etc", "containerd", "config.toml")
	content, err := os.ReadFile(config)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(content)) {
		if name, value, _ := strings.Cut(line, "="); strings.TrimSpace(name) == "sandbox_image" {
			return strings.Trim(strings.TrimSpace(value), `"`), nil
		}
	}
	return "", fmt.Errorf("%s names no sandbox_image", config)
}
