package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// loop is what a kustomize process per overlay costs, and where the results are.
type loop struct {
	// cpu of all overlays: scaled, where not each one was built.
	cpu             time.Duration
	overlays, built int
	// dir has a folder for each environment, and in it a file for each overlay that was built.
	dir string
}

func (l loop) note() string {
	if l.built == l.overlays {
		return ""
	}
	return fmt.Sprintf("  (kustomize: %d of %d overlays, scaled)", l.built, l.overlays)
}

// build runs kustomize over the overlays of n documents, once; above 100 documents over some of them.
func (b *bench) build(n int) (loop, error) {
	if done, ok := b.built[n]; ok {
		return done, nil
	}
	trees, err := b.trees(n)
	if err != nil {
		return loop{}, err
	}
	all, err := overlays(trees)
	if err != nil {
		return loop{}, err
	}
	step := 1
	if n > 100 {
		step = b.sample
	}
	l := loop{overlays: len(all), dir: filepath.Join(b.dir, fmt.Sprintf("built-%d", n))}
	for i := 0; i < len(all); i += step {
		model, environment := filepath.Base(filepath.Dir(filepath.Dir(all[i]))), filepath.Base(all[i])
		dir := filepath.Join(l.dir, environment)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return loop{}, err
		}
		c, err := measure(b.kustomize, "build", all[i], "-o", filepath.Join(dir, model+".yaml"))
		if err != nil {
			return loop{}, err
		}
		l.cpu += c.cpu
		l.built++
	}
	l.cpu = time.Duration(float64(l.cpu) * float64(l.overlays) / float64(l.built))
	b.built[n] = l
	return l, nil
}
