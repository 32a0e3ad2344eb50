package cases

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kservegen/kservegen/e2e/kind/install"
	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// callsAsItself: the model's sidecars see the page's own service account, and refuse another one of its namespace, whose packets
// would not even arrive.
func callsAsItself(ctx context.Context, e *Env) error {
	if err := e.needsPage(); err != nil {
		return err
	}
	return errors.Join(e.seenAsPage(ctx), e.neighbourRefused(ctx))
}

// seenAsPage asks for the models through the page, and finds its account in the access log of a model's sidecar.
func (e *Env) seenAsPage(ctx context.Context) error {
	account := e.Tree.Chat.Account()
	namespace, name, _ := strings.Cut(account, "/")
	seen := func(ctx context.Context) (int, error) {
		out, err := e.Kubectl.Run(ctx, "-n", namespace, "logs", "-l", "serving.kserve.io/inferenceservice", "-c", "istio-proxy", "--tail=-1")
		return strings.Count(out, " peer=spiffe://cluster.local/ns/"+namespace+"/sa/"+name+" "), err
	}
	before, err := seen(ctx)
	if err != nil {
		return err
	}
	if err := e.pageSays(ctx, http.StatusOK, signedIn(install.ChatUsers()[4]), "/api/models"); err != nil {
		return err
	}
	if err := eventually(ctx, "the page's call in an access log", func(ctx context.Context) error {
		now, err := seen(ctx)
		if err == nil && now <= before {
			err = errors.New("no sidecar of the model has seen it")
		}
		return err
	}); err != nil {
		return err
	}
	e.Figure("the model's sidecar sees %s", account)
	return nil
}

// neighbourRefused asks the model as another service account of the page's namespace: with the NetworkPolicies, and without.
func (e *Env) neighbourRefused(ctx context.Context) (err error) {
	other, url := e.Tree.Chat.Deployment.Namespace+"/"+install.Injected, "http://"+e.Tree.Inside()
	if err := e.unheard(ctx, other); err != nil {
		return err
	}
	defer e.undo(ctx, &err, func(ctx context.Context) error { return e.Kubectl.Apply(ctx, e.objects("NetworkPolicy")...) })
	if err := e.deletePolicies(ctx); err != nil {
		return err
	}
	if err := e.arrives(ctx, other, url+"/v1/models"); err != nil {
		return err
	}
	api, beside := paths()
	return errors.Join(e.answers(ctx, other, url, append(api, beside...), http.StatusForbidden), e.generates(ctx, other, url, http.StatusForbidden))
}

// arrives waits until somebody answers a client, whatever it is. A sidecar that reaches nobody says 503.
func (e *Env) arrives(ctx context.Context, client, url string) error {
	return eventually(ctx, "packets to arrive", func(ctx context.Context) error {
		got, err := e.curl(ctx, client, url)
		if err == nil && (got.status == 0 || got.status == http.StatusServiceUnavailable) {
			err = fmt.Errorf("%s got %s", client, got)
		}
		return err
	})
}

// unheard wants no packet of a pod beside the page to arrive at the model: the policy lets the page's pods in, and not its namespace.
func (e *Env) unheard(ctx context.Context, client string) error {
	if !e.has("NetworkPolicy") {
		return lacks("no NetworkPolicy")
	}
	namespace, _, _ := strings.Cut(client, "/")
	return e.dropped(ctx, namespace+"/"+install.Uninjected, int(e.serverPort()))
}

// opensByGateway: nobody but the gateway reaches the page. Packets of strangers do not arrive; where they would, the mesh refuses
// who has an identity, and hangs up on who has none.
func opensByGateway(ctx context.Context, e *Env) error {
	if err := e.needsPage(); err != nil {
		return err
	}
	found, err := e.pagePods(ctx)
	if err != nil {
		return err
	}
	page := found[0]
	port := int(e.Tree.Chat.Deployment.Spec.Template.Spec.Containers[0].Ports[0].ContainerPort)
	for _, namespace := range []string{install.Strangers, e.Tree.Namespace()} {
		if err := e.unreachable(ctx, namespace+"/"+install.Uninjected, page, port); err != nil {
			return err
		}
	}
	// Where the policy lets packets in, at the gateway, mTLS alone keeps those without an identity out.
	if err := e.refuses(ctx, page, int32(port)); err != nil {
		return err
	}
	return e.meshGuards(ctx, page, port)
}

