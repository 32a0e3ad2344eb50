package spec

import (
	"fmt"
	"net/url"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// Engines that pull a tree into a cluster.
const (
	EngineFlux   = "flux"
	EngineArgoCD = "argocd"
)

// SharedSync is what the Flux objects are called that sync what documents share.
const SharedSync = "kservegen-shared"

// OCIScheme is how the URL of an OCI artifact begins.
const OCIScheme = "oci://"

// DefaultFluxInterval is how often Flux looks at the repository: what `flux bootstrap` sets.
const DefaultFluxInterval = time.Minute

// Engines lists the engines.
func Engines() []string { return []string{EngineFlux, EngineArgoCD} }

var (
	// gitRef is less than Git allows (git-check-ref-format) and all that people use.
	gitRef = regexp.MustCompile(`^\w[\w+./-]*$`)
	// scpURL is Git's own short form for SSH, which neither the URL parser nor Flux's schema takes.
	scpURL = regexp.MustCompile(`^([\w.-]+@)?[\w.-]+:[^/0-9].*$`)
)

// IsOCI reports whether the repository is an OCI artifact.
func (g GitOps) IsOCI() bool { return strings.HasPrefix(g.Repository, OCIScheme) }

// Revision is the branch or the tag.
func (g GitOps) Revision() string {
	if g.Tag != "" {
		return g.Tag
	}
	return g.Branch
}

// Overlay is the path of an environment's overlay in the repository, relative to its root. tree is the folder's name.
func (g GitOps) Overlay(tree, environment string) string {
	return path.Join(g.Path, tree, "overlays", environment)
}

// Synced is the name of the Argo CD Application of one environment. One Argo CD may sync many clusters; a Flux syncs its
// own, and an environment's objects have the names of every other's.
func Synced(name, environment string) string { return name + "-" + environment }

func (r *resolver) checkGitOps() {
	g := r.spec.GitOps
	if g == nil || r.environment == "" && len(r.m.Document.Spec.Environments) > 0 {
		return // nothing is synced but environments, and they may say what spec leaves open
	}
	const at = "spec.gitops"
	if g.Engine != "" {
		r.enum(at+".engine", &g.Engine, "", Engines()...)
	}
	r.checkRepository(at+".repository", g.Repository)
	r.checkRevision(at, g)
	if g.Path == "" {
		g.Path = "deploy"
	}
	clean := path.Clean(g.Path)
	if path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") || strings.ContainsAny(clean, " \t\n\\") {
		r.failf(at+".path", "%q must lead down from the root of the repository, without a / at its start: deploy, clusters/models or .", g.Path)
	}
	g.Path = clean
	r.checkFlux(at+".flux", &g.Flux)
	r.checkArgoCD(at, &g.ArgoCD)
}

func (r *resolver) checkRepository(at, repository string) {
	u, err := url.Parse(repository)
	switch {
	case repository == "":
		r.failf(at, "is missing; the URL that the cluster reads, for example https://github.com/acme/models or oci://registry.example.com/models")
	case strings.ContainsAny(repository, " \t\n"):
		r.failf(at, "must not contain blanks")
	case scpURL.MatchString(repository) && !strings.Contains(repository, "://"):
		host, rest, _ := strings.Cut(repository, ":")
		r.failf(at, "is short for an SSH URL; write ssh://%s/%s", host, rest)
	case err != nil || u.Host == "" || !slices.Contains([]string{"https", "http", "ssh", "oci"}, u.Scheme):
		r.failf(at, "want https://, http://, ssh:// or oci:// and a host")
	case hasCredentials(u):
		r.failf(at, "holds credentials, and the tree goes to Git; name a Secret in flux.secret, or give it to Argo CD")
	case u.RawQuery != "" || u.Fragment != "":
		r.failf(at, "has more than a path behind its host; say the branch or the tag in branch or tag")
	case strings.Trim(u.Path, "/") == "":
		r.failf(at, "%q names a host and no repository", repository)
	case u.Scheme == "oci" && strings.ContainsAny(path.Base(u.Path), ":@"):
		r.failf(at, "%q names a tag or a digest; write the tag in tag", repository)
	}
}

// hasCredentials reports credentials in a URL. For HTTP a token may stand in place of the user's name; of SSH the user is
// part of the address.
func hasCredentials(u *url.URL) bool {
	if u.User == nil {
		return false
	}
	_, password := u.User.Password()
	return password || u.Scheme != "ssh"
}

func (r *resolver) checkRevision(at string, g *GitOps) {
	switch {
	case g.IsOCI() && g.Branch != "":
		r.failf(at+".branch", "an OCI artifact has no branches; set tag")
	case g.Branch != "" && g.Tag != "":
		r.failf(at+".tag", "branch and tag are two ways to choose what is pulled; keep one")
	case g.IsOCI() && g.Tag == "":
		g.Tag = "latest"
	case g.Branch == "" && g.Tag == "":
		g.Branch = "main"
	}
	if g.Branch != "" && (!gitRef.MatchString(g.Branch) || strings.Contains(g.Branch, "..")) {
		r.failf(at+".branch", "%q is not a branch", g.Branch)
	}
	if g.Tag != "" && (!gitRef.MatchString(g.Tag) || strings.Contains(g.Tag, "..") || g.IsOCI() && !tagName.MatchString(g.Tag)) {
		r.failf(at+".tag", "%q is not a tag", g.Tag)
	}
}

