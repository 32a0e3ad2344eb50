package spec

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// CheckTogether finds what goes wrong between documents of one run: two that would make the same object, and
// two that claim the same requests of one host.
func CheckTogether(deployments []*Deployment) error {
	var problems manifest.Problems
	problems = append(problems, checkNames(deployments)...)
	problems = append(problems, checkVolumes(deployments)...)
	problems = append(problems, checkFolders(deployments)...)
	problems = append(problems, checkFileSystems(deployments)...)
	problems = append(problems, checkCaches(deployments)...)
	problems = append(problems, checkHosts(deployments)...)
	problems = append(problems, checkChatHosts(deployments)...)
	problems = append(problems, checkGateways(deployments)...)
	problems = append(problems, checkModelLists(deployments)...)
	problems = append(problems, checkQuotas(deployments)...)
	problems = append(problems, checkBalancers(deployments)...)
	problems = append(problems, checkClusters(deployments)...)
	problems = append(problems, checkNodePools(deployments)...)
	if len(problems) == 0 {
		return nil
	}
	return sorted(problems)
}

// problemOf places a problem at a path of the document as written.
func (m *Deployment) problemOf(path, format string, args ...any) manifest.Problem {
	at, ok := m.places[path]
	for p := path; !ok && p != ""; {
		p = parent(p)
		at, ok = m.places[p]
	}
	return manifest.Problem{File: m.File, Line: at.line, Column: at.column, Message: fmt.Sprintf(format, args...)}
}

func (m *Deployment) where() string { return fmt.Sprintf("%s:%d", m.File, m.Line) }

// checkNames: the stable Service is called by the model, the InferenceServices and runtimes by model and
// revision. Model a with revision b-c and model a-b with revision c would be one InferenceService.
func checkNames(deployments []*Deployment) manifest.Problems {
	var problems manifest.Problems
	type owner struct {
		m    *Deployment
		what string
	}
	taken := map[string]owner{}
	trees := map[string]*Deployment{}
	for _, m := range deployments {
		if first, ok := trees[m.Name]; ok {
			problems = append(problems, m.problemOf("metadata.name",
				"metadata.name: model %q is at %s already, and both would be the folder %s; rename one", m.Name, first.where(), m.Name))
			continue
		}
		trees[m.Name] = m
		for _, c := range m.claims() {
			key := m.Namespace + "/" + c.name
			if first, ok := taken[key]; ok {
				problems = append(problems, m.problemOf("metadata.name",
					"metadata.name: %s would be called %s, and so would %s (%s); rename one", c.what, key, first.what, first.m.where()))
				break // the names that follow from this one clash too
			}
			taken[key] = owner{m, c.what}
		}
	}
	return problems
}

// checkVolumes: a claim that two documents make would belong to both trees, and removing one removes the weights
// of the other.
func checkVolumes(deployments []*Deployment) manifest.Problems {
	var problems manifest.Problems
	makers := map[string]*Deployment{}
	for m, target := range targetsOf(deployments) {
		for _, revision := range target.Revisions {
			if revision.Model.Volume == nil {
				continue
			}
			key := m.Namespace + "/" + revision.Model.claim()
			if first, ok := makers[key]; ok && first != m {
				problems = append(problems, m.problemOf("spec.model.volume",
					"spec.model.volume: model %s (%s) makes claim %s already; let one of them make it", first.Name, first.where(), key))
				continue
			}
			makers[key] = m
		}
	}
	return slices.Compact(problems)
}

// filler is a folder that the Job of a document fills.
type filler struct {
	m     *Deployment
	model Model
}

// checkFolders: Jobs of two documents that fill one folder take each other's unfinished files away, or find another origin's
// there. Of two folders that are one in the other, what waits for the outer one starts with the inner one, and the Job of the outer
// one finds a folder that is there already, of something else.
func checkFolders(deployments []*Deployment) manifest.Problems {
	var problems manifest.Problems
	fillers := map[string][]filler{}
	for m, target := range targetsOf(deployments) {
		for _, revision := range target.Revisions {
			if revision.Model.Download == nil {
				continue
			}
			claim := m.Namespace + "/" + revision.Model.Claim()
			this := filler{m, revision.Model}
			for _, first := range fillers[claim] {
				if text := this.clash(first); text != "" {
					problems = append(problems, m.problemOf("spec.model.download", "spec.model.download: model %s (%s) fills %s/%s%s", first.m.Name, first.m.where(), claim, first.model.Folder(), text))
					break
				}
			}
			fillers[claim] = append(fillers[claim], this)
		}
	}
	return slices.Compact(problems)
}

