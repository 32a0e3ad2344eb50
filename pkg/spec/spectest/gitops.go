package spectest

// gitops draws where a tree is pulled from; an environment may change only a part of it.
func (d *drawer) gitops(whole bool) *node {
	g := fields()
	if d.chance("engine", 2) {
		g.set("engine", scalar(str, pick(d, "engine", "flux", "argocd")))
	}
	if whole || d.chance("repository", 3) {
		g.set("repository", scalar(str, d.repository()))
	}
	switch {
	case d.tagged && (d.from == gitRepository && whole || d.chance("tag", 2)):
		g.set("tag", scalar(str, pick(d, "tag", "live", "1", "on", "v1.2.3")))
	case !d.tagged && d.chance("branch", 2):
		g.set("branch", scalar(str, pick(d, "branch", "main", "release/1.2", "1", "null", "on")))
	}
	if d.chance("path", 3) {
		g.set("path", scalar(str, pick(d, "path", "deploy", ".", "./clusters/eu-1/", "größe")))
	}
	if flux := orNil(d.flux()); flux != nil {
		g.set("flux", flux)
	}
	if argo := orNil(d.argoCD()); argo != nil {
		g.set("argocd", argo)
	}
	return g
}

func (d *drawer) repository() string {
	if d.from == ociArtifact {
		return pick(d, "artifact", "oci://ghcr.io/acme/models", "oci://123456789012.dkr.ecr.us-east-1.amazonaws.com/models", "oci://registry.llm.svc:5000/models")
	}
	return pick(d, "repository", "https://github.com/acme/models", "ssh://git@github.com/acme/models.git", "http://git.llm.svc:3000/a/b/c")
}

func (d *drawer) flux() *node {
	f := fields()
	if d.chance("flux's namespace", 4) {
		f.set("namespace", scalar(str, pick(d, "flux's namespace", "flux-system", "1", "on")))
	}
	if d.chance("interval", 4) {
		f.set("interval", scalar(str, pick(d, "interval", "30s", "5m", "1h30m")))
	}
	if d.chance("deploy key", 4) {
		f.set("secret", scalar(str, pick(d, "deploy key", "flux-system", "null", "a.b")))
	}
	if d.chance("depends on", 4) {
		f.set("dependsOn", pick(d, "depends on", items(), items(scalar(str, "kservegen-shared")), items(scalar(str, "the-mesh-of-all"), scalar(str, "on/kserve"))))
	}
	return f
}

func (d *drawer) argoCD() *node {
	a := fields()
	if d.chance("argo's namespace", 4) {
		a.set("namespace", scalar(str, pick(d, "argo's namespace", "argocd", "openshift-gitops", "1")))
	}
	if d.chance("project", 4) {
		a.set("project", scalar(str, pick(d, "project", "default", "llm", "no")))
	}
	if d.chance("cluster", 4) {
		a.set("cluster", scalar(str, pick(d, "cluster", "in-cluster", "eu-1", "arn:aws:eks:us-east-1:123456789012:cluster/llm")))
	}
	return a
}
