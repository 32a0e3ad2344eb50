package routing

import (
	"time"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func uselessTries() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0326", Name: "try-longer-than-request", Level: finding.Warning,
			Summary: "A try of a request is shorter than the request.",
			Why: "timeout is for all tries together. Where it is no longer than perTryTimeout, a server that hangs takes all of it at the first try, " +
				"and Envoy ignores perTryTimeout: there is no other try.",
			How:   "Lower perTryTimeout below timeout, or raise timeout to the sum of the tries.",
			Refs:  []string{"envoy: config.route.v3.RetryPolicy, per_try_timeout"},
			Kinds: []rule.Kind{rule.VirtualService},
		},
		Check: func(c *rule.Context) {
			for _, http := range httpRoutes(c) {
				try := http.Field("retries", "perTryTimeout")
				each, err := time.ParseDuration(try.Text())
				all, bad := time.ParseDuration(http.Field("timeout").Text())
				if err == nil && bad == nil && all > 0 && each >= all {
					c.Report(try, "a try may take %s, and all of them together %s", each, all)
				}
			}
		},
	}
}
