package sizing

import "strings"

// GPU is one device as the engine sees it.
type GPU struct {
	// Name is for people and tells an A100 from others (the engine asks for it too); free text.
	Name string
	// MemoryGiB is the memory that CUDA shows, less than what is sold.
	MemoryGiB float64
	Vendor    string
}

func (g GPU) named(parts ...string) bool {
	name := strings.ToLower(g.Name)
	for _, part := range parts {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// a100 is what the engine looks for in the name of the device.
func (g GPU) a100() bool { return g.named("a100") }

// blackwell is a data-centre GPU of compute capability 10.
func (g GPU) blackwell() bool { return g.named("b200", "b300", "b100") }

// old is of a compute capability below 8.
func (g GPU) old() bool { return g.named("t4", "v100", "p100", "p40", "2080", "titan") }

// attendsIn8Bit says whether FlashAttention 3 does, which the second engine wanted for a cache of fp8 first; Blackwell has
// another way from 0.10 on (platforms/cuda.py).
func (g GPU) attendsIn8Bit(v Version) bool {
	return g.hopper() && (!g.blackwell() || v.atLeast(10, 0))
}

// hopper and later have NVLink Switch multicast, FlashAttention 3, and 32 MiB of cuBLAS workspace.
func (g GPU) hopper() bool {
	known := g.old() || g.named("a100", "a800", "a10", "l4", "l40", "a40", "a30", "a6000", "rtx")
	return g.named("h100", "h200", "h20", "h800", "gh200") || g.blackwell() || !known && g.Vendor != "amd" && g.MemoryGiB >= 70
}
