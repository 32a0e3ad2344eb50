package rule

import "strings"

// ServiceView is a Service that will exist: one of the set, or one that KServe makes.
type ServiceView struct {
	Namespace, Name string
	// Object is the Service, or what KServe makes it of.
	Object *Object
	// Predictor is nil for a Service of the set.
	Predictor *Predictor
	// Selector of its pods, nil where it has none.
	Selector map[string]string
	// Ports are empty where they can't be known.
	Ports []int64
}

// Services returns the Services that exist once the set is applied.
func (c *Context) Services() []ServiceView {
	c.askAll(ServiceKinds)
	return c.index.services
}

func services(index *Index) []ServiceView {
	var all []ServiceView
	for _, object := range index.kinds[Service] {
		view := ServiceView{Namespace: object.Namespace, Name: object.Name, Object: object}
		if selector := object.Field("spec", "selector"); selector.Len() > 0 {
			view.Selector = selector.Map()
		}
		for port := range object.Field("spec", "ports").Items() {
			if n, ok := port.Field("port").Int(); ok {
				view.Ports = append(view.Ports, n)
			}
		}
		all = append(all, view)
	}
	for _, p := range index.predictors {
		all = append(all, made(p)...)
	}
	for _, object := range index.kinds[LLMInferenceService] {
		all = append(all, llmService(object))
	}
	return all
}

// made is what KServe makes (createDefaultSvc, reconcilers/service/service_reconciler.go): port 80 for the first
// container port, the others under their own numbers.
func made(p *Predictor) []ServiceView {
	view := ServiceView{
		Namespace: p.Namespace, Name: p.ServiceName(), Object: p.Object, Predictor: p,
		Selector: map[string]string{"app": "isvc." + p.ServiceName()},
	}
	if p.Known() {
		view.Ports = []int64{80}
		for i, port := range p.Main().Ports() {
			if n, ok := port.Field("containerPort").Int(); ok && i > 0 {
				view.Ports = append(view.Ports, n)
			}
		}
	}
	views := []ServiceView{view}
	for canary := range p.Field("spec", "canary").Items() {
		name := serviceName(p.Name, canary.Field("predictor"))
		views = append(views, ServiceView{Namespace: p.Namespace, Name: name, Object: p.Object, Selector: map[string]string{"app": "isvc." + name}})
	}
	for _, component := range []string{"transformer", "explainer"} {
		if p.Field("spec", component).Found() {
			views = append(views, ServiceView{Namespace: p.Namespace, Name: p.Name + "-" + component, Object: p.Object})
		}
	}
	return views
}

// Host is a host of Istio that names a Service.
type Host struct{ Service, Namespace string }

// ParseHost reads a host as Istio does from within a namespace: a short name is a Service of that namespace,
// name.namespace is none unless it ends in .svc. False for what names no Service of the cluster.
func ParseHost(host, from string) (Host, bool) {
	if host == "" || strings.Contains(host, "*") {
		return Host{}, false
	}
	parts := strings.Split(host, ".")
	switch {
	case len(parts) == 1:
		return Host{host, from}, true
	case len(parts) >= 3 && parts[2] == "svc":
		return Host{parts[0], parts[1]}, true
	}
	return Host{}, false
}

// ServiceOf returns the Service that a host names. The second result says whether the set would know: it has
// objects that make Services in that namespace, and nothing else answers for the host.
func (c *Context) ServiceOf(host, from string) (*ServiceView, bool) {
	named, ok := ParseHost(host, from)
	if !ok {
		return nil, false
	}
	populated := false
	for i, service := range c.Services() {
		if service.Namespace != named.Namespace {
			continue
		}
		if service.Name == named.Service {
			return &c.index.services[i], true
		}
		populated = true
	}
	return nil, populated && !c.HasEntry(host)
}

// HasEntry says whether a ServiceEntry of the set answers for a host.
func (c *Context) HasEntry(host string) bool {
	for _, entry := range c.Objects(ServiceEntry) {
		for _, own := range entry.Field("spec", "hosts").Strings() {
			if own == host || strings.HasPrefix(own, "*") && strings.HasSuffix(host, own[1:]) {
				return true
			}
		}
	}
	return false
}

// PodsOf returns the workloads that a Service sends to.
func (c *Context) PodsOf(service *ServiceView) []*Workload {
	var pods []*Workload
	if service.Selector == nil {
		return nil
	}
	for _, workload := range c.InNamespace(service.Namespace) {
		if Selects(service.Selector, workload.Labels) {
			pods = append(pods, workload)
		}
	}
	return pods
}
