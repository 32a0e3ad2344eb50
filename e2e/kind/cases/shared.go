package cases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/kservegen/kservegen/e2e/kind/kubectl"
	"github.com/kservegen/kservegen/e2e/kind/load"
	"github.com/kservegen/kservegen/e2e/kind/tree"
	"github.com/kservegen/kservegen/pkg/render"
)

// Shared is a run of its own, for a tree that stands beside others with one host, as overlays/two-models-one-host does: what
// `render --shared` wrote for them is applied, and the others.
func Shared() Case {
	g := &grounds{}
	return Case{
		Name:   "shared",
		Before: g.open,
		Checks: []Check{
			{Name: "list", Run: listLeads},
			{Name: "no model", Run: leadsNowhere},
			{Name: "quota", Run: refusesMore},
		},
		After: g.leave,
	}
}

// grounds are the gateways as they were before what is shared replaced them.
type grounds struct{ gateways []map[string]any }

// sharedBy are the objects of what the trees share, in this tree's environment.
func sharedBy(e *Env) ([]map[string]any, error) {
	dir := filepath.Join(treesOf(e), sharedTree, "overlays", e.environment())
	found, err := filepath.Glob(filepath.Join(dir, "kustomization.yaml"))
	if err != nil || len(found) == 0 {
		return nil, errors.Join(err, lacks("nothing that it shares with others; overlays/two-models-one-host has"))
	}
	return render.BuildObjects(filesys.MakeFsOnDisk(), dir)
}

// treesOf is the folder that holds the tree, and those beside it.
func treesOf(e *Env) string { return filepath.Join(e.Tree.Dir, "..", "..", "..") }

// neighbours are the other models of the environment.
func neighbours(e *Env) ([]*Env, error) {
	found, err := filepath.Glob(filepath.Join(treesOf(e), "*", "overlays", e.environment()))
	if err != nil {
		return nil, err
	}
	var others []*Env
	for _, dir := range found {
		name := filepath.Base(filepath.Dir(filepath.Dir(dir)))
		if name == sharedTree || name == filepath.Base(filepath.Join(e.Tree.Dir, "..", "..")) {
			continue
		}
		other, err := tree.Read(dir)
		if err != nil {
			return nil, err
		}
		own := *e
		own.Tree = other
		others = append(others, &own)
	}
	return others, nil
}

// open applies what is shared, as a person does before the trees, and the others, and waits until they serve.
func (g *grounds) open(ctx context.Context, e *Env) error {
	shared, err := sharedBy(e)
	if err != nil {
		return err
	}
	for _, object := range shared {
		if object["kind"] != "Gateway" {
			continue
		}
		namespace, name := place(object)
		was, err := kubectl.Get[map[string]any](ctx, e.Kubectl, "gateways.networking.istio.io", "-n", namespace, name)
		if err != nil {
			return err
		}
		g.gateways = append(g.gateways, map[string]any{
			"apiVersion": was["apiVersion"], "kind": was["kind"], "spec": was["spec"],
			"metadata": map[string]any{"name": name, "namespace": namespace},
		})
	}
	// By a manager of its own: what the suite said of the same namespaces stays.
	if _, err := e.Kubectl.OfObjects(ctx, shared, "apply", "--server-side", "--force-conflicts", "--field-manager=shared"); err != nil {
		return err
	}
	others, err := neighbours(e)
	if err != nil {
		return err
	}
	for _, other := range others {
		if err := other.Apply(ctx, other.Tree.Dir); err != nil {
			return err
		}
	}
	for _, other := range others {
		if err := errors.Join(other.FirstAnswer(ctx), other.Ready(ctx)); err != nil {
			return err
		}
	}
	e.Figure("%d models serve behind %s", 1+len(others), e.Tree.Host())
	return nil
}

// leave removes the others and what they shared, and gives the gateways back.
func (g *grounds) leave(ctx context.Context, e *Env) error {
	others, err := neighbours(e)
	for _, other := range others {
		_, deleteErr := e.Kubectl.Run(ctx, "delete", "--ignore-not-found", "-k", other.Tree.Dir)
		err = errors.Join(err, deleteErr)
	}
	shared, sharedErr := sharedBy(e)
	shared = slices.DeleteFunc(shared, func(object map[string]any) bool {
		return object["kind"] == "Namespace" || object["kind"] == "Gateway"
	})
	if len(shared) > 0 {
		_, deleteErr := e.Kubectl.OfObjects(ctx, shared, "delete", "--ignore-not-found")
		err = errors.Join(err, deleteErr)
	}
	return errors.Join(err, sharedErr, e.Kubectl.Apply(ctx, g.gateways...))
}

