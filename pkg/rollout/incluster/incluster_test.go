package incluster_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/rollout/incluster"
	"github.com/kservegen/kservegen/pkg/spec"
)

var update = flag.Bool("update", false, "write the golden files")

const document = `apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: m, namespace: llm}
spec:
  model: {id: openai/gpt-oss-20b}
  accelerator: {type: a10g}
  revisions: [{name: v1}, {name: v2, replicas: {max: 2}}]
  traffic: [{revision: v1, weight: 100}, {revision: v2, weight: 0}]
  rollout: {from: v1, to: v2}
  environments: [{name: production}]
`

func options(t *testing.T, text string) incluster.Options {
	t.Helper()
	all, err := spec.Load("m.yaml", strings.NewReader(text))
	require.NoError(t, err)
	return incluster.Options{
		Target: all[0].Environments[0], Document: []byte(text),
		Image: "registry.example.com/kservegen:v1", Prometheus: "http://prometheus.monitoring:9090", Deadline: 24 * time.Hour,
	}
}

func built(t *testing.T, o incluster.Options) map[string]manifest.Object {
	t.Helper()
	objects, err := incluster.Objects(o)
	require.NoError(t, err)
	byFile := map[string]manifest.Object{}
	for _, object := range objects {
		byFile[object.File] = object
	}
	require.Len(t, byFile, len(objects))
	return byFile
}

// TestGolden: what a person reads before applying it.
func TestGolden(t *testing.T) {
	t.Parallel()
	everything := func(o *incluster.Options) {
		o.Schedule, o.Secret, o.Mesh = "*/30 * * * *", "canary", true
		o.Args = []string{"--bearer-token-file=" + incluster.SecretPath + "/token"}
	}
	for name, change := range map[string]func(*incluster.Options){"job": func(*incluster.Options) {}, "cronjob": everything} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t, document)
			change(&o)
			objects, err := incluster.Objects(o)
			require.NoError(t, err)
			got, err := incluster.Stream(objects)
			require.NoError(t, err)
			file := filepath.Join("testdata", name+".yaml")
			if *update {
				require.NoError(t, os.WriteFile(file, got, 0o600))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(want), string(got))
		})
	}
}

// TestAFolder: what it lists is there, and nothing else, and it says what the stream says.
func TestAFolder(t *testing.T) {
	t.Parallel()
	objects, err := incluster.Objects(options(t, document))
	require.NoError(t, err)
	files, err := incluster.Files(objects)
	require.NoError(t, err)
	var parts [][]byte
	var names []string
	for _, file := range files[1:] {
		parts, names = append(parts, file.Data), append(names, "- "+file.Name)
	}
	assert.Equal(t, "kustomization.yaml", files[0].Name)
	assert.Contains(t, string(files[0].Data), strings.Join(names, "\n")+"\n")
	stream, err := incluster.Stream(objects)
	require.NoError(t, err)
	assert.Equal(t, string(stream), string(bytes.Join(parts, []byte("---\n"))))
}

// TestNobodyTakesTheRunnerForAServer: Services, policies and budgets of the model select by a label that the pods do not have.
func TestNobodyTakesTheRunnerForAServer(t *testing.T) {
	t.Parallel()
	o := options(t, document)
	pod := built(t, o)["job"].Typed.(*batchv1.Job).Spec.Template
	for key := range o.Target.Selector() {
		assert.NotContains(t, pod.Labels, key)
	}
	assert.Equal(t, "false", pod.Labels["sidecar.istio.io/inject"])
	selector := built(t, o)["networkpolicy"].Typed.(*networkingv1.NetworkPolicy).Spec.PodSelector.MatchLabels
	for key, value := range selector {
		assert.Equal(t, value, pod.Labels[key])
	}
	assert.NotContains(t, selector, "sidecar.istio.io/inject")
}

// TestTheLeastRights: nothing but its route and its Lease is written, both by name, and nothing is a wildcard.
func TestTheLeastRights(t *testing.T) {
	t.Parallel()
	o := options(t, strings.Replace(document, "  environments:", "  expose: {api: gateway, gateway: istio-ingress/llm, hosts: [m.example.com]}\n  environments:", 1))
	role := built(t, o)["role"].Typed.(*rbacv1.Role)
	writes := map[string][]string{}
	for _, rule := range role.Rules {
		for _, word := range append(append(append([]string{}, rule.Verbs...), rule.Resources...), rule.APIGroups...) {
			assert.NotEqual(t, "*", word)
		}
		for _, verb := range rule.Verbs {
			if verb != "get" && verb != "list" {
				writes[rule.Resources[0]+" "+verb] = rule.ResourceNames
			}
		}
	}
	assert.Equal(t, map[string][]string{"httproutes patch": {"m", "m-mesh"}, "leases update": {"m-canary"}}, writes)
}

// TestAnotherDocumentIsAnotherRun: a Job's pods cannot be changed, and what a runner reads does not change under it.
func TestAnotherDocumentIsAnotherRun(t *testing.T) {
	t.Parallel()
	names := func(o incluster.Options) (job, config string) {
		objects := built(t, o)
		job, config = objects["job"].Typed.(*batchv1.Job).Name, objects["configmap"].Typed.(*corev1.ConfigMap).Name
		assert.Equal(t, config, objects["job"].Typed.(*batchv1.Job).Spec.Template.Spec.Volumes[0].ConfigMap.Name)
		return job, config
	}
	job, config := names(options(t, document))
	sameJob, sameConfig := names(options(t, document))
	assert.Equal(t, []string{job, config}, []string{sameJob, sameConfig})
	changed := options(t, document+"# more\n")
	otherJob, otherConfig := names(changed)
	assert.NotEqual(t, job, otherJob)
	assert.NotEqual(t, config, otherConfig)
	again := options(t, document)
	again.Args = []string{"--again"}
	otherJob, otherConfig = names(again)
	assert.NotEqual(t, job, otherJob)
	assert.Equal(t, config, otherConfig)
}

func TestTheTreeOmitsItsPolicy(t *testing.T) {
	t.Parallel()
	o := options(t, strings.Replace(document, "  environments:", "  omit: [networkpolicy]\n  environments:", 1))
	assert.NotContains(t, built(t, o), "networkpolicy")
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	for words, change := range map[string]func(*incluster.Options){
		`"" is no URL of Prometheus`:        func(o *incluster.Options) { o.Prometheus = "" },
		`"prometheus:9090" is no URL`:       func(o *incluster.Options) { o.Prometheus = "prometheus:9090" },
		`"" is no image`:                    func(o *incluster.Options) { o.Image = "" },
		"can be another one tomorrow":       func(o *incluster.Options) { o.Image = "registry.example.com:5000/kservegen" },
		"kservegen:latest can be another":   func(o *incluster.Options) { o.Image = "kservegen:latest" },
		"too short for a step":              func(o *incluster.Options) { o.Deadline = time.Second },
		`the schedule "often"`:              func(o *incluster.Options) { o.Schedule = "often" },
		"is longer than 52 characters; run": func(o *incluster.Options) { o.Schedule, o.Target.Name = "@daily", strings.Repeat("m", 40) },
	} {
		o := options(t, document)
		change(&o)
		_, err := incluster.Objects(o)
		require.ErrorContains(t, err, words)
	}
	for _, image := range []string{"r.example.com:5000/kservegen:v1", "kservegen@sha256:" + strings.Repeat("a", 64)} {
		o := options(t, document)
		o.Image = image
		require.NoError(t, o.Check())
	}
}
