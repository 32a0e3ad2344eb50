// Package sizing computes what a model needs. It is pure: no files, no cluster, no clock.
package sizing

import (
	"fmt"
	"time"
)

const (
	// LoadBytesPerSecond is the assumed rate at which a server reads weights: the baseline throughput of an
	// Amazon EBS gp3 volume, 125 MiB/s, which is what a node's root disk has unless one pays for more.
	// https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html
	LoadBytesPerSecond = 125 << 20

	// EngineStart is what vLLM itself allows its engine for everything but reading weights (compilation,
	// profiling, graph capture): VLLM_ENGINE_READY_TIMEOUT_S, 600 s since 0.14.0 (vllm/envs.py).
	EngineStart = 600 * time.Second

	// UnknownLoad is the time to read the weights of a model whose size is not in the catalogue. With EngineStart
	// it is the budget of KServe's own runtime, 60 probes 30 s apart (config/runtimes/kserve-vllmserver.yaml).
	UnknownLoad = 20 * time.Minute

	// step is what budgets are rounded up to.
	step = 10 * time.Second
)

// Startup is how long a replica may take from its container's start to its first answer.
type Startup struct {
	Budget time.Duration
	// Why is one line for people: the inputs of the figure.
	Why string
}

// StartupFor returns the budget for a model of that many bytes, 0 for unknown, on an engine that takes engineStart
// for everything but reading them, 0 for EngineStart. Over several nodes each reads its share, and all wait for the last,
// which may come with an empty disk.
func StartupFor(weights int64, nodes int, engineStart time.Duration) Startup {
	if engineStart == 0 {
		engineStart = EngineStart
	}
	load, why := UnknownLoad, "20 min to load (the catalogue does not know the size of this model)"
	if weights > 0 {
		share := weights / int64(max(nodes, 1))
		load = seconds(share)
		why = fmt.Sprintf("%.1f GiB at 125 MiB/s (the slowest usual disk: EBS gp3)", float64(share)/(1<<30))
	}
	if nodes > 1 {
		image := seconds(ImageBytes)
		why = fmt.Sprintf("on each of %d nodes %s + %d s for the image of the last of them", nodes, why, int(image.Seconds()))
		load += image
	}
	budget := (load + engineStart + step - 1).Truncate(step)
	return Startup{
		Budget: budget,
		Why:    fmt.Sprintf("%s + %d s engine start = %d s", why, int(engineStart.Seconds()), int(budget.Seconds())),
	}
}

// ImageBytes is what the node writes of vLLM's image: 12 GB that come (vllm#27154) and 28.6 GB that they unpack to
// (vllm#22377).
const ImageBytes = 40_600_000_000

// RolloutFor returns how long it may take from an object in the cluster to a replica that answers, on a node that is
// there and has nothing of it yet: its image, the weights where they come over the network, and the start. fetched is the
// bytes of weights that are fetched, 0 for none and -1 for unknown.
func RolloutFor(start Startup, fetched int64) Startup {
	image := seconds(ImageBytes)
	fetch, what := time.Duration(0), ""
	switch {
	case fetched < 0:
		fetch, what = UnknownLoad, fmt.Sprintf(" + %d s to fetch weights of unknown size", int(UnknownLoad.Seconds()))
	case fetched > 0:
		fetch = seconds(fetched)
		what = fmt.Sprintf(" + %d s to fetch weights at that rate", int(fetch.Seconds()))
	}
	budget := (image + fetch + start.Budget + step - 1).Truncate(step)
	return Startup{
		Budget: budget,
		Why:    fmt.Sprintf("%d s for the image at 125 MiB/s%s + %d s start-up budget", int(image.Seconds()), what, int(start.Budget.Seconds())),
	}
}

func seconds(bytes int64) time.Duration {
	return time.Duration((bytes+LoadBytesPerSecond-1)/LoadBytesPerSecond) * time.Second
}
