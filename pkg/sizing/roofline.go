package sizing

import "math"

// Speed is what one device can do at most, as its maker says; 0 where that is unknown.
type Speed struct {
	// Bandwidth of the memory in bytes a second.
	Bandwidth float64
	// Operations a second on matrices of 16 and of 8 bit, without sparsity.
	Operations16, Operations8 float64
}

const (
	// reachedBandwidth and reachedOperations are the shares of a maker's figures that a server reaches: assumed.
	reachedBandwidth, reachedOperations = 0.7, 0.5
	// exchange is what the two all-reduces of a layer take at least where a model is split over devices: assumed.
	exchange = 20e-6
	// busy is the share of its time that a replica may be busy before queues grow without bound in practice: assumed.
	busy = 0.8
)

// Roofline estimates how fast a replica is: a step takes as long as the slower of reading weights and cache, and of
// multiplying. It is an estimate for comparing devices, no measurement.
type Roofline struct {
	a        *Architecture
	settings Settings
	speed    Speed
	// weights is the bytes of one GPU, kvBytesPerToken those of a token.
	weights, kvBytesPerToken float64
}

// NewRoofline takes a plan that fits. It returns false where the device's speed is unknown.
func NewRoofline(a *Architecture, r *Result, speed Speed) (*Roofline, bool) {
	if speed.Bandwidth <= 0 || speed.Operations16 <= 0 {
		return nil, false
	}
	if served, err := r.Settings.served(a); err == nil {
		a = served
	}
	return &Roofline{a: a, settings: r.Settings, speed: speed, weights: r.Weights.Value, kvBytesPerToken: r.KVBytesPerToken.Value}, true
}

// with counts the model with so many experts in every sparse layer: bytes on one GPU, and elements in all.
func (f *Roofline) with(experts float64) (bytes, elements float64) {
	model := *f.a
	model.Experts = int64(math.Ceil(experts))
	if f.a.MoE() {
		model.Experts = max(model.Experts, 2)
	}
	stage := f.settings
	stage.PipelineParallel = 1
	bytes = stage.stageWeights(&model, 0, model.Kinds, 0).gpu
	model.Quantisation = Quantisation{}
	model.DraftLayers = 0
	return bytes, stage.fileWeights(&model) / 2
}

// read is the share of the weights that a step of so many tokens reads: experts that no token goes to stay unread.
func (f *Roofline) read(tokens float64) float64 {
	if !f.a.MoE() {
		return 1
	}
	e, k := float64(f.a.Experts), float64(f.a.ExpertsPerToken)
	touched := e * (1 - math.Pow(1-min(k/e, 1), max(tokens, 1)))
	part, _ := f.with(touched)
	all, _ := f.with(e)
	return min(part/all, 1)
}

// operations is how many a token takes on one GPU: two for each weight that it passes through.
func (f *Roofline) operations() float64 {
	_, elements := f.with(float64(max(f.a.ExpertsPerToken, 1)))
	return 2 * elements / float64(f.settings.TensorParallel*f.settings.PipelineParallel)
}

func (f *Roofline) peak() float64 {
	if f.a.Quantisation.Bits > 0 && f.a.Quantisation.Bits <= 8 && f.speed.Operations8 > 0 {
		return f.speed.Operations8
	}
	return f.speed.Operations16
}

// Step is the seconds between two tokens of a sequence, with so many sequences of that length at once.
func (f *Roofline) Step(sequences, context float64) float64 {
	bytes := f.weights*f.read(sequences) + sequences*context*f.kvBytesPerToken
	reading := bytes / (f.speed.Bandwidth * reachedBandwidth)
	multiplying := sequences * f.operations() / (f.peak() * reachedOperations)
	step := max(reading, multiplying)
	// Stages work one after the other on a token.
	step *= float64(f.settings.PipelineParallel)
	if f.settings.TensorParallel > 1 {
		step += float64(f.a.Layers) * exchange
	}
	return step
}

// Prefill is the seconds until a prompt of so many tokens is read, alone.
func (f *Roofline) Prefill(tokens float64) float64 {
	multiplying := tokens * f.operations() / (f.peak() * reachedOperations)
	reading := f.weights * f.read(tokens) / (f.speed.Bandwidth * reachedBandwidth)
	return max(multiplying, reading) * float64(f.settings.PipelineParallel)
}

