package rule

import (
	"net"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"
)

// ChatPage is a pod that serves the page of kservegen chat --web.
type ChatPage struct {
	*Workload
	// Container that serves it.
	Container Container
	words     []Value
	flags     []Flag
}

// ChatPages returns the pages of the set, of whatever makes their pods.
func (c *Context) ChatPages() []ChatPage {
	var pages []ChatPage
	for _, w := range c.Workloads() {
		if page, is := w.ChatPage(); is {
			pages = append(pages, page)
		}
	}
	return pages
}

// ChatPage returns what a workload serves a page with; false for all that serve none.
func (w *Workload) ChatPage() (ChatPage, bool) {
	if w.Serves {
		return ChatPage{}, false
	}
	for _, container := range w.Containers {
		words := pageWords(container)
		if words == nil {
			continue
		}
		page := ChatPage{Workload: w, Container: container, words: words, flags: flagsOf(words)}
		if on, told := page.Flag("web"); told && on.Value != "false" {
			return page, true
		}
	}
	return ChatPage{}, false
}

// pageWords are what follows kservegen chat on a container's command line; an image of the program says its name itself.
func pageWords(c Container) []Value {
	words := append(slices.Collect(c.Field("command").Items()), c.Args()...)
	for i, word := range words {
		starts := i == 0 && !c.Field("command").Found() || i > 0 && path.Base(words[i-1].Text()) == "kservegen"
		if word.Text() == "chat" && starts {
			return words[i+1:]
		}
	}
	return nil
}

// Flag returns the flag that wins, which is the last one.
func (p ChatPage) Flag(name string) (Flag, bool) {
	var found Flag
	for _, flag := range p.flags {
		if flag.Name == name {
			found = flag
		}
	}
	return found, found.Name != ""
}

// Told says whether all that the page is told stands on its command line: Kubernetes fills in what is written $(NAME).
func (p ChatPage) Told() bool {
	return !slices.ContainsFunc(p.words, func(word Value) bool { return strings.Contains(word.Text(), "$(") })
}

// Alone says whether the pod runs nothing beside the page: a proxy there may ask for a sign-in itself, and reaches the loopback interface.
func (p ChatPage) Alone() bool {
	for container := range p.Pod.Field("initContainers").Items() {
		if container.Field("restartPolicy").Text() == "Always" {
			return false
		}
	}
	return len(p.Containers) == 1
}

// Hosts are the names under which the page is reached, each with the flag that says it.
func (p ChatPage) Hosts() []Flag {
	var hosts []Flag
	for _, flag := range p.flags {
		if flag.Name != "listen-host" {
			continue
		}
		for name := range strings.SplitSeq(flag.Value, ",") {
			hosts = append(hosts, Flag{Name: flag.Name, Value: name, At: flag.At})
		}
	}
	return hosts
}

// Listens returns the port of the page, and whether others than the pod itself reach it. It is 8710 of the loopback interface where nothing
// is said (cmd/kservegen/internal/cli/chat_web.go).
func (p ChatPage) Listens() (port string, open bool) {
	flag, told := p.Flag("listen")
	if !told {
		return "8710", false
	}
	host, port, err := net.SplitHostPort(flag.Value)
	if err != nil {
		return "", true
	}
	address, err := netip.ParseAddr(host)
	return port, host != "localhost" && (err != nil || !address.IsLoopback())
}

// Deployment is the model whose routes the page reads in the cluster, and its namespace; empty where it reads none.
func (p ChatPage) Deployment() (namespace, name string) {
	flag, told := p.Flag("model-deployment")
	if !told {
		return "", ""
	}
	space, _ := p.short("namespace", "-n")
	return space, flag.Value
}

// SaysNamespace says whether the page is told the namespace of its model.
func (p ChatPage) SaysNamespace() bool {
	_, told := p.short("namespace", "-n")
	return told
}

// ReadsDocument says whether the page is told of its model by a document.
func (p ChatPage) ReadsDocument() bool {
	_, told := p.short("filename", "-f")
	return told
}

// short is the value of a flag that has a letter, too, which may be followed by its value in three ways.
func (p ChatPage) short(name, letter string) (value string, told bool) {
	flag, told := p.Flag(name)
	value = flag.Value
	for i, word := range p.words {
		rest, is := strings.CutPrefix(word.Text(), letter)
		switch {
		case is && rest == "" && i+1 < len(p.words):
			value, told = p.words[i+1].Text(), true
		case is && rest != "":
			value, told = strings.TrimPrefix(rest, "="), true
		}
	}
	return value, told
}

// Account is the ServiceAccount of the pods.
func (p ChatPage) Account() string {
	if account := p.Pod.Field("serviceAccountName").Text(); account != "" {
		return account
	}
	return "default"
}

// SignsInByToken says whether people sign in at an issuer.
func (p ChatPage) SignsInByToken() bool {
	_, told := p.Flag("oidc-issuer-url")
	return told
}

// Asked is the Service that a page's --url names, and its port; false for what may be none of the cluster's.
func (p ChatPage) Asked() (host Host, port string, inCluster bool) {
	flag, _ := p.Flag("url")
	address, err := url.Parse(flag.Value)
	if err != nil {
		return Host{}, "", false
	}
	port = address.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[address.Scheme]
	}
	// Cluster DNS completes a name by the pod's namespace, and one with a namespace by svc and the cluster's domain.
	parts := strings.Split(address.Hostname(), ".")
	switch {
	case len(parts) == 1:
		return Host{parts[0], p.Namespace}, port, parts[0] != "" && parts[0] != "localhost"
	case len(parts) == 2:
		return Host{parts[0], parts[1]}, port, false
	}
	return Host{parts[0], parts[1]}, port, parts[2] == "svc"
}

// ServiceOfModel is the Service that a page asks, nil where the set has none of that name.
func (c *Context) ServiceOfModel(p ChatPage) *ServiceView {
	host, _, _ := p.Asked()
	services := c.Services()
	at := slices.IndexFunc(services, func(s ServiceView) bool { return s.Name == host.Service && s.Namespace == host.Namespace })
	if at < 0 {
		return nil
	}
	return &services[at]
}

// Models are the workloads of the set that answer what the page asks: those of the Service of its --url.
func (c *Context) Models(p ChatPage) []*Workload {
	service := c.ServiceOfModel(p)
	if service == nil {
		return nil
	}
	return slices.DeleteFunc(c.PodsOf(service), func(w *Workload) bool { return w == p.Workload })
}
