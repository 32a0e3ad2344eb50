package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// pipelineDocuments is the size at which the usual pipeline is compared.
const pipelineDocuments = 100

// Bars and goals of validate without the rules on effective objects, as ratios of CPU.
const (
	barAll, goalAll     = 36, 100
	barThree, goalThree = 10, 30
)

// peer is a step of the pipeline and what it costs.
type peer struct {
	name string
	cpu  time.Duration
	// how it was run, and what it said of the trees.
	how, said string
	missing   bool
}

// pipeline compares validate with what people chain: kustomize, then three validators over its output.
func (b *bench) pipeline() error {
	built, err := b.build(pipelineDocuments)
	if err != nil {
		return err
	}
	peers := []peer{{name: "kustomize build", cpu: built.cpu, how: fmt.Sprintf("one process per overlay, all %d", built.built)}}
	schemas, err := b.schemas()
	if err != nil {
		return fmt.Errorf("preparing the schemas of the peers: %w", err)
	}
	for _, step := range []struct {
		path string
		run  func(built loop, schemas string) (peer, error)
	}{{b.kubeconform, b.runKubeconform}, {b.kubectlValidate, b.runKubectlValidate}, {b.istioctl, b.runIstioctl}} {
		name := filepath.Base(step.path)
		if _, err := exec.LookPath(step.path); err != nil {
			fmt.Printf("%s is not measured: %v; `make peers` builds it\n", name, err)
			peers = append(peers, peer{name: name, missing: true})
			continue
		}
		p, err := step.run(built, schemas)
		if err != nil {
			return err
		}
		p.name = name
		peers = append(peers, p)
	}
	return b.compare(peers)
}

func (b *bench) compare(peers []peer) error {
	fmt.Printf("%d × 5, user + system CPU:\n", pipelineDocuments)
	var all, three time.Duration
	complete, threeComplete := true, true
	for _, p := range peers {
		if p.missing {
			complete = false
			threeComplete = threeComplete && p.name == filepath.Base(b.kubectlValidate)
			continue
		}
		all += p.cpu
		if p.name != filepath.Base(b.kubectlValidate) {
			three += p.cpu
		}
		fmt.Printf("  %-18s %8.1f s  %s%s\n", p.name, p.cpu.Seconds(), p.how, p.said)
	}
	trees, err := b.trees(pipelineDocuments)
	if err != nil {
		return err
	}
	for _, effective := range []bool{false, true} {
		c, err := medianOf(3, b.kservegen, "validate", trees, flagOf(effective))
		if err != nil {
			return err
		}
		fmt.Printf("  %-18s %8.2f s  %s, one process\n", "kservegen validate", c.cpu.Seconds(), flagOf(effective))
		ratio("all four", all, c.cpu, barAll, goalAll, complete, effective)
		ratio("without kubectl-validate", three, c.cpu, barThree, goalThree, threeComplete, effective)
	}
	return nil
}

// ratio prints how much more the peers cost. The bars are about validate without effective objects.
func ratio(what string, peers, ours time.Duration, bar, goal float64, complete, effective bool) {
	times := peers.Seconds() / ours.Seconds()
	verdict := fmt.Sprintf("bar %.0fx: %s, goal %.0fx: %s", bar, met(times >= bar), goal, met(times >= goal))
	if effective {
		verdict = "no bar"
	}
	if !complete {
		verdict = "not comparable: a peer is missing"
	}
	fmt.Printf("    %-26s %7.1f s  %6.1fx  (%s)\n", what, peers.Seconds(), times, verdict)
}

// runKubeconform is one process over everything.
func (b *bench) runKubeconform(built loop, schemas string) (peer, error) {
	c, err := attempt(b.kubeconform, "-strict", "-summary", "-schema-location", filepath.Join(schemas, "json", jsonName), built.dir)
	return peer{cpu: c.cpu, how: "one process", said: verdict(c)}, err
}

// runIstioctl is one process for each environment: names repeat between environments.
func (b *bench) runIstioctl(built loop, _ string) (peer, error) {
	environments, err := os.ReadDir(built.dir)
	if err != nil {
		return peer{}, err
	}
	p := peer{how: fmt.Sprintf("one process per environment, %d", len(environments))}
	for _, environment := range environments {
		// Without -A it looks at no file that names a namespace.
		c, err := attempt(b.istioctl, "analyze", "--use-kube=false", "-A", "--color=false", filepath.Join(built.dir, environment.Name()))
		if err != nil {
			return peer{}, err
		}
		p.cpu += c.cpu
		p.said = verdict(c)
	}
	return p, nil
}

// runKubectlValidate takes minutes over everything: two samples tell what it costs to start and what a file costs.
func (b *bench) runKubectlValidate(built loop, schemas string) (peer, error) {
	files, err := filepath.Glob(filepath.Join(built.dir, "*", "*.yaml"))
	if err != nil {
		return peer{}, err
	}
	small, large := every(files, 100), every(files, 10)
	var costs [2]cost
	for i, sample := range [][]string{small, large} {
		args := append([]string{"--version", "1.30", "--local-crds", filepath.Join(schemas, "crds")}, sample...)
		if costs[i], err = attempt(b.kubectlValidate, args...); err != nil {
			return peer{}, err
		}
	}
	perFile := float64(costs[1].cpu-costs[0].cpu) / float64(len(large)-len(small))
	total := costs[1].cpu + time.Duration(perFile*float64(len(files)-len(large)))
	how := fmt.Sprintf("one process; scaled from %d files (%.2f s) and %d files (%.2f s) to %d",
		len(small), costs[0].cpu.Seconds(), len(large), costs[1].cpu.Seconds(), len(files))
	return peer{cpu: total, how: how, said: verdict(costs[1])}, nil
}

func every(files []string, step int) []string {
	var some []string
	for i := 0; i < len(files); i += step {
		some = append(some, files[i])
	}
	return some
}

// verdict is the last line that a peer says, and its exit status: a peer that refuses the trees early would be
// cheap for the wrong reason.
func verdict(c cost) string {
	if c.exit == 0 {
		return "; it accepts them"
	}
	lines := strings.Split(c.said, "\n")
	return fmt.Sprintf("; exit %d: %.110s", c.exit, lines[len(lines)-1])
}
