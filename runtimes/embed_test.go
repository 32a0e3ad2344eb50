package runtimes_test

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kserve/kserve/pkg/apis/serving/v1alpha1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/runtimes"
)

// The subtests are not parallel: kustomize's schema is a global that Run writes to.
func TestCatalogue(t *testing.T) {
	names := runtimes.Names()
	require.Equal(t, []string{"simulator", "vllm-cpu", "vllm-cuda", "vllm-neuron", "vllm-rocm"}, names)
	_, err := runtimes.Get("vllm")
	require.ErrorContains(t, err, `unknown runtime "vllm": choose one of simulator, vllm-cpu, vllm-cuda, `)

	assert.Empty(t, runtimes.Image("vllm"))

	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			data, err := runtimes.Get(name)
			require.NoError(t, err)
			var sr v1alpha1.ServingRuntime
			require.NoError(t, yaml.UnmarshalStrict(data, &sr))
			require.NoError(t, sr.Spec.ValidateCreate())

			checkObject(t, name, &sr)
			require.Len(t, sr.Spec.Containers, 1)
			assert.Equal(t, sr.Spec.Containers[0].Image, runtimes.Image(name))
			c := &sr.Spec.Containers[0]
			checkProcess(t, c)
			checkProbes(t, c)
			checkPod(t, c, sr.Spec.Volumes)
			if name == "simulator" {
				assert.Equal(t, "huggingface", sr.Spec.SupportedModelFormats[0].Name, "vLLM without storageUri becomes a multi-model server")
			} else {
				checkVLLM(t, c, sr.Spec.Volumes)
			}
			checkKustomize(t, name, &sr)
		})
	}
}

// checkObject is about what KServe reads of the object to choose a runtime and to change its image.
func checkObject(t *testing.T, name string, sr *v1alpha1.ServingRuntime) {
	t.Helper()
	assert.Equal(t, "serving.kserve.io/v1alpha1 ServingRuntime", sr.APIVersion+" "+sr.Kind)
	assert.Equal(t, name, sr.Name)
	assert.Empty(t, sr.Namespace)
	assert.Empty(t, sr.Annotations, "serving.kserve.io/server-type lets KServe rewrite the image")
	assert.Equal(t, map[string]string{"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "kservegen"}, sr.Labels)
	assert.False(t, sr.Spec.HostIPC, "KServe ignores it")
	assert.Nil(t, sr.Spec.MultiModel)
	assert.Empty(t, sr.Spec.ProtocolVersions, "the format vLLM is defaulted to v2, which vLLM does not speak")

	var formats []string
	for _, f := range sr.Spec.SupportedModelFormats {
		formats = append(formats, f.Name)
		assert.False(t, f.IsAutoSelectEnabled(), f.Name)
	}
	assert.Contains(t, formats, "vLLM")
}

// checkProcess is about what runs and under which name it is found.
func checkProcess(t *testing.T, c *corev1.Container) {
	t.Helper()
	assert.Equal(t, "kserve-container", c.Name)
	assert.Regexp(t, `^[^:@]+:v?[0-9][\w.-]*$`, c.Image, "a pinned tag")
	assert.NotEmpty(t, c.Command, "entrypoints differ between versions of one image")
	assert.Subset(t, c.Args, []string{"--port=8080", "--model=/mnt/models", "--served-model-name={{.Name}}"})
	assert.Equal(t, 1, strings.Count(strings.Join(c.Args, ""), "{{"), "KServe executes every other {{ too")
	assert.Equal(t, []corev1.ContainerPort{{Name: "http", ContainerPort: 8080, Protocol: corev1.ProtocolTCP}}, c.Ports)
}

// checkProbes wants all three on the port that is served, and a liveness probe that a busy engine survives.
func checkProbes(t *testing.T, c *corev1.Container) {
	t.Helper()
	for kind, p := range map[string]*corev1.Probe{"startup": c.StartupProbe, "readiness": c.ReadinessProbe, "liveness": c.LivenessProbe} {
		require.NotNil(t, p, kind)
		require.NotNil(t, p.HTTPGet, kind)
		assert.Equal(t, intstr.FromInt32(8080), p.HTTPGet.Port, kind)
		assert.True(t, strings.HasPrefix(p.HTTPGet.Path, "/health"), kind)
		assert.GreaterOrEqual(t, p.TimeoutSeconds, int32(5), kind)
	}
	assert.GreaterOrEqual(t, window(c.LivenessProbe), int32(180))
	require.NotNil(t, c.Lifecycle)
	require.NotNil(t, c.Lifecycle.PreStop)
	require.NotNil(t, c.Lifecycle.PreStop.Sleep, "an exec hook needs a shell in the image")
}

// checkPod is about the restricted Pod Security Standard, devices and mounts.
func checkPod(t *testing.T, c *corev1.Container, volumes []corev1.Volume) {
	t.Helper()
	sc := c.SecurityContext
	require.NotNil(t, sc)
	assert.Equal(t, []bool{true, false}, []bool{*sc.RunAsNonRoot, *sc.AllowPrivilegeEscalation})
	assert.NotZero(t, *sc.RunAsUser)
	assert.NotNil(t, sc.RunAsGroup)
	assert.Equal(t, []corev1.Capability{"ALL"}, sc.Capabilities.Drop)
	assert.Equal(t, corev1.SeccompProfileTypeRuntimeDefault, sc.SeccompProfile.Type)

	for name, limit := range c.Resources.Limits {
		assert.Equal(t, limit.String(), c.Resources.Requests.Name(name, limit.Format).String(), name)
		if strings.Contains(string(name), "/") {
			assert.Equal(t, int64(1), limit.Value(), name)
		}
	}
	for _, v := range volumes {
		require.NotNil(t, v.EmptyDir, v.Name)
		assert.NotNil(t, v.EmptyDir.SizeLimit, v.Name)
		assert.True(t, slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == v.Name }), v.Name)
	}
}

