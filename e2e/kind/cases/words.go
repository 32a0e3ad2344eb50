package cases

import (
	"crypto/rand"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// randomWord marks a request, so that it is found again.
func randomWord() string { return strings.ToLower(rand.Text()) }

// serverContainer is the one that KServe runs the model in.
const serverContainer = "kserve-container"

func isServer(status corev1.ContainerStatus) bool { return status.Name == serverContainer }

// serverPort is where the first revision's server listens: KServe's 8080 where its runtime does not say.
func (e *Env) serverPort() int32 {
	if model := e.Tree.Services[0].Spec.Predictor.Model; model != nil && model.Runtime != nil {
		for _, container := range e.Tree.Runtimes[*model.Runtime].Spec.Containers {
			if container.Name == serverContainer && len(container.Ports) > 0 {
				return container.Ports[0].ContainerPort
			}
		}
	}
	return 8080
}

// containerID is without the runtime's name in front.
func containerID(id string) string { return id[strings.LastIndex(id, "/")+1:] }
