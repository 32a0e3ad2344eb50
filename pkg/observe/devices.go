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
// breaks may take its pod away. Workers of groups are not collected, and so go by their names, which have that of the revision in
// them; revisions is the pattern of it.
func (q queries) ofDevices(metric, revisions string) string {
	renamed := metric
	for _, label := range []string{"pod", "namespace"} {
		renamed = fmt.Sprintf(`label_replace(%s, %q, "$1", "exported_%s", "(.+)")`, renamed, label, label)
	}
	alive := fmt.Sprintf("last_over_time(%s%s[1h])", scraped, q.selector())
	if q.target.Groups() {
		pod := q.target.Workload("("+revisions+")").Name + "-[0-9]+(-[0-9]+)?"
		renamed = fmt.Sprintf(`label_replace(%s, %q, "$1", "pod", %q)`, renamed, q.revision, pod)
		return fmt.Sprintf("max by (%s, namespace, pod, gpu, UUID) (%s)\n* on (%[1]s, namespace) group_left () %[3]s", q.revision, renamed, q.by("group", alive, "namespace"))
	}
	return fmt.Sprintf("max by (namespace, pod, gpu, UUID) (%s)\n* on (namespace, pod) group_left (%s) %s", renamed, q.revision, q.by("group", alive, "namespace", "pod"))
}

// anyRevision is the pattern of a revision's name where it does not matter which.
const anyRevision = ".+?"

func (q queries) devices() []alert {
	broken := "(" + q.ofDevices(gpuErrors, q.revisionNames(nil)) + ") != " + strings.Join(ofPrograms(), " != ")
	return []alert{{
		name: "LLMDeviceError", severity: warning, expression: broken,
		summary:     q.target.Name + ": a GPU of " + q.ofRevision() + " reported Xid {{ $value }}.",
		description: "GPU {{ $labels.gpu }} ({{ $labels.UUID }}) of pod {{ $labels.pod }}. The number is that of the last error, and stays until the exporter starts anew: https://docs.nvidia.com/deploy/xid-errors says what it means. Drain the node and replace it, unless it was reset.",
	}}
}
