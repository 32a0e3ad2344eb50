package spec

import (
	"fmt"
	"net"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/ptr"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// Chat is a page in the cluster on which people talk to the model: pods of `kservegen chat --web` at a host of the gateway, which
// call the model inside the mesh. It takes expose with api istio or gateway.
type Chat struct {
	// Enabled says whether there is a page; an environment leaves it out by false. Default: true.
	Enabled *bool `json:"enabled,omitempty"`
	// Image of kservegen, which one builds by its Containerfile and pushes, with a tag or a digest.
	Image string `json:"image,omitempty"`
	// Host that people open, on the gateway of expose, and of the page alone; the certificate of expose.tlsSecret has to name it, too.
	// Sign-in by OIDC wants HTTPS there: browsers keep its cookies for nothing else.
	Host     string       `json:"host,omitempty"`
	Replicas ChatReplicas `json:"replicas,omitempty"`
	// RequestsPerMinute that a person may send to the model by each pod, with bursts of a third of it and of at least 20. Default: 60.
	RequestsPerMinute *int    `json:"requestsPerMinute,omitempty" jsonschema:"minimum=1"`
	SignIn            *SignIn `json:"signIn,omitempty"`
}

// ChatReplicas are the pods of the page, which need no accelerator.
type ChatReplicas struct {
	// Min is the number of pods that always run. Default: 2 where replicas.min of the model is over 1, else 1.
	Min *int `json:"min,omitempty" jsonschema:"minimum=1"`
	// Max is the number that a HorizontalPodAutoscaler may reach, by CPU. Default: 4 where replicas.min of the model is over 1
	// and neither is said here, else min, which means a fixed number.
	Max *int `json:"max,omitempty" jsonschema:"minimum=1"`
}

const (
	// chatRevision would give its InferenceService the page's name.
	chatRevision = "chat"

	defaultRequestsPerMinute = 60
	// defaultChatMax is what the page grows to beside a model that has spare replicas.
	defaultChatMax = 4
)

// Names and ports of the page in the cluster.
const (
	// ChatPort is the port of the page's pods.
	ChatPort = 8080
	// ChatCookie carries the ID token of who signed in by OIDC, for /api/ alone. Browsers take a name that begins so from HTTPS only.
	ChatCookie = "__Secure-kservegen-chat"
	// ChatUsersKey and ChatClientSecretKey are the keys in the Secrets of sign-in.
	ChatUsersKey        = "htpasswd"
	ChatClientSecretKey = "client-secret"
)

// On reports whether there is to be a page.
func (c *Chat) On() bool { return c != nil && (c.Enabled == nil || *c.Enabled) }

// ChatName is that of everything of the page.
func (t Target) ChatName() string { return t.Name + "-" + chatRevision }

// ChatAccount is the identity of the page's pods, as namespace/name.
func (t Target) ChatAccount() string { return t.Namespace + "/" + t.ChatName() }

// ChatSelector of the pods of the page, which have no ModelLabel: no Service, policy or budget of the servers is about them.
func (t Target) ChatSelector() map[string]string { return map[string]string{ChatLabel: t.Name} }

// MeshCallers are the workloads inside the mesh that may use the model, besides the gateway: those of the document and the page.
func (t Target) MeshCallers() []string {
	var accounts []string
	for _, caller := range t.Security.Callers {
		accounts = append(accounts, caller.ServiceAccount)
	}
	if t.Chat != nil && !slices.Contains(accounts, t.ChatAccount()) {
		accounts = append(accounts, t.ChatAccount())
	}
	return accounts
}

// GatewayHosts are those that the gateway of expose serves: the model's, and the page's.
func (t Target) GatewayHosts() []string {
	hosts := slices.Clone(t.Expose.Hosts)
	if t.Chat != nil {
		hosts = append(hosts, t.Chat.Host)
	}
	return hosts
}

// checkChat fills in what the document leaves to defaults; nil where there is no page.
func (r *resolver) checkChat() *Chat {
	c := r.spec.Chat
	if !c.On() {
		return nil
	}
	r.checkChatPlace()
	if c.Image == "" {
		r.failf("spec.chat.image", "is missing; there is no public one: build it with the Containerfile of kservegen, push it, and name it with a tag or a digest")
	} else {
		r.checkPinned("spec.chat.image", c.Image)
	}
	r.checkChatHost(c.Host)
	r.checkChatReplicas(&c.Replicas)
	if c.RequestsPerMinute == nil {
		c.RequestsPerMinute = ptr.To(defaultRequestsPerMinute)
	}
	if *c.RequestsPerMinute < 1 {
		r.failf("spec.chat.requestsPerMinute", "must be at least 1, got %d", *c.RequestsPerMinute)
	}
	r.checkSignIn(c.SignIn)
	return c
}

// checkChatPlace wants a gateway before the page, and what it needs of the model behind it.
func (r *resolver) checkChatPlace() {
	const path = "spec.chat"
	e := r.spec.Expose
	switch {
	case e == nil:
		r.failf(path, "the page is opened through the gateway; set spec.expose, or spec.chat.enabled: false")
		return
	case e.API == APIKServe:
		r.failf(path, "the page reads its model's shares from routes of ours, and KServe makes these; set spec.expose.api: istio or gateway")
	}
	route := OmitVirtualService
	if e.API == APIGateway {
		route = OmitHTTPRoute
	}
	for _, needed := range []Omittable{route, OmitService} {
		if slices.Contains(r.spec.Omit, needed) {
			r.failf(path, "takes the %s that spec.omit leaves out; leave it in, or the page out", needed)
		}
	}
	for _, revision := range r.m.Document.Spec.Revisions {
		if revision.Name == chatRevision {
			r.failf(path, "its objects would be called %s-%s, and so are those of revision %s; rename the revision", r.m.Name, chatRevision, chatRevision)
		}
	}
}

func (r *resolver) checkChatHost(host string) {
	const path = "spec.chat.host"
	switch {
	case host == "":
		r.failf(path, "is missing; the name that people open, for example chat.example.com")
	case len(validation.IsDNS1123Subdomain(host)) > 0 || net.ParseIP(host) != nil:
		r.failf(path, "%q is not a host name: lower case, and without a star, scheme or port", host)
	case r.spec.Expose != nil && slices.Contains(r.spec.Expose.Hosts, host):
		r.failf(path, "%s is the model's (spec.expose.hosts), whose paths the page would take; give it a host of its own", host)
	}
}

func (r *resolver) checkChatReplicas(replicas *ChatReplicas) {
	const path = "spec.chat.replicas"
	least := 1
	if model := r.spec.Replicas.Min; model != nil && *model > 1 {
		least = 2
	}
	if replicas.Min == nil && replicas.Max == nil && least > 1 {
		replicas.Max = ptr.To(defaultChatMax)
	}
	if replicas.Min == nil {
		if replicas.Max != nil {
			least = min(least, max(*replicas.Max, 1))
		}
		replicas.Min = ptr.To(least)
	}
	if replicas.Max == nil {
		replicas.Max = replicas.Min
	}
	if *replicas.Min < 1 {
		r.failf(path+".min", "must be at least 1, got %d", *replicas.Min)
	}
	if *replicas.Max < 1 {
		r.failf(path+".max", "must be at least 1, got %d", *replicas.Max)
	} else if *replicas.Max < *replicas.Min {
		r.failf(path+".max", "%d is below min, %d", *replicas.Max, *replicas.Min)
	}
}

// checkChatHosts: a page answers every path of its host, so that no model and no other page may have it.
func checkChatHosts(deployments []*Deployment) manifest.Problems {
	var problems manifest.Problems
	key := func(t Target, host string) string { return fmt.Sprintln(t.at(host), t.Expose.OfGatewayAPI()) }
	models, pages := map[string]*Deployment{}, map[string]*Deployment{}
	for m, target := range targetsOf(deployments) {
		if target.Expose == nil {
			continue
		}
		for _, host := range target.Expose.Hosts {
			models[key(target, host)] = m
		}
	}
	for m, target := range targetsOf(deployments) {
		if target.Chat == nil || target.Expose == nil {
			continue
		}
		at := key(target, target.Chat.Host)
		switch other := models[at]; {
		case other != nil && other != m:
			problems = append(problems, m.problemOf("spec.chat.host", "spec.chat.host: %s is a host of model %s (%s), whose paths the page would take; give it a host of its own", target.Chat.Host, other.Name, other.where()))
		case pages[at] != nil:
			problems = append(problems, m.problemOf("spec.chat.host", "spec.chat.host: %s is the page of model %s (%s) already; give each a host of its own", target.Chat.Host, pages[at].Name, pages[at].where()))
		default:
			pages[at] = m
		}
	}
	return slices.Compact(problems)
}
