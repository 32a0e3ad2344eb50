package spec

import (
	"fmt"
	"regexp"
	"time"
	_ "time/tzdata" // a machine without the database would know no zone

	"github.com/robfig/cron/v3"
)

// zoneOfTime is a name of IANA's: what isn't would be looked up as a path.
var zoneOfTime = regexp.MustCompile(`^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$`)

// checkHours checks the times of the schedule as KEDA reads them (its pkg/scalers/cron_scaler.go).
func (r *resolver) checkHours() {
	s := &r.spec.Scaling
	if len(s.Schedule) > 0 && s.Type != KEDA {
		r.failf("spec.scaling.schedule", "takes scaling.type keda: a HorizontalPodAutoscaler knows no hours")
	}
	for i := range s.Schedule {
		path, hours := fmt.Sprintf("spec.scaling.schedule[%d]", i), &s.Schedule[i]
		if hours.Timezone == "" {
			hours.Timezone = "UTC"
		}
		if _, err := time.LoadLocation(hours.Timezone); err != nil || hours.Timezone == "Local" || !zoneOfTime.MatchString(hours.Timezone) {
			r.failf(path+".timezone", "%q is not a time zone such as Europe/Berlin", hours.Timezone)
		}
		r.checkCron(path+".start", hours.Start)
		r.checkCron(path+".end", hours.End)
		if hours.Start == hours.End && hours.Start != "" {
			r.failf(path+".end", "is the start; hours have an end of their own")
		}
	}
	if s.AdapterRules && s.Type != "" && s.Type != "hpa" {
		r.failf("spec.scaling.adapterRules", "are for scaling.type hpa; nothing else asks prometheus-adapter")
	}
}

func (r *resolver) checkCron(path, text string) {
	parser := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
	if _, err := parser.Parse(text); err != nil {
		r.failf(path, "want minute, hour, day of the month, month and day of the week, such as 0 7 * * 1-5, got %q", text)
	}
}

// checkSchedule wants hours in which something changes.
func (r *resolver) checkSchedule(t RevisionTarget) {
	for i, hours := range r.spec.Scaling.Schedule {
		path := fmt.Sprintf("spec.scaling.schedule[%d].min", i)
		switch {
		case hours.Min < 1:
			r.failf(path, "must be at least 1, got %d", hours.Min)
		case hours.Min <= t.MinReplicas:
			r.failf(path, "%d is not over the %d replicas that always run (replicas.min); lower replicas.min for the other hours", hours.Min, t.MinReplicas)
		case hours.Min > t.MaxReplicas:
			r.failf(path, "%d is over the %d of replicas.max, and KEDA would stay there; raise replicas.max", hours.Min, t.MaxReplicas)
		}
	}
}

// AdapterRules reports whether prometheus-adapter's rules are written for the model.
func (t Target) AdapterRules() bool {
	return t.Scaling.AdapterRules && t.Scaling.Type != KEDA && t.Scaling.Type != "off"
}
