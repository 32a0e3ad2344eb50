package lifecycle

import (
	"regexp"
	"strconv"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

// readyDefault is how long vLLM's server waits for its engine, in seconds (VLLM_ENGINE_READY_TIMEOUT_S).
const readyDefault = 600

// presetStartup is what the startup probe of KServe's preset for LLMInferenceServices allows, in seconds
// (config/llmisvcconfig/config-llm-template.yaml).
const presetStartup = 600

func engineTimeout() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0805", Name: "engine-gives-up-first", Level: finding.Warning,
			Summary: "vLLM waits for its engine as long as the startup probe does.",
			Why: "From 0.14 on vLLM's server stops when its engine isn't ready within VLLM_ENGINE_READY_TIMEOUT_S, 600 s by default. " +
				"A startup probe that allows more has no effect then. Where the variable is set and the probe allows less, the kubelet kills a server that was to be waited for, again and again.",
			How:   "Set VLLM_ENGINE_READY_TIMEOUT_S to the probe's budget in seconds.",
			Refs:  []string{"vllm: vllm/envs.py (VLLM_ENGINE_READY_TIMEOUT_S)"},
			Kinds: rule.ServerKinds(),
		},
		Check: func(c *rule.Context) {
			vllmPods(c, func(w *rule.Workload, main rule.Container) {
				if version, ok := rule.VLLMVersion(main); ok && version.Before(rule.Version{Minor: 14}) {
					return
				}
				startup := main.Field("startupProbe")
				if startup.Found() && !whole(w, startup) {
					return
				}
				if patience, chosen, ok := patienceOf(main); ok {
					compareBudgets(c, w, main, patience, chosen)
				}
			})
		},
	}
}

// patienceOf is how long vLLM waits for its engine, and whether the variable says so; not ok where that is no number.
func patienceOf(main rule.Container) (patience int64, chosen, ok bool) {
	value := main.Env("VLLM_ENGINE_READY_TIMEOUT_S").Field("value")
	if !value.Found() {
		return readyDefault, false, true
	}
	n, err := strconv.ParseInt(value.Scalar(), 10, 32)
	return n, true, err == nil
}

func compareBudgets(c *rule.Context, w *rule.Workload, main rule.Container, patience int64, chosen bool) {
	startup := main.Field("startupProbe")
	switch budget := window(startup); {
	case w.Preset && !startup.Found():
		if chosen && patience != presetStartup {
			c.Report(main.Env("VLLM_ENGINE_READY_TIMEOUT_S"), "the startup probe of KServe's preset allows %d s, and vLLM would wait for %d", presetStartup, patience)
		}
	case budget > patience:
		c.Report(startup, "the probe allows %d s, and vLLM gives up after %d", budget, patience)
	case chosen && startup.Found() && budget < patience:
		c.Report(startup, "the probe allows %d s, and vLLM would wait for %d", budget, patience)
	}
}

func graceTooShort() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0806", Name: "grace-shorter-than-drain", Level: finding.Warning,
			Summary: "The grace period covers the preStop hook and vLLM's drain.",
			Why: "The kubelet sends SIGKILL when terminationGracePeriodSeconds end, counted from before the preStop hook. Streams that vLLM is still draining are cut. " +
				"The default is 30 s.",
			How:   "Set spec.predictor.terminationGracePeriodSeconds to the hook's seconds plus --shutdown-timeout plus 15.",
			Refs:  []string{"vllm: vllm/entrypoints/launcher.py", "kubernetes: docs/concepts/workloads/pods/pod-lifecycle"},
			Kinds: rule.ServerKinds(),
		},
		Check: func(c *rule.Context) {
			vllmPods(c, func(w *rule.Workload, main rule.Container) {
				flag, _ := rule.FindFlag(main, "shutdown-timeout")
				drain, err := strconv.ParseInt(flag.Value, 10, 32)
				if err != nil {
					drain = 0
				}
				need := drain + sleeps(main.Field("lifecycle", "preStop"))
				grace := w.PodField("terminationGracePeriodSeconds")
				if has := grace.IntOr(defaultGrace(w)); need > 0 && has < need {
					at := grace
					if !grace.Found() {
						at = w.Pod
					}
					c.Report(at, "the pod is killed after %d s, and it needs %d to stop", has, need)
				}
			})
		},
	}
}

