package k8s

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

const (
	// HubImage has hf with `hf cache verify`, which came with huggingface_hub 1.1.0: vLLM 0.33.0 wants 1.31.0. KServe's
	// storage-initializer 0.20.0 has 0.32.4, and checks nothing. It is the runtime vllm-cuda's own image, so that a cluster needs
	// no other.
	HubImage = "vllm/vllm-openai:v0.33.0"
	// awsImage is AWS' own of its command line. KServe's storage-initializer takes S3 from the beginning on every attempt.
	awsImage = "public.ecr.aws/aws-cli/aws-cli:2.36.44"

	weightsMount = "/weights"
	// attempts of a download. Each goes on where the one before stopped.
	attempts = 6
)

var (
	//go:embed scripts/download-hf.sh
	hubScript string
	//go:embed scripts/download-s3.sh
	s3Script string
)

// Downloads are the Jobs that fill the folders of claims, one for each folder.
func Downloads(t spec.Target) []manifest.Object {
	var objects []manifest.Object
	seen := map[string]bool{}
	for _, r := range t.Revisions {
		folder := r.Model.Claim() + "/" + r.Model.Folder()
		if r.Model.Download == nil || seen[folder] {
			continue
		}
		seen[folder] = true
		objects = append(objects, download(t, r))
	}
	return objects
}

// download is called by what it does: a Job's pods cannot be changed, so another download is another Job.
func download(t spec.Target, r spec.RevisionTarget) manifest.Object {
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: downloadLabels(t)}, Spec: downloadPod(t, r),
	}
	text, err := json.Marshal(template)
	if err != nil {
		panic(err) // a pod of our own
	}
	sum := sha256.Sum256(text)
	name := t.Name + "-download-" + hex.EncodeToString(sum[:4])
	job := &batchv1.Job{
		TypeMeta: typeMeta("batch/v1", "Job"), ObjectMeta: meta(t, name, spec.ComponentDownload),
		Spec: batchv1.JobSpec{BackoffLimit: ptr.To[int32](attempts), Template: template},
	}
	at := map[string]string{
		"/spec/backoffLimit": "Each attempt goes on where the one before stopped, file by file.",
		"/spec/template/metadata/labels/sidecar.istio.io~1inject": "A sidecar would not end with the download, and no caller comes here.",
		"/spec/template/spec/restartPolicy":                       "The pods of failed attempts stay, with their logs.",
	}
	if *r.Model.Download.User == 0 {
		at["/spec/template/spec/securityContext"] = "The root of the file system belongs to root. No capability comes with it: what root may do\nwithout owning it, this may not. A namespace of the restricted Pod Security Standard refuses it: make the\nfolder for another user, and say which (spec.model.download.user)."
	}
	return manifest.Object{
		File: "job-" + strings.TrimPrefix(name, t.Name+"-"), Typed: job,
		Absent:   []string{"/status", "/spec/template/metadata/creationTimestamp"},
		Comments: manifest.Comments{At: at, Head: fmt.Sprintf("Fills %s of claim %s, once, from\n%s\nIt stays when it is done: what removes it, such as ttlSecondsAfterFinished, makes GitOps run it again.", r.Model.Folder(), r.Model.Claim(), r.Model.Download.From)},
	}
}

func downloadLabels(t spec.Target) map[string]string {
	return map[string]string{
		"app.kubernetes.io/name": t.Name, "app.kubernetes.io/component": spec.ComponentDownload,
		"app.kubernetes.io/managed-by": "kservegen", spec.DownloadLabel: t.Name, "sidecar.istio.io/inject": "false",
	}
}