// clash says why a folder cannot be filled beside one of another document, and what to do; empty where it can.
func (f filler) clash(first filler) string {
	switch {
	case f.m == first.m:
		return "" // its own revisions are compared where it is resolved
	case f.model.Folder() == first.model.Folder():
		return " already; leave the download out of one of them, or give each its own folder"
	case within(f.model, first.model):
		return fmt.Sprintf(", and this one %s: one is in the other, so that what waits for the outer one starts with the inner one; put them side by side", f.model.Folder())
	}
	return ""
}

type claimed struct{ name, what string }

// claims lists the names that a model's objects take in its namespace.
func (m *Deployment) claims() []claimed {
	list := []claimed{{m.Name, "model " + m.Name}}
	for _, revision := range m.revisionNames() {
		list = append(list, claimed{m.Name + "-" + revision, fmt.Sprintf("revision %s of model %s", revision, m.Name)})
	}
	for _, revision := range m.revisionNames() {
		// KServe makes this Service; a model of that name would have it as its stable one.
		list = append(list, claimed{m.Base.Predictor(revision), fmt.Sprintf("the Service of revision %s of model %s", revision, m.Name)})
	}
	if slices.ContainsFunc(m.Environments, func(t Target) bool { return t.Chat != nil }) {
		list = append(list, claimed{m.Base.ChatName(), "the chat's page of model " + m.Name})
	}
	return list
}

func (m *Deployment) revisionNames() []string {
	if len(m.Document.Spec.Revisions) == 0 {
		return []string{DefaultRevision}
	}
	var names []string
	for _, revision := range m.Document.Spec.Revisions {
		names = append(names, revision.Name)
	}
	return names
}

// hold is a model's hold on a host in one environment.
type hold struct {
	m      *Deployment
	expose *Expose
}

// checkHosts: Istio merges the VirtualServices of one host in an order that is not defined, so only matches
// that exclude each other are safe. HTTPRoutes have an order, which ends with their age: the same holds for them.
// https://istio.io/latest/docs/ops/best-practices/traffic-management/#split-virtual-services
func checkHosts(deployments []*Deployment) manifest.Problems {
	var problems manifest.Problems
	taken := map[string][]hold{}
	for m, target := range targetsOf(deployments) {
		if target.Expose == nil || target.OmitsRoutes() {
			continue
		}
		for _, host := range target.Expose.Hosts {
			key := fmt.Sprintln(target.Environment, target.Expose.OfGatewayAPI(), target.Expose.Gateway, host)
			for _, other := range taken[key] {
				problems = append(problems, m.checkHost(host, target.Expose, other)...)
			}
			taken[key] = append(taken[key], hold{m, target.Expose})
		}
	}
	return problems
}

func (m *Deployment) checkHost(host string, expose *Expose, other hold) manifest.Problems {
	var problems manifest.Problems
	if other.expose.TLSSecret != expose.TLSSecret {
		problems = append(problems, m.problemOf("spec.expose.tlsSecret",
			"spec.expose.tlsSecret: host %s has %s by model %s (%s) and %s here; a host has one certificate",
			host, certificate(other.expose), other.m.Name, other.m.where(), certificate(expose)))
	}
	if why := clash(other.expose, expose); other.m != m && why != "" {
		problems = append(problems, m.problemOf("spec.expose.hosts",
			"spec.expose: host %s is taken by model %s (%s): %s", host, other.m.Name, other.m.where(), why))
	}
	return problems
}

// maxListeners is what a Gateway of the Gateway API has room for (gateway-api: apis/v1/gateway_types.go).
const maxListeners = 64

