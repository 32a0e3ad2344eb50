package lifecycle

import (
	"slices"
	"strconv"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func livenessBeforeLoad() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0801", Name: "liveness-kills-loading", Level: finding.Error,
			Summary: "A liveness probe waits until the model is loaded.",
			Why: "vLLM refuses connections while it loads, which takes minutes. Without a startup probe the liveness probe begins at once, " +
				"and the container is killed and starts over, for ever.",
			How:   "Add a startupProbe on the same path whose failureThreshold times periodSeconds covers the loading.",
			Refs:  []string{"kserve#5062", "vllm: vllm/entrypoints/launcher.py"},
			Kinds: rule.ServerKinds(),
		},
		Check: func(c *rule.Context) {
			vllmPods(c, func(w *rule.Workload, main rule.Container) {
				liveness := main.Field("livenessProbe")
				if liveness.Found() && !w.Preset && !main.Field("startupProbe").Found() && window(liveness) < 600 {
					c.Report(liveness, "the container is killed after %d s, whether the model is loaded or not", window(liveness))
				}
			})
		},
	}
}

func readinessByTCP() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0803", Name: "readiness-by-connection", Level: finding.Warning,
			Summary: "vLLM's readiness is asked over HTTP.",
			Why: "Without a readiness probe KServe adds one that opens a TCP connection to the first container port, or to 8080, and a pod that isn't KServe's gets requests while the model loads. A server whose engine died accepts connections still " +
				"and answers /health with 503, so it stays in the Service.",
			How:   "Add a readinessProbe with httpGet /health.",
			Refs:  []string{"kserve: pkg/controller/v1beta1/inferenceservice/reconcilers/deployment/deployment_reconciler.go (setDefaultPodSpec)"},
			Kinds: rule.ServerKinds(),
		},
		Check: func(c *rule.Context) {
			vllmPods(c, func(w *rule.Workload, main rule.Container) {
				probe := main.Field("readinessProbe")
				if !probe.Found() && w.Predictor != nil {
					c.Report(main.Strongest(), "KServe adds a readiness probe that only opens a connection")
				} else if !probe.Found() && !w.Preset && !w.Silent() {
					c.Report(main.Strongest(), "without a readiness probe the pod gets requests while vLLM loads")
				} else if tcp := probe.Field("tcpSocket"); tcp.Found() && !w.Preset { // of a preset KG0249 says more
					c.Report(tcp, "a server whose engine died still accepts connections")
				}
			})
		},
	}
}

func probePort() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0804", Name: "probe-on-other-port", Level: finding.Error,
			Summary: "Probes ask a port that the container listens on.",
			Why:     "A probe on a port that nothing listens on fails for ever: the pod never gets ready, or is killed again and again.",
			How:     "Use the name or number of a container port.",
			Refs:    []string{"kubernetes: docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes"},
			Kinds:   rule.WorkloadKinds(),
		},
		Check: func(c *rule.Context) {
			for _, workload := range c.Workloads() {
				page, is := workload.ChatPage()
				for _, container := range workload.Containers {
					if workload.Known() {
						checkProbes(c, container, is && page.Alone())
					}
				}
			}
		},
	}
}

func checkProbes(c *rule.Context, container rule.Container, page bool) {
	ports := listens(container)
	// A server may listen on a number that nobody declares; of vLLM, of the chat's page, and of what is told --port, it is known.
	_, told := rule.FindFlag(container, "port")
	named := !rule.IsVLLM(container) && !told && !page
	served := servedByVLLM(container)
	for _, probe := range []string{"startupProbe", "livenessProbe", "readinessProbe"} {
		for _, kind := range []string{"httpGet", "tcpSocket", "grpc"} {
			port := container.Field(probe, kind, "port")
			if len(ports) > 0 && port.Scalar() != "" && (port.IsText() || !named) && !slices.Contains(ports, port.Scalar()) {
				c.Report(port, "the container declares no port %s", port.Scalar())
			} else if number := numberOf(container, port); kind == "httpGet" && served != "" && number != "" && number != served {
				c.Report(port, "vLLM listens on %s, not on %s", served, number)
			}
		}
	}
}

