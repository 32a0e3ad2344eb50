package sizing

import (
	"cmp"
	"math"
	"slices"
)

// Machine is a kind of host with devices.
type Machine struct {
	Name string
	GPU  GPU
	// Devices is how many it has.
	Devices int64
	Speed   Speed
	// PerHour is its price, 0 where it is unknown.
	PerHour float64
}

// Choice is a machine that holds a replica, and how.
type Choice struct {
	Machine                          Machine
	TensorParallel, PipelineParallel int64
	// Replicas that one machine holds.
	Replicas int64
	Result   *Result
	// Capacity of one replica for the load; Known is false where the device's speed is not.
	Capacity Capacity
	Known    bool
	// Machines that the load needs, at least one; PerHour what they cost together, 0 where the price is unknown or the
	// number of machines.
	Machines int64
	PerHour  float64
	// PerMillion is the price of a million tokens put out by machines that are never idle, 0 for unknown.
	PerMillion float64
}

// Choices lists the machines that hold the model for the load, each in its best layout, the cheapest first and those
// without a price last. Settings carry version and flags; GPUs are tried, and tensor and pipeline sizes where they are 0.
// Where the load has a rate or a limit, a machine whose speed is unknown is none.
func Choices(a *Architecture, w Weights, s Settings, machines []Machine, l Load) []Choice {
	var out []Choice
	for _, m := range machines {
		if best, ok := s.bestOn(a, w, m, l); ok {
			out = append(out, best)
		}
	}
	slices.SortStableFunc(out, func(x, y Choice) int {
		if (x.PerHour > 0) != (y.PerHour > 0) {
			if x.PerHour > 0 {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(x.PerHour, y.PerHour), cmp.Compare(x.PerMillion, y.PerMillion), cmp.Compare(x.Machine.Name, y.Machine.Name))
	})
	return out
}

// bestOn tries the layouts of one machine: few machines first, then much capacity. Stages are tried only where tensor
// parallelism alone does not do.
func (s Settings) bestOn(a *Architecture, w Weights, m Machine, l Load) (best Choice, ok bool) {
	for _, sizes := range layoutsOf(m.Devices, s.TensorParallel) {
		for _, size := range sizes {
			if s.PipelineParallel > 0 && s.PipelineParallel != size[1] {
				continue
			}
			c, fits := s.choice(a, w, m, size, l)
			if fits && (!ok || c.better(best)) {
				best, ok = c, true
			}
		}
		if ok {
			break
		}
	}
	return best, ok
}

func (c Choice) better(than Choice) bool {
	return cmp.Or(cmp.Compare(than.Machines, c.Machines), cmp.Compare(c.output(), than.output()), cmp.Compare(than.TensorParallel, c.TensorParallel)) > 0
}

// output is what a machine puts out at most.
func (c Choice) output() float64 { return c.Capacity.TokensPerSecond * float64(c.Replicas) }

// layoutsOf are tensor and pipeline sizes within a machine, in powers of two unless the tensor size is given: those
// without stages, then those with.
func layoutsOf(devices, given int64) [2][][2]int64 {
	var sizes [2][][2]int64
	for tensor := max(given, 1); tensor <= devices; tensor *= 2 {
		sizes[0] = append(sizes[0], [2]int64{tensor, 1})
		for stage := int64(2); tensor*stage <= devices; stage *= 2 {
			sizes[1] = append(sizes[1], [2]int64{tensor, stage})
		}
		if given > 0 {
			break
		}
	}
	return sizes
}

func (s Settings) choice(a *Architecture, w Weights, m Machine, size [2]int64, l Load) (Choice, bool) {
	s.GPU, s.TensorParallel, s.PipelineParallel = m.GPU, size[0], size[1]
	r, err := Estimate(a, w, s)
	if err != nil || !r.Fits || l.Context() > float64(r.MaxModelLen) {
		return Choice{}, false
	}
	c := Choice{Machine: m, TensorParallel: size[0], PipelineParallel: size[1], Replicas: m.Devices / (size[0] * size[1]), Result: r, Machines: 1}
	c.Capacity, c.Known = r.Capacity(a, m.Speed, l)
	if !c.Known && l.limited() {
		return Choice{}, false
	}
	if c.Known {
		if c.Capacity.Replicas == 0 {
			return Choice{}, false
		}
		c.Machines = int64(math.Ceil(c.Capacity.Replicas / float64(c.Replicas)))
	}
	c.PerHour = m.PerHour * float64(c.Machines)
	if output := c.output(); output > 0 {
		c.PerMillion = m.PerHour / (output * 3600) * 1e6
	}
	return c, true
}

// Capacity estimates what the replica does for a load; known is false where the device's speed is not.
func (r *Result) Capacity(a *Architecture, speed Speed, l Load) (c Capacity, known bool) {
	roofline, known := NewRoofline(a, r, speed)
	if !known {
		return Capacity{}, false
	}
	return roofline.Capacity(l, min(float64(r.KVTokens)/max(l.Context(), 1), float64(r.Settings.MaxSequences))), true
}
