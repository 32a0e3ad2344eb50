package effective

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/kserve/kserve/pkg/apis/serving/v1alpha1"
	"github.com/kserve/kserve/pkg/apis/serving/v1alpha2"
	"github.com/kserve/kserve/pkg/apis/serving/v1beta1"
	"github.com/kserve/kserve/pkg/constants"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/manifest"
)

// cluster is the input as a cluster would hold it.
type cluster struct {
	store    *store
	config   *corev1.ConfigMap
	services []manifest.Resource
	// llms are the LLMInferenceServices of v1alpha2, and presets the LLMInferenceServiceConfigs, of the input.
	llms, presets []manifest.Resource
	configs       configs
	// namespaces holds the labels of those that the input brings.
	namespaces map[string]map[string]string
}

// configs are the parts of inferenceservice-config that the defaulting webhook reads.
type configs struct {
	service  *v1beta1.InferenceServicesConfig
	deploy   *v1beta1.DeployConfig
	security *v1beta1.SecurityConfig
	local    *v1beta1.LocalModelConfig
	ingress  *v1beta1.IngressConfig
}

// cluster fills a store with the input and, for what it lacks, with what KServe ships. Runtimes pass their
// webhooks on the way in, in the order of the input.
func (b *Builder) cluster(ctx context.Context, resources []manifest.Resource) (*cluster, *Effect, error) {
	c := &cluster{store: newStore(b.scheme, nil), namespaces: map[string]map[string]string{}}
	if err := b.install(c, resources); err != nil {
		return nil, nil, err
	}
	if err := c.readConfig(); err != nil {
		return nil, nil, err
	}
	effect := &Effect{}
	validator := newRuntimeValidator(b.decoder, c.store)
	for _, resource := range resources {
		if isKServe(resource, "v1beta1", "InferenceService") {
			c.services = append(c.services, resource)
			continue
		}
		object := brought(resource)
		if object == nil {
			continue
		}
		refusal := b.admit(ctx, validator, resource, object)
		if refusal != nil {
			effect.Refused = append(effect.Refused, *refusal)
			continue
		}
		if err := c.add(object); err != nil {
			return nil, nil, err
		}
		switch {
		case isKServe(resource, "v1alpha2", "LLMInferenceService"):
			c.llms = append(c.llms, resource)
		case isKServe(resource, "v1alpha2", "LLMInferenceServiceConfig"):
			c.presets = append(c.presets, resource)
		}
	}
	return c, effect, nil
}

// install puts in place what an installation of KServe brings and the input does not replace.
func (b *Builder) install(c *cluster, resources []manifest.Resource) error {
	replaced := map[string]bool{}
	for _, resource := range resources {
		replaced[resource.Kind()+" "+resource.Name()] = true
	}
	for _, object := range b.shipped.objects() {
		if replaced[object.GetObjectKind().GroupVersionKind().Kind+" "+object.GetName()] && object.GetNamespace() == "" {
			continue
		}
		if err := c.store.put(object); err != nil {
			return err
		}
	}
	c.config = b.shipped.Config
	for _, resource := range resources {
		if resource.Kind() != "ConfigMap" || resource.Name() != constants.InferenceServiceConfigMapName {
			continue
		}
		object := &corev1.ConfigMap{}
		if err := checkBounded(resource.Data); err != nil {
			return fmt.Errorf("reading %s: %w", resource.File, err)
		}
		if err := b.decode(resource, object); err != nil {
			return fmt.Errorf("reading %s: %w", resource.File, err)
		}
		if err := c.add(object); err != nil {
			return err
		}
	}
	return nil
}

// add puts an object where KServe looks for it.
func (c *cluster) add(object client.Object) error {
	switch object := object.(type) {
	case *corev1.ConfigMap:
		// Which namespace KServe is installed in is its installation's business; it reads the one there.
		object.Namespace = constants.KServeNamespace
		c.config = object
	case *corev1.Secret:
		for name, text := range object.StringData {
			if object.Data == nil {
				object.Data = map[string][]byte{}
			}
			object.Data[name] = []byte(text)
		}
	case *corev1.Namespace:
		c.namespaces[object.Name] = object.Labels
	case *v1alpha1.ClusterStorageContainer, *v1alpha1.ClusterServingRuntime, *v1alpha1.LocalModelCache:
		object.SetNamespace("")
	}
	return c.store.put(object)
}

