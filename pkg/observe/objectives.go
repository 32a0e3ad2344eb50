package observe

import (
	"fmt"
	"strings"

	"github.com/kservegen/kservegen/pkg/spec"
)

// burn is a rate at which the budget of a month is spent: 1 spends it in a month. The alert wants it of a long window, so that it is worth
// one, and of a short window, so that it ends soon after.
type burn struct {
	rate        float64
	long, short string
	severity    string
}

// burns are those of the SRE workbook for a budget of 30 days: 2 percent of it in an hour or 5 in six wake somebody, 10 in three days
// are looked at. https://sre.google/workbook/alerting-on-slos/#recommended_time_windows_and_burn_rates_for_alerting_at_a_percentage_of_error_budget_consumed
func burns() []burn {
	return []burn{
		{14.4, "1h", "5m", critical},
		{6, "6h", "30m", critical},
		{1, "3d", "6h", warning},
	}
}

// leastBad is how many bad events a long window must hold: with few requests, one is a large share.
const leastBad = 10

// indicator is what an objective is measured by.
type indicator struct {
	name     string
	all, bad string
	budget   float64
	// kept is the objective in words, and look is where to look.
	kept, look string
}

func indicators(o spec.Objectives) []indicator {
	return []indicator{
		{
			"LLMAvailabilityBurn", requestsRate, failedRate, spec.Budget(o.Availability),
			string(o.Availability) + "% of the requests are not answered with 5xx",
			"Which revision and which answers: the dashboard's failed requests, then the logs of its pods; whether it is ready at all; the change that came last.",
		},
		{
			"LLMTimeToFirstTokenBurn", firstRate, firstLateRate, spec.Budget(o.Latency),
			string(o.Latency) + "% of the first tokens come within " + string(o.TTFT),
			"Requests that wait: more replicas. None that wait: longer prompts, fewer hits of the prefix cache, or a slower revision.",
		},
		{
			"LLMInterTokenLatencyBurn", tokensRate, tokensLateRate, spec.Budget(o.Latency),
			string(o.Latency) + "% of the tokens come within " + string(o.ITL) + " of the one before",
			"Many requests at once in a replica: more replicas, or a smaller max-num-seqs. Preemptions. A slower revision.",
		},
	}
}

// objectives are the alerts about what callers notice.
func (q queries) objectives(o spec.Objectives) []alert {
	var alerts []alert
	for _, i := range indicators(o) {
		for _, severity := range []string{critical, warning} {
			var parts []string
			for _, b := range burns() {
				if b.severity == severity {
					parts = append(parts, q.burning(i, b))
				}
			}
			a := alert{
				name: i.name, severity: severity, expression: strings.Join(parts, "\nor\n"), lasts: "2m",
				summary:     q.target.Name + " spends its error budget: " + i.kept + ".",
				description: "{{ $value | humanizePercentage }} of them do not. At this rate the budget of 30 days is gone in five days or less. " + i.look,
			}
			if severity == warning {
				a.description = "{{ $value | humanizePercentage }} of them do not, over three days: the budget of 30 days will not last. " + i.look
			}
			alerts = append(alerts, a)
		}
	}
	return alerts
}

// burning is true where the share of bad events is over a burn rate in both windows, of more than a few.
func (q queries) burning(i indicator, b burn) string {
	over := number(b.rate) + " * " + number(i.budget)
	return fmt.Sprintf("(\n  %s > %s\n  and %s > %s\n  and %d * sum(sum_over_time(%s%s[%s])) >= %d\n)",
		q.share(i, b.long), over, q.share(i, b.short), over, interval, i.bad, q.selector(), b.long, leastBad)
}

// share of bad events in a window, of all revisions together: callers do not know them.
func (q queries) share(i indicator, window string) string {
	of := func(series string) string {
		if window == rateWindow {
			return fmt.Sprintf("sum(%s%s)", series, q.selector())
		}
		return fmt.Sprintf("sum(sum_over_time(%s%s[%s]))", series, q.selector(), window)
	}
	return of(i.bad) + " / " + of(i.all)
}
