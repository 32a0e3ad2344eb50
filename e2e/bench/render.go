package main

import (
	"fmt"
	"path/filepath"
)

// render compares rendering with building what was rendered.
func (b *bench) render() error {
	if err := b.single(); err != nil {
		return err
	}
	fmt.Printf("\n%-10s %14s %14s %12s %10s %14s %8s\n", "documents", "render CPU s", "ms/overlay", "max RSS MB", "write s", "kustomize s", "ratio")
	for _, n := range sizes() {
		if err := b.many(n); err != nil {
			return err
		}
	}
	fmt.Println("\nrender: kservegen render --dry-run over N documents × 5 environments, process start included; nothing is written.")
	fmt.Println("write: what render -o takes beyond that. kustomize: one `kustomize build` per overlay of the same trees.")
	return nil
}

func (b *bench) single() error {
	documents, err := b.documents(1)
	if err != nil {
		return err
	}
	var costs []cost
	for i := range b.repeat + 1 {
		c, err := measure(b.kservegen, "render", "-f", documents, "-o", filepath.Join(b.dir, fmt.Sprintf("single-%d", i)))
		if err != nil {
			return err
		}
		if i > 0 { // the first run warms the page cache
			costs = append(costs, c)
		}
	}
	fmt.Printf("one document × 5 environments, process start to written tree: %s\n", describe(costs))
	return nil
}

func (b *bench) many(n int) error {
	documents, err := b.documents(n)
	if err != nil {
		return err
	}
	out := filepath.Join(b.dir, fmt.Sprintf("trees-%d", n))
	render, err := medianOf(3, b.kservegen, "render", "-f", documents, "-o", out, "--dry-run")
	if err != nil {
		return err
	}
	write, err := measure(b.kservegen, "render", "-f", documents, "-o", out)
	if err != nil {
		return err
	}
	built, err := b.build(n)
	if err != nil {
		return err
	}
	fmt.Printf("%-10s %14.2f %14.2f %12.0f %10.2f %14.1f %7.0fx%s\n", fmt.Sprintf("%d × 5", n), render.cpu.Seconds(),
		1000*render.cpu.Seconds()/float64(built.overlays), render.rssMB, (write.cpu - render.cpu).Seconds(), built.cpu.Seconds(),
		built.cpu.Seconds()/render.cpu.Seconds(), built.note())
	return nil
}