// meshGuards asks the page as strangers do whose packets arrive.
func (e *Env) meshGuards(ctx context.Context, page corev1.Pod, port int) (err error) {
	policy, err := e.ofPage("NetworkPolicy")
	if err != nil {
		return err
	}
	defer e.undo(ctx, &err, func(ctx context.Context) error { return e.Kubectl.Apply(ctx, policy) })
	if err := e.Kubectl.Delete(ctx, policy); err != nil {
		return err
	}
	d := e.Tree.Chat.Deployment
	url, stranger := fmt.Sprintf("http://%s.%s.svc.cluster.local", d.Name, d.Namespace), install.Strangers+"/"+install.Injected
	if err := e.arrives(ctx, stranger, url+"/"); err != nil {
		return err
	}
	if err := e.answers(ctx, stranger, url, []string{"/", "/healthz", "/api/about", "/auth/login"}, http.StatusForbidden); err != nil {
		return err
	}
	got, err := e.curl(ctx, install.Strangers+"/"+install.Uninjected, fmt.Sprintf("http://%s:%d/", page.Status.PodIP, port))
	if err == nil && (got.status != 0 || got.exit == curlTimeout) {
		err = violated("without an identity the page answers %s", got)
	}
	return err
}

// restrictsPod: the page's pod, without the sidecar that istiod puts in, is taken where Pod Security is enforced as restricted. The
// same pod as root is not.
func restrictsPod(ctx context.Context, e *Env) (err error) {
	if err := e.needsPage(); err != nil {
		return err
	}
	const namespace = "restricted"
	home := map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{
		"name": namespace, "labels": map[string]any{"pod-security.kubernetes.io/enforce": namespace, "pod-security.kubernetes.io/enforce-version": "latest"},
	}}
	defer e.undo(ctx, &err, func(ctx context.Context) error {
		_, err := e.Kubectl.Run(ctx, "delete", "namespace", namespace, "--ignore-not-found", "--wait=false")
		return err
	})
	account := map[string]any{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": map[string]any{"name": e.Tree.Chat.Deployment.Spec.Template.Spec.ServiceAccountName, "namespace": namespace}}
	if err := e.Kubectl.Apply(ctx, home, account); err != nil {
		return err
	}
	if _, err := e.asksAs(ctx, namespace, 65532); err != nil {
		return violated("a restricted namespace refuses the page's pod: %v", err)
	}
	_, err = e.asksAs(ctx, namespace, 0)
	if err == nil {
		return errors.New("a namespace that is to be restricted lets a pod run as root")
	}
	if !strings.Contains(err.Error(), "violates PodSecurity") {
		return err
	}
	e.Figure("a namespace that enforces Pod Security restricted takes the page's pod, and refuses it as root")
	return nil
}

// asksAs asks the API server for the page's pod as a user, without making it.
func (e *Env) asksAs(ctx context.Context, namespace string, user int64) (string, error) {
	pod := e.Tree.Chat.Deployment.Spec.Template.Spec.DeepCopy()
	pod.SecurityContext.RunAsUser = &user
	plain, err := runtime.DefaultUnstructuredConverter.ToUnstructured(pod)
	if err != nil {
		return "", err
	}
	return e.Kubectl.OfObjects(ctx, []map[string]any{{
		"apiVersion": "v1", "kind": "Pod", "spec": plain,
		"metadata": map[string]any{"name": "page", "namespace": namespace, "labels": map[string]any{"sidecar.istio.io/inject": "false"}},
	}}, "create", "--dry-run=server")
}

