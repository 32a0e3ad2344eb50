package cluster

import (
	"fmt"
	"io"
	"sync"
	"text/tabwriter"
	"time"
)

// figures are the times of a run, in the order in which things ended. Things that run at the same time may add to it.
type figures struct {
	start time.Time
	mu    sync.Mutex
	all   []figure
}

type figure struct {
	name string
	took time.Duration
}

// Phase runs a step and prints what it took.
func (s *Suite) Phase(name string, step func() error) error {
	start := time.Now()
	err := step()
	took := time.Since(start)
	fmt.Fprintf(s.out, "%-28s %6.1f s\n", name, took.Seconds())
	s.Took(name, took)
	return err
}

// Took notes a time for the table of Figures.
func (s *Suite) Took(name string, took time.Duration) {
	s.figures.mu.Lock()
	defer s.figures.mu.Unlock()
	s.figures.all = append(s.figures.all, figure{name, took})
}

// Figures prints all times once more, and since when the suite was opened. Steps overlap: the total is no sum.
func (s *Suite) Figures() {
	s.figures.mu.Lock()
	defer s.figures.mu.Unlock()
	s.figures.print(s.out, time.Since(s.figures.start))
}

func (f *figures) print(out io.Writer, total time.Duration) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nphase\tseconds")
	for _, figure := range append(f.all[:len(f.all):len(f.all)], figure{"total, with what ran at the same time", total}) {
		fmt.Fprintf(table, "%s\t%7.1f\n", figure.name, figure.took.Seconds())
	}
	_ = table.Flush() // figures that can't be printed are no failure
}
