package across

import (
	"cmp"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

// used are the names of accounts and claims that something in the set refers to.
type used struct{ accounts, claims map[string]bool }

func usedBy(objects []*rule.Object) used {
	u := used{map[string]bool{}, map[string]bool{}}
	for _, object := range objects {
		u.read(object.Value)
	}
	return u
}

func (u used) read(value rule.Value) {
	account := value.Field("kind").Text() == "ServiceAccount"
	for key, field := range value.Entries() {
		text := field.Text()
		switch {
		case key == "serviceAccountName", key == "serviceAccount", key == "name" && account: // the last is a subject of a role
			u.accounts[text] = true
		case key == "claimName":
			u.claims[text] = true
		}
		u.text(text)
		u.read(field)
	}
	for item := range value.Items() {
		u.text(item.Text())
		u.read(item)
	}
}

// text reads what names an object within a text: a principal of the mesh, a URI of a claim.
func (u used) text(text string) {
	if _, account, ok := strings.Cut(text, "/sa/"); ok {
		u.accounts[account] = true
	}
	if path, ok := strings.CutPrefix(text, "pvc://"); ok {
		name, _, _ := strings.Cut(path, "/")
		u.claims[name] = true
	}
}

func missedReference() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1012", Name: "reference-misses-its-object", Level: finding.Warning,
			Summary: "What a predictor, a Job or the page of a chat names and what the set holds for it have the same name and namespace.",
			Why: "The set holds a ServiceAccount or a claim that nothing in it refers to, or whose name differs by one letter, and a predictor or a Job that names another one, or none: as a rule a name or a namespace is wrong. " +
				"Pods of a missing ServiceAccount aren't created, pods without the one that was meant have no credentials, and those of a missing claim stay Pending.",
			How:   "Correct the name or the namespace, or remove what nobody uses.",
			Refs:  []string{"kubernetes: docs/tasks/configure-pod-container/configure-service-account"},
			Whole: true,
			Kinds: rule.WorkloadKinds(rule.ServiceAccount, rule.PersistentVolumeClaim, rule.Job),
		},
		Check: func(c *rule.Context) {
			if len(c.Objects(rule.ServiceAccount))+len(c.Objects(rule.PersistentVolumeClaim)) == 0 {
				return
			}
			u := usedBy(c.All())
			for _, w := range c.Servers() {
				account := w.PodField("serviceAccountName")
				if c.Find(rule.ServiceAccount, w.Namespace, cmp.Or(account.Text(), everyonesAccount)) == nil {
					reportMissed(c, w, account, spare(c, rule.ServiceAccount, w.Namespace, account.Text(), u.accounts))
				}
				missedClaims(c, w, u)
			}
			others := c.Jobs()
			for _, page := range c.ChatPages() {
				others = append(others, page.Workload)
			}
			for _, w := range others {
				account := w.PodField("serviceAccountName") // without one it may well ask for nothing
				if account.Found() && c.Find(rule.ServiceAccount, w.Namespace, account.Text()) == nil {
					reportMissed(c, w, account, spare(c, rule.ServiceAccount, w.Namespace, account.Text(), u.accounts))
				}
				missedClaims(c, w, u)
			}
		},
	}
}

func missedClaims(c *rule.Context, w *rule.Workload, u used) {
	for _, claim := range w.Claims() {
		if name := rule.ClaimName(claim); c.Find(rule.PersistentVolumeClaim, w.Namespace, name) == nil {
			reportMissed(c, w, claim, spare(c, rule.PersistentVolumeClaim, w.Namespace, name, u.claims))
		}
	}
}

// everyonesAccount is that of pods that name none.
const everyonesAccount = "default"

func reportMissed(c *rule.Context, w *rule.Workload, at rule.Value, spare *rule.Object) {
	if spare == nil {
		return
	}
	if !at.Found() {
		at = w.Pod
	}
	c.Report(at, "the set has %s in %s, and not what this names", spare, rule.InNamespace(spare.Namespace))
}

// spare is an object that may be meant: of that name in another namespace, of nearly that name, or one that nothing
// refers to.
func spare(c *rule.Context, kind rule.Kind, namespace, name string, used map[string]bool) *rule.Object {
	for _, object := range c.Objects(kind) {
		elsewhere := object.Name == name && object.Namespace != namespace && object.Namespace != "" && namespace != ""
		free := !used[object.Name] || rule.Slip(name, object.Name)
		if elsewhere || free && object.Namespace == namespace {
			return object
		}
	}
	return nil
}

func idleRuntime() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1013", Name: "runtime-not-chosen", Level: finding.Warning,
			Summary: "An InferenceService names the runtime that stands beside it.",
			Why: "The set holds a runtime that no InferenceService names, and one that names another runtime, which the set lacks, or none. Without a name KServe chooses by the model's format, " +
				"of the runtimes with autoSelect only: another one, of the namespace or the cluster, serves the model with other arguments, or none is found.",
			How:   "Name it in spec.predictor.model.runtime, in the namespace of the InferenceService.",
			Refs:  []string{"kserve: pkg/apis/serving/v1beta1/predictor_model.go (GetSupportingRuntimes)"},
			Whole: true,
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			used := map[*rule.Object]bool{}
			for _, p := range c.Predictors() {
				used[p.Runtime] = true
			}
			for _, p := range c.Predictors() {
				if !p.IsModel() || p.Runtime != nil {
					continue
				}
				for _, runtime := range c.Objects(rule.ServingRuntime) {
					if !used[runtime] && meant(runtime, p) {
						c.Report(p.Model, "%s of %s is named by nobody, and this names %s", runtime, rule.InNamespace(runtime.Namespace), cmp.Or(p.RuntimeName(), "none"))
						break
					}
				}
			}
		},
	}
}

// meant says whether an InferenceService probably means a runtime: of that name elsewhere, or one beside it that KServe
// can't choose by itself.
func meant(runtime *rule.Object, p *rule.Predictor) bool {
	if runtime.Name == p.RuntimeName() {
		return runtime.Namespace != "" && p.Namespace != ""
	}
	return runtime.Namespace == p.Namespace && !selectable(runtime)
}

func selectable(runtime *rule.Object) bool {
	for format := range runtime.Field("spec", "supportedModelFormats").Items() {
		if format.Field("autoSelect").Is(true) {
			return true
		}
	}
	return false
}
