package incluster

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/ptr"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

const (
	// Component is the value of app.kubernetes.io/component.
	Component = "canary-runner"
	// DocumentPath is where the container has the document.
	DocumentPath = "/etc/kservegen/" + documentKey
	// SecretPath is where it has the files of Options.Secret.
	SecretPath = "/run/secrets/kservegen"

	documentKey = "document.yaml"
	container   = "kservegen"
	// user is nobody's in particular; the image has no users.
	user = 65532
	// retries are for nodes that go and for API servers that do not answer: what a runner decided is not tried again.
	retries = 6
	// grace is for a write that was begun and for telling it (pkg/rollout/runner: 30 s and 10 s).
	grace = 60
	// maxCronJob is what its controller leaves of a name for the Jobs (pkg/apis/batch/validation).
	maxCronJob = 52
)

// Options are what the document does not say.
type Options struct {
	Target spec.Target
	// Document is the whole file.
	Document []byte
	// Image of kservegen, with a tag or a digest.
	Image string
	// Prometheus is its URL, as pods reach it.
	Prometheus string
	// Webhook is the URL that events go to, where it is known; the policy lets them out.
	Webhook string
	// Args of `kservegen canary run` besides those that follow from the others.
	Args []string
	// Schedule of a CronJob, in the cluster's time zone; empty for a Job.
	Schedule string
	// Deadline of a run. The share stays then, and another run goes on from it.
	Deadline time.Duration
	// Secret is mounted at SecretPath, empty for none.
	Secret string
	// Mesh gives the pod a sidecar, for a Prometheus that takes mutual TLS only.
	Mesh bool
}

// Check says what is missing or wrong.
func (o Options) Check() error {
	if _, err := portOf(o.Prometheus); err != nil {
		return err
	}
	switch {
	case strings.ContainsAny(o.Image, " \t\n") || o.Image == "":
		return fmt.Errorf("%q is no image of kservegen; build one with the Containerfile of kservegen, and push it", o.Image)
	case !strings.Contains(o.Image[strings.LastIndex(o.Image, "/")+1:], ":") || strings.HasSuffix(o.Image, ":latest"):
		return fmt.Errorf("image %s can be another one tomorrow; name it with a tag or a digest", o.Image)
	case o.Secret != "" && len(validation.IsDNS1123Subdomain(o.Secret)) > 0:
		return fmt.Errorf("%q is not the name of a Secret: %s", o.Secret, validation.IsDNS1123Subdomain(o.Secret)[0])
	case o.Deadline < time.Minute:
		return fmt.Errorf("a run of %s is too short for a step", o.Deadline)
	case o.Schedule != "" && len(o.name()) > maxCronJob:
		return fmt.Errorf("the CronJob's name %s is longer than %d characters; run it as a Job", o.name(), maxCronJob)
	}
	if o.Schedule != "" {
		if _, err := cron.ParseStandard(o.Schedule); err != nil {
			return fmt.Errorf("the schedule %q: %w", o.Schedule, err)
		}
	}
	return nil
}

// portOf is where a URL leads to.
func portOf(text string) (int, error) {
	at, err := url.Parse(text)
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" {
		return 0, fmt.Errorf("%q is no URL of Prometheus; want it as pods reach it, such as http://prometheus.monitoring:9090", text)
	}
	if at.Port() == "" {
		return map[string]int{"http": 80, "https": 443}[at.Scheme], nil
	}
	return strconv.Atoi(at.Port())
}

// name of all that is not called by its content.
func (o Options) name() string { return o.Target.Name + "-" + Component }

func (o Options) meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: o.Target.Namespace, Labels: o.Target.Labels(Component)}
}

func typeMeta(gv, kind string) metav1.TypeMeta { return metav1.TypeMeta{APIVersion: gv, Kind: kind} }

// podLabels have no kservegen.dev/model: no Service, policy or budget of the servers is about the runner.
func (o Options) podLabels() map[string]string {
	return map[string]string{
		"app.kubernetes.io/name": o.Target.Name, "app.kubernetes.io/component": Component, "app.kubernetes.io/managed-by": "kservegen",
		"sidecar.istio.io/inject": strconv.FormatBool(o.Mesh),
	}
}

// Objects are in the order in which a person would create them.
func Objects(o Options) ([]manifest.Object, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	objects := []manifest.Object{o.account(), o.role(), o.binding(), o.lease()}
	if !o.Target.Omits(spec.OmitNetworkPolicy) {
		objects = append(objects, o.policy())
	}
	document := o.document()
	return append(objects, document, o.workload(document.Typed.(*corev1.ConfigMap).Name)), nil
}

// document is called by what it holds: another document is another ConfigMap, and never reaches a runner that is at work.
func (o Options) document() manifest.Object {
	return manifest.Object{File: "configmap", Typed: &corev1.ConfigMap{
		TypeMeta: typeMeta("v1", "ConfigMap"), ObjectMeta: o.meta(o.name() + "-" + short(o.Document)),
		Immutable: ptr.To(true), Data: map[string]string{documentKey: string(o.Document)},
	}, Comments: manifest.Comments{Head: "The document that is rolled out. Another one has another name: a run that has begun stops where the cluster is\nnot what its document says."}}
}

func short(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:4])
}

