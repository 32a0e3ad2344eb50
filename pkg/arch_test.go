package pkg_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/kservegen/kservegen/"

// topics stands for the packages of rules, one per topic. They know nothing of each other.
const topics = "pkg/lint/rules"

// layers is the way through the code: a package may import those listed, and nothing else of this module.
// Data flows one way (CONTRIBUTING.md).
func layers() map[string][]string {
	return map[string][]string{
		"runtimes":                   {},
		"pkg/manifest":               {},
		"pkg/finding":                {},
		"pkg/catalog":                {"pkg/sizing"},
		"pkg/sizing":                 {},
		"pkg/txn":                    {},
		"pkg/suggest":                {},
		"pkg/secret":                 {},
		"pkg/neuron":                 {},
		"pkg/schema":                 {"pkg/manifest", "pkg/suggest", "pkg/schema/native"},
		"pkg/schema/native":          {},
		"pkg/vllm":                   {"pkg/catalog", "pkg/suggest"},
		"pkg/lint/rule":              {"pkg/finding", "pkg/manifest"},
		"pkg/lint":                   {"pkg/finding", "pkg/manifest", "pkg/lint/rule", topics},
		topics:                       {"pkg/finding", "pkg/manifest", "pkg/lint/rule", "pkg/neuron", "pkg/vllm"},
		"pkg/spec":                   {"pkg/manifest", "pkg/catalog", "pkg/neuron", "pkg/secret", "pkg/sizing", "pkg/suggest", "pkg/vllm", "runtimes"},
		"pkg/kserve":                 {"pkg/spec", "pkg/manifest", "pkg/traffic", "pkg/gatewayapi", "runtimes"},
		"pkg/eks/iam":                {"pkg/spec", "pkg/manifest"},
		"pkg/lws":                    {"pkg/kserve", "pkg/spec", "pkg/manifest"},
		"pkg/traffic":                {"pkg/spec"},
		"pkg/istio":                  {"pkg/spec", "pkg/manifest", "pkg/traffic"},
		"pkg/gatewayapi":             {"pkg/spec", "pkg/manifest", "pkg/traffic", "pkg/eks/network"},
		"pkg/eks/network":            {"pkg/spec", "pkg/manifest"},
		"pkg/eks/cluster":            {"pkg/eks", "pkg/spec", "pkg/manifest"},
		"pkg/k8s":                    {"pkg/spec", "pkg/manifest"},
		"pkg/eks":                    {"pkg/spec", "pkg/manifest"},
		"pkg/observe":                {"pkg/spec", "pkg/manifest", "pkg/vllm"},
		"pkg/gitops":                 {"pkg/spec", "pkg/sizing", "pkg/manifest"},
		"pkg/effective":              {"pkg/finding", "pkg/manifest"},
		"pkg/istiod":                 {},
		"pkg/render":                 {"pkg/eks", "pkg/eks/network", "pkg/kserve", "pkg/lws", "pkg/traffic", "pkg/istio", "pkg/gatewayapi", "pkg/k8s", "pkg/observe", "pkg/gitops", "pkg/spec", "pkg/manifest", "pkg/txn"},
		"pkg/report":                 {"pkg/finding"},
		"pkg/load":                   {"pkg/finding", "pkg/manifest", "pkg/render", "pkg/spec", "pkg/suggest"},
		"pkg/plan":                   {"pkg/catalog", "pkg/sizing", "pkg/spec"},
		"pkg/importer":               {"pkg/catalog", "pkg/finding", "pkg/kserve", "pkg/load", "pkg/manifest", "pkg/render", "pkg/secret", "pkg/sizing", "pkg/spec", "runtimes"},
		"pkg/rollout/gate":           {},
		"pkg/rollout/metrics":        {"pkg/rollout/gate", "pkg/spec", "pkg/vllm"},
		"pkg/validate":               {"pkg/finding", "pkg/manifest", "pkg/load", "pkg/report", "pkg/schema", "pkg/lint", "pkg/effective", "pkg/istiod", "pkg/dryrun"},
		"pkg/dryrun":                 {},
		"pkg/git":                    {},
		"pkg/chat/web":               {"pkg/chat/web/limit"},
		"pkg/chat/web/limit":         {},
		"pkg/chat/web/signin":        {"pkg/chat/web", "pkg/chat/web/limit"},
		"pkg/chat/web/shares":        {"pkg/chat/web", "pkg/rollout/live"},
		"pkg/rollout/edit":           {"pkg/manifest"},
		"pkg/rollout/steps":          {"pkg/rollout/edit", "pkg/manifest", "pkg/spec", "pkg/suggest"},
		"pkg/rollout/write":          {"pkg/render", "pkg/spec", "pkg/txn"},
		"pkg/rollout/history":        {"pkg/git", "pkg/manifest", "pkg/render", "pkg/rollout/steps", "pkg/spec", "pkg/txn"},
		"pkg/rollout/live":           {"pkg/spec"},
		"pkg/rollout/lease":          {},
		"pkg/rollout/runner":         {"pkg/rollout/gate"},
		"pkg/rollout/routes":         {"pkg/manifest", "pkg/render", "pkg/rollout/live", "pkg/rollout/runner", "pkg/spec", "pkg/traffic"},
		"pkg/rollout/ingit":          {"pkg/git", "pkg/render", "pkg/rollout/gate", "pkg/rollout/live", "pkg/rollout/metrics", "pkg/rollout/runner", "pkg/rollout/steps", "pkg/rollout/write", "pkg/spec"},
		"pkg/rollout/notify":         {"pkg/rollout/gate", "pkg/rollout/runner"},
		"pkg/rollout/incluster":      {"pkg/manifest", "pkg/rollout/routes", "pkg/spec"},
		"pkg/chat":                   {},
		"pkg/chat/forward":           {},
		"pkg/chat/terminal":          {"pkg/chat", "pkg/secret", "pkg/suggest"},
		"cmd/kservegen/internal/cli": {"pkg/importer", "pkg/render", "pkg/spec", "pkg/catalog", "pkg/manifest", "pkg/txn", "pkg/kserve", "pkg/effective", "pkg/istiod", "pkg/finding", "pkg/load", "pkg/report", "pkg/validate", "pkg/schema", "pkg/lint", "pkg/lint/rule", "pkg/dryrun", "pkg/plan", "pkg/sizing", "pkg/rollout/gate", "pkg/rollout/metrics", "pkg/git", "pkg/rollout/steps", "pkg/rollout/write", "pkg/rollout/history", "pkg/rollout/live", "pkg/rollout/lease", "pkg/rollout/routes", "pkg/rollout/runner", "pkg/rollout/ingit", "pkg/rollout/notify", "pkg/rollout/incluster", "pkg/eks/iam", "pkg/eks/cluster", "pkg/suggest", "pkg/chat", "pkg/chat/forward", "pkg/chat/terminal", "pkg/chat/web", "pkg/chat/web/shares", "pkg/chat/web/signin"},
		"cmd/kservegen":              {"cmd/kservegen/internal/cli"},
	}
}