func (c *cluster) readConfig() error {
	var err error
	fail := func(err error) error { return fmt.Errorf("ConfigMap %s: %w", c.config.Name, err) }
	if c.configs.service, err = v1beta1.NewInferenceServicesConfig(c.config); err != nil {
		return fail(err)
	}
	if c.configs.deploy, err = v1beta1.NewDeployConfig(c.config); err != nil {
		return fail(err)
	}
	if c.configs.security, err = v1beta1.NewSecurityConfig(c.config); err != nil {
		return fail(err)
	}
	if c.configs.local, err = v1beta1.NewLocalModelConfig(c.config); err != nil {
		return fail(err)
	}
	if c.configs.ingress, err = v1beta1.NewIngressConfig(c.config); err != nil {
		return fail(err)
	}
	return nil
}

// brought returns an empty object of the input's kind where KServe reads or judges that kind.
func brought(resource manifest.Resource) client.Object {
	switch resource.APIVersion() + " " + resource.Kind() {
	case "v1 Secret":
		return &corev1.Secret{}
	case "v1 ServiceAccount":
		return &corev1.ServiceAccount{}
	case "v1 Namespace":
		return &corev1.Namespace{}
	case v1alpha1.SchemeGroupVersion.String() + " ServingRuntime":
		return &v1alpha1.ServingRuntime{}
	case v1alpha1.SchemeGroupVersion.String() + " ClusterServingRuntime":
		return &v1alpha1.ClusterServingRuntime{}
	case v1alpha1.SchemeGroupVersion.String() + " InferenceGraph":
		return &v1alpha1.InferenceGraph{}
	case v1alpha1.SchemeGroupVersion.String() + " TrainedModel":
		return &v1alpha1.TrainedModel{}
	case v1alpha1.SchemeGroupVersion.String() + " LLMInferenceService":
		return &v1alpha1.LLMInferenceService{}
	case v1alpha2.SchemeGroupVersion.String() + " LLMInferenceService":
		return &v1alpha2.LLMInferenceService{}
	case v1alpha1.SchemeGroupVersion.String() + " LLMInferenceServiceConfig":
		return &v1alpha1.LLMInferenceServiceConfig{}
	case v1alpha2.SchemeGroupVersion.String() + " LLMInferenceServiceConfig":
		return &v1alpha2.LLMInferenceServiceConfig{}
	case v1alpha1.SchemeGroupVersion.String() + " ClusterStorageContainer":
		return &v1alpha1.ClusterStorageContainer{}
	case v1alpha1.SchemeGroupVersion.String() + " LocalModelCache":
		return &v1alpha1.LocalModelCache{}
	case v1alpha1.SchemeGroupVersion.String() + " LocalModelNamespaceCache":
		return &v1alpha1.LocalModelNamespaceCache{}
	}
	return nil
}

func isKServe(resource manifest.Resource, version, kind string) bool {
	return resource.Kind() == kind && resource.APIVersion() == constants.KServeAPIGroupName+"/"+version
}

// decode reads data as the API server does: names of fields with their case, unknown ones passed over.
func (b *Builder) decode(resource manifest.Resource, into client.Object) error {
	data := resource.Data
	if b.options.Structural != nil {
		var err error
		if data, err = b.options.Structural(resource.APIVersion(), resource.Kind(), manifest.DeepCopy(data)); err != nil {
			return err
		}
	}
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	if err := utiljson.Unmarshal(text, into); err != nil {
		return err
	}
	if into.GetNamespace() == "" {
		into.SetNamespace(b.options.Namespace)
	}
	into.SetCreationTimestamp(metav1.Time{})
	return nil
}

func (b *Builder) reference(resource manifest.Resource) finding.Object {
	object := finding.Object{
		APIVersion: resource.APIVersion(), Kind: resource.Kind(), Namespace: resource.Namespace(), Name: resource.Name(),
	}
	if object.Namespace == "" && !strings.HasPrefix(object.Kind, "Cluster") && object.Kind != "Namespace" {
		object.Namespace = b.options.Namespace
	}
	return object
}