// checkVLLM is about what only vLLM needs: shared memory, a writable home, no network, one start-up budget.
func checkVLLM(t *testing.T, c *corev1.Container, volumes []corev1.Volume) {
	t.Helper()
	env := map[string]string{}
	for _, e := range c.Env {
		env[e.Name] = e.Value
	}
	mounts := map[string]string{}
	for _, m := range c.VolumeMounts {
		mounts[m.MountPath] = m.Name
	}
	for name, want := range map[string]string{"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "USER": "vllm"} {
		assert.Equal(t, want, env[name], name)
	}
	assert.Equal(t, strconv.Itoa(int(window(c.StartupProbe))), env["VLLM_ENGINE_READY_TIMEOUT_S"])
	assert.Contains(t, c.Args, "--shutdown-timeout=300")
	assert.Contains(t, mounts, env["HOME"])
	i := slices.IndexFunc(volumes, func(v corev1.Volume) bool { return v.Name == mounts["/dev/shm"] })
	require.GreaterOrEqual(t, i, 0, "a volume at /dev/shm")
	assert.Equal(t, corev1.StorageMediumMemory, volumes[i].EmptyDir.Medium)
}

// checkKustomize builds both forms: the file itself, and the same spec under the other kind.
func checkKustomize(t *testing.T, name string, want *v1alpha1.ServingRuntime) {
	t.Helper()
	for kind, dir := range map[string]string{"ServingRuntime": name, "ClusterServingRuntime": filepath.Join("cluster", name)} {
		resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
		require.NoError(t, err, dir)
		data, err := resources.AsYaml()
		require.NoError(t, err, dir)
		var built v1alpha1.ServingRuntime
		require.NoError(t, yaml.UnmarshalStrict(data, &built), dir)
		assert.Equal(t, kind, built.Kind, dir)
		built.Kind = want.Kind
		assert.Equal(t, want, &built, dir)
	}
}

// window is the time in seconds that a probe may fail before it counts.
func window(p *corev1.Probe) int32 {
	return p.PeriodSeconds * p.FailureThreshold
}
