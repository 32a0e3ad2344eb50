package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// unlocked measures validating trees as others write them: without kservegen.lock nothing is known of them, and
// Kustomize builds each overlay. Trees that are as render wrote them are read directly.
func (b *bench) unlocked() error {
	trees, err := b.trees(b.foreign)
	if err != nil {
		return err
	}
	foreign, err := withoutLocks(trees, filepath.Join(b.dir, fmt.Sprintf("foreign-%d", b.foreign)))
	if err != nil {
		return err
	}
	fmt.Printf("%-10s %-12s %-10s %8s %8s %12s %12s\n", "documents", "effective", "lock", "CPU s", "wall s", "max RSS MB", "ms/overlay")
	for _, effective := range []bool{false, true} {
		for _, row := range []struct{ lock, dir string }{{"untouched", trees}, {"none", foreign}} {
			c, err := medianOf(3, b.kservegen, "validate", row.dir, flagOf(effective))
			if err != nil {
				return err
			}
			fmt.Printf("%-10s %-12v %-10s %8.2f %8.2f %12.0f %12.2f\n", fmt.Sprintf("%d × 5", b.foreign), effective, row.lock,
				c.cpu.Seconds(), c.wall.Seconds(), c.rssMB, 1000*c.cpu.Seconds()/float64(5*b.foreign))
		}
	}
	fmt.Println("\nlock: none is a copy without kservegen.lock, so Kustomize builds every overlay, as it does for trees of others and for edited ones.")
	return nil
}

// withoutLocks copies trees but for their locks.
func withoutLocks(trees, to string) (string, error) {
	if err := os.CopyFS(to, os.DirFS(trees)); err != nil {
		return "", err
	}
	removed := 0
	err := filepath.WalkDir(to, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != "kservegen.lock" {
			return err
		}
		removed++
		return os.Remove(path)
	})
	if err == nil && removed == 0 {
		err = fmt.Errorf("no lock in %s", trees)
	}
	return to, err
}