func place(object map[string]any) (namespace, name string) {
	meta, _ := object["metadata"].(map[string]any)
	namespace, _ = meta["namespace"].(string)
	name, _ = meta["name"].(string)
	return namespace, name
}

// listLeads reads the list of models at the host as a client does, and asks each by what the list says of it.
func listLeads(ctx context.Context, e *Env) error {
	client := e.Client(1)
	client.Prefix, client.Header = "", nil
	status, body, err := client.Get(ctx, "/v1/models", nil)
	if err != nil {
		return err
	}
	var list struct {
		Object string
		Data   []struct {
			ID      string
			BaseURL string `json:"base_url"`
			Headers map[string]string
		}
	}
	if err := json.Unmarshal([]byte(body), &list); err != nil || status != http.StatusOK || list.Object != "list" {
		return violated("/v1/models of %s answered %d: %s", e.Tree.Host(), status, body)
	}
	want, err := served(e)
	if err != nil {
		return err
	}
	for _, model := range list.Data {
		if !want[model.ID] {
			return violated("the list names %s, which isn't there, or twice", model.ID)
		}
		delete(want, model.ID)
		asked := load.NewClient(e.Entrance.URL, e.Entrance.Host, model.ID, 1)
		asked.Prefix, asked.Header = strings.TrimSuffix(model.BaseURL, "/v1"), model.Headers
		answer := asked.Chat(ctx, load.Request{Tokens: 8})
		if answer.Err != nil {
			return answer.Err
		}
		if answer.Model != model.ID {
			return violated("%s answers as %s", model.BaseURL, answer.Model)
		}
		e.Figure("%s answers at %s", model.ID, model.BaseURL)
	}
	if len(want) > 0 {
		return violated("the list doesn't name %v", slices.Sorted(maps.Keys(want)))
	}
	return nil
}

// served are the names of all models of the host.
func served(e *Env) (map[string]bool, error) {
	others, err := neighbours(e)
	if err != nil {
		return nil, err
	}
	models := map[string]bool{e.Tree.Model(): true}
	for _, other := range others {
		models[other.Tree.Model()] = true
	}
	return models, nil
}

// leadsNowhere is the negative half: a request that chooses no model reaches none.
func leadsNowhere(ctx context.Context, e *Env) error {
	client := e.Client(1)
	client.Prefix, client.Header = "", nil
	for _, path := range []string{"/v1/chat/completions", "/v1/models/" + e.Tree.Model(), "/health"} {
		status, body, err := client.Get(ctx, path, nil)
		if err != nil {
			return err
		}
		if status != http.StatusNotFound {
			return violated("%s without a model got %d, not 404: %s", path, status, body)
		}
	}
	return nil
}

// refusesMore asks for pods with accelerators: the API server takes one that fits into the namespace's quota beside the models,
// and refuses one that takes more.
func refusesMore(ctx context.Context, e *Env) error {
	device := e.Tree.Needs().Device
	quotas, err := kubectl.Get[corev1.ResourceQuotaList](ctx, e.Kubectl, "resourcequotas", "-n", e.Tree.Namespace())
	if err != nil {
		return err
	}
	if len(quotas.Items) != 1 || device == "" {
		return lacks("%d quotas for its devices", len(quotas.Items))
	}
	name := corev1.ResourceName("requests." + device)
	quota := quotas.Items[0].Status
	hard, used := quota.Hard[name], quota.Used[name]
	free := hard.Value() - used.Value()
	e.Figure("%d of %d %s are taken", used.Value(), hard.Value(), device)
	if used.IsZero() || free <= 0 {
		return violated("of %d %s %d are taken", hard.Value(), device, used.Value())
	}
	if err := e.asks(ctx, device, free); err != nil {
		return violated("a pod with the %d devices that are free is refused: %v", free, err)
	}
	if err := e.asks(ctx, device, free+1); err == nil || !strings.Contains(err.Error(), "exceeded quota") {
		return violated("a pod with a device more than the quota got %v", err)
	}
	return nil
}

// asks the API server for a pod with devices, without making it.
func (e *Env) asks(ctx context.Context, device string, count int64) error {
	amount := fmt.Sprint(count)
	_, err := e.Kubectl.OfObjects(ctx, []map[string]any{{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": map[string]any{"name": "more", "namespace": e.Tree.Namespace(), "labels": map[string]any{"sidecar.istio.io/inject": "false"}},
		"spec": map[string]any{"containers": []any{map[string]any{
			"name": "more", "image": "none", "resources": map[string]any{"limits": map[string]any{device: amount}},
		}}},
	}}, "create", "--dry-run=server")
	return err
}