func downloadPod(t spec.Target, r spec.RevisionTarget) corev1.PodSpec {
	user := int64(*r.Model.Download.User)
	return corev1.PodSpec{
		AutomountServiceAccountToken: ptr.To(false), EnableServiceLinks: ptr.To(false),
		ServiceAccountName: t.Name, RestartPolicy: corev1.RestartPolicyNever,
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot: ptr.To(user != 0), RunAsUser: &user, RunAsGroup: &user, FSGroup: &user,
			FSGroupChangePolicy: ptr.To(corev1.FSGroupChangeOnRootMismatch),
			SeccompProfile:      &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
		Containers: []corev1.Container{downloadContainer(t, r)},
		Volumes: []corev1.Volume{
			{Name: "weights", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: r.Model.Claim()}}},
			{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{SizeLimit: ptr.To(resource.MustParse("16Gi"))}}},
		},
	}
}

func downloadContainer(t spec.Target, r spec.RevisionTarget) corev1.Container {
	scheme, rest, _ := strings.Cut(r.Model.Download.From, "://")
	image, script := awsImage, s3Script
	env := []corev1.EnvVar{{Name: "SOURCE", Value: "s3://" + strings.Trim(rest, "/") + "/"}, {Name: "HOME", Value: "/tmp"}}
	keys := []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
	if eks := t.Platform.EKS; eks != nil && eks.Region != "" {
		env = append(env, corev1.EnvVar{Name: "AWS_REGION", Value: eks.Region})
	}
	if scheme == "hf" {
		repository, commit, _ := strings.Cut(rest, ":")
		image, script, keys = HubImage, hubScript, []string{"HF_TOKEN"}
		env = []corev1.EnvVar{
			{Name: "REPOSITORY", Value: repository}, {Name: "REVISION", Value: commit}, {Name: "HF_HOME", Value: "/tmp/huggingface"},
			{Name: "HF_HUB_DISABLE_PROGRESS_BARS", Value: "1"}, {Name: "HF_HUB_DISABLE_TELEMETRY", Value: "1"},
			{Name: "HF_HUB_DISABLE_UPDATE_CHECK", Value: "1"}, {Name: "NO_COLOR", Value: "1"},
		}
	}
	env = append(env, corev1.EnvVar{Name: "TARGET", Value: path.Join(weightsMount, r.Model.Folder())})
	if r.Model.Secret != "" {
		env = append(env, secretEnv(r.Model.Secret, keys)...)
	}
	return corev1.Container{
		Name: "download", Image: image, Command: []string{"/bin/sh", "-c"}, Args: []string{script}, Env: env,
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("2"), corev1.ResourceMemory: resource.MustParse("8Gi")},
			Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("8Gi")},
		},
		VolumeMounts: []corev1.VolumeMount{{Name: "weights", MountPath: weightsMount}, {Name: "tmp", MountPath: "/tmp"}},
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: ptr.To(false), ReadOnlyRootFilesystem: ptr.To(true),
			Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		},
	}
}

func secretEnv(secret string, keys []string) []corev1.EnvVar {
	env := make([]corev1.EnvVar, 0, len(keys))
	for _, key := range keys {
		env = append(env, corev1.EnvVar{Name: key, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
			LocalObjectReference: corev1.LocalObjectReference{Name: secret}, Key: key,
		}}})
	}
	return env
}

// DownloadPolicies let the downloads out, and nobody in.
func DownloadPolicies(t spec.Target) []manifest.Object {
	if !slices.ContainsFunc(t.Revisions, func(r spec.RevisionTarget) bool { return r.Model.Download != nil }) {
		return nil
	}
	policy := &networkingv1.NetworkPolicy{
		TypeMeta: typeMeta("networking.k8s.io/v1", "NetworkPolicy"), ObjectMeta: meta(t, t.Name+"-download", spec.ComponentSecurity),
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: map[string]string{spec.DownloadLabel: t.Name}},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
			Egress: append([]networkingv1.NetworkPolicyEgressRule{
				toNames(),
				{Ports: ports(corev1.ProtocolTCP, 443)},
			}, podIdentity(t)...),
		},
	}
	return []manifest.Object{{File: "networkpolicy-download", Typed: policy, Comments: manifest.Comments{
		Head: "The download asks for names and fetches by HTTPS. Nobody has anything to ask of it.",
	}}}
}
