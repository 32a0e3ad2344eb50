package tree

import (
	"slices"
	"strings"

	istio "istio.io/client-go/pkg/apis/networking/v1"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime"
	gateway "sigs.k8s.io/gateway-api/apis/v1"
)

// Chat is the page of the tree, with which people talk to its model. Its objects are none of the model's: the suite's other
// cases leave them alone.
type Chat struct {
	Deployment appsv1.Deployment
	// Host is its name at the gateway.
	Host string
}

// Image is that of its only container.
func (c Chat) Image() string { return c.Deployment.Spec.Template.Spec.Containers[0].Image }

// Account is namespace/name of the service account by which the model knows it.
func (c Chat) Account() string {
	return c.Deployment.Namespace + "/" + c.Deployment.Spec.Template.Spec.ServiceAccountName
}

// chatComponent is what objects of a page have as app.kubernetes.io/component (pkg/spec/labels.go).
const chatComponent = "chat"

func isChat(object map[string]any) bool {
	meta, _ := object["metadata"].(map[string]any)
	labels, _ := meta["labels"].(map[string]any)
	return labels["app.kubernetes.io/component"] == chatComponent
}

// takeChat keeps an object of the page, if the suite asks it something.
func (t *Tree) takeChat(object map[string]any) error {
	if t.Chat == nil {
		t.Chat = &Chat{}
	}
	convert := func(into any) error {
		return runtime.DefaultUnstructuredConverter.FromUnstructured(object, into)
	}
	switch object["kind"] {
	case "Deployment":
		return convert(&t.Chat.Deployment)
	case virtualService:
		var route istio.VirtualService
		err := convert(&route)
		t.Chat.at(route.Spec.Hosts)
		return err
	case httpRoute:
		var route gateway.HTTPRoute
		err := convert(&route)
		for _, host := range route.Spec.Hostnames {
			t.Chat.at([]string{string(host)})
		}
		return err
	}
	return nil
}

// at takes the first host outside of the cluster.
func (c *Chat) at(hosts []string) {
	outside := slices.IndexFunc(hosts, func(host string) bool { return !strings.HasSuffix(host, inCluster) })
	if c.Host == "" && outside >= 0 {
		c.Host = hosts[outside]
	}
}
