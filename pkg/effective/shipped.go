package effective

import (
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/kserve/kserve/pkg/apis/serving/v1alpha1"
	"github.com/kserve/kserve/pkg/apis/serving/v1alpha2"
	"github.com/kserve/kserve/pkg/constants"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// shippedJSON is extracted from the release manifests in the KServe module; TestShippedManifests writes and
// proves it.
//
//go:embed data/kserve.json
var shippedJSON []byte

// shipped is what an installation of the pinned release brings besides its code.
type shipped struct {
	// Module is path@version, Files the sha256 of each manifest read.
	Module string            `json:"module"`
	Files  map[string]string `json:"files"`
	// Config is inferenceservice-config without its _example.
	Config                  *corev1.ConfigMap                 `json:"config"`
	ClusterStorageContainer *v1alpha1.ClusterStorageContainer `json:"clusterStorageContainer"`
	ClusterServingRuntimes  []*v1alpha1.ClusterServingRuntime `json:"clusterServingRuntimes"`
	PodWebhook              podWebhookSelectors               `json:"podWebhook"`
	// LLMConfigs are the presets that LLMInferenceServices are laid over.
	LLMConfigs []*v1alpha2.LLMInferenceServiceConfig `json:"llmInferenceServiceConfigs"`
}

// podWebhookSelectors say which pods the API server shows to KServe.
type podWebhookSelectors struct {
	Namespace metav1.LabelSelector `json:"namespaceSelector"`
	Object    metav1.LabelSelector `json:"objectSelector"`
}

func loadShipped() (shipped, error) {
	var s shipped
	if err := json.Unmarshal(shippedJSON, &s); err != nil {
		return s, fmt.Errorf("reading the embedded manifests of KServe: %w", err)
	}
	s.Config.Namespace = constants.KServeNamespace
	s.ClusterStorageContainer.Namespace = ""
	for _, config := range s.LLMConfigs {
		config.Namespace = constants.KServeNamespace
	}
	return s, nil
}

// objects are shared by all who read the store; nobody writes to them.
func (s shipped) objects() []client.Object {
	objects := []client.Object{s.Config, s.ClusterStorageContainer}
	for _, runtime := range s.ClusterServingRuntimes {
		objects = append(objects, runtime)
	}
	for _, config := range s.LLMConfigs {
		objects = append(objects, config)
	}
	return objects
}
