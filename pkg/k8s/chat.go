package k8s

import (
	"fmt"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

const (
	chatFolder = "/etc/kservegen/chat"
	// chatUser is nobody's in particular; the image has no users.
	chatUser = 65532
	// chatPause, in seconds, is for gateways to forget a pod that stops: from SIGTERM on it takes no new request.
	chatPause = 10
	// chatGrace, in seconds, is that pause, five minutes for answers to end, as the model's pods have, and the end of the program.
	chatGrace = chatPause + 300 + 20
	// chatCPU is how much of its requested CPU a pod may use on average, in percent, before there is another.
	chatCPU = 70
)

func chatMeta(t spec.Target) metav1.ObjectMeta { return meta(t, t.ChatName(), spec.ComponentChat) }

// ChatDeployment is the page: pods of kservegen, which keep nothing, so that any of them answers.
func ChatDeployment(t spec.Target) manifest.Object {
	labels := t.ChatSelector()
	labels["app.kubernetes.io/name"], labels["app.kubernetes.io/component"] = t.ChatName(), spec.ComponentChat
	labels["app.kubernetes.io/managed-by"], labels["sidecar.istio.io/inject"] = "kservegen", "true"
	deployment := &appsv1.Deployment{
		TypeMeta: typeMeta("apps/v1", "Deployment"), ObjectMeta: chatMeta(t),
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: t.ChatSelector()},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: spec.SidecarAnnotations()}, Spec: chatPod(t)},
		},
	}
	at := map[string]string{
		"/spec/template/metadata/labels":                     "Not the model's: no Service, policy or budget of the servers is about these pods.",
		"/spec/template/metadata/annotations":                "The sidecar answers the kubelet's probes for the page, and waits for answers that run.",
		"/spec/template/spec/automountServiceAccountToken":   "The page reads the shares of the revisions from the API server, and nothing else there (see role-chat).",
		"/spec/template/spec/terminationGracePeriodSeconds":  "The pause before, and five minutes in which answers may come to their end.",
		"/spec/template/spec/topologySpreadConstraints":      "Over zones where there are some; never Pending because of it.",
		"/spec/template/spec/containers/0/lifecycle/preStop": "Let gateways forget the pod first. The kubelet's own sleep (Kubernetes 1.30 and later): the image has no shell.",
		"/spec/template/spec/containers/0/resources":         chatResourcesComment,
	}
	absent := []string{"/status", "/spec/strategy"}
	if chatScales(t) {
		at["/spec/selector"] = "No replicas here: their number is the autoscaler's, and would be set back at every change."
	} else {
		deployment.Spec.Replicas = ptr.To(int32(*t.Chat.Replicas.Min))
	}
	if secret, key := chatSecret(t); secret != "" {
		at["/spec/template/spec/volumes/0"] = fmt.Sprintf("It must exist, with the key %s. The page reads it again when it changes.", key)
	}
	return manifest.Object{File: "deployment-chat", Typed: deployment, Absent: absent, Comments: manifest.Comments{
		Head: "The page on which people talk to " + t.ServedName + ", at " + t.Chat.Host + " (docs/chat-cluster.md).", At: at,
	}}
}

func chatPod(t spec.Target) corev1.PodSpec {
	probe := func(period, failures int32) *corev1.Probe {
		return &corev1.Probe{
			ProbeHandler:  corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/healthz", Port: intstr.FromString("http")}},
			PeriodSeconds: period, FailureThreshold: failures, TimeoutSeconds: 5,
		}
	}
	pod := corev1.PodSpec{
		ServiceAccountName: t.ChatName(), AutomountServiceAccountToken: ptr.To(true), EnableServiceLinks: ptr.To(false),
		TerminationGracePeriodSeconds: ptr.To[int64](chatGrace),
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot: ptr.To(true), RunAsUser: ptr.To[int64](chatUser), RunAsGroup: ptr.To[int64](chatUser), FSGroup: ptr.To[int64](chatUser),
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
		TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{
			MaxSkew: 1, TopologyKey: corev1.LabelTopologyZone, WhenUnsatisfiable: corev1.ScheduleAnyway,
			LabelSelector: &metav1.LabelSelector{MatchLabels: t.ChatSelector()},
		}},
		Containers: []corev1.Container{{
			Name: "chat", Image: t.Chat.Image, Args: chatArgs(t), Resources: chatResources(),
			Env:            []corev1.EnvVar{{Name: "GOMEMLIMIT", Value: chatCollectorMiB}},
			Ports:          []corev1.ContainerPort{{Name: "http", ContainerPort: spec.ChatPort, Protocol: corev1.ProtocolTCP}},
			ReadinessProbe: probe(5, 2), LivenessProbe: probe(10, 6),
			Lifecycle: &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: chatPause}}},
			SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: ptr.To(false), ReadOnlyRootFilesystem: ptr.To(true), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			},
		}},
	}
	if secret, key := chatSecret(t); secret != "" {
		pod.Volumes = []corev1.Volume{{Name: "sign-in", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{
			SecretName: secret, Items: []corev1.KeyToPath{{Key: key, Path: key}}, DefaultMode: ptr.To[int32](0o440),
		}}}}
		pod.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "sign-in", MountPath: chatFolder, ReadOnly: true}}
	}
	return pod
}