func drainAtOnce() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0810", Name: "drain-before-routes-know", Level: finding.Warning,
			Summary: "vLLM that drains is first taken out of the routes.",
			Why: "The kubelet sends SIGTERM while gateways and sidecars are still told that the pod goes. From then on vLLM finishes what it has, for --shutdown-timeout seconds, " +
				"and aborts what is new: its listener stays open, so requests that still arrive fail, and no retry of connections helps them.",
			How: "Add lifecycle.preStop.sleep with 15 seconds to the container; the grace period counts them.",
			Refs: []string{
				"vllm: vllm/entrypoints/launcher.py", "vllm: vllm/v1/engine/core.py (shutdown)",
				"kubernetes: docs/concepts/workloads/pods/pod-lifecycle (pod termination flow)",
			},
			Kinds: rule.ServerKinds(),
		},
		Check: func(c *rule.Context) {
			vllmPods(c, func(w *rule.Workload, main rule.Container) {
				flag, given := rule.FindFlag(main, "shutdown-timeout")
				seconds, err := strconv.ParseInt(flag.Value, 10, 32)
				if given && err == nil && seconds > 0 && !w.Preset && !w.Silent() && !main.Field("lifecycle", "preStop").Found() {
					c.Report(main.Strongest(), "it drains for %d s from SIGTERM on, and requests that arrive meanwhile are aborted", seconds)
				}
			})
		},
	}
}

func severalServers() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0812", Name: "servers-do-not-drain", Level: finding.Warning,
			Summary: "vLLM that drains has one API server.",
			Why: "With --api-server-count over 1, and so with --data-parallel-size, whose number is its default, the engines belong to another process than the servers. " +
				"On SIGTERM each server closes its connections to them at once: --shutdown-timeout holds for the engines, and every stream is cut.",
			How: "Set --api-server-count=1, or suppress this where one process is too slow for the tokens of all engines and cut streams are accepted.",
			Refs: []string{
				"vllm: vllm/entrypoints/cli/serve.py (api_server_count)", "vllm: vllm/v1/engine/core_client.py (MPClient.shutdown), 0.18.1 to 0.33.0",
			},
			Kinds: rule.ServerKinds(),
		},
		Check: func(c *rule.Context) {
			vllmPods(c, func(_ *rule.Workload, main rule.Container) {
				if drain, _ := number(main, "shutdown-timeout"); drain == 0 {
					return
				}
				servers, at := number(main, "api-server-count")
				if !at.Found() {
					servers, at = number(main, "data-parallel-size")
				}
				if servers > 1 && !balancedElsewhere(main) {
					c.Report(at, "vLLM starts %d API servers, and none waits for its streams", servers)
				}
			})
		},
	}
}

// number is the value of a flag and where it stands; 0 where it is left out or no number.
func number(main rule.Container, name string) (int64, rule.Value) {
	flag, _ := rule.FindFlag(main, name)
	n, err := strconv.ParseInt(flag.Value, 10, 32)
	if err != nil {
		return 0, flag.At
	}
	return n, flag.At
}

// balancedElsewhere says whether this vLLM takes requests for the engines of its own node alone, or none: the number of its
// servers is another then.
func balancedElsewhere(main rule.Container) bool {
	for _, name := range []string{"headless", "data-parallel-rank", "data-parallel-external-lb", "data-parallel-hybrid-lb", "data-parallel-start-rank", "data-parallel-multi-port-external-lb"} {
		if _, given := rule.FindFlag(main, name); given {
			return true
		}
	}
	return false
}

// defaultGrace is the grace period of pods that say none: Kubernetes' 30 s, or the 60 s of KServe's preset.
func defaultGrace(w *rule.Workload) int64 {
	if w.Preset {
		return 60
	}
	return 30
}

var sleep = regexp.MustCompile(`\bsleep (\d{1,6})\b`)

// sleeps is how many seconds a preStop hook waits, as far as it can be seen.
func sleeps(hook rule.Value) int64 {
	if n, ok := hook.Field("sleep", "seconds").Int(); ok {
		return bounded(n)
	}
	text := ""
	for _, word := range hook.Field("exec", "command").Strings() {
		text += word + " "
	}
	if match := sleep.FindStringSubmatch(text); match != nil {
		n, _ := strconv.ParseInt(match[1], 10, 64)
		return n
	}
	return 0
}

func serviceLinks() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0807", Name: "service-named-vllm", Level: finding.Error,
			Summary: "No Service beside vLLM's pods is named vllm, or they don't get variables of Services.",
			Why: "Kubernetes gives every pod variables for the Services of its namespace: one named vllm sets VLLM_PORT to tcp://…, " +
				"and vLLM takes that for its own setting and stops.",
			How:   "Set enableServiceLinks: false in spec.predictor, or rename the Service.",
			Refs:  []string{"vllm: vllm/envs.py (VLLM_PORT)"},
			Kinds: rule.ServerKinds(rule.Service),
		},
		Check: func(c *rule.Context) {
			for _, service := range c.Objects(rule.Service) {
				if service.Name != "vllm" {
					continue
				}
				vllmPods(c, func(w *rule.Workload, main rule.Container) {
					if w.Namespace == service.Namespace && !w.PodField("enableServiceLinks").Is(false) && !main.Env("VLLM_PORT").Found() {
						c.Report(service.Field("metadata", "name"), "the pods of %s get VLLM_PORT=tcp://… and stop", w.Object)
					}
				})
			}
		},
	}
}
