package routing

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

// longEnough is a request timeout that few generations reach: tens of thousands of tokens at 50 a second.
const longEnough = 10 * time.Minute

// repeats are conditions that hold after the server began to work, so that the work is done again.
func repeats(condition string) bool {
	if code, err := strconv.Atoi(condition); err == nil {
		// 503 is what a sidecar answers for a server that is gone: without it a killed pod loses its requests.
		return code >= 500 && code != 503
	}
	return slices.Contains([]string{"5xx", "gateway-error", "reset", "retriable-4xx", "cancelled", "deadline-exceeded", "internal"}, condition)
}

func retriedGeneration() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0306", Name: "retry-repeats-generation", Level: finding.Warning,
			Summary: "Retries of model traffic happen only before the server began.",
			Why: "5xx, gateway-error and reset hold after a request ran for minutes as well: it is sent again, up to attempts times, and every repetition takes a GPU " +
				"when it is least able to. Istio's default without retries is two attempts on conditions of which cancelled is one.",
			How:   "Set retryOn to connect-failure,refused-stream,reset-before-request.",
			Refs:  []string{"istio: pilot/pkg/networking/core/route/retry/retry.go"},
			Kinds: rule.WorkloadKinds(rule.Service, rule.ServiceEntry, rule.VirtualService),
		},
		Check: func(c *rule.Context) {
			for virtual, http := range httpRoutes(c) {
				retries := http.Field("retries")
				if retries.Field("attempts").IntOr(2) == 0 || !retries.Found() || !streams(c, rule.Route{Object: virtual, Rule: http}) {
					continue
				}
				retryOn := retries.Field("retryOn")
				for condition := range strings.SplitSeq(retryOn.Text(), ",") {
					if condition = strings.TrimSpace(condition); repeats(condition) {
						c.Report(retryOn, "%s repeats a generation that had begun", condition)
						break
					}
				}
			}
		},
	}
}

func disabledRetries() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0319", Name: "retries-without-attempts", Level: finding.Error, Refused: true,
			Summary: "A retry policy with conditions has attempts.",
			Why:     "istiod's webhook refuses retryOn, perTryTimeout and retryRemoteLocalities together with attempts 0, which is also what leaving attempts out means.",
			How:     "Set attempts to 1 or more, or leave attempts: 0 alone to disable retries.",
			Refs:    []string{"istio: pkg/config/validation/validation.go (validateHTTPRetry)"},
			Kinds:   []rule.Kind{rule.VirtualService},
		},
		Check: func(c *rule.Context) {
			for _, http := range httpRoutes(c) {
				retries := http.Field("retries")
				if retries.Field("attempts").IntOr(0) != 0 {
					continue
				}
				for _, field := range []string{"retryOn", "perTryTimeout", "retryRemoteLocalities"} {
					if value := retries.Field(field); value.Found() {
						c.Report(value, "istiod refuses %s where attempts is 0 or missing", field)
					}
				}
			}
		},
	}
}

func cutStream() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0307", Name: "timeout-cuts-stream", Level: finding.Warning,
			Summary: "A route to a model has no request timeout, or a long one.",
			Why: "A route's timeout ends the whole request, streamed answers too: the client gets a truncated generation with status 200. " +
				"The page of a chat streams the model's answers on. Istio's default is none.",
			How:   "Leave timeout out; in an HTTPRoute write timeouts.request: 0s, which is none. Bound the time to the first token on the client or the load balancer.",
			Refs:  []string{"istio: VirtualService, HTTPRoute.timeout", "kserve: pkg/controller/v1beta1/inferenceservice/reconcilers/ingress/httproute_reconciler.go (DefaultTimeout)"},
			Kinds: rule.WorkloadKinds(rule.RouteKinds(rule.Service, rule.ServiceEntry)...),
		},
		Check: func(c *rule.Context) {
			for _, route := range c.Routes() {
				if streams(c, route) {
					// Of VirtualServices the first is there, of HTTPRoutes the others.
					checkTimeout(c, route.Rule.Field("timeout"))
					checkTimeout(c, route.Rule.Field("timeouts", "request"))
					checkTimeout(c, route.Rule.Field("timeouts", "backendRequest"))
				}
			}
		},
	}
}

func checkTimeout(c *rule.Context, timeout rule.Value) {
	d, err := time.ParseDuration(timeout.Text())
	if err == nil && d > 0 && d < longEnough {
		c.Report(timeout, "generations that take longer than %s are cut", timeout.Text())
	}
}

func zeroTimeout() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0308", Name: "timeout-of-zero", Level: finding.Error, Refused: true,
			Summary: "No timeout in a VirtualService is 0s.",
			Why:     "The CRD's rule and istioctl refuse durations under a millisecond. In Gateway API 0s means none, in Istio leaving the field out does.",
			How:     "Leave the timeout out.",
			Refs:    []string{"istio: IST0106"},
			Kinds:   []rule.Kind{rule.VirtualService},
		},
		Check: func(c *rule.Context) {
			for _, http := range httpRoutes(c) {
				for _, timeout := range []rule.Value{http.Field("timeout"), http.Field("retries", "perTryTimeout")} {
					if d, err := time.ParseDuration(timeout.Text()); err == nil && d < time.Millisecond {
						c.Report(timeout, "Istio refuses a duration of %s", timeout.Text()).Remove()
					}
				}
			}
		},
	}
}

func defaultTimeout() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0311", Name: "timeout-of-gateway-api", Level: finding.Info,
			Summary: "An InferenceService that KServe exposes says its timeout.",
			Why: "With enableGatewayApi KServe makes an HTTPRoute whose request timeout is 60 s unless the predictor has one. Longer streams are cut. " +
				"Without Gateway API the field has no effect in Standard mode.",
			How:   "Set predictor.timeout to the longest generation in seconds, or expose the model by a route of your own.",
			Refs:  []string{"kserve: pkg/controller/v1beta1/inferenceservice/reconcilers/ingress/httproute_reconciler.go (DefaultTimeout)"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			for _, p := range c.Predictors() {
				if p.Mode() == rule.Standard && p.ServesLLM() && !clusterLocal(p) && !p.Spec.Field("timeout").Found() {
					c.Report(p.Spec, "where KServe makes an HTTPRoute for it, requests end after 60 s")
				}
			}
		},
	}
}

func clusterLocal(p *rule.Predictor) bool {
	return p.Label("networking.kserve.io/visibility").Text() == "cluster-local"
}
