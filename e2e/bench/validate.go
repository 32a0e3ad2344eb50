package main

import (
	"fmt"
	"time"
)

// Bars of validate: CPU of one overlay from process start, and wall and memory of 1,000 documents.
const (
	barOverlay   = 400 * time.Millisecond
	barEffective = 800 * time.Millisecond
	barWall      = 60 * time.Second
	barMB        = 1024
)

// validate measures validating: one overlay, and whether more cost in proportion.
func (b *bench) validate() error {
	for _, effective := range []bool{false, true} {
		if err := b.overlay(effective); err != nil {
			return err
		}
	}
	fmt.Printf("\n%-10s %-12s %8s %8s %12s %12s %22s\n", "documents", "effective", "CPU s", "wall s", "max RSS MB", "ms/overlay", "against 10 × 5")
	for _, effective := range []bool{false, true} {
		first := 0.0
		for _, n := range sizes() {
			perOverlay, err := b.grown(n, effective, first)
			if err != nil {
				return err
			}
			if first == 0 {
				first = perOverlay
			}
		}
	}
	fmt.Println("\nvalidate: kservegen validate DIR over N rendered trees × 5 overlays: build, schema, CEL, rules, process start included.")
	fmt.Println("effective: with KServe's own code and the rules about what it makes. The growth is that of ms/overlay; 1.0 is linear.")
	return nil
}

func (b *bench) overlay(effective bool) error {
	trees, err := b.trees(10)
	if err != nil {
		return err
	}
	all, err := overlays(trees)
	if err != nil {
		return err
	}
	costs, err := measureAll(b.repeat+1, b.kservegen, "validate", all[0], flagOf(effective))
	if err != nil {
		return err
	}
	costs = costs[1:] // the first run warms the page cache
	bar := barOverlay
	if effective {
		bar = barEffective
	}
	text := describe(costs)
	fmt.Printf("one overlay validated from process start, %s: %s; bar %d ms: %s\n", flagOf(effective), text,
		bar.Milliseconds(), met(medianCost(costs).cpu <= bar))
	return nil
}

// grown prints a row, and returns the milliseconds of an overlay.
func (b *bench) grown(n int, effective bool, first float64) (float64, error) {
	trees, err := b.trees(n)
	if err != nil {
		return 0, err
	}
	runs := 3
	if n > 100 { // long enough to be steady
		runs = 1
	}
	c, err := medianOf(runs, b.kservegen, "validate", trees, flagOf(effective))
	if err != nil {
		return 0, err
	}
	perOverlay := 1000 * c.cpu.Seconds() / float64(5*n)
	growth, verdict := "", ""
	if first > 0 {
		growth = fmt.Sprintf("%.2f", perOverlay/first)
	}
	if n == 1000 {
		verdict = fmt.Sprintf("  bar %.0f s, %d MB: %s", barWall.Seconds(), barMB, met(c.wall <= barWall && c.rssMB <= barMB))
	}
	fmt.Printf("%-10s %-12v %8.2f %8.2f %12.0f %12.2f %22s%s\n", fmt.Sprintf("%d × 5", n), effective, c.cpu.Seconds(),
		c.wall.Seconds(), c.rssMB, perOverlay, growth, verdict)
	return perOverlay, nil
}

func flagOf(effective bool) string { return fmt.Sprintf("--effective=%v", effective) }

func met(ok bool) string {
	if ok {
		return "met"
	}
	return "MISSED"
}
