package effective

import (
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// clientset reads the same store by the typed interface, which KServe uses for ConfigMaps, Secrets and
// ServiceAccounts. The rest of the interfaces is nil, as in store.
type clientset struct {
	kubernetes.Interface
	store *store
}

// Discovery is asked for the server's version where weights are mounted as images, and does not know it.
func (c clientset) Discovery() discovery.DiscoveryInterface { return unknownServer{} }

type unknownServer struct{ discovery.DiscoveryInterface }

func (unknownServer) ServerVersion() (*version.Info, error) {
	return nil, errors.New("there is no server")
}

func (c clientset) CoreV1() corev1client.CoreV1Interface { return core{store: c.store} }

type core struct {
	corev1client.CoreV1Interface
	store *store
}

func (c core) ConfigMaps(namespace string) corev1client.ConfigMapInterface {
	return configMaps{in: in{c.store, namespace}}
}

func (c core) Secrets(namespace string) corev1client.SecretInterface {
	return secrets{in: in{c.store, namespace}}
}

func (c core) ServiceAccounts(namespace string) corev1client.ServiceAccountInterface {
	return serviceAccounts{in: in{c.store, namespace}}
}

// in is a namespace of the store.
type in struct {
	store     *store
	namespace string
}

func (i in) get(ctx context.Context, name string, into client.Object) error {
	return i.store.Get(ctx, client.ObjectKey{Namespace: i.namespace, Name: name}, into)
}

type configMaps struct {
	corev1client.ConfigMapInterface
	in in
}

func (c configMaps) Get(ctx context.Context, name string, _ metav1.GetOptions) (*corev1.ConfigMap, error) {
	object := &corev1.ConfigMap{}
	return object, c.in.get(ctx, name, object)
}

type secrets struct {
	corev1client.SecretInterface
	in in
}

func (s secrets) Get(ctx context.Context, name string, _ metav1.GetOptions) (*corev1.Secret, error) {
	object := &corev1.Secret{}
	err := s.in.get(ctx, name, object)
	if apierrors.IsNotFound(err) && s.in.store.assume {
		s.in.store.assumed = append(s.in.store.assumed, key{schema.GroupKind{Kind: "Secret"}, s.in.namespace, name})
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.in.namespace, Name: name}}, nil
	}
	return object, err
}

type serviceAccounts struct {
	corev1client.ServiceAccountInterface
	in in
}

func (s serviceAccounts) Get(ctx context.Context, name string, _ metav1.GetOptions) (*corev1.ServiceAccount, error) {
	object := &corev1.ServiceAccount{}
	return object, s.in.get(ctx, name, object)
}
