package cases

import (
	"testing"

	kservebeta "github.com/kserve/kserve/pkg/apis/serving/v1beta1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestPatch adds to what the revision has, and changes nothing that a release does not name.
func TestPatch(t *testing.T) {
	t.Parallel()
	var service kservebeta.InferenceService
	service.Spec.Predictor.Model = &kservebeta.ModelSpec{}
	service.Spec.Predictor.Model.Env = []corev1.EnvVar{setting("HF_HOME", "/tmp")}
	for name, c := range map[string]struct {
		release release
		want    string
	}{
		"nothing": {release{}, `null`},
		"env": {
			release{env: []corev1.EnvVar{setting("A", "1")}},
			`[{"op":"add","path":"/spec/predictor/model/env","value":[{"name":"HF_HOME","value":"/tmp"},{"name":"A","value":"1"}]}]`,
		},
		"args":  {release{args: []string{"--a=1"}}, `[{"op":"add","path":"/spec/predictor/model/args","value":["--a=1"]}]`},
		"probe": {release{readiness: "/a"}, `[{"op":"add","path":"/spec/predictor/model/readinessProbe","value":{"httpGet":{"path":"/a","port":8080}}}]`},
		"fresh": {
			release{fresh: true},
			`[{"op":"add","path":"/spec/predictor/model/startupProbe","value":{"periodSeconds":1}},` +
				`{"op":"add","path":"/spec/predictor/deploymentStrategy","value":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":0,"maxUnavailable":"100%"}}}]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			patch, err := c.release.patch(service, 8080)
			require.NoError(t, err)
			assert.JSONEq(t, c.want, patch)
		})
	}
	_, err := release{}.patch(kservebeta.InferenceService{}, 8080)
	var lacks LacksError
	assert.ErrorAs(t, err, &lacks)
}

// TestFits tells pods of a good release from those of a bad one.
func TestFits(t *testing.T) {
	t.Parallel()
	started := true
	server := func(change func(*corev1.ContainerStatus)) corev1.Pod {
		status := corev1.ContainerStatus{Name: serverContainer, Started: &started}
		change(&status)
		pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"pod-template-hash": "a"}}}
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "other", Ready: true, RestartCount: 1}, status}
		if status.Ready {
			pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
		}
		return pod
	}
	good := server(func(s *corev1.ContainerStatus) { s.Ready = true })
	again := server(func(s *corev1.ContainerStatus) { s.Ready, s.RestartCount = true, 1 })
	waits := server(func(*corev1.ContainerStatus) {})
	loads := server(func(s *corev1.ContainerStatus) { s.Started = nil })
	loops := server(func(s *corev1.ContainerStatus) { s.Started, s.RestartCount = nil, 2 })
	for name, c := range map[string]struct {
		fits     fits
		yes, not []corev1.Pod
	}{
		"ready":        {ready, []corev1.Pod{good, again}, []corev1.Pod{waits, loads, loops, {}}},
		"unready":      {unready, []corev1.Pod{waits}, []corev1.Pod{good, again, loads, loops, {}}},
		"crashed":      {crashed, []corev1.Pod{loops}, []corev1.Pod{good, again, waits, loads, {}}},
		"the template": {of("a"), []corev1.Pod{good}, []corev1.Pod{{}}},
		"another":      {notOf("a"), []corev1.Pod{{}}, []corev1.Pod{good}},
		"both":         {both(of("a"), ready), []corev1.Pod{good}, []corev1.Pod{waits, {}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, are(c.yes, c.fits))
			for _, pod := range c.not {
				require.Error(t, are([]corev1.Pod{pod}, c.fits), "%+v", pod.Status)
			}
		})
	}
}
