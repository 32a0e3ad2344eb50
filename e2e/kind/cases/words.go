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

// containerID is without the runtime's name in front.
func containerID(id string) string { return id[strings.LastIndex(id, "/")+1:] }
