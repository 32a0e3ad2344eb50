// Package runtimes holds the catalogue of ServingRuntimes: plain YAML that kubectl applies as it is and
// that pkg/kserve turns into the runtime of each revision.
package runtimes

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// file is the name that every runtime's YAML has in the folder of the runtime.
const file = "servingruntime.yaml"

//go:embed */servingruntime.yaml
var files embed.FS

// Names lists the runtimes of the catalogue, sorted.
func Names() []string { return slices.Clone(names()) }

var names = sync.OnceValue(func() []string {
	paths, err := fs.Glob(files, "*/"+file)
	if err != nil {
		panic(err) // only for a malformed pattern
	}
	names := make([]string, len(paths))
	for i, p := range paths {
		names[i] = path.Dir(p)
	}
	slices.Sort(names)
	return names
})

// imageLine is where a runtime names its image; each has one container.
var imageLine = regexp.MustCompile(`(?m)^ +image: (\S+)`)

// Image is the image that the runtime of this name pins, empty for an unknown name.
func Image(name string) string { return images()[name] }

var images = sync.OnceValue(func() map[string]string {
	all := map[string]string{}
	for _, name := range names() {
		data, err := Get(name)
		if err != nil {
			continue
		}
		if match := imageLine.FindSubmatch(data); match != nil {
			all[name] = string(match[1])
		}
	}
	return all
})

// Get gives the servingruntime.yaml of the runtime of this name.
func Get(name string) ([]byte, error) {
	if !slices.Contains(names(), name) {
		return nil, fmt.Errorf("unknown runtime %q: choose one of %s", name, strings.Join(names(), ", "))
	}
	data, err := files.ReadFile(path.Join(name, file))
	if err != nil {
		return nil, fmt.Errorf("reading the runtime %s: %w", name, err)
	}
	return data, nil
}
