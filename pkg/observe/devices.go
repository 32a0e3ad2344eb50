package observe

import (
	"fmt"
	"strings"
)

// ofPrograms are the Xids that say more of the program than of the device, which NVIDIA's device plugin passes over too
// (internal/rm/health.go in NVIDIA/k8s-device-plugin; https://docs.nvidia.com/deploy/xid-errors). 0 is none.
func ofPrograms() []string { return []string{"0", "13", "31", "43", "45", "68", "109"} }

// nvidia reports whether a revision runs on devices that DCGM knows.
func (q queries) nvidia() bool {
	for _, r := range q.target.Revisions {
		if r.Accelerator.Vendor == "nvidia" {
			return true
		}
	}
	return false
}

// ofDevices is a metric of DCGM's exporter for the devices of the model's pods. What it says of the pod has exported_ in front where its
// ServiceMonitor does not honour labels, which is the default of its chart. Pods that are gone by now count for an hour: a device that
// breaks may take its pod away.
func (q queries) ofDevices(metric string) string {
	renamed := metric
	for _, label := range []string{"pod", "namespace"} {
		renamed = fmt.Sprintf(`label_replace(%s, %q, "$1", "exported_%s", "(.+)")`, renamed, label, label)
	}
	pods := q.by("group", fmt.Sprintf("last_over_time(%s%s[1h])", scraped, q.selector()), "namespace", "pod")
	return fmt.Sprintf("max by (namespace, pod, gpu, UUID) (%s)\n* on (namespace, pod) group_left (%s) %s", renamed, q.revision, pods)
}

func (q queries) devices() []alert {
	broken := "(" + q.ofDevices(gpuErrors) + ") != " + strings.Join(ofPrograms(), " != ")
	return []alert{{
		name: "LLMDeviceError", severity: warning, expression: broken,
		summary:     q.target.Name + ": a GPU of " + q.ofRevision() + " reported Xid {{ $value }}.",
		description: "GPU {{ $labels.gpu }} ({{ $labels.UUID }}) of pod {{ $labels.pod }}. The number is that of the last error, and stays until the exporter starts anew: https://docs.nvidia.com/deploy/xid-errors says what it means. Drain the node and replace it, unless it was reset.",
	}}
}
