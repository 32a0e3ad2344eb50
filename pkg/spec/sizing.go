package spec

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/kservegen/kservegen/pkg/sizing"
	"github.com/kservegen/kservegen/runtimes"
)

// OnGPU reports whether the runtime is vLLM on GPUs, which the memory estimate is of.
func (r Runtime) OnGPU() bool { return r.Name == "vllm-cuda" || r.Name == "vllm-rocm" }

// Sizing is the revision in the terms of the memory estimate: device, parallelism, release and flags of vLLM, and what was
// measured beside the weights. The error says what of it makes no sense.
func (r RevisionTarget) Sizing() (sizing.Settings, error) {
	s := sizing.Settings{
		GPU: r.Accelerator.GPU(), TensorParallel: int64(r.TensorParallel), PipelineParallel: int64(r.PipelineParallel),
		DataParallel: int64(r.DataParallel), MaxModelLen: int64(r.MaxModelLen),
	}
	if err := r.Runtime.size(&s, r.Args); err != nil {
		return s, err
	}
	if m := r.Model.Measured; m != nil {
		s.OtherBytes = int64(m.OtherGiB.bytes())
	}
	return s, nil
}

// Weigh is the weights with what was measured of them.
func (m Model) Weigh(w sizing.Weights) sizing.Weights {
	if m.Measured != nil {
		w.MeasuredBytes = m.Measured.WeightsGiB.bytes()
	}
	return w
}

// bytes of a number of GiB, 0 where it is none, which checkMeasured reports.
func (t Text) bytes() float64 {
	n, err := strconv.ParseFloat(string(t), 64)
	if err != nil {
		return 0
	}
	return n * (1 << 30)
}

// size takes release and flags over.
func (r Runtime) size(s *sizing.Settings, args map[string]Arg) error {
	var err error
	if s.Version, err = sizing.ParseVersion(r.tag()); err != nil {
		return fmt.Errorf("which release the image has is not known: %w", err)
	}
	for _, flag := range slices.Sorted(maps.Keys(args)) {
		if err := s.ApplyFlag(flag, args[flag].text()); err != nil {
			return err
		}
	}
	return nil
}

// tag of the image that runs.
func (r Runtime) tag() string {
	if r.Version != "" {
		return r.Version
	}
	image := r.Image
	if image == "" {
		image = runtimes.Image(r.Name)
	}
	image, _, _ = strings.Cut(image, "@")
	return image[strings.LastIndexByte(image, ':')+1:]
}

// text is the value as on a command line; a switch says whether it is on.
func (a Arg) text() string {
	if a.Bool != nil {
		return strconv.FormatBool(*a.Bool)
	}
	return a.String()
}