// chatSecret is the one that sign-in takes, and its key; empty for a public client.
func chatSecret(t spec.Target) (name, key string) {
	if oidc := t.Chat.SignIn.OIDC; oidc != nil {
		return oidc.Secret, spec.ChatClientSecretKey
	}
	return t.Chat.SignIn.Basic.Secret, spec.ChatUsersKey
}

// chatArgs of the container, whose image begins with kservegen. The page asks the model's Service, where the sidecar goes by the
// routes; a path or a header that selects the model at the gateway is nothing to these.
func chatArgs(t spec.Target) []string {
	args := []string{
		"chat", "--web", "--listen=0.0.0.0:" + strconv.Itoa(spec.ChatPort), "--listen-host=" + t.Chat.Host,
		fmt.Sprintf("--url=http://%s.%s.svc.cluster.local", t.Name, t.Namespace), "--model=" + t.ServedName,
		"--model-deployment=" + t.Name, "--namespace=" + t.Namespace,
		"--requests-per-minute=" + strconv.Itoa(*t.Chat.RequestsPerMinute),
	}
	secret, key := chatSecret(t)
	file := chatFolder + "/" + key
	oidc := t.Chat.SignIn.OIDC
	if oidc == nil {
		return append(args, "--users-file="+file)
	}
	args = append(args, "--oidc-issuer-url="+oidc.Issuer, "--oidc-client-id="+oidc.ClientID)
	if secret != "" {
		args = append(args, "--oidc-client-secret-file="+file)
	}
	return append(args, "--oidc-scopes="+strings.Join(oidc.Scopes, ","))
}

// What the program took when it was measured, on Linux with Go 1.26: 82 MiB at rest, 97 MiB and 0.12 cores with 200 answers at once of 30
// words a second, 140 MiB with 500, 383 MiB with 150 questions at once of the most that it takes, 4 MiB, of which it has room for 64 (pkg/chat/web). The
// memory limit is more than twice that, since the kernel counts what is in sockets as well; Go's collector works harder from nine tenths of
// it on.
const (
	chatRequestCPU, chatRequestMemory = "100m", "128Mi"
	chatLimitMemory, chatCollectorMiB = "1Gi", "921MiB"

	chatResourcesComment = "Measured: 82 MiB at rest, 97 MiB and 0.12 cores with 200 answers at once, 383 MiB with as many questions at once of 4 MiB\nas it has room for. GOMEMLIMIT is nine tenths of the limit."
)

func chatResources() corev1.ResourceRequirements {
	return corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(chatRequestCPU), corev1.ResourceMemory: resource.MustParse(chatRequestMemory)},
		Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(chatLimitMemory)},
	}
}

// ChatService is what the gateway's route leads to.
func ChatService(t spec.Target) manifest.Object {
	return manifest.Object{File: "service-chat", Typed: &corev1.Service{
		TypeMeta: typeMeta("v1", "Service"), ObjectMeta: chatMeta(t),
		Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeClusterIP, Selector: t.ChatSelector(),
			Ports: []corev1.ServicePort{{Name: "http", Port: 80, Protocol: corev1.ProtocolTCP, TargetPort: intstr.FromString("http")}},
		},
	}, Comments: manifest.Comments{Head: "The pods of the page, for the gateway."}}
}

// ChatDisruptionBudget lets one pod of the page be evicted at a time.
func ChatDisruptionBudget(t spec.Target) manifest.Object {
	return manifest.Object{File: "poddisruptionbudget-chat", Typed: disruptionBudget(chatMeta(t), t.ChatSelector()), Comments: manifest.Comments{
		Head: "A drain takes one pod of the page at a time, and waits for its answers.",
	}}
}

// chatScales reports whether an autoscaler has the number of the page's pods.
func chatScales(t spec.Target) bool { return *t.Chat.Replicas.Max > *t.Chat.Replicas.Min }

// ChatAutoscalers are one where the document leaves room, and none for a fixed number.
func ChatAutoscalers(t spec.Target) []manifest.Object {
	if !chatScales(t) {
		return nil
	}
	return []manifest.Object{{File: "horizontalpodautoscaler-chat", Typed: &autoscalingv2.HorizontalPodAutoscaler{
		TypeMeta: typeMeta("autoscaling/v2", "HorizontalPodAutoscaler"), ObjectMeta: chatMeta(t),
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: t.ChatName()},
			MinReplicas:    ptr.To(int32(*t.Chat.Replicas.Min)), MaxReplicas: int32(*t.Chat.Replicas.Max),
			Metrics: []autoscalingv2.MetricSpec{{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
				Name: corev1.ResourceCPU, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: ptr.To[int32](chatCPU)},
			}}},
		},
	}, Comments: manifest.Comments{
		Head: "Pods of the page by their CPU, the sidecar's included. Each of them limits by itself how much a person asks.",
	}}}
}
