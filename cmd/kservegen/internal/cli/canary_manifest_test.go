package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/kservegen/kservegen/pkg/render"
)

// called runs the command line with a standard input.
func called(t *testing.T, in string, args ...string) (code int, out, said string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = Main(t.Context(), args, Streams{In: strings.NewReader(in), Out: &stdout, Err: &stderr})
	return code, stdout.String(), stderr.String()
}

func manifestOf(t *testing.T, args ...string) (code int, out, said string) {
	t.Helper()
	return called(t, "", append([]string{"canary", "manifest", "--image", "registry.example.com/kservegen:v1", "--prometheus", "http://prometheus.monitoring:9090"}, args...)...)
}

// TestManifestHasNoFindings, alone and with the tree that it is for, as Job and CronJob, by VirtualService and by HTTPRoutes.
func TestManifestHasNoFindings(t *testing.T) {
	t.Parallel()
	for folder, flags := range map[string][]string{
		"laptop":                               {"--schedule", "0 8 * * 1-5", "--secret", "canary", "--", "--bearer-token-file", "/run/secrets/kservegen/token", "--step-max", "4h"},
		"deepseek-r1-distill-llama-8b-gateway": {"--env", "production", "--sidecar"},
	} {
		dir := filepath.Join("../../../../overlays", folder)
		code, out, said := manifestOf(t, append([]string{"-f", filepath.Join(dir, "document.yaml"), "-d", dir}, flags...)...)
		require.Equal(t, exitOK, code, said)
		environment := "default"
		if flags[0] == "--env" {
			environment = flags[1]
		}
		built, err := render.Build(filesys.MakeFsOnDisk(), filepath.Join(dir, "deepseek-r1", "overlays", environment))
		require.NoError(t, err)
		tree, err := built.AsYaml()
		require.NoError(t, err)
		for _, set := range []string{out, out + "---\n" + string(tree)} {
			code, found, said := called(t, set, "validate", "-", "--fail-on", "info")
			assert.Equal(t, exitOK, code, found+said)
		}
	}
}

// TestManifestLetsTheWebhookOut: by the port that its URL has.
func TestManifestLetsTheWebhookOut(t *testing.T) {
	t.Parallel()
	code, out, said := manifestOf(t, "-f", analyzed, "--env", "production", "--", "--webhook", "http://hooks.tools:8065/canary")
	require.Equal(t, exitOK, code, said)
	assert.Contains(t, out, "# The webhook. What counts is the port of the pods behind its Service: if that is another one, change it.\n  - ports:\n    - port: 8065\n")
}

// TestManifestAsAFolder is what the stream is.
func TestManifestAsAFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "canary")
	code, out, said := manifestOf(t, "-f", analyzed, "--env", "production")
	require.Equal(t, exitOK, code, said)
	code, _, said = manifestOf(t, "-f", analyzed, "--env", "production", "-o", dir)
	require.Equal(t, exitOK, code, said)
	assert.Contains(t, said, "8 files written")
	built, err := render.BuildObjects(filesys.MakeFsOnDisk(), dir)
	require.NoError(t, err)
	assert.Len(t, built, strings.Count(out, "---\n")+1)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 8)
}

func TestManifestsThatAreRefused(t *testing.T) {
	t.Parallel()
	custom := t.TempDir()
	code, _, said := called(t, "", "render", "-f", analyzed, "-o", custom)
	require.Equal(t, exitOK, code, said)
	component := filepath.Join(custom, "canary", "overlays", "production", "custom", "kustomization.yaml")
	data, err := os.ReadFile(component)
	require.NoError(t, err)
	patch := "patches:\n- target: {kind: VirtualService}\n  patch: |\n    - {op: add, path: /spec/hosts/-, value: more.example.com}"
	require.Contains(t, string(data), "patches: []")
	require.NoError(t, os.WriteFile(component, []byte(strings.Replace(string(data), "patches: []", patch, 1)), 0o600))
	for words, flags := range map[string][]string{
		"has several environments":                         {},
		"behind --: unknown flag: --step":                  {"--env", "production", "--", "--step", "1h"},
		"behind --: x is no flag of canary run":            {"--env", "production", "--", "x"},
		"behind --: --kubeconfig is settled, or makes no":  {"--env", "production", "--", "--kubeconfig", "x"},
		"x is no flag; what is for canary run goes behind": {"--env", "production", "x"},
		"behind --: --profile nope is unknown":             {"--env", "production", "--", "--profile", "nope"},
		"longest time must be longer than its shortest":    {"--env", "production", "--", "--step-min", "2h"},
		"behind --: --webhook-format xml is unknown":       {"--env", "production", "--", "--webhook-format", "xml"},
		"behind --: the webhook's URL is none":             {"--env", "production", "--", "--webhook", "hooks"},
		"behind --: --once ends with 4":                    {"--env", "production", "--", "--once"},
		"behind --: --again would give a revision":         {"--env", "production", "--schedule", "@daily", "--", "--again"},
		"the pod has no token (--bearer-token-file); put":  {"--env", "production", "--secret", "canary", "--", "--bearer-token-file", "token"},
		"--ca-file is of a Secret; name that with --secre": {"--env", "production", "--", "--ca-file", "/run/secrets/kservegen/ca.crt"},
		`"Bad_Name" is not the name of a Secret: `:         {"--env", "production", "--secret", "Bad_Name"},
		"standard input keeps to itself; name its file":    {"--env", "production", "-f", "-"},
		"the VirtualService is changed in custom/":         {"--env", "production", "-d", custom},
		`the schedule "often"`:                             {"--env", "production", "--schedule", "often"},
	} {
		ended, out, why := manifestOf(t, append([]string{"-f", analyzed}, flags...)...)
		assert.Equal(t, exitUsage, ended, why)
		assert.Contains(t, why, words)
		assert.Empty(t, out)
	}
	code, _, said = manifestOf(t, "-f", "../../../../overlays/deepseek-r1-distill-llama-8b-canary/document.yaml", "--env", "production")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, said, "move the shares in Git: kservegen canary run --git")
}
