package native

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// running checks what only containers that keep running have.
func (c containerCheck) running(container *corev1.Container, at *field.Path) {
	c.probe(container.LivenessProbe, true, at.Child("livenessProbe"))
	c.probe(container.StartupProbe, true, at.Child("startupProbe"))
	readiness := at.Child("readinessProbe")
	c.probe(container.ReadinessProbe, false, readiness)
	if probe := container.ReadinessProbe; probe != nil && probe.TerminationGracePeriodSeconds != nil {
		c.invalid(readiness.Child("terminationGracePeriodSeconds"), *probe.TerminationGracePeriodSeconds, "must not be set for readinessProbes")
	}
	if container.Lifecycle == nil {
		return
	}
	for name, handler := range map[string]*corev1.LifecycleHandler{"postStart": container.Lifecycle.PostStart, "preStop": container.Lifecycle.PreStop} {
		if handler != nil {
			c.hook(handler, at.Child("lifecycle", name))
		}
	}
}

// probe: one handler, and one success is enough where failing kills (validateLivenessProbe, validateStartupProbe).
func (c containerCheck) probe(probe *corev1.Probe, kills bool, at *field.Path) {
	if probe == nil {
		return
	}
	c.oneHandler(set(probe.ProbeHandler), at)
	c.headers(probe.HTTPGet, at)
	if kills && probe.SuccessThreshold > 1 { // zero is the default
		c.invalid(at.Child("successThreshold"), probe.SuccessThreshold, "must be 1")
	}
}

func (c containerCheck) hook(hook *corev1.LifecycleHandler, at *field.Path) {
	c.oneHandler(set(*hook), at)
	c.headers(hook.HTTPGet, at)
	if sleep := hook.Sleep; sleep != nil && (sleep.Seconds < 0 || sleep.Seconds > c.gracePeriod) {
		c.invalid(at.Child("sleep"), sleep.Seconds, fmt.Sprintf("must be non-negative and less than terminationGracePeriodSeconds (%d)", c.gracePeriod))
	}
}

func (c containerCheck) oneHandler(handlers []string, at *field.Path) {
	if len(handlers) == 0 {
		c.required(at, "must specify a handler type")
		return
	}
	for _, more := range handlers[1:] {
		c.forbidden(at.Child(more), "may not specify more than 1 handler type")
	}
}

func (c containerCheck) headers(get *corev1.HTTPGetAction, at *field.Path) {
	if get == nil {
		return
	}
	for _, header := range get.HTTPHeaders {
		c.invalid(at.Child("httpGet", "httpHeaders"), header.Name, validation.IsHTTPHeaderName(header.Name)...)
	}
}
