package main

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// cost is what a process took.
type cost struct {
	cpu, wall time.Duration
	rssMB     float64
	// exit is the status of the process, and said the end of its output.
	exit int
	said string
}

// describe prints the median and the spread, and sorts the costs.
func describe(costs []cost) string {
	median := medianCost(costs)
	return fmt.Sprintf("%d CPU ms (min %d, max %d; median of %d), %.0f MB RSS", median.cpu.Milliseconds(),
		costs[0].cpu.Milliseconds(), costs[len(costs)-1].cpu.Milliseconds(), len(costs), median.rssMB)
}

func medianCost(costs []cost) cost {
	slices.SortFunc(costs, func(a, b cost) int { return int(a.cpu - b.cpu) })
	return costs[len(costs)/2]
}

func medianOf(n int, name string, args ...string) (cost, error) {
	costs, err := measureAll(n, name, args...)
	if err != nil {
		return cost{}, err
	}
	return medianCost(costs), nil
}

func measureAll(n int, name string, args ...string) ([]cost, error) {
	var costs []cost
	for range n {
		c, err := measure(name, args...)
		if err != nil {
			return nil, err
		}
		costs = append(costs, c)
	}
	return costs, nil
}

// measure runs a command that must succeed.
func measure(name string, args ...string) (cost, error) {
	c, err := attempt(name, args...)
	if err == nil && c.exit != 0 {
		err = fmt.Errorf("%s %v: exit status %d\n%s", name, args, c.exit, c.said)
	}
	return c, err
}

// attempt runs a command, whatever its verdict, and reads what the operating system accounted to it.
func attempt(name string, args ...string) (cost, error) {
	cmd := exec.Command(name, args...)
	said := &tail{}
	cmd.Stdout, cmd.Stderr = said, said
	start := time.Now()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || !exit.Exited()) {
		return cost{}, fmt.Errorf("%s %v: %w\n%s", name, args, err, said.text)
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return cost{}, fmt.Errorf("this system does not account for processes")
	}
	unit := 1024.0 // Linux counts kilobytes
	if runtime.GOOS == "darwin" {
		unit = 1
	}
	return cost{
		cpu:   cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(),
		wall:  time.Since(start),
		rssMB: float64(usage.Maxrss) * unit / (1 << 20),
		exit:  cmd.ProcessState.ExitCode(),
		said:  strings.TrimSpace(string(said.text)),
	}, nil
}

// tail keeps the end of what a command says.
type tail struct{ text []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-2000):]
	return len(p), nil
}
