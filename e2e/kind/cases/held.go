package cases

import (
	"context"
	"errors"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// held is how many devices pods held: at first and at most.
type held struct{ before, peak int }

// often is how often the devices are counted.
const often = time.Second

// sampleDevices counts every now and then what the pods of revisions hold, those left out that are ending anyway,
// until the function is called that it returns.
func (e *Env) sampleDevices(ctx context.Context, ending []corev1.Pod, names ...string) func() (held, error) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	var counts []int
	var failed error
	go func() {
		defer close(done)
		for {
			n, err := e.devicesHeld(ctx, ending, names)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				failed = err
				return
			}
			counts = append(counts, n)
			if pause(ctx, often) != nil {
				return
			}
		}
	}()
	return func() (held, error) {
		cancel()
		<-done
		if len(counts) == 0 {
			return held{}, errors.Join(failed, errors.New("no device was counted"))
		}
		return held{before: counts[0], peak: slices.Max(counts)}, failed
	}
}

// devicesHeld is what the pods of revisions hold now.
func (e *Env) devicesHeld(ctx context.Context, ending []corev1.Pod, names []string) (int, error) {
	sum := 0
	for _, name := range names {
		found, err := e.allPods(ctx, name)
		if err != nil {
			return 0, err
		}
		found = slices.DeleteFunc(found, func(pod corev1.Pod) bool {
			return slices.ContainsFunc(ending, func(one corev1.Pod) bool { return one.UID == pod.UID })
		})
		sum += devicesOf(found, corev1.ResourceName(e.Tree.Needs().Device))
	}
	return sum, nil
}

// devicesOf adds up what pods hold: those that were given a node, until they have ended.
func devicesOf(found []corev1.Pod, device corev1.ResourceName) int {
	sum := 0
	for _, pod := range found {
		if pod.Spec.NodeName == "" || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
			continue
		}
		for _, container := range pod.Spec.Containers {
			limit := container.Resources.Limits[device]
			sum += int(limit.Value())
		}
	}
	return sum
}
