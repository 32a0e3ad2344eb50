package node

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/kservegen/kservegen/e2e/cluster/engine"
	"github.com/kservegen/kservegen/e2e/cluster/folder"
	"github.com/kservegen/kservegen/e2e/tools"
)

// suite is the Debian release of the root file system.
const suite = "bookworm"

// packages are those of kind's images/base/Dockerfile without the ones for network storage and without
// fuse-overlayfs, which is for nodes that aren't root's.
func packages() []string {
	return []string{
		"systemd", "conntrack", "iptables", "nftables", "iproute2", "ethtool", "util-linux", "mount", "kmod",
		"libseccomp2", "pigz", "e2fsprogs", "bash", "ca-certificates", "curl", "jq", "procps",
	}
}

// dropped are units that have no place in a container (the same Dockerfile).
func dropped() []string {
	return []string{
		"lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service",
		"lib/systemd/system/multi-user.target.wants/*",
		"etc/systemd/system/*.wants/*",
		"lib/systemd/system/local-fs.target.wants/*",
		"lib/systemd/system/sockets.target.wants/*udev*",
		"lib/systemd/system/sockets.target.wants/*initctl*",
		"lib/systemd/system/basic.target.wants/*",
	}
}

// Base returns a root file system as a layer, a tar packed by gzip, and makes it unless it is there: of the
// node, and of images whose programs need more than their own file. Its name has a digest of release, packages and
// what is left out; the packages' versions are those of the mirror on the day it was made, and stay.
func (b Builder) Base(ctx context.Context) (layer string, err error) {
	recipe := fmt.Sprintln(suite, runtime.GOARCH, packages(), dropped(), excluded())
	layer = filepath.Join(b.Cache, fmt.Sprintf("base-%x", sha256.Sum256([]byte(recipe)))[:len("base-")+16]+".tar.gz")
	if err = os.MkdirAll(b.Cache, 0o755); err != nil {
		return "", err
	}
	if now := time.Now(); os.Chtimes(layer, now, now) == nil { // it is there, and in use
		return layer, nil
	}
	root, err := os.MkdirTemp(b.Cache, "rootfs-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, folder.Remove(context.WithoutCancel(ctx), root)) }()
	fmt.Fprintf(b.Out, "making the root file system of the nodes from Debian %s (once)\n", suite)
	args := []string{"--variant=minbase", "--include=" + strings.Join(packages(), ","), suite, root}
	if mirror := mirror(ctx); mirror != "" {
		args = append(args, mirror)
	}
	if _, err = engine.Run(ctx, nil, nil, "debootstrap", args...); err != nil {
		return "", err
	}
	for _, pattern := range dropped() {
		if err = removeAll(filepath.Join(root, pattern)); err != nil {
			return "", err
		}
	}
	partial := root + ".tar.gz"
	defer os.RemoveAll(partial)
	if err = pack(ctx, root, partial); err != nil {
		return "", err
	}
	return layer, os.Rename(partial, layer)
}

// mirror is where this machine's apt has the suite from; empty, for debootstrap's own, where it has another
// suite or isn't there.
func mirror(ctx context.Context) string {
	output, err := engine.Run(ctx, nil, nil, "apt-get", "indextargets", "--format", "$(REPO_URI)",
		"Created-By: Packages", "Codename: "+suite, "Label: Debian")
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(output, "\n")
	return strings.TrimSpace(first)
}

func removeAll(pattern string) error {
	found, err := filepath.Glob(pattern)
	if err != nil {
		return err
	}
	for _, path := range found {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

// excluded is what no program reads.
func excluded() []string {
	return []string{
		"./usr/share/doc", "./usr/share/man", "./usr/share/locale", "./usr/share/info",
		"./var/cache/*", "./var/lib/apt/lists/*", "./var/log/*", "./dev/*",
	}
}

// pack writes the folder as a tar: by tar(1), since file capabilities and links must stay.
func pack(ctx context.Context, root, path string) (err error) {
	args := []string{"-C", root, "--numeric-owner", "--sort=name", "--mtime=@0", "--xattrs"}
	for _, pattern := range excluded() {
		args = append(args, "--exclude="+pattern)
	}
	cmd := tools.Command(ctx, "tar", append(args, "-c", ".")...)
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	packer, err := gzip.NewWriterLevel(file, gzip.BestSpeed)
	if err != nil {
		return err
	}
	cmd.Stdout = packer
	if err = cmd.Run(); err != nil {
		err = fmt.Errorf("%s: %w", cmd, err)
	}
	return errors.Join(err, packer.Close(), file.Close())
}
