package queries

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apiserver/pkg/storage/names"
	"sigs.k8s.io/yaml"
)

// object has of each object what the tests read.
type object struct {
	Kind string
	Spec struct {
		ScaleTargetRef struct{ Name string }
		Triggers       []struct{ Metadata map[string]string }
		// PodTargetLabels are the PodMonitor's.
		PodTargetLabels []string
		// Labels are those of the pods of an LLMInferenceService, Predictor and LeaderWorkerTemplate have those of others.
		Labels               map[string]string
		Predictor            struct{ Labels map[string]string }
		LeaderWorkerTemplate struct {
			LeaderTemplate struct {
				Metadata struct{ Labels map[string]string }
			}
		}
	}
}

// model is what kservegen makes of a document: the queries on one line each, and the labels of its pods' series.
type model struct{ load, activity, pod string }

// render reads what the tests of KEDA's queries take of a document's only environment.
func render(t *testing.T, document string) model {
	t.Helper()
	kinds := map[string]object{}
	for _, text := range documentsOf(t, document) {
		var o object
		require.NoError(t, yaml.Unmarshal([]byte(text), &o))
		kinds[o.Kind] = o
	}
	scaled := kinds["ScaledObject"].Spec
	require.Len(t, scaled.Triggers, 2)
	return model{
		load: oneLine(scaled.Triggers[0].Metadata["query"]), activity: oneLine(scaled.Triggers[1].Metadata["query"]),
		pod: series(t, scaled.ScaleTargetRef.Name, kinds),
	}
}

// objectsOf are the objects of a document's only environment.
func objectsOf(t *testing.T, document string) []map[string]any {
	t.Helper()
	var objects []map[string]any
	for _, text := range documentsOf(t, document) {
		var object map[string]any
		require.NoError(t, yaml.Unmarshal([]byte(text), &object))
		objects = append(objects, object)
	}
	return objects
}

// programAnd is the CLI (KSERVEGEN, or what make builds), and a document in a file for it.
func programAnd(t *testing.T, document string) (program, file string) {
	t.Helper()
	program = os.Getenv("KSERVEGEN")
	if program == "" {
		program = filepath.Join("..", "..", "bin", "kservegen")
	}
	file = filepath.Join(t.TempDir(), "document.yaml")
	require.NoError(t, os.WriteFile(file, []byte(document), 0o600))
	return program, file
}

// documentsOf has the CLI write the only environment of a document, as YAML by object.
func documentsOf(t *testing.T, document string) []string {
	t.Helper()
	program, file := programAnd(t, document)
	var out, said bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, "render", "-f", file, "--env", "dev")
	cmd.Stdout, cmd.Stderr = &out, &said
	require.NoError(t, cmd.Run(), "build the CLI first, or name it in KSERVEGEN; it says: %s", &said)
	return strings.Split(out.String(), "\n---\n")
}

func oneLine(query string) string { return strings.Join(strings.Fields(query), " ") }

// series are the labels that the operator has on a pod's series: its namespace and name, which Kubernetes cuts, and those
// that the PodMonitor copies.
func series(t *testing.T, controller string, kinds map[string]object) string {
	t.Helper()
	labels := kinds["InferenceService"].Spec.Predictor.Labels
	for _, other := range []map[string]string{kinds["LLMInferenceService"].Spec.Labels, kinds["LeaderWorkerSet"].Spec.LeaderWorkerTemplate.LeaderTemplate.Metadata.Labels} {
		if other != nil {
			labels = other
		}
	}
	name := names.SimpleNameGenerator.GenerateName(controller + "-7d9f8b6c54-")
	all := []string{`namespace="llm"`, `pod="` + name + `"`}
	for _, copied := range kinds["PodMonitor"].Spec.PodTargetLabels {
		require.Contains(t, labels, copied, "a pod without the label that the PodMonitor copies")
		all = append(all, strings.NewReplacer(".", "_", "/", "_").Replace(copied)+`="`+labels[copied]+`"`)
	}
	return strings.Join(all, ", ")
}
