package catalog

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Need is what one pod asks of the instance that it runs on.
type Need struct {
	// Accelerator is the name of one, Devices how many of it.
	Accelerator string
	Devices     int
	// MilliCPU and MiB are those of all its containers, with what must be left beside them.
	MilliCPU, MiB int64
	// EFA is the number of EFA interfaces.
	EFA int
}

// Lacks says what of the need the instance type doesn't have, empty where it holds the pod.
func (i Instance) Lacks(n Need) string {
	var lacks []string
	short := func(has, wants int64, what string) {
		if has < wants {
			lacks = append(lacks, fmt.Sprintf("%d %s of %d", has, what, wants))
		}
	}
	switch {
	case i.Accelerator != n.Accelerator:
		return fmt.Sprintf("it has %s, not %s", i.Accelerator, n.Accelerator)
	case i.AllocatableMiB == 0:
		return "no source was found for what it leaves to pods"
	}
	short(int64(i.Count), int64(n.Devices), "devices")
	short(i.AllocatableMilliCPU, n.MilliCPU, "mCPU")
	short(i.AllocatableMiB, n.MiB, "MiB")
	short(int64(i.EFA), int64(n.EFA), "EFA interfaces")
	if len(lacks) == 0 {
		return ""
	}
	return "it has " + strings.Join(lacks, " and ")
}

// Pods is how many such pods the instance type holds at once.
func (i Instance) Pods(n Need) int {
	pods := 1 << 20
	for _, part := range [][2]int64{
		{int64(i.Count), int64(n.Devices)}, {i.AllocatableMilliCPU, n.MilliCPU}, {i.AllocatableMiB, n.MiB}, {int64(i.EFA), int64(n.EFA)},
	} {
		if has, wants := part[0], part[1]; wants > 0 {
			pods = min(pods, int(has/wants))
		}
	}
	return pods
}

// Holding lists the instance types that hold a pod, the cheapest for each pod first and those without a price last.
func (l Instances) Holding(n Need) []Instance {
	var found []Instance
	for _, i := range l.Types {
		if i.Lacks(n) == "" {
			found = append(found, i)
		}
	}
	slices.SortStableFunc(found, func(a, b Instance) int {
		return cmp.Or(-compareBool(a.USDPerHour > 0, b.USDPerHour > 0),
			cmp.Compare(a.USDPerHour/float64(a.Pods(n)), b.USDPerHour/float64(b.Pods(n))), cmp.Compare(a.USDPerHour, b.USDPerHour))
	})
	return found
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}