// ChatMistakes are those that the checks of the page must notice.
func ChatMistakes() []Mistake {
	return []Mistake{
		{Name: "route not read", Make: withoutRole, Noticed: []string{"chat/shares"}, Says: "no weights of the route"},
		{Name: "no limit", Make: withoutLimit, Noticed: []string{"chat/limit"}, Says: "0 refused"},
		{Name: "account left out", Make: withoutAccount, Noticed: []string{"chat/account"}, Says: "403"},
		{Name: "page open to all", Make: openPage, Noticed: []string{"chat/gateway"}, Says: "not 403"},
		{Name: "no policy of the page", Make: withoutPagePolicy, Noticed: []string{"chat/gateway"}, Says: "reached port"},
		{Name: "page without time to end", Make: hurriedPage, Noticed: []string{"chat/replaced"}},
	}
}

// withoutRole takes from the page the right to read the route, as a platform does that grants none by itself.
func withoutRole(ctx context.Context, e *Env) error {
	if err := e.needsPage(); err != nil {
		return err
	}
	binding, err := e.ofPage("RoleBinding")
	if err != nil {
		return err
	}
	_, name := place(binding)
	if err := e.customize(ctx, tree.Patch{Kind: "RoleBinding", Name: name, Patch: fmt.Sprintf("{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: %s}, $patch: delete}", name)}); err != nil {
		return err
	}
	return e.Kubectl.Delete(ctx, binding)
}

// withoutLimit lets everybody ask as often as they like.
func withoutLimit(ctx context.Context, e *Env) error {
	if err := e.needsPage(); err != nil {
		return err
	}
	patch, err := e.unlimited()
	if err != nil {
		return err
	}
	return errors.Join(e.customize(ctx, patch), e.pageReady(ctx))
}

// withoutAccount leaves the page out of those who may call, as one does who applies the page and not the model's policies.
func withoutAccount(ctx context.Context, e *Env) error {
	if err := e.needsPage(); err != nil {
		return err
	}
	principal := "/sa/" + e.Tree.Chat.Deployment.Spec.Template.Spec.ServiceAccountName
	for _, policy := range e.Tree.Policies {
		if strings.Contains(policy.Spec.String(), principal) {
			if _, err := e.Kubectl.Run(ctx, "-n", policy.Namespace, "delete", "authorizationpolicies.security.istio.io", policy.Name); err != nil {
				return err
			}
		}
	}
	// By each of the model's pods: connections that were open keep the old policy for as long as Envoy drains them.
	const often = 30
	return eventually(ctx, "the page to be refused", func(ctx context.Context) error {
		return e.pageSays(ctx, http.StatusForbidden, signedIn(install.ChatUsers()[5]), slices.Repeat([]string{"/api/models"}, often)...)
	})
}

// openPage lets everyone in, as somebody does who tries to find out why the page is refused.
func openPage(ctx context.Context, e *Env) error {
	if err := e.needsPage(); err != nil {
		return err
	}
	if err := e.letIn(ctx); err != nil {
		return err
	}
	return untilViolated(ctx, e, "a stranger to be let in", opensByGateway)
}

// withoutPagePolicy deletes the page's NetworkPolicy.
func withoutPagePolicy(ctx context.Context, e *Env) error {
	if err := e.needsPage(); err != nil {
		return err
	}
	policy, err := e.ofPage("NetworkPolicy")
	if err != nil {
		return err
	}
	if err := e.Kubectl.Delete(ctx, policy); err != nil {
		return err
	}
	return untilViolated(ctx, e, "a stranger's packets to arrive", opensByGateway)
}

// hurriedPage takes from the page's pods the time in which answers may end.
func hurriedPage(ctx context.Context, e *Env) error {
	if err := e.needsPage(); err != nil {
		return err
	}
	return e.patchPage(ctx, `[{"op":"remove","path":"/spec/template/spec/containers/0/lifecycle"},{"op":"replace","path":"/spec/template/spec/terminationGracePeriodSeconds","value":2}]`)
}
