package accelerator

import (
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

const sharedMemory = "/dev/shm"

func noSharedMemory() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0705", Name: "no-shared-memory", Level: finding.Error,
			Summary: "With several devices a memory volume is mounted on /dev/shm.",
			Why: "A container has 64 MiB of shared memory. NCCL and vLLM's workers exchange through it: with tensor parallelism the server fails with a bus error or an NCCL system error, " +
				"sometimes only under load.",
			How:   "Mount an emptyDir with medium Memory and a sizeLimit on /dev/shm.",
			Refs:  []string{"kserve#3791", "kserve#3910"},
			Kinds: rule.ServerKinds(),
		},
		Check: func(c *rule.Context) {
			for _, w := range c.Servers() {
				main := w.Main()
				if w.Known() && !w.Preset && main.DeviceCount() > 1 && rule.IsVLLM(main) && !w.PodField("hostIPC").Is(true) && !memoryVolume(w).Found() {
					c.Report(main.Devices()[0], "%d devices share 64 MiB of /dev/shm", main.DeviceCount())
				}
			}
		},
	}
}

// memoryVolume is what is mounted on /dev/shm, where it is in memory.
func memoryVolume(w *rule.Workload) rule.Value {
	for _, mount := range w.Main().Mounts() {
		if mount.Field("mountPath").Text() != sharedMemory {
			continue
		}
		for _, volume := range w.Volumes() {
			if volume.Field("name").Text() == mount.Field("name").Text() && volume.Field("emptyDir", "medium").Text() == "Memory" {
				return volume.Field("emptyDir")
			}
		}
	}
	return rule.Value{}
}

func unboundedSharedMemory() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0706", Name: "shared-memory-unbounded", Level: finding.Warning,
			Summary: "The memory volume on /dev/shm has a sizeLimit under the container's memory.",
			Why: "What is written to it counts as the container's memory. Without a sizeLimit it may grow to half of the node's memory, with one above the limit too: " +
				"the container is killed instead of getting an error.",
			How:   "Set a sizeLimit that the memory limit has room for, 1Gi per device for example.",
			Refs:  []string{"kubernetes: docs/concepts/storage/volumes#emptydir"},
			Kinds: rule.ServerKinds(),
		},
		Check: func(c *rule.Context) {
			for _, w := range c.Servers() {
				volume := memoryVolume(w)
				if !volume.Found() {
					continue
				}
				size, sized := rule.ParseQuantity(volume.Field("sizeLimit").Scalar())
				memory, limited := rule.ParseQuantity(w.Main().Field("resources", "limits", "memory").Scalar())
				switch {
				case !sized:
					c.Report(volume, "/dev/shm has no sizeLimit")
				case limited && size > memory:
					c.Report(volume.Field("sizeLimit"), "/dev/shm may grow over the container's memory limit, %s", w.Main().Field("resources", "limits", "memory").Scalar())
				}
			}
		},
	}
}
