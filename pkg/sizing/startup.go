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

	// UnknownStartup is the budget for a model whose size is not in the catalogue: that of KServe's own
	// runtime, 60 probes 30 s apart (config/runtimes/kserve-vllmserver.yaml).
	UnknownStartup = 30 * time.Minute
)

// Startup is how long a replica may take from its container's start to its first answer.
type Startup struct {
	Budget time.Duration
	// Why is one line for people: the inputs of the figure.
	Why string
}

// StartupFor returns the budget for a model of that many bytes; 0 bytes means unknown.
func StartupFor(weights int64) Startup {
	if weights <= 0 {
		return Startup{Budget: UnknownStartup, Why: "30 min: the size of this model is not in the catalogue"}
	}
	load := time.Duration(weights/LoadBytesPerSecond+1) * time.Second
	budget := (load + EngineStart).Round(10 * time.Second)
	return Startup{
		Budget: budget,
		Why: fmt.Sprintf("%.1f GiB at 125 MiB/s (EBS gp3 baseline) + %d s engine start = %d s",
			float64(weights)/(1<<30), int(EngineStart.Seconds()), int(budget.Seconds())),
	}
}
