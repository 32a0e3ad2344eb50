// Command bench compares what rendering costs with what building the rendered trees by a kustomize process per
// overlay costs: user and system CPU of the processes, in one run on one machine, so that the ratio holds where
// the machine's speed does not.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"
)

func main() {
	var b bench
	flag.StringVar(&b.kservegen, "kservegen", "bin/kservegen", "the command to measure")
	flag.StringVar(&b.kustomize, "kustomize", "bin/kustomize", "the kustomize command to compare with")
	flag.IntVar(&b.repeat, "repeat", 20, "runs of the single document; the median is printed")
	flag.IntVar(&b.sample, "sample", 10, "above 100 documents, run kustomize on every n-th overlay and scale")
	flag.Parse()
	if err := b.run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type bench struct {
	kservegen, kustomize string
	repeat, sample       int
	dir                  string
}

// cost is what a process took.
type cost struct {
	cpu   time.Duration
	rssMB float64
}

func (b *bench) run() error {
	dir, err := os.MkdirTemp("", "kservegen-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b.dir = dir
	if err := b.single(); err != nil {
		return err
	}
	fmt.Printf("\n%-10s %14s %14s %12s %10s %14s %8s\n", "documents", "render CPU s", "ms/overlay", "max RSS MB", "write s", "kustomize s", "ratio")
	for _, n := range []int{10, 100, 1000} {
		if err := b.many(n); err != nil {
			return err
		}
	}
	fmt.Println("\nrender: kservegen render --dry-run over N documents × 5 environments, process start included; nothing is written.")
	fmt.Println("write: what render -o takes beyond that. kustomize: one `kustomize build` per overlay of the same trees, output thrown away.")
	return nil
}

func (b *bench) single() error {
	documents, err := b.documents(1)
	if err != nil {
		return err
	}
	var costs []cost
	for i := range b.repeat + 1 {
		out := filepath.Join(b.dir, fmt.Sprintf("single-%d", i))
		c, err := measure(b.kservegen, "render", "-f", documents, "-o", out)
		if err != nil {
			return err
		}
		if i > 0 { // the first run warms the page cache
			costs = append(costs, c)
		}
	}
	slices.SortFunc(costs, func(a, b cost) int { return int(a.cpu - b.cpu) })
	median := costs[len(costs)/2]
	fmt.Printf("one document × 5 environments, process start to written tree: %d CPU ms (min %d, max %d; median of %d), %.0f MB RSS\n",
		median.cpu.Milliseconds(), costs[0].cpu.Milliseconds(), costs[len(costs)-1].cpu.Milliseconds(), b.repeat, median.rssMB)
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
	overlays, err := filepath.Glob(filepath.Join(out, "*", "overlays", "*"))
	if err != nil {
		return err
	}
	step := 1
	if n > 100 {
		step = b.sample
	}
	var loop time.Duration
	built := 0
	for i := 0; i < len(overlays); i += step {
		c, err := measure(b.kustomize, "build", overlays[i])
		if err != nil {
			return err
		}
		loop += c.cpu
		built++
	}
	loop = time.Duration(float64(loop) * float64(len(overlays)) / float64(built))
	note := ""
	if step > 1 {
		note = fmt.Sprintf("  (kustomize: every %dth overlay, scaled)", step)
	}
	fmt.Printf("%-10s %14.2f %14.2f %12.0f %10.2f %14.1f %7.0fx%s\n", fmt.Sprintf("%d × 5", n), render.cpu.Seconds(),
		1000*render.cpu.Seconds()/float64(len(overlays)), render.rssMB, (write.cpu - render.cpu).Seconds(), loop.Seconds(),
		loop.Seconds()/render.cpu.Seconds(), note)
	return nil
}

// documents writes N documents with a canary and five environments that each differ in another way.
func (b *bench) documents(n int) (string, error) {
	dir := filepath.Join(b.dir, fmt.Sprintf("documents-%d", n))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	for i := range n {
		document := fmt.Sprintf(document, i)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("m%04d.yaml", i)), []byte(document), 0o600); err != nil {
			return "", err
		}
	}
	return dir, nil
}

const document = `apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: model-%04[1]d, namespace: llm}
spec:
  model: {id: deepseek-ai/DeepSeek-R1-Distill-Llama-8B}
  accelerator: {type: a10g}
  replicas: {min: 2, max: 6}
  revisions:
  - name: v1
  - name: v2
    runtime: {args: {max-num-seqs: 128}}
  traffic:
  - {revision: v1, weight: 90}
  - {revision: v2, weight: 10}
  expose: {hosts: [m%04[1]d.example.com], gateway: istio-ingress/llm}
  environments:
  - {name: dev, replicas: {min: 1, max: 1}}
  - {name: test, replicas: {min: 1, max: 2}}
  - {name: staging, expose: {hosts: [m%04[1]d.staging.example.com]}}
  - {name: preprod, runtime: {args: {max-num-batched-tokens: 4096}}}
  - {name: production, traffic: [{revision: v1, weight: 50}, {revision: v2, weight: 50}]}
`

func medianOf(n int, name string, args ...string) (cost, error) {
	var costs []cost
	for range n {
		c, err := measure(name, args...)
		if err != nil {
			return cost{}, err
		}
		costs = append(costs, c)
	}
	slices.SortFunc(costs, func(a, b cost) int { return int(a.cpu - b.cpu) })
	return costs[n/2], nil
}

// measure runs a command and reads what the operating system accounted to it.
func measure(name string, args ...string) (cost, error) {
	cmd := exec.Command(name, args...)
	stderr := &tail{}
	cmd.Stderr = stderr
	if err := cmd.Run(); err != nil {
		return cost{}, fmt.Errorf("%s %v: %w\n%s", name, args, err, stderr.text)
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
		rssMB: float64(usage.Maxrss) * unit / (1 << 20),
	}, nil
}

// tail keeps the end of what a command says.
type tail struct{ text []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-2000):]
	return len(p), nil
}
