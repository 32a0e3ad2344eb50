package cases

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kservegen/kservegen/e2e/kind/load"
)

// TestTimes has a change at second 10 that is taken back at second 20.
func TestTimes(t *testing.T) {
	t.Parallel()
	start := time.Now()
	s := switchover{
		begun: seconds(start, 10), back: seconds(start, 20),
		fresh: func(pod string) bool { return strings.HasPrefix(pod, "new") },
	}
	from := func(pod string, at float64) load.Answer {
		return load.Answer{Pod: pod, At: seconds(start, at), Took: time.Second}
	}
	old := load.Answers{from("old-a", 1), from("old-a", 11), from("old-b", 15), from("", 17)}
	both := append(load.Answers{from("new-a", 16), from("new-b", 13), from("new-a", 19), from("new-a", 20.5), from("old-c", 22)}, old...)
	first, alone, home, ok := s.times(both)
	assert.True(t, ok)
	assert.InDelta(t, 4, first.Seconds(), 1e-6)
	assert.InDelta(t, 5, alone.Seconds(), 1e-6)
	assert.InDelta(t, 0.5, home.Seconds(), 1e-6)
	_, _, _, ok = s.times(old)
	assert.False(t, ok, "the new version never answered")
	_, _, _, ok = s.times(load.Answers{from("new-a", 11)})
	assert.False(t, ok, "the old version never answered")
}

// TestDevicesOf: a pod holds its devices from the scheduler's choice until it has ended.
func TestDevicesOf(t *testing.T) {
	t.Parallel()
	const device = "nvidia.com/gpu"
	pod := func(node string, phase corev1.PodPhase) corev1.Pod {
		two := corev1.ResourceRequirements{Limits: corev1.ResourceList{device: resource.MustParse("2")}}
		return corev1.Pod{
			Spec:   corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{Resources: two}, {}}},
			Status: corev1.PodStatus{Phase: phase},
		}
	}
	found := []corev1.Pod{
		pod("a", corev1.PodRunning), pod("a", corev1.PodPending), pod("", corev1.PodPending),
		pod("a", corev1.PodSucceeded), pod("a", corev1.PodFailed),
	}
	assert.Equal(t, 4, devicesOf(found, device))
	assert.Zero(t, devicesOf(found, "amd.com/gpu"))
	assert.Zero(t, devicesOf(nil, device))
}