// Load is what is asked of all replicas together; limits of 0 are none.
type Load struct {
	// Requests a second, with so many tokens in and out.
	Requests, Input, Output float64
	// FirstToken and NextToken are the longest waits for them in seconds.
	FirstToken, NextToken float64
}

// Context is the tokens of a sequence at its end.
func (l Load) Context() float64 { return l.Input + l.Output }

// average is the tokens of a sequence on average: its prompt and half of its answer.
func (l Load) average() float64 { return l.Input + l.Output/2 }

// limited says whether the load asks for more than room.
func (l Load) limited() bool { return l.Requests > 0 || l.FirstToken > 0 || l.NextToken > 0 }

// Capacity is what one replica does for a load.
type Capacity struct {
	// Sequences at once, within the cache and the wait for the next token.
	Sequences float64
	// Requests a second when it is never idle, TokensPerSecond what they put out.
	Requests, TokensPerSecond float64
	// FirstToken and NextToken are the waits in seconds, with as many replicas as the load needs; without a rate, with one
	// that is as busy as it may be.
	FirstToken, NextToken float64
	// Replicas that the load needs: each is busy for at most 80 % of the time, and prompts do not queue for longer than the
	// wait for the first token allows. 1 where no rate is given, 0 where a limit cannot be kept by any number.
	Replicas float64

	// prefill is the seconds that a prompt takes alone.
	prefill float64
}

// Capacity estimates what a replica does. most is how many sequences the cache holds and the engine takes.
func (f *Roofline) Capacity(l Load, most float64) Capacity {
	most = f.sequences(l, most)
	if most < 1 {
		return Capacity{}
	}
	// More sequences at once put out more, and prompts wait longer for the step that runs: the best is where both allow
	// the same rate.
	low, high := 1.0, most
	for low < high {
		middle := math.Floor((low + high) / 2)
		if c := f.atOnce(l, middle); busy*c.Requests >= c.promptRate(l) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	best := f.atOnce(l, high)
	if high > 1 {
		if fewer := f.atOnce(l, high-1); fewer.rate(l) > best.rate(l) {
			best = fewer
		}
	}
	return best.serve(l)
}

// atOnce is a replica with so many sequences, before any queue.
func (f *Roofline) atOnce(l Load, sequences float64) Capacity {
	c := Capacity{Sequences: sequences, NextToken: f.Step(sequences, l.average()), prefill: f.Prefill(l.Input)}
	// A replica alternates: it reads a prompt, and the sequences that run wait for it.
	c.Requests = 1 / (c.prefill + l.Output*c.NextToken/sequences)
	c.TokensPerSecond = c.Requests * l.Output
	return c
}

// rate is the most requests a second that the replica may get, 0 where a prompt waits too long even alone.
func (c Capacity) rate(l Load) float64 { return max(min(busy*c.Requests, c.promptRate(l)), 0) }

// promptRate is the most prompts a second whose first token comes in time: a prompt waits for the step that runs, and for
// others before it, as in an M/M/1 queue, where it takes prefill / (1 − rate × prefill).
func (c Capacity) promptRate(l Load) float64 {
	if l.FirstToken == 0 {
		return math.Inf(1)
	}
	return (1 - c.prefill/max(l.FirstToken-c.NextToken, 0)) / c.prefill
}

// serve adds the replicas that the load needs and the wait that is left then.
func (c Capacity) serve(l Load) Capacity {
	rate := c.rate(l)
	if rate == 0 {
		c.FirstToken = c.prefill + c.NextToken
		return c
	}
	c.Replicas = max(math.Ceil(l.Requests/rate), 1)
	if l.Requests > 0 {
		rate = l.Requests / c.Replicas
	}
	c.FirstToken = c.prefill/(1-rate*c.prefill) + c.NextToken
	return c
}

// sequences is the most that keep the wait for the next token.
func (f *Roofline) sequences(l Load, most float64) float64 {
	most = math.Floor(most)
	if l.NextToken == 0 || most < 1 {
		return most
	}
	low, high := 0.0, most
	for low < high {
		middle := math.Ceil((low + high) / 2)
		if f.Step(middle, l.average()) <= l.NextToken {
			low = middle
		} else {
			high = middle - 1
		}
	}
	return low
}
