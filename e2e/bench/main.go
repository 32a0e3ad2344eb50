// Command bench compares what this tool costs with what the usual tools cost for the same trees: user and system
// CPU of the processes, in one run on one machine, so that the ratios hold where the machine's speed does not.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	var b bench
	flag.StringVar(&b.kservegen, "kservegen", "bin/kservegen", "the command to measure")
	flag.StringVar(&b.kustomize, "kustomize", "bin/kustomize", "the kustomize command to compare with")
	flag.StringVar(&b.kubeconform, "kubeconform", "bin/kubeconform", "the kubeconform command to compare with")
	flag.StringVar(&b.kubectlValidate, "kubectl-validate", "bin/kubectl-validate", "the kubectl-validate command to compare with")
	flag.StringVar(&b.istioctl, "istioctl", "bin/istioctl", "the istioctl command to compare with")
	flag.StringVar(&b.sources, "sources", "e2e/tools/schemas/sources.yaml", "which modules carry the schemas of the peers")
	flag.IntVar(&b.repeat, "repeat", 20, "runs of a single document or overlay; the median is printed")
	flag.IntVar(&b.sample, "sample", 10, "above 100 documents, run kustomize on every n-th overlay and scale")
	flag.IntVar(&b.foreign, "foreign", pipelineDocuments, "documents whose trees are validated without their locks, too")
	only := flag.String("only", strings.Join(parts(), ","), "what to compare")
	flag.Parse()
	if err := b.run(strings.Split(*only, ",")); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parts() []string { return []string{"render", "validate", "unlocked", "pipeline"} }

type bench struct {
	kservegen, kustomize                   string
	kubeconform, kubectlValidate, istioctl string
	sources                                string
	repeat, sample, foreign                int
	dir                                    string
	built                                  map[int]loop
}

func (b *bench) run(only []string) error {
	for _, part := range only {
		if !slices.Contains(parts(), part) {
			return fmt.Errorf("-only %s is unknown; some of %s", part, strings.Join(parts(), ","))
		}
	}
	dir, err := os.MkdirTemp("", "kservegen-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b.dir, b.built = dir, map[int]loop{}
	run := []func() error{b.render, b.validate, b.unlocked, b.pipeline}
	for i, part := range parts() {
		if !slices.Contains(only, part) {
			continue
		}
		if err := run[i](); err != nil {
			return fmt.Errorf("%s: %w", part, err)
		}
		fmt.Println()
	}
	return nil
}

// sizes are how many documents are compared, each with five environments.
func sizes() []int { return []int{10, 100, 1000} }

// trees renders n documents, once.
func (b *bench) trees(n int) (string, error) {
	out := filepath.Join(b.dir, fmt.Sprintf("trees-%d", n))
	if _, err := os.Stat(out); err == nil {
		return out, nil
	}
	documents, err := b.documents(n)
	if err != nil {
		return "", err
	}
	_, err = measure(b.kservegen, "render", "-f", documents, "-o", out)
	return out, err
}

// overlays of trees, in their order.
func overlays(trees string) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(trees, "*", "overlays", "*"))
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("no overlays in %s", trees)
	}
	return found, err
}
