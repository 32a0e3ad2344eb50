package native

import (
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func (r *report) workload(object any, spec *field.Path) {
	switch o := object.(type) {
	case *appsv1.Deployment:
		r.deployment(&o.Spec, spec)
	case *appsv1.ReplicaSet:
		r.selects(o.Spec.Selector, &o.Spec.Template, spec)
		r.keepsRunning(&o.Spec.Template, spec)
	case *appsv1.StatefulSet:
		r.statefulSet(&o.Spec, spec)
	case *appsv1.DaemonSet:
		r.daemonSet(&o.Spec, spec)
	case *batchv1.Job:
		r.job(&o.Spec, spec)
	case *batchv1.CronJob:
		r.cronJob(&o.Spec, spec)
		r.job(&o.Spec.JobTemplate.Spec, spec.Child("jobTemplate", "spec"))
	}
}

// selects: a selector is not empty and matches the workload's own template.
func (r *report) selects(selector *metav1.LabelSelector, template *corev1.PodTemplateSpec, at *field.Path) {
	if selector == nil {
		return // missing: refused already
	}
	if len(selector.MatchLabels)+len(selector.MatchExpressions) == 0 {
		r.invalid(at.Child("selector"), selector, "empty selector is invalid")
		return
	}
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	if err == nil && !parsed.Matches(labels.Set(template.Labels)) {
		r.invalid(at.Child("template", "metadata", "labels"), template.Labels, "`selector` does not match template `labels`")
	}
}

// keepsRunning checks the template of what starts its pods again (ValidatePodTemplateSpecForReplicaSet).
func (r *report) keepsRunning(template *corev1.PodTemplateSpec, at *field.Path) {
	at = at.Child("template", "spec")
	r.pod(&template.Spec, at)
	if policy := template.Spec.RestartPolicy; policy != "" && policy != corev1.RestartPolicyAlways {
		r.add(field.NotSupported(at.Child("restartPolicy"), policy, []corev1.RestartPolicy{corev1.RestartPolicyAlways}))
	}
	if template.Spec.ActiveDeadlineSeconds != nil {
		r.forbidden(at.Child("activeDeadlineSeconds"), "only a Job's pods have an end")
	}
}

// deployment is ValidateDeploymentSpec; both shares of a rolling update are 25 % where they are not set, and a
// rollout's deadline is 600 s.
func (r *report) deployment(spec *appsv1.DeploymentSpec, at *field.Path) {
	r.selects(spec.Selector, &spec.Template, at)
	r.keepsRunning(&spec.Template, at)
	rolling := at.Child("strategy", "rollingUpdate")
	switch update := spec.Strategy.RollingUpdate; {
	case update == nil:
	case spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType:
		r.forbidden(rolling, "may not be specified when strategy `type` is 'Recreate'")
	default:
		const quarter = 25
		if share(update.MaxUnavailable, quarter) == 0 && share(update.MaxSurge, quarter) == 0 {
			r.invalid(rolling.Child("maxUnavailable"), update.MaxUnavailable.String(), "may not be 0 when `maxSurge` is 0")
		}
		r.atMostAll(update.MaxUnavailable, rolling.Child("maxUnavailable"))
	}
	deadline := int32(600)
	if spec.ProgressDeadlineSeconds != nil {
		deadline = *spec.ProgressDeadlineSeconds
	}
	r.check(deadline > spec.MinReadySeconds, at.Child("progressDeadlineSeconds"), deadline, "must be greater than minReadySeconds")
}

// statefulSet is ValidateStatefulSetSpec. Its claims are volumes of its pods.
func (r *report) statefulSet(spec *appsv1.StatefulSetSpec, at *field.Path) {
	r.selects(spec.Selector, &spec.Template, at)
	template := spec.Template.DeepCopy()
	for i, claim := range spec.VolumeClaimTemplates {
		r.claim(&claim.Spec, at.Child("volumeClaimTemplates").Index(i).Child("spec"))
		template.Spec.Volumes = append(template.Spec.Volumes, corev1.Volume{
			Name:         claim.Name,
			VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{}},
		})
	}
	r.keepsRunning(template, at)
	strategy := at.Child("updateStrategy", "rollingUpdate")
	switch update := spec.UpdateStrategy.RollingUpdate; {
	case update == nil:
	case spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType:
		r.invalid(strategy, "", "only allowed for updateStrategy 'RollingUpdate'")
	default:
		r.atMostAll(update.MaxUnavailable, strategy.Child("maxUnavailable"))
		r.check(share(update.MaxUnavailable, 1) != 0, strategy.Child("maxUnavailable"), 0, "cannot be 0")
	}
}

// daemonSet is ValidateDaemonSetSpec: it replaces pods by surge or by taking them away, one of the two.
func (r *report) daemonSet(spec *appsv1.DaemonSetSpec, at *field.Path) {
	r.selects(spec.Selector, &spec.Template, at)
	r.keepsRunning(&spec.Template, at)
	update := spec.UpdateStrategy.RollingUpdate
	if update == nil || spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType {
		return
	}
	at = at.Child("updateStrategy", "rollingUpdate")
	r.atMostAll(update.MaxUnavailable, at.Child("maxUnavailable"))
	r.atMostAll(update.MaxSurge, at.Child("maxSurge"))
	switch unavailable, surge := share(update.MaxUnavailable, 1), share(update.MaxSurge, 0); {
	case unavailable != 0 && surge != 0:
		r.invalid(at.Child("maxSurge"), surge, "may not be set when maxUnavailable is non-zero")
	case unavailable == 0 && surge == 0:
		r.required(at.Child("maxUnavailable"), "cannot be 0 when maxSurge is 0")
	}
}
