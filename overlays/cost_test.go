package overlays_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/spec"
)

var update = flag.Bool("update", false, "write the tables of prices anew")

// TestPricesInTheDocs: docs/eks.md has a line for every environment of every reference tree, with what its nodes cost by
// the same numbers as plan.
func TestPricesInTheDocs(t *testing.T) {
	t.Parallel()
	const page = "../docs/eks.md"
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	ours, others := pricesOf(t)
	want := replaced(t, replaced(t, string(text), "prices of trees with nodes", ours), "prices of other trees", others)
	if *update {
		require.NoError(t, os.WriteFile(page, []byte(want), 0o644)) //nolint:gosec // a page that anyone may read
		return
	}
	require.Equal(t, want, string(text), "go test ./overlays -update")
}

// replaced puts lines between the marks of a name.
func replaced(t *testing.T, text, name, lines string) string {
	t.Helper()
	begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->\n"
	before, rest, ok := strings.Cut(text, begin)
	require.True(t, ok, name)
	_, after, ok := strings.Cut(rest, end)
	require.True(t, ok, name)
	return before + begin + lines + end + after
}

// pricesOf are the lines of trees that ask for nodes, and of those that would have the same nodes with nodes: {}.
func pricesOf(t *testing.T) (ours, others string) {
	t.Helper()
	const head = "\n| reference tree | nodes at replicas.min … max | $ an hour |\n|---|---|---|\n"
	ours, others = head, head
	documents, err := filepath.Glob("*/document.yaml")
	require.NoError(t, err)
	for _, document := range documents {
		for _, targets := range environments(t, document) {
			name := filepath.Dir(document)
			line := fmt.Sprintf("| [%s](../overlays/%[1]s), %s |", name, targets[0].Environment)
			if targets[0].EKSNodes() != nil {
				ours += line + nodesAndPrice(targets)
				continue
			}
			for i := range targets {
				var eks spec.EKS
				if said := targets[i].Platform.EKS; said != nil {
					eks = *said
				}
				eks.Nodes = &spec.EKSNodes{Provisioner: spec.ProvisionerKarpenter, Capacity: []string{spec.CapacityOnDemand}}
				targets[i].Platform.EKS = &eks
			}
			others += line + nodesAndPrice(targets)
		}
	}
	return ours + "\n", others + "\n"
}

// environments are the models of a document by environment, in the order of their names.
func environments(t *testing.T, document string) [][]spec.Target {
	t.Helper()
	file, err := os.Open(document)
	require.NoError(t, err)
	defer file.Close()
	deployments, err := spec.Load(document, file)
	require.NoError(t, err)
	byName := map[string][]spec.Target{}
	for _, deployment := range deployments {
		for _, target := range deployment.Environments {
			byName[target.Environment] = append(byName[target.Environment], target)
		}
	}
	var list [][]spec.Target
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		list = append(list, byName[name])
	}
	return list
}

func nodesAndPrice(targets []spec.Target) string {
	var nodes []string
	for _, p := range spec.NodePools(targets) {
		count := fmt.Sprint(p.MinNodes)
		if p.MaxNodes != p.MinNodes {
			count = fmt.Sprintf("%d … %d", p.MinNodes, p.MaxNodes)
		}
		line := count + " × " + p.Types[0].Name
		if capacity := p.Platform.Nodes.Capacity; !slices.Equal(capacity, []string{spec.CapacityOnDemand}) {
			line += " (" + strings.Join(capacity, ", ") + ")"
		}
		nodes = append(nodes, line)
	}
	if len(nodes) == 0 {
		return fmt.Sprintf(" none with a device of EC2's (%s) | |\n", targets[0].Revisions[0].Accelerator.Product)
	}
	cost := spec.CostOf(targets)
	price := fmt.Sprintf("%.2f … %.2f", cost.Min, cost.Max)
	switch {
	case len(cost.Unpriced) > 0:
		price = "no price is known of " + strings.Join(cost.Unpriced, ", ")
	case cost.Min == cost.Max:
		price = fmt.Sprintf("%.2f", cost.Max)
	}
	return " " + strings.Join(nodes, ", ") + " | " + price + " |\n"
}