// checkGateways: of the Gateway API's Gateway that `render --shared` writes for several models there is one, of one
// class, with a listener for each host.
func checkGateways(deployments []*Deployment) manifest.Problems {
	var problems manifest.Problems
	classes, hosts := map[string]hold{}, map[string]map[string]bool{}
	for m, target := range targetsOf(deployments) {
		e := target.Expose
		if e == nil || !e.OfGatewayAPI() || target.Canary() {
			continue
		}
		key := target.Environment + " " + e.Gateway
		if first, ok := classes[key]; ok && first.expose.GatewayClass != e.GatewayClass {
			problems = append(problems, m.problemOf("spec.expose.gatewayClass",
				"spec.expose.gatewayClass: gateway %s is of class %s for model %s (%s) and of %s here; a Gateway has one class",
				e.Gateway, first.expose.GatewayClass, first.m.Name, first.m.where(), e.GatewayClass))
		} else if !ok {
			classes[key], hosts[key] = hold{m, e}, map[string]bool{}
		}
		for _, host := range target.GatewayHosts() {
			hosts[key][host] = true
		}
		if len(hosts[key]) > maxListeners {
			problems = append(problems, m.problemOf("spec.expose.gateway",
				"spec.expose.gateway: %s would have %d hosts, and a Gateway has room for %d listeners; use a wildcard such as *.example.com, or another gateway",
				e.Gateway, len(hosts[key]), maxListeners))
		}
	}
	return problems
}

// ModelListPath is where a gateway answers the list of a host's models, the path of OpenAI's API.
const ModelListPath = "/v1/models"

// checkModelLists: of two models with one name in a list a client could not say which it means, and a model whose path has
// the list's would take its requests, or not: Istio goes by the age of the VirtualServices.
func checkModelLists(deployments []*Deployment) manifest.Problems {
	var problems manifest.Problems
	listed, lists := map[string]*Deployment{}, map[string]*Deployment{}
	for m, target := range targetsOf(deployments) {
		if !target.ListsModel() {
			continue
		}
		for _, host := range target.Expose.Hosts {
			at := target.at(host)
			lists[at] = m
			key := at + " " + target.ServedName
			if first, ok := listed[key]; ok && first != m {
				problems = append(problems, m.problemOf("spec.model.servedName",
					"spec.model.servedName: the list of host %s has a model %q already, %s (%s); give this one another name, or leave it out of the list",
					host, target.ServedName, first.Name, first.where()))
				continue
			}
			listed[key] = m
		}
	}
	for m, target := range targetsOf(deployments) {
		if target.Expose == nil || target.Expose.Path == "" || !strings.HasPrefix(ModelListPath, target.Expose.Path) {
			continue
		}
		for _, host := range target.Expose.Hosts {
			if lister := lists[target.at(host)]; lister != nil {
				problems = append(problems, m.problemOf("spec.expose.path",
					"spec.expose.path: %s has %s in it, where host %s lists its models (modelList of %s, %s); choose another path",
					target.Expose.Path, ModelListPath, host, lister.Name, lister.where()))
			}
		}
	}
	return slices.Compact(problems)
}

// at is a host of a gateway in the target's environment.
func (t Target) at(host string) string {
	return strings.Join([]string{t.Environment, t.Expose.Gateway, host}, " ")
}

// targetsOf are the environments of all documents.
func targetsOf(deployments []*Deployment) iter.Seq2[*Deployment, Target] {
	return func(yield func(*Deployment, Target) bool) {
		for _, m := range deployments {
			for _, target := range m.Environments {
				if !yield(m, target) {
					return
				}
			}
		}
	}
}

func certificate(e *Expose) string {
	if e.TLSSecret == "" {
		return "none"
	}
	return e.TLSSecret
}

// clash says why two models cannot share a host, empty where they can.
func clash(a, b *Expose) string {
	switch {
	case a.Path == "" && a.Header == nil || b.Path == "" && b.Header == nil:
		return "give each of them a path or a header that selects it"
	case (a.Path == "") != (b.Path == ""):
		return "one selects by path and the other by header; a request may carry both"
	case a.Path != "" && (strings.HasPrefix(a.Path, b.Path) || strings.HasPrefix(b.Path, a.Path)):
		return fmt.Sprintf("paths %s and %s overlap", a.Path, b.Path)
	case a.Path == "" && a.Header.Header != b.Header.Header:
		return "they select by different headers; a request may carry both"
	case a.Path == "" && a.Header.Value == b.Header.Value:
		return fmt.Sprintf("both select by %s: %s", a.Header.Header, a.Header.Value)
	}
	return ""
}
