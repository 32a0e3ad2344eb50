package plan

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/sizing"
)

// FindGPU finds a GPU by the catalogue's name or the maker's, whatever the spelling; memory, where it is given, is
// used instead of the catalogue's. A name that is not in the catalogue needs it. Note is what was guessed.
func FindGPU(name string, memoryGiB float64) (gpu sizing.GPU, note string, err error) {
	if name == "" {
		if memoryGiB == 0 {
			return gpu, "", fmt.Errorf("which GPU? --gpu NAME or --gpu-memory-gib N")
		}
		gpu = guess(memoryGiB)
		if gpu.Name == "" {
			return gpu, "the GPU is not named: its generation is taken from its memory", nil
		}
		return gpu, fmt.Sprintf("the GPU is not named: %.2f GiB is what an %s shows; --gpu says otherwise", memoryGiB, gpu.Name), nil
	}
	found, ok, err := lookUp(name)
	switch {
	case err != nil:
		return gpu, "", err
	case !ok && memoryGiB == 0:
		return gpu, "", fmt.Errorf("GPU %q is not in the catalogue (%s); give what CUDA shows of its memory with --gpu-memory-gib", name, strings.Join(gpuNames(), ", "))
	case !ok:
		return sizing.GPU{Name: name, MemoryGiB: memoryGiB, Vendor: "nvidia"}, "", nil
	}
	gpu = found.GPU()
	if memoryGiB > 0 {
		gpu.MemoryGiB = memoryGiB
	}
	return gpu, "", nil
}

// lookUp compares letters and digits with the names in the catalogue, the makers', and those that GPU feature
// discovery labels nodes with: "NVIDIA A100-SXM4-80GB" is a100-80gb.
func lookUp(name string) (catalog.Accelerator, bool, error) {
	accelerators, err := catalog.Accelerators()
	if err != nil {
		return catalog.Accelerator{}, false, err
	}
	wanted := letters(name)
	for _, want := range []string{wanted, memorySuffix.ReplaceAllString(wanted, "")} {
		for _, a := range accelerators {
			if a.MemoryGiB > 0 && slices.ContainsFunc(spellings(a), func(s string) bool { return letters(s) == want }) {
				return a, true, nil
			}
		}
	}
	return catalog.Accelerator{}, false, nil
}

// memorySuffix is what some write behind the name of a device that there is with one size of memory only: H100 SXM5 80GB.
var memorySuffix = regexp.MustCompile(`(sxm\d?|pcie)?(\d\d\d?gb)?$`)

func spellings(a catalog.Accelerator) []string {
	names := []string{a.Name, a.Product, strings.TrimPrefix(a.Product, "NVIDIA "), strings.TrimPrefix(a.Product, "AMD Instinct ")}
	for _, term := range a.Nodes {
		for _, label := range term {
			if label.Key == "nvidia.com/gpu.product" || label.Key == "amd.com/gpu.product-name" {
				names = append(names, label.Values...)
			}
		}
	}
	return names
}

func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

func gpuNames() []string {
	accelerators, err := catalog.Accelerators()
	if err != nil {
		return nil
	}
	var names []string
	for _, a := range accelerators {
		if a.MemoryGiB > 0 {
			names = append(names, a.Name)
		}
	}
	return names
}

// guess names the GPU that shows so much memory: an A100 is the one that matters, as the engine batches less on it.
func guess(memoryGiB float64) sizing.GPU {
	gpu := sizing.GPU{MemoryGiB: memoryGiB, Vendor: "nvidia"}
	for _, known := range []struct {
		low, high float64
		name      string
	}{
		{21.9, 22.3, "l4"}, {39.2, 39.8, "a100-40gb"}, {44.2, 44.7, "l40s"}, {79.14, 79.165, "a100-80gb"}, {79.21, 79.45, "a100-80gb"},
		{78.9, 80, "h100"}, {139, 141.5, "h200"}, {177, 180, "b200"},
	} {
		if memoryGiB >= known.low && memoryGiB <= known.high {
			gpu.Name = known.name
			break
		}
	}
	return gpu
}
