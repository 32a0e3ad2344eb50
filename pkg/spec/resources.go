package spec

import (
	"fmt"
	"strconv"

	"github.com/kservegen/kservegen/pkg/catalog"
)

// defaultResources is the host's share of the devices. The simulator computes nothing and needs next to
// nothing: it fits a laptop twice.
func defaultResources(runtime string, accelerator catalog.Accelerator, devices int) Resources {
	if runtime == Simulator {
		return Resources{CPU: "250m", Memory: "512Mi", SharedMemory: "64Mi"}
	}
	share := max(devices, 1)
	return Resources{
		CPU:    Text(strconv.Itoa(max(accelerator.HostCPU, 1) * share)),
		Memory: Text(fmt.Sprintf("%dGi", max(accelerator.HostMemoryGiB, 4)*share)),
		// Tensor parallel workers pass tensors through /dev/shm; vLLM's docs run containers with --ipc=host
		// or a large --shm-size. 2 GiB is what production charts of vLLM mount.
		SharedMemory: "2Gi",
	}
}
