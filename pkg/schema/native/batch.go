package native

import (
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the verdict on a time zone is the same where the system has no list of them

	"github.com/robfig/cron/v3"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// job is ValidateJobSpec. A selector is made by the server.
func (r *report) job(spec *batchv1.JobSpec, at *field.Path) {
	template := at.Child("template", "spec")
	r.pod(&spec.Template.Spec, template)
	switch policy := spec.Template.Spec.RestartPolicy; {
	case policy == "" || policy == corev1.RestartPolicyAlways:
		r.required(template.Child("restartPolicy"), `valid values: "OnFailure", "Never"`)
	case spec.PodFailurePolicy != nil && policy != corev1.RestartPolicyNever:
		r.invalid(template.Child("restartPolicy"), policy, `only "Never" is supported when podFailurePolicy is specified`)
	}
	if spec.MaxFailedIndexes != nil && spec.BackoffLimitPerIndex == nil {
		r.required(at.Child("backoffLimitPerIndex"), "when maxFailedIndexes is specified")
	}
	indexed := spec.CompletionMode != nil && *spec.CompletionMode == batchv1.IndexedCompletion
	if spec.PodFailurePolicy != nil {
		r.failures(spec, indexed, at.Child("podFailurePolicy", "rules"))
		replaced := spec.PodReplacementPolicy
		if replaced != nil && *replaced != batchv1.Failed {
			r.add(field.NotSupported(at.Child("podReplacementPolicy"), *replaced, []batchv1.PodReplacementPolicy{batchv1.Failed}))
		}
	}
	if indexed {
		r.indexed(spec, at)
		return
	}
	for name, number := range map[string]*int32{"backoffLimitPerIndex": spec.BackoffLimitPerIndex, "maxFailedIndexes": spec.MaxFailedIndexes} {
		if number != nil {
			r.invalid(at.Child(name), *number, "requires indexed completion mode")
		}
	}
	if spec.SuccessPolicy != nil {
		r.invalid(at.Child("successPolicy"), "", "requires indexed completion mode")
	}
}

// indexed checks the numbers of a Job whose pods have one each.
func (r *report) indexed(spec *batchv1.JobSpec, at *field.Path) {
	const mostIndexed = 100_000
	if spec.Completions == nil {
		r.required(at.Child("completions"), "when completion mode is Indexed")
	}
	if spec.Parallelism != nil && *spec.Parallelism > mostIndexed {
		r.invalid(at.Child("parallelism"), *spec.Parallelism, fmt.Sprintf("must be less than or equal to %d when completion mode is Indexed", mostIndexed))
	}
	if limit := spec.MaxFailedIndexes; limit != nil && spec.Completions != nil && *limit > *spec.Completions {
		r.invalid(at.Child("maxFailedIndexes"), *limit, "must be less than or equal to completions")
	}
}

// failures: each rule looks at one thing, and one of its containers (validatePodFailurePolicy).
func (r *report) failures(spec *batchv1.JobSpec, indexed bool, at *field.Path) {
	var names []string
	for _, containers := range [][]corev1.Container{spec.Template.Spec.InitContainers, spec.Template.Spec.Containers} {
		for _, container := range containers {
			names = append(names, container.Name)
		}
	}
	for i, rule := range spec.PodFailurePolicy.Rules {
		place := at.Index(i)
		if rule.Action == batchv1.PodFailurePolicyActionFailIndex && !indexed {
			r.invalid(place.Child("action"), rule.Action, "requires the backoffLimitPerIndex to be set")
		}
		switch codes := rule.OnExitCodes; {
		case codes != nil && len(rule.OnPodConditions) > 0:
			r.invalid(place, "", "specifying both OnExitCodes and OnPodConditions is not supported")
		case codes == nil && len(rule.OnPodConditions) == 0:
			r.invalid(place, "", "specifying one of OnExitCodes and OnPodConditions is required")
		case codes != nil:
			if codes.ContainerName != nil && !slices.Contains(names, *codes.ContainerName) {
				r.invalid(place.Child("onExitCodes", "containerName"), *codes.ContainerName, "must be one of the container or initContainer names in the pod template")
			}
			r.exitCodes(codes, place.Child("onExitCodes", "values"))
		}
	}
}

func (r *report) exitCodes(codes *batchv1.PodFailurePolicyOnExitCodesRequirement, at *field.Path) {
	const most = 255
	if len(codes.Values) == 0 || len(codes.Values) > most {
		r.invalid(at, codes.Values, fmt.Sprintf("between one and %d values are needed", most))
	}
	for i, code := range codes.Values {
		switch {
		case code == 0 && codes.Operator == batchv1.PodFailurePolicyOnExitCodesOpIn:
			r.invalid(at.Index(i), code, "must not be 0 for the In operator")
		case slices.Contains(codes.Values[:i], code):
			r.add(field.Duplicate(at.Index(i), code))
		case i > 0 && code < codes.Values[i-1]:
			r.invalid(at, codes.Values, "must be ordered")
		}
	}
}

// cronJob checks the schedule with the parser of the server and of the controller.
func (r *report) cronJob(spec *batchv1.CronJobSpec, at *field.Path) {
	if spec.Schedule != "" {
		if strings.Contains(spec.Schedule, "TZ") {
			r.invalid(at.Child("schedule"), spec.Schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead")
		} else if _, err := cron.ParseStandard(spec.Schedule); err != nil {
			r.invalid(at.Child("schedule"), spec.Schedule, err.Error())
		}
	}
	if spec.TimeZone == nil || *spec.TimeZone == "" {
		return
	}
	zone := *spec.TimeZone
	if _, err := time.LoadLocation(zone); err != nil || strings.EqualFold(zone, "Local") {
		r.invalid(at.Child("timeZone"), zone, "unknown time zone "+zone)
	}
}