// servedByVLLM is the only port on which vLLM answers HTTP, empty where its flags don't tell.
func servedByVLLM(container rule.Container) string {
	flag, told := rule.FindFlag(container, "port")
	if n, err := strconv.Atoi(flag.Value); told && err == nil && rule.IsVLLM(container) {
		return strconv.Itoa(n)
	}
	return ""
}

// numberOf is a port's number, of one that the container declares by that name too; empty for no such name.
func numberOf(container rule.Container, port rule.Value) string {
	if !port.IsText() {
		return port.Scalar()
	}
	for _, declared := range container.Ports() {
		if declared.Field("name").Text() == port.Text() {
			return declared.Field("containerPort").Scalar()
		}
	}
	return ""
}

func shortStartup() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0808", Name: "startup-shorter-than-load", Level: finding.Warning,
			Summary: "The startup probe gives vLLM at least two minutes.",
			Why: "Before vLLM answers it imports its libraries, loads the weights, profiles the memory, compiles and captures graphs. Even small models take longer than a minute; " +
				"the kubelet kills the container when the probe's budget ends, and all of it starts over.",
			How:   "Raise failureThreshold: times periodSeconds it is the budget.",
			Refs:  []string{"kserve: config/runtimes/kserve-vllmserver.yaml (30 minutes)"},
			Kinds: rule.ServerKinds(),
		},
		Check: func(c *rule.Context) {
			vllmPods(c, func(w *rule.Workload, main rule.Container) {
				if startup := main.Field("startupProbe"); startup.Found() && whole(w, startup) && window(startup) < 120 {
					c.Report(startup, "the container is killed after %d s", window(startup))
				}
			})
		},
	}
}

func probePath() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0809", Name: "probe-of-no-endpoint", Level: finding.Warning,
			Summary: "vLLM is probed on a path that it answers.",
			Why: "vLLM answers 404 on a path that it doesn't have, which is a failure to the kubelet: the container never gets ready, or is killed. " +
				"Of what it answers, /health fails when the engine is dead.",
			How:   "Use /health.",
			Refs:  []string{"vllm: vllm/entrypoints/openai/api_server.py", "vllm: vllm/entrypoints/serve/instrumentator/health.py"},
			Kinds: rule.ServerKinds(),
		},
		Check: func(c *rule.Context) {
			known := []string{"", "/health", "/ping", "/load", "/version", "/v1/models", "/metrics", "/docs", "/openapi.json"}
			vllmPods(c, func(_ *rule.Workload, main rule.Container) {
				if _, prefixed := rule.FindFlag(main, "root-path"); prefixed {
					return
				}
				for _, probe := range []string{"startupProbe", "livenessProbe", "readinessProbe"} {
					path := main.Field(probe, "httpGet", "path")
					if !slices.Contains(known, path.Text()) {
						c.Report(path, "vLLM has no %s", path.Text())
					}
				}
			})
		},
	}
}

func firstFailureKills() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0811", Name: "first-failure-kills", Level: finding.Warning,
			Summary: "A startup probe may fail more than once.",
			Why: "Probing begins with the container, before any server listens. With failureThreshold 1 and no initial delay the first connection that is refused kills it, " +
				"and the next one, for ever.",
			How:   "Raise failureThreshold: times periodSeconds it is what starting may take.",
			Refs:  []string{"kubernetes: docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes (failureThreshold)", "kubernetes: pkg/kubelet/prober/worker.go (doProbe)"},
			Kinds: rule.WorkloadKinds(),
		},
		Check: func(c *rule.Context) {
			for _, workload := range c.Workloads() {
				for _, container := range workload.Containers {
					startup := container.Field("startupProbe")
					if workload.Known() && startup.Field("failureThreshold").IntOr(3) == 1 && startup.Field("initialDelaySeconds").IntOr(0) == 0 {
						c.Report(startup.Field("failureThreshold"), "the container is killed unless it answers the first probe")
					}
				}
			}
		},
	}
}
