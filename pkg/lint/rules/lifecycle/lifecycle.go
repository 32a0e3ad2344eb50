// Package lifecycle holds the rules about probes, starting and stopping.
package lifecycle

import (
	"strconv"
	"strings"

	"github.com/kservegen/kservegen/pkg/lint/rule"
)

// Rules returns them in the order of their codes.
func Rules() []rule.Rule {
	return []rule.Rule{
		livenessBeforeLoad(), readinessByTCP(), probePort(), engineTimeout(), graceTooShort(), serviceLinks(), shortStartup(), probePath(),
		drainAtOnce(), firstFailureKills(), severalServers(),
	}
}

// window is how long a probe lets a container fail from its start, in seconds; 0 without the probe. The defaults
// are Kubernetes'.
func window(probe rule.Value) int64 {
	if !probe.Found() {
		return 0
	}
	return bounded(probe.Field("initialDelaySeconds").IntOr(0)) + bounded(probe.Field("periodSeconds").IntOr(10))*bounded(probe.Field("failureThreshold").IntOr(3))
}

func bounded(n int64) int64 { return max(0, min(n, 1<<20)) }

// vllmPods calls f with every workload that serves by vLLM and can be seen whole, but for a preset.
func vllmPods(c *rule.Context, f func(w *rule.Workload, main rule.Container)) {
	for _, w := range c.Servers() {
		if main := w.Main(); w.Known() && rule.IsVLLM(main) {
			f(w, main)
		}
	}
}

// whole says whether a probe's numbers all stand in it, rather than some of them in a preset beneath.
func whole(w *rule.Workload, probe rule.Value) bool {
	return !w.Preset || probe.Field("periodSeconds").Found() && probe.Field("failureThreshold").Found()
}

// listens returns the ports that a container may listen on: declared, or given to the server.
func listens(main rule.Container) []string {
	var ports []string
	for _, port := range main.Ports() {
		ports = append(ports, port.Field("containerPort").Scalar(), port.Field("name").Text())
	}
	if flag, ok := rule.FindFlag(main, "port"); ok {
		if n, err := strconv.Atoi(strings.TrimSpace(flag.Value)); err == nil {
			ports = append(ports, strconv.Itoa(n))
		}
	}
	return ports
}