func (r *resolver) checkFlux(at string, f *Flux) {
	r.checkNamespace(at+".namespace", &f.Namespace, "flux-system")
	if f.Secret != "" && len(validation.IsDNS1123Subdomain(f.Secret)) > 0 {
		r.failf(at+".secret", "%q is not a Secret's name", f.Secret)
	}
	seen := map[string]bool{}
	for i, name := range f.DependsOn {
		place := fmt.Sprintf("%s.dependsOn[%d]", at, i)
		namespace, own, qualified := strings.Cut(name, "/")
		if !qualified {
			namespace, own = f.Namespace, name
		}
		switch {
		case !namespaceName.MatchString(namespace) || len(validation.IsDNS1123Subdomain(own)) > 0:
			r.failf(place, "want the name of a Flux Kustomization or namespace/name, got %q", name)
		case namespace == f.Namespace && own == r.m.Name:
			r.failf(place, "%q is this model's own, which would wait for itself", name)
		case seen[namespace+"/"+own]:
			r.failf(place, "%q is listed already", name)
		}
		seen[namespace+"/"+own] = true
	}
}

func (r *resolver) checkArgoCD(at string, a *ArgoCD) {
	r.checkNamespace(at+".argocd.namespace", &a.Namespace, "argocd")
	if a.Project == "" {
		a.Project = "default"
	}
	if len(validation.IsDNS1123Subdomain(a.Project)) > 0 {
		r.failf(at+".argocd.project", "%q is not a project's name", a.Project)
	}
	if strings.ContainsAny(a.Cluster, " \t\n") || strings.Contains(a.Cluster, "://") {
		r.failf(at+".argocd.cluster", "%q is not the name of a cluster in Argo CD (argocd cluster list)", a.Cluster)
	}
}

func (r *resolver) checkNamespace(at string, namespace *string, def string) {
	if *namespace == "" {
		*namespace = def
	}
	if !namespaceName.MatchString(*namespace) || len(*namespace) > validation.DNS1123LabelMaxLength {
		r.failf(at, "%q is not a namespace's name", *namespace)
	}
}

// UseEngine sets the engine of every environment that is synced, whatever the document says; empty for none. There must
// be such an environment for an engine.
func (m *Deployment) UseEngine(engine string) error {
	synced := m.setEngine(engine, true)
	if !synced && engine != "" {
		return manifest.Problems{m.problemOf("spec.gitops", "spec.gitops: is missing; %s must know where to pull from: gitops: {repository: https://github.com/acme/models}", engine)}
	}
	return nil
}

// DefaultEngine sets the engine where the document says a repository and no engine.
func (m *Deployment) DefaultEngine(engine string) { m.setEngine(engine, false) }

func (m *Deployment) setEngine(engine string, whatever bool) bool {
	synced := false
	for i, target := range m.Environments {
		if target.GitOps == nil {
			continue
		}
		synced = true
		if whatever || target.GitOps.Engine == "" {
			own := *target.GitOps
			own.Engine = engine
			m.Environments[i].GitOps = &own
		}
	}
	return synced
}

// CheckSync finds what goes wrong with documents that are synced, once their engines are settled: names that engines do
// not take, two documents that would make the same Application and, where what they share is rendered too, two that keep
// it in different places.
func CheckSync(deployments []*Deployment, shared bool) error {
	var problems manifest.Problems
	applications := map[string]*Deployment{}
	for _, m := range deployments {
		for _, target := range m.Environments {
			switch {
			case target.GitOps == nil:
			case target.GitOps.Engine == EngineFlux:
				problems = append(problems, m.checkFluxName()...)
			case target.GitOps.Engine == EngineArgoCD:
				problems = append(problems, m.checkApplication(target, applications)...)
			}
		}
	}
	if shared {
		problems = append(problems, checkSharedSync(deployments)...)
	}
	if len(problems) == 0 {
		return nil
	}
	return sorted(problems)
}

// checkFluxName: `flux bootstrap` calls its own objects flux-system.
func (m *Deployment) checkFluxName() manifest.Problems {
	if m.Name != SharedSync && m.Name != "flux-system" {
		return nil
	}
	return manifest.Problems{m.problemOf("metadata.name", "metadata.name: the Flux objects are called by the model, and there is a %s already; rename the model", m.Name)}
}

func (m *Deployment) checkApplication(target Target, taken map[string]*Deployment) manifest.Problems {
	name := Synced(m.Name, target.Environment)
	// Argo CD labels what it applies with the Application's name where it tracks by label, its default before 3.0.
	if len(name) > validation.LabelValueMaxLength {
		return manifest.Problems{m.problemOf("spec.gitops", "spec.gitops: the Application %q is %d characters, and a label holds %d; shorten the model's name or the environment's",
			name, len(name), validation.LabelValueMaxLength)}
	}
	key := target.GitOps.ArgoCD.Namespace + "/" + name
	first, ok := taken[key]
	taken[key] = m
	if !ok {
		return nil
	}
	return manifest.Problems{m.problemOf("metadata.name",
		"metadata.name: environment %s would be Application %s, and so is one of model %s (%s); rename one", target.Environment, name, first.Name, first.where())}
}

func checkSharedSync(deployments []*Deployment) manifest.Problems {
	var problems manifest.Problems
	type keeper struct {
		m  *Deployment
		in GitOps
	}
	first := map[string]keeper{}
	for _, m := range deployments {
		for _, target := range m.Environments {
			if target.GitOps == nil || target.GitOps.Engine == "" {
				continue
			}
			in := *target.GitOps
			in.Flux = Flux{Namespace: in.Flux.Namespace}
			other, ok := first[target.Environment]
			if !ok {
				first[target.Environment] = keeper{m, in}
			} else if !reflect.DeepEqual(other.in, in) {
				problems = append(problems, m.problemOf("spec.gitops",
					"spec.gitops: environment %s is synced otherwise than that of model %s (%s), and what they share can come from one place only; say the same in both, or render them apart",
					target.Environment, other.m.Name, other.m.where()))
			}
		}
	}
	return slices.Compact(problems)
}
