package lease

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// Times of a Lease. A holder that was killed is followed after Duration.
const (
	// Duration is how long a Lease holds after its last renewal.
	Duration = 15 * time.Second
	// renewal is how often it is renewed, asking how often one who waits looks.
	renewal = 5 * time.Second
	asking  = 2 * time.Second
)

// ErrTaken is that another runner has the Lease now.
var ErrTaken = errors.New("another runner has taken over")

// Lease is one that is held. Release it.
type Lease struct {
	client   dynamic.ResourceInterface
	name, me string

	mu      sync.Mutex
	renewed time.Time
	stop    context.CancelFunc
	done    chan struct{}
}

// Acquire waits until the Lease is free and takes it. The context that it returns ends with ErrTaken as its cause where another
// runner takes it all the same. waiting is told of whom it waits for, each time that this is somebody else, or of what keeps it from
// asking.
func Acquire(ctx context.Context, config *rest.Config, namespace, name, me string, waiting func(holder string, trouble error)) (context.Context, *Lease, error) {
	config = rest.CopyConfig(config)
	config.Timeout = renewal
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, nil, fmt.Errorf("connecting to the cluster: %w", err)
	}
	l := &Lease{client: client.Resource(resource()).Namespace(namespace), name: name, me: me, done: make(chan struct{})}
	if err := l.wait(ctx, waiting); err != nil {
		return nil, nil, err
	}
	held, taken := context.WithCancelCause(ctx)
	renewing, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.stop = stop
	go l.renew(renewing, taken)
	return held, l, nil
}

func resource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "coordination.k8s.io", Version: "v1", Resource: "leases"}
}

// seen is a Lease of another, and since when it is like that by our clock.
type seen struct {
	version string
	since   time.Time
}

// wait returns when the Lease is ours, or may not be.
func (l *Lease) wait(ctx context.Context, waiting func(holder string, trouble error)) error {
	var last seen
	said := ""
	for {
		holder, err := l.try(ctx, &last)
		switch {
		case err != nil && (last.version == "" || apierrors.IsForbidden(err)):
			return fmt.Errorf("taking Lease %s: %w", l.name, err)
		case err != nil && ctx.Err() == nil && said != err.Error(): // who waits goes on waiting
			said = err.Error()
			waiting("", err)
		case err != nil:
		case holder == "":
			return nil
		case holder != said:
			said = holder
			waiting(holder, nil)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(asking):
		}
	}
}

// try takes the Lease where it is free, and otherwise says who has it.
func (l *Lease) try(ctx context.Context, last *seen) (holder string, err error) {
	found, err := l.client.Get(ctx, l.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		_, err = l.client.Create(ctx, l.write(&unstructured.Unstructured{}, time.Now()), metav1.CreateOptions{FieldManager: manager})
		return l.won(err)
	}
	if err != nil {
		return "", err
	}
	if version := found.GetResourceVersion(); version != last.version {
		*last = seen{version, time.Now()}
	}
	holder = text(found, "holderIdentity")
	seconds, _, _ := unstructured.NestedInt64(found.Object, "spec", "leaseDurationSeconds")
	if holder != "" && holder != l.me && time.Since(last.since) < time.Duration(seconds)*time.Second {
		return holder, nil
	}
	_, err = l.client.Update(ctx, l.write(found, time.Now()), metav1.UpdateOptions{FieldManager: manager})
	return l.won(err)
}

// won tells a Lease that is ours from one that somebody was quicker to take.
func (l *Lease) won(err error) (string, error) {
	if apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) {
		return "another one, who was quicker", nil
	}
	if err != nil {
		return "", err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.renewed = time.Now()
	return "", nil
}

// manager owns the fields of the Lease.
const manager = "kservegen-canary"

// write makes a Lease ours from a moment on.
func (l *Lease) write(o *unstructured.Unstructured, now time.Time) *unstructured.Unstructured {
	o = o.DeepCopy()
	o.SetAPIVersion("coordination.k8s.io/v1")
	o.SetKind("Lease")
	o.SetName(l.name)
	stamp := now.UTC().Format(metav1.RFC3339Micro)
	spec, _, _ := unstructured.NestedMap(o.Object, "spec")
	if spec == nil {
		spec = map[string]any{}
	}
	if spec["holderIdentity"] != l.me {
		changes, _ := spec["leaseTransitions"].(int64)
		spec["leaseTransitions"], spec["acquireTime"] = changes+1, stamp
	}
	spec["holderIdentity"], spec["renewTime"] = l.me, stamp
	spec["leaseDurationSeconds"] = int64(Duration / time.Second)
	o.Object["spec"] = spec
	return o
}

func text(o *unstructured.Unstructured, field string) string {
	found, _, _ := unstructured.NestedString(o.Object, "spec", field)
	return found
}

// renew keeps the Lease until it is stopped. An API server that is away is asked again.
func (l *Lease) renew(ctx context.Context, taken context.CancelCauseFunc) {
	defer close(l.done)
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(renewal):
		}
		if err := l.again(ctx); errors.Is(err, ErrTaken) {
			taken(err)
			return
		}
	}
}

// again renews the Lease once.
func (l *Lease) again(ctx context.Context) error {
	found, err := l.client.Get(ctx, l.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return l.anew(ctx)
	}
	if err != nil {
		return err
	}
	if holder := text(found, "holderIdentity"); holder != l.me {
		return fmt.Errorf("%w: %s", ErrTaken, holder)
	}
	_, err = l.client.Update(ctx, l.write(found, time.Now()), metav1.UpdateOptions{FieldManager: manager})
	if err == nil {
		_, err = l.won(nil)
	}
	return err
}

// anew makes a Lease again that somebody removed: without it nothing could be taken back.
func (l *Lease) anew(ctx context.Context) error {
	_, err := l.client.Create(ctx, l.write(&unstructured.Unstructured{}, time.Now()), metav1.CreateOptions{FieldManager: manager})
	if err != nil {
		return fmt.Errorf("somebody removed Lease %s, and it cannot be made anew; apply it again: %w", l.name, err)
	}
	_, err = l.won(nil)
	return err
}

// Held makes sure that the Lease is ours still: one that was not renewed lately is renewed now.
func (l *Lease) Held(ctx context.Context) error {
	l.mu.Lock()
	fresh := time.Since(l.renewed) < Duration-renewal
	l.mu.Unlock()
	if fresh {
		return nil
	}
	return l.again(ctx)
}

// Release stops renewing, and lets the next one in at once. A Lease that somebody else has stays.
func (l *Lease) Release(ctx context.Context) error {
	l.stop()
	<-l.done
	found, err := l.client.Get(ctx, l.name, metav1.GetOptions{})
	if err != nil || text(found, "holderIdentity") != l.me {
		return err
	}
	unstructured.RemoveNestedField(found.Object, "spec", "holderIdentity")
	_, err = l.client.Update(ctx, found, metav1.UpdateOptions{FieldManager: manager})
	return err
}