func TestImportsFlowOneWay(t *testing.T) {
	t.Parallel()
	allowed := layers()
	for _, line := range list(t, "-f", `{{.ImportPath}}:{{join .Imports " "}}`, module+"cmd/...", module+"pkg/...", module+"runtimes/...") {
		name, imports, _ := strings.Cut(line, ":")
		name = strings.TrimPrefix(name, module)
		if name == "pkg" || strings.HasSuffix(name, "test") {
			continue
		}
		may, known := allowed[layer(name)]
		if !assert.Truef(t, known, "%s has no place in the layers: add it here and in CONTRIBUTING.md", name) {
			continue
		}
		for _, imported := range strings.Fields(imports) {
			checkImport(t, name, imported, may)
		}
	}
}

func layer(name string) string {
	if strings.HasPrefix(name, topics+"/") {
		return topics
	}
	return name
}

func checkImport(t *testing.T, name, imported string, may []string) {
	t.Helper()
	if ours, ok := strings.CutPrefix(imported, module); ok {
		assert.Containsf(t, may, layer(ours), "%s must not import %s", name, ours)
		return
	}
	for prefix, only := range map[string][]string{
		"github.com/kserve/kserve":   {"pkg/kserve", "pkg/effective"},
		"istio.io/":                  {"pkg/istio", "pkg/istiod"},
		"sigs.k8s.io/gateway-api/":   {"pkg/gatewayapi", "pkg/effective"},
		"sigs.k8s.io/lws/":           {"pkg/lws", "pkg/effective"},
		"github.com/fluxcd/":         {"pkg/gitops"},
		"github.com/prometheus/":     {"pkg/rollout/metrics"},
		"sigs.k8s.io/kustomize/api/": {"pkg/render", "pkg/load"},
		"github.com/spf13/":          {"cmd/kservegen/internal/cli"},
	} {
		if strings.HasPrefix(imported, prefix) {
			assert.Containsf(t, only, name, "%s must not import %s; only %s does", name, imported, only)
		}
	}
	if imported == "flag" {
		assert.Failf(t, "flags end in cmd/", "%s reads flags", name)
	}
}

// list runs go list; what the build itself says about imports cannot be out of date.
func list(t *testing.T, args ...string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...).CombinedOutput()
	require.NoErrorf(t, err, "%s", out)
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}
