package effective_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// update tells the tests of this folder to write the files that they compare with.
var update = flag.Bool("update", false, "write the files that the tests compare with")

// release is the module that go.mod pins, and where its release manifests lie in it.
type release struct{ Path, Version, Dir string }

func kserve(t *testing.T) release {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-json", "github.com/kserve/kserve").Output()
	require.NoError(t, err)
	var module release
	require.NoError(t, json.Unmarshal(out, &module))
	return module
}

// TestShippedManifests proves that the embedded data is what the pinned release's own manifests say, and writes
// it with -update.
func TestShippedManifests(t *testing.T) {
	t.Parallel()
	module := kserve(t)
	files := map[string]string{}
	documents := func(name string) []map[string]any {
		path := filepath.Join("install", module.Version, name)
		data, err := os.ReadFile(filepath.Join(module.Dir, path))
		require.NoError(t, err)
		sum := sha256.Sum256(data)
		files[filepath.ToSlash(path)] = hex.EncodeToString(sum[:])
		return wanted(t, data)
	}
	fresh := map[string]any{"module": module.Path + "@" + module.Version, "files": files}
	var runtimes, presets []any
	for _, object := range documents("kserve-cluster-resources.yaml") {
		switch object["kind"] {
		case "ClusterServingRuntime":
			runtimes = append(runtimes, object)
		case "LLMInferenceServiceConfig":
			presets = append(presets, object)
		}
	}
	fresh["clusterServingRuntimes"], fresh["llmInferenceServiceConfigs"] = runtimes, presets
	for _, object := range documents("kserve.yaml") {
		switch object["kind"] {
		case "ConfigMap":
			delete(object["data"].(map[string]any), "_example")
			fresh["config"] = object
		case "ClusterStorageContainer":
			fresh["clusterStorageContainer"] = object
		case "MutatingWebhookConfiguration":
			addPodWebhook(fresh, object)
		}
	}
	for _, want := range []string{"config", "clusterStorageContainer", "podWebhook", "clusterServingRuntimes", "llmInferenceServiceConfigs"} {
		require.NotEmpty(t, fresh[want], want)
	}
	compare(t, filepath.Join("data", "kserve.json"), fresh)
}

// wanted parses the documents of the kinds that we keep; the rest, six megabytes of CRDs, is never parsed.
func wanted(t *testing.T, stream []byte) []map[string]any {
	t.Helper()
	var objects []map[string]any
	for _, document := range bytes.Split(stream, []byte("\n---\n")) {
		for _, kind := range []string{"ConfigMap", "ClusterStorageContainer", "ClusterServingRuntime", "MutatingWebhookConfiguration", "LLMInferenceServiceConfig"} {
			if !bytes.Contains(document, []byte("\nkind: "+kind+"\n")) {
				continue
			}
			var object map[string]any
			require.NoError(t, yaml.Unmarshal(document, &object))
			objects = append(objects, object)
		}
	}
	return objects
}

func addPodWebhook(fresh, configuration map[string]any) {
	for _, webhook := range configuration["webhooks"].([]any) {
		webhook := webhook.(map[string]any)
		if strings.HasSuffix(webhook["name"].(string), ".pod-mutator") {
			fresh["podWebhook"] = map[string]any{
				"namespaceSelector": webhook["namespaceSelector"], "objectSelector": webhook["objectSelector"],
			}
		}
	}
}

// compare compares a value with a file as indented JSON, or writes the file with -update.
func compare(t *testing.T, path string, value any) {
	t.Helper()
	var fresh bytes.Buffer
	encoder := json.NewEncoder(&fresh)
	encoder.SetIndent("", " ")
	encoder.SetEscapeHTML(false)
	require.NoError(t, encoder.Encode(value))
	if *update {
		require.NoError(t, os.WriteFile(path, fresh.Bytes(), 0o644))
	}
	have, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(have), fresh.String(), "not current: go test ./pkg/effective -update")
}
