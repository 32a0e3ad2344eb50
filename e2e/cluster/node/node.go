// Package node makes kind's node image where no registry can be reached: a root file system from Debian's
// packages, kind's own files from its module, and programs that were built from source.
package node

import (
	"context"
	"crypto/sha256"
	"embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kservegen/kservegen/e2e/cluster/engine"
	"github.com/kservegen/kservegen/e2e/cluster/image"
)

// source is this package, which decides over the image as much as what goes into it.
//
//go:embed *.go
var source embed.FS

// Repository is the name of node images, without a tag.
const Repository = "localhost/kservegen-node"

// Builder makes node images.
type Builder struct {
	// Tool returns the path of a program that is built.
	Tool func(name string) (string, error)
	// Kind is the folder images/base/files of kind's module.
	Kind string
	// Version is that of Kubernetes, as v1.36.3.
	Version string
	// Pause is the program of the pod sandbox's image.
	Pause string
	// Cache is a folder of the builder's own, which outlives it.
	Cache string
	// Engine gets the image.
	Engine engine.Engine
	// Preload are images that every node has from its start, beside those of the control plane.
	Preload []image.Image
	// Out gets a line per step.
	Out io.Writer
}

// programs lists what is copied into the node, and where kind and the kubelet look for it.
func programs() map[string]string {
	return map[string]string{
		"containerd": "/usr/local/bin", "containerd-shim-runc-v2": "/usr/local/bin", "ctr": "/usr/local/bin",
		"crictl": "/usr/local/bin", "runc": "/usr/local/sbin",
		"kubelet": "/usr/bin", "kubeadm": "/usr/bin", "kubectl": "/usr/bin",
		"loopback": "/opt/cni/bin", "ptp": "/opt/cni/bin", "host-local": "/opt/cni/bin", "portmap": "/opt/cni/bin",
	}
}

// Image makes the image, unless the engine has it, and returns its name.
func (b Builder) Image(ctx context.Context) (string, error) {
	base, err := b.Base(ctx)
	if err != nil {
		return "", err
	}
	archives, err := b.archives(ctx, base)
	if err != nil {
		return "", err
	}
	key, err := b.key(base, archives)
	if err != nil {
		return "", err
	}
	name := Repository + ":" + key
	if _, err = b.Engine.Output(ctx, "image", "inspect", "--format", "{{.Id}}", name); err == nil {
		return name, nil
	}
	fmt.Fprintf(b.Out, "making node image %s (once)\n", name)
	return name, b.make(ctx, name, base, archives)
}

func (b Builder) make(ctx context.Context, name, base string, archives []string) error {
	work, err := os.MkdirTemp(b.Cache, "node-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	store := filepath.Join(work, "containerd")
	if err = b.preload(ctx, store, archives); err != nil {
		return fmt.Errorf("preloading images: %w", err)
	}
	files, err := b.files(ctx)
	if err != nil {
		return err
	}
	images, err := image.Tree("/var/lib/containerd", store, private)
	if err != nil {
		return err
	}
	archive, err := image.Image{
		Name: name, Base: base, Files: append(files, images...), Uncompressed: true,
		Config: v1.Config{
			Env:        []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "container=docker"},
			Entrypoint: []string{"/usr/local/bin/entrypoint", "/sbin/init"}, StopSignal: "SIGRTMIN+3",
		},
	}.Archive(work)
	if err != nil {
		return err
	}
	_, err = b.Engine.Output(ctx, "load", "--input", archive)
	return err
}

// key names the image by what decides over it: kind's files, this package, and what has a digest in its name (the
// base, archives, built programs). How package image writes layers isn't in it.
func (b Builder) key(base string, archives []string) (string, error) {
	hash := sha256.New()
	fmt.Fprintln(hash, b.Version, filepath.Base(base))
	kind, err := b.kindFiles()
	if err != nil {
		return "", err
	}
	digest, err := image.Image{Files: kind}.Digest()
	if err != nil {
		return "", err
	}
	fmt.Fprintln(hash, digest)
	for _, archive := range archives {
		fmt.Fprintln(hash, filepath.Base(archive))
	}
	var paths []string
	for name := range programs() {
		path, err := b.Tool(name)
		if err != nil {
			return "", err
		}
		paths = append(paths, filepath.Base(path))
	}
	slices.Sort(paths)
	fmt.Fprintln(hash, strings.Join(paths, "\n"))
	entries, err := source.ReadDir(".")
	if err != nil {
		return "", err
	}
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		content, err := source.ReadFile(entry.Name())
		if err != nil {
			return "", err
		}
		_, _ = hash.Write(content) // a hash never fails
	}
	return fmt.Sprintf("%x", hash.Sum(nil))[:16], nil
}
