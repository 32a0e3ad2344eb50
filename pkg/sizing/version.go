package sizing

import (
	"fmt"
	"strconv"
	"strings"
)

// Version is a release of vLLM.
type Version struct{ Major, Minor, Patch int }

// ParseVersion reads v0.33.0, 0.33.0 or 0.11; what follows the numbers (.post1, rc1, +cu128) is left aside.
func ParseVersion(s string) (Version, error) {
	var numbers [3]int
	parts := strings.SplitN(strings.TrimPrefix(strings.TrimSpace(s), "v"), ".", 4)
	if len(parts) < 2 {
		return Version{}, fmt.Errorf("vLLM version %q: want a release such as 0.33.0", s)
	}
	for i := range min(len(parts), 3) {
		digits := parts[i]
		if end := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
			digits = digits[:end]
		}
		n, err := strconv.Atoi(digits)
		if err != nil || n > 9999 {
			return Version{}, fmt.Errorf("vLLM version %q: want a release such as 0.33.0", s)
		}
		numbers[i] = n
	}
	return Version{numbers[0], numbers[1], numbers[2]}, nil
}

func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch) }

// atLeast says whether v is 0.minor.patch or later.
func (v Version) atLeast(minor, patch int) bool {
	if v.Major != 0 {
		return v.Major > 0
	}
	return v.Minor > minor || v.Minor == minor && v.Patch >= patch
}

// Unread says whether the release came after the newest whose code the figures come from, 0.33. Its patches count as read.
func (v Version) Unread() bool { return v.atLeast(34, 0) }

// firstEngine says whether the first engine (V0) serves: alone before 0.8.0, and until 0.10.1 for what the second could not
// do yet (engine/arg_utils.py, _is_v1_supported_oracle).
func (s Settings) firstEngine() bool {
	v := s.Version
	switch {
	case !v.atLeast(8, 0):
		return true
	case v.atLeast(10, 2):
		return false
	case s.GPU.old():
		return true
	case strings.HasPrefix(s.KVCacheDType, "fp8") && s.GPU.Vendor != "amd" && !s.GPU.attendsIn8Bit(v):
		return true
	case v.atLeast(9, 0):
		return false
	}
	return s.GPU.Vendor == "amd" || s.PipelineParallel > 1 || s.DraftLayers > 0
}
