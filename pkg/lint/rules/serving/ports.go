package serving

import (
	"strconv"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func firstPort() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0222", Name: "first-port-not-served", Level: finding.Error,
			Summary: "The first container port is the one that the server listens on.",
			Why: "Port 80 of the predictor's Service goes to the first container port, and to 8080 where none is declared. " +
				"Ports of the InferenceService come before the runtime's, so adding one for metrics makes it the first. " +
				"Where vLLM listens elsewhere every request is refused, while probes on the right port keep the pod ready.",
			How:   "List the port of --port first; vLLM's default is 8000.",
			Refs:  []string{"kserve: pkg/controller/v1beta1/inferenceservice/reconcilers/service/service_reconciler.go (createDefaultSvc)"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				main := p.Main()
				served, at, ok := servedPort(main)
				if !p.Known() || !ok {
					continue
				}
				ports := main.Ports()
				if len(ports) == 0 && served != 8080 {
					c.Report(at, "the server listens on %d, and without declared ports the Service sends to 8080", served)
				}
				if len(ports) > 0 {
					if first := ports[0].Field("containerPort"); first.IntOr(served) != served {
						c.Report(first, "the Service sends to %d, and the server listens on %d", first.IntOr(0), served)
					}
				}
			}
		},
	}
}

// servedPort is the port of vLLM's HTTP server, and of another server the one that --port tells it.
func servedPort(main rule.Container) (int64, rule.Value, bool) {
	if _, headless := rule.FindFlag(main, "headless"); headless || len(rule.Flags(main)) == 0 {
		return 0, rule.Value{}, false // without an API, or nothing says
	}
	flag, ok := rule.FindFlag(main, "port")
	if !ok {
		if main.Field("command").Len() == 0 || !rule.IsVLLM(main) {
			return 0, rule.Value{}, false
		}
		return 8000, main.Args()[0], true
	}
	port, err := strconv.ParseInt(flag.Value, 10, 32)
	return port, flag.At, err == nil
}

func prometheusPort() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0223", Name: "scraping-of-queue-proxy", Level: finding.Warning,
			Summary: "enable-prometheus-scraping isn't for Standard mode.",
			Why: "The annotation makes KServe's pod webhook overwrite prometheus.io/port with 9091, the port of Knative's queue-proxy, or 9088 with aggregation. " +
				"In Standard mode nothing listens there: the server's metrics are lost, even those that a prometheus.io/port of one's own pointed to.",
			How:   "Remove it; use a PodMonitor, or prometheus.io/scrape, port and path alone.",
			Refs:  []string{"kserve: pkg/webhook/admission/pod/metrics_aggregate_injector.go", "kserve/website#315"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				scraping := p.PodAnnotation("serving.kserve.io/enable-prometheus-scraping")
				if p.Mode() == rule.Standard && scraping.Text() == "true" {
					c.Report(scraping, "Prometheus is sent to port 9091, where nothing listens in Standard mode").Remove()
				}
			}
		},
	}
}

func scrapedPort() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0232", Name: "scrape-of-no-port", Level: finding.Warning,
			Summary: "prometheus.io/port is the port that serves metrics.",
			Why: "Prometheus, or the sidecar that merges metrics, asks the port of the annotation, and 80 where a pod with a sidecar has none: what isn't listened on gives no metrics. " +
				"vLLM serves them on the port of its API.",
			How:   "Set prometheus.io/port to the container port.",
			Refs:  []string{"istio: pilot/cmd/pilot-agent/status/server.go", "istio: docs/ops/integrations/prometheus (metrics merging)"},
			Kinds: rule.ServerKinds(),
		},
		Check: func(c *rule.Context) {
			for _, w := range c.Servers() {
				served, _, ok := servedPort(w.Main())
				if !w.Known() || !ok {
					continue
				}
				port, scrape := w.PodAnnotation("prometheus.io/port"), w.PodAnnotation("prometheus.io/scrape")
				injected := w.Labels["sidecar.istio.io/inject"] == "true"
				switch number := strconv.FormatInt(served, 10); {
				case port.Found() && port.Text() != number && port.Text() != "15020" && scrape.Text() != "false":
					c.Report(port, "the server listens on %s", number)
				case !port.Found() && scrape.Text() == "true" && injected && served != 80:
					c.Report(scrape, "the sidecar asks port 80, and the server listens on %s", number)
				}
			}
		},
	}
}
