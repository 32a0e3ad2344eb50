// Package dryrun asks a cluster what it would say of objects: by server-side apply with dryRun, so that its own
// schemas, webhooks and quotas answer. Nothing is written.
package dryrun

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/utils/ptr"
)

// FieldManager is who asks. Nothing is ever owned by it, for nothing is written.
const FieldManager = "kservegen"

// Cluster is an API server that is asked.
type Cluster struct {
	client    dynamic.Interface
	mapper    meta.RESTMapper
	namespace string
}

// Verdict is what the server says of one object.
type Verdict struct {
	Accepted bool
	// Message in the server's words, empty where it accepts.
	Message string
	// Fields are the paths that the server names, in its own form: spec.http[0].route.
	Fields []string
}

// Current connects to the cluster that kubectl would use: KUBECONFIG, the file in the home directory, or the pod
// that this runs in. An empty contextName is the current one.
func Current(contextName string) (*Cluster, error) {
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		clientcmd.NewDefaultClientConfigLoadingRules(), &clientcmd.ConfigOverrides{CurrentContext: contextName})
	config, err := loader.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("finding the cluster: %w", err)
	}
	namespace, _, err := loader.Namespace()
	if err != nil {
		return nil, fmt.Errorf("finding the cluster: %w", err)
	}
	return New(config, namespace)
}

// New connects to a cluster. Objects that name no namespace are asked about in the given one.
func New(config *rest.Config, namespace string) (*Cluster, error) {
	config = rest.CopyConfig(config)
	config.QPS, config.Burst = 50, 100 // one request an object; the server's own fairness is the limit
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	discover, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	groups, err := restmapper.GetAPIGroupResources(discover)
	if err != nil {
		return nil, fmt.Errorf("asking the cluster for its kinds: %w", err)
	}
	return &Cluster{client: client, mapper: restmapper.NewDiscoveryRESTMapper(groups), namespace: namespace}, nil
}

// Ask returns the server's verdict on an object. An error means that it could not be asked.
func (c *Cluster) Ask(ctx context.Context, object map[string]any) (Verdict, error) {
	apiVersion, _ := object["apiVersion"].(string)
	kind, _ := object["kind"].(string)
	metadata, _ := object["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	if name == "" {
		return Verdict{Message: "metadata.name: Required value", Fields: []string{"metadata.name"}}, nil
	}
	version, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return Verdict{Message: err.Error(), Fields: []string{"apiVersion"}}, nil
	}
	mapping, err := c.mapper.RESTMapping(version.WithKind(kind).GroupKind(), version.Version)
	if meta.IsNoMatchError(err) {
		return Verdict{Message: fmt.Sprintf("the cluster has no kind %s in %s", kind, apiVersion), Fields: []string{"kind"}}, nil
	}
	if err != nil {
		return Verdict{}, err
	}
	data, err := json.Marshal(object)
	if err != nil {
		return Verdict{}, err
	}
	_, err = c.resource(mapping, metadata).Patch(ctx, name, types.ApplyPatchType, data, metav1.PatchOptions{
		DryRun: []string{metav1.DryRunAll}, FieldManager: FieldManager, Force: ptr.To(true), FieldValidation: metav1.FieldValidationStrict,
	})
	return verdictOf(err)
}

func (c *Cluster) resource(mapping *meta.RESTMapping, metadata map[string]any) dynamic.ResourceInterface {
	client := c.client.Resource(mapping.Resource)
	if mapping.Scope.Name() != meta.RESTScopeNameNamespace {
		return client
	}
	namespace, _ := metadata["namespace"].(string)
	if namespace == "" {
		namespace = c.namespace
	}
	return client.Namespace(namespace)
}

// verdictOf tells what the server says of the object from what keeps it from saying anything.
func verdictOf(err error) (Verdict, error) {
	var status apierrors.APIStatus
	switch {
	case err == nil:
		return Verdict{Accepted: true}, nil
	case !errors.As(err, &status), apierrors.IsUnauthorized(err), apierrors.IsTooManyRequests(err),
		apierrors.IsServerTimeout(err), apierrors.IsTimeout(err), apierrors.IsServiceUnavailable(err):
		return Verdict{}, fmt.Errorf("asking the cluster: %w", err)
	}
	verdict := Verdict{Message: strings.TrimSpace(status.Status().Message)}
	if details := status.Status().Details; details != nil {
		for _, cause := range details.Causes {
			if cause.Field != "" && cause.Field != "<nil>" {
				verdict.Fields = append(verdict.Fields, cause.Field)
			}
		}
	}
	return verdict, nil
}