// workload is a Job, called by what it does since its pods cannot be changed, or a CronJob.
func (o Options) workload(document string) manifest.Object {
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: o.podLabels()}, Spec: o.pod(document)}
	job := batchv1.JobSpec{
		BackoffLimit: ptr.To[int32](retries), ActiveDeadlineSeconds: ptr.To(int64(o.Deadline / time.Second)), Template: template,
		PodFailurePolicy: &batchv1.PodFailurePolicy{Rules: []batchv1.PodFailurePolicyRule{
			{Action: batchv1.PodFailurePolicyActionIgnore, OnPodConditions: []batchv1.PodFailurePolicyOnPodConditionsPattern{{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue}}},
			{Action: batchv1.PodFailurePolicyActionFailJob, OnExitCodes: &batchv1.PodFailurePolicyOnExitCodesRequirement{
				ContainerName: ptr.To(container), Operator: batchv1.PodFailurePolicyOnExitCodesOpIn, Values: []int32{1, 2},
			}},
		}},
	}
	comments := func(at string) map[string]string {
		return map[string]string{
			at + "/activeDeadlineSeconds":                             "The share stays as it is then, and the next run goes on from it.",
			at + "/podFailurePolicy/rules/0":                          "A pod that was evicted, or whose node went, is followed by another.",
			at + "/podFailurePolicy/rules/1":                          "Rolled back, stopped by what somebody changed, or called wrongly: not to be tried again.",
			at + "/template/metadata/labels/sidecar.istio.io~1inject": o.meshComment(),
		}
	}
	if o.Schedule == "" {
		text, err := json.Marshal(template)
		if err != nil {
			panic(err) // a pod of our own
		}
		return manifest.Object{File: "job", Typed: &batchv1.Job{
			TypeMeta: typeMeta("batch/v1", "Job"), ObjectMeta: o.meta(o.name() + "-" + short(text)), Spec: job,
		}, Absent: []string{"/status", "/spec/template/metadata/creationTimestamp"}, Comments: manifest.Comments{
			Head: "Takes the canary through its steps, once. It stays when it is done: what removes it, such as\nttlSecondsAfterFinished, makes GitOps run it again.", At: comments("/spec"),
		}}
	}
	return manifest.Object{File: "cronjob", Typed: &batchv1.CronJob{
		TypeMeta: typeMeta("batch/v1", "CronJob"), ObjectMeta: o.meta(o.name()),
		Spec: batchv1.CronJobSpec{
			Schedule: o.Schedule, ConcurrencyPolicy: batchv1.ForbidConcurrent, StartingDeadlineSeconds: ptr.To[int64](300),
			JobTemplate: batchv1.JobTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: o.Target.Labels(Component)}, Spec: job},
		},
	}, Absent: []string{"/status", "/spec/jobTemplate/metadata/creationTimestamp", "/spec/jobTemplate/spec/template/metadata/creationTimestamp"}, Comments: manifest.Comments{
		Head: "Takes the canary through its steps, and goes on where the last run ended. Suspend it when the canary is over.",
		At: merged(comments("/spec/jobTemplate/spec"), map[string]string{
			"/spec/concurrencyPolicy": "A run may take longer than from one time to the next. The Lease would make the other one wait.",
		}),
	}}
}

func merged(all ...map[string]string) map[string]string {
	into := map[string]string{}
	for _, one := range all {
		maps.Copy(into, one)
	}
	return into
}

func (o Options) meshComment() string {
	if o.Mesh {
		return "Prometheus takes mutual TLS only. The sidecar must be a native one (Kubernetes 1.29, Istio 1.27), or the Job\nnever ends."
	}
	return "It calls the API server, which is outside of the mesh, and Prometheus; nobody calls it."
}

func (o Options) pod(document string) corev1.PodSpec {
	volumes := []corev1.Volume{{Name: "document", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: document},
	}}}}
	mounts := []corev1.VolumeMount{{Name: "document", MountPath: path.Dir(DocumentPath), ReadOnly: true}}
	if o.Secret != "" {
		volumes = append(volumes, corev1.Volume{Name: "secret", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: o.Secret, DefaultMode: ptr.To[int32](0o440)}}})
		mounts = append(mounts, corev1.VolumeMount{Name: "secret", MountPath: SecretPath, ReadOnly: true})
	}
	return corev1.PodSpec{
		ServiceAccountName: o.name(), AutomountServiceAccountToken: ptr.To(true), EnableServiceLinks: ptr.To(false),
		RestartPolicy: corev1.RestartPolicyNever, TerminationGracePeriodSeconds: ptr.To[int64](grace),
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot: ptr.To(true), RunAsUser: ptr.To[int64](user), RunAsGroup: ptr.To[int64](user), FSGroup: ptr.To[int64](user),
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
		Containers: []corev1.Container{{
			Name: container, Image: o.Image, Args: o.args(), VolumeMounts: mounts,
			Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("256Mi")},
				Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("512Mi")},
			},
			SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: ptr.To(false), ReadOnlyRootFilesystem: ptr.To(true),
				Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			},
		}},
		Volumes: volumes,
	}
}

// args of the container, whose image begins with kservegen.
func (o Options) args() []string {
	args := []string{"canary", "run", "--filename=" + DocumentPath, "--model=" + o.Target.Name, "--prometheus=" + o.Prometheus}
	if o.Target.Environment != spec.DefaultEnvironment {
		args = append(args, "--env="+o.Target.Environment)
	}
	return append(args, o.Args...)
}
