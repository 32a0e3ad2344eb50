package live

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kservegen/kservegen/pkg/spec"
)

// patience is how long one request to the API server may take.
const patience = 10 * time.Second

// Cluster is an API server that is read.
type Cluster struct {
	client dynamic.Interface
	config *rest.Config
	// Name is that of the context, for people.
	Name string
}

// Find says how the cluster that kubectl would use is reached, and the name of its context. Empty names are the defaults:
// KUBECONFIG, the file in the home directory or the pod that this runs in, and the current context.
func Find(kubeconfig, contextName string) (*rest.Config, string, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: contextName})
	config, err := loader.ClientConfig()
	if err != nil {
		return nil, "", fmt.Errorf("finding the cluster: %w", err)
	}
	if raw, unread := loader.RawConfig(); contextName == "" && unread == nil {
		contextName = raw.CurrentContext
	}
	return config, contextName, nil
}

// Connect connects to the cluster that Find finds.
func Connect(kubeconfig, contextName string) (*Cluster, error) {
	config, name, err := Find(kubeconfig, contextName)
	if err != nil {
		return nil, err
	}
	cluster, err := New(config)
	if err != nil {
		return nil, err
	}
	cluster.Name = name
	return cluster, nil
}

// New connects to a cluster. A limit of the rate that the configuration has is kept.
func New(config *rest.Config) (*Cluster, error) {
	config = rest.CopyConfig(config)
	config.Timeout = patience
	if config.QPS == 0 {
		config.QPS, config.Burst = 50, 100
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to the cluster: %w", err)
	}
	return &Cluster{client: client, config: config}, nil
}

// kind is a resource of the API.
type kind = schema.GroupVersionResource

// kinds of revisions, of what has their replicas, and of routes.
func inferenceServices() kind {
	return kind{Group: "serving.kserve.io", Version: "v1beta1", Resource: "inferenceservices"}
}

func llmInferenceServices() kind {
	return kind{Group: "serving.kserve.io", Version: "v1alpha2", Resource: "llminferenceservices"}
}

func groups() kind {
	return kind{Group: "leaderworkerset.x-k8s.io", Version: "v1", Resource: "leaderworkersets"}
}

func deployments() kind { return kind{Group: "apps", Version: "v1", Resource: "deployments"} }

func pods() kind { return kind{Version: "v1", Resource: "pods"} }

func virtualServices() kind {
	return kind{Group: "networking.istio.io", Version: "v1", Resource: "virtualservices"}
}

func httpRoutes() kind {
	return kind{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "httproutes"}
}

// list returns the objects that have labels, all without. A kind that the cluster does not know has none.
func (c *Cluster) list(ctx context.Context, k kind, namespace string, labels map[string]string) ([]object, error) {
	selector := ""
	if len(labels) > 0 {
		selector = metav1.FormatLabelSelector(&metav1.LabelSelector{MatchLabels: labels})
	}
	found, err := c.client.Resource(k).Namespace(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s of namespace %s: %w", k.Resource, namespace, err)
	}
	objects := make([]object, len(found.Items))
	for i, item := range found.Items {
		objects[i] = object{item}
	}
	return objects, nil
}

// get returns an object, none where there is none.
func (c *Cluster) get(ctx context.Context, k kind, namespace, name string) (object, bool, error) {
	found, err := c.client.Resource(k).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return object{}, false, nil
	}
	if err != nil {
		return object{}, false, fmt.Errorf("reading %s %s/%s: %w", k.Resource, namespace, name, err)
	}
	return object{*found}, true, nil
}

// object is what the API server returns, read field by field: what is not there is empty.
type object struct{ unstructured.Unstructured }

func (o object) number(path ...string) int {
	n, _, _ := unstructured.NestedInt64(o.Object, path...)
	return int(n)
}

func (o object) items(path ...string) []map[string]any {
	list, _, _ := unstructured.NestedSlice(o.Object, path...)
	return mappings(list)
}

func mappings(list []any) []map[string]any {
	var found []map[string]any
	for _, item := range list {
		if m, ok := item.(map[string]any); ok {
			found = append(found, m)
		}
	}
	return found
}

// revision is what a label of our own says, or else what the name has behind that of the model.
func (o object) revision(model string) string {
	if name := o.GetLabels()[spec.RevisionLabel]; name != "" {
		return name
	}
	return behind(o.GetName(), model)
}
