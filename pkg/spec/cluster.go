package spec

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// Cluster is what documents need of one cluster on Amazon EKS.
type Cluster struct {
	Name, Region string
	// Version of Kubernetes.
	Version string
	// KMSKeyARN of the key for Secrets, empty for EKS' own encryption.
	KMSKeyARN string
	// CIDR of the VPC, NAT one of the constants, PublicAccessCIDRs empty for any address.
	CIDR, NAT         string
	PublicAccessCIDRs []string
	// Zones of its networks, sorted: those of the documents, and where these name fewer than three as many of the region's first
	// letters. Named are the documents' own; where they name none, Zones is empty and a tool chooses.
	Zones, Named []string
	// Provisioner of the models' nodes, Role of the nodes' IAM role; both empty where no document asks for nodes.
	Provisioner, Role string
	// Environments are the models that run there, by environment.
	Environments [][]Target
}

// clusterZones is how many zones a cluster's networks are in: a quorum is left when one is lost.
const clusterZones = 3

// member is a model in the cluster.
type member struct {
	m *Deployment
	t Target
}

// ClusterOf finds what documents need of a cluster: of the one that they name, or of the one with the name. Where they name
// several, or disagree about one, the problems name both documents.
func ClusterOf(deployments []*Deployment, name string) (Cluster, error) {
	var members []member
	for m, target := range targetsOf(deployments) {
		eks := target.Platform.EKS
		if eks == nil || eks.Cluster == "" || name != "" && eks.Cluster != name {
			continue
		}
		members = append(members, member{m, target})
	}
	if len(members) == 0 {
		return Cluster{}, manifest.Problems{noCluster(deployments, name)}
	}
	problems := slices.Concat(agree(members, true), withoutNodes(members), ofIPv6(members))
	if len(problems) > 0 {
		return Cluster{}, sorted(problems)
	}
	return clusterOf(members), nil
}

func noCluster(deployments []*Deployment, name string) manifest.Problem {
	if name != "" {
		return deployments[0].problemOf("spec.platform.eks", "spec.platform.eks.cluster: no document names cluster %s; name it in one, or leave --cluster out", name)
	}
	return deployments[0].problemOf("spec.platform.eks", "spec.platform.eks.cluster: is missing; name the cluster that is to be made")
}

// ofIPv6 finds clusters that are not made here.
func ofIPv6(members []member) manifest.Problems {
	for _, m := range members {
		if m.t.Platform.EKS.IPFamily == IPv6 {
			return manifest.Problems{m.m.problemOf("spec.platform.eks.ipFamily",
				"spec.platform.eks.ipFamily: what is written here makes clusters of IPv4; make one of IPv6 yourself, or leave it out")}
		}
	}
	return nil
}

// withoutNodes finds models that nothing in a new cluster would make nodes for.
func withoutNodes(members []member) manifest.Problems {
	var problems manifest.Problems
	for _, m := range members {
		if m.t.EKSNodes() == nil && len(m.t.acceleratorNames()) > 0 {
			problems = append(problems, m.m.problemOf("spec.platform.eks",
				"spec.platform.eks.nodes: is missing; nothing in a new cluster would make nodes with %s: nodes: {} has Karpenter do it",
				strings.Join(m.t.acceleratorNames(), " and ")))
		}
	}
	return slices.Compact(problems)
}

// oneOf is a field of which a cluster has one; all says that documents agree about it only where a cluster is made of them.
type oneOf struct {
	name string
	of   func(*EKS) string
	all  bool
}

func onePerCluster() []oneOf {
	return []oneOf{
		{"cluster", func(e *EKS) string { return e.Cluster }, true},
		{"region", func(e *EKS) string { return e.Region }, true},
		{"version", func(e *EKS) string { return e.Version }, false},
		{"ipFamily", func(e *EKS) string { return cmp.Or(e.IPFamily, "ipv4") }, false},
		{"kmsKeyArn", func(e *EKS) string { return e.KMSKeyARN }, false},
		{"network.cidr", (*EKS).cidr, false},
		{"network.natGateway", (*EKS).nat, false},
		{"network.publicAccessCidrs", (*EKS).publicAccess, false},
		{"nodes.provisioner", (*EKS).provisioner, true},
		{"nodes.role", (*EKS).nodeRole, true},
	}
}

// agree wants of all documents what a cluster has one of.
func agree(members []member, all bool) manifest.Problems {
	var problems manifest.Problems
	for _, field := range onePerCluster() {
		if field.all && !all {
			continue
		}
		first := slices.IndexFunc(members, func(m member) bool { return field.of(m.t.Platform.EKS) != "" })
		if first < 0 && field.name == "region" {
			problems = append(problems, members[0].m.problemOf("spec.platform.eks.region", "spec.platform.eks.region: is missing; a cluster is in one, for example us-east-1"))
		}
		if first < 0 {
			continue
		}
		was := field.of(members[first].t.Platform.EKS)
		for _, other := range members[first+1:] {
			if is := field.of(other.t.Platform.EKS); is != "" && is != was {
				problems = append(problems, other.m.problemOf("spec.platform.eks."+field.name,
					"spec.platform.eks.%s: is %s by model %s (%s) and %s here, and a cluster has one; let them agree%s",
					field.name, was, members[first].m.Name, members[first].m.where(), is, chooseCluster(field.name)))
			}
		}
	}
	return slices.Compact(problems)
}

func chooseCluster(field string) string {
	if field == "cluster" {
		return ", or choose one with --cluster"
	}
	return ""
}

func clusterOf(members []member) Cluster {
	c := Cluster{}
	names := []string{}
	byEnvironment := map[string][]Target{}
	for _, m := range members {
		eks := m.t.Platform.EKS
		c.Name, c.Region = eks.Cluster, cmp.Or(c.Region, eks.Region)
		c.Version, c.KMSKeyARN = cmp.Or(c.Version, eks.Version), cmp.Or(c.KMSKeyARN, eks.KMSKeyARN)
		c.CIDR, c.NAT = cmp.Or(c.CIDR, eks.cidr()), cmp.Or(c.NAT, eks.nat())
		c.Provisioner, c.Role = cmp.Or(c.Provisioner, eks.provisioner()), cmp.Or(c.Role, eks.nodeRole())
		if eks.Network != nil && len(c.PublicAccessCIDRs) == 0 {
			c.PublicAccessCIDRs = eks.Network.PublicAccessCIDRs
		}
		c.Named = append(c.Named, eks.Zones...)
		if byEnvironment[m.t.Environment] == nil {
			names = append(names, m.t.Environment)
		}
		byEnvironment[m.t.Environment] = append(byEnvironment[m.t.Environment], m.t)
	}
	c.Version, c.CIDR, c.NAT = cmp.Or(c.Version, DefaultEKSVersion), cmp.Or(c.CIDR, DefaultCIDR), cmp.Or(c.NAT, NATPerZone)
	slices.Sort(c.Named)
	c.Named = slices.Compact(c.Named)
	c.Zones = enoughZones(c.Region, c.Named)
	slices.Sort(names)
	for _, name := range names {
		models := byEnvironment[name]
		slices.SortStableFunc(models, func(a, b Target) int { return cmp.Compare(a.Name, b.Name) })
		c.Environments = append(c.Environments, models)
	}
	return c
}

// enoughZones adds zones by the first letters that are free. EKS wants networks in two zones at least.
func enoughZones(region string, named []string) []string {
	zones := slices.Clone(named)
	if len(named) == 0 {
		return nil
	}
	for letter := 'a'; letter <= 'f' && len(zones) < clusterZones; letter++ {
		if zone := region + string(letter); !slices.Contains(zones, zone) {
			zones = append(zones, zone)
		}
	}
	slices.Sort(zones)
	return zones
}

func (e *EKS) publicAccess() string {
	if e.Network == nil {
		return ""
	}
	return strings.Join(e.Network.PublicAccessCIDRs, ", ")
}

func (e *EKS) provisioner() string {
	if e.Nodes == nil {
		return ""
	}
	return e.Nodes.Provisioner
}

func (e *EKS) nodeRole() string {
	if e.Nodes == nil {
		return ""
	}
	return e.Nodes.Role
}

// Targets are the models of all environments.
func (c Cluster) Targets() []Target { return slices.Concat(c.Environments...) }

// Any reports whether some model of the cluster is like that.
func (c Cluster) Any(like func(Target) bool) bool { return slices.ContainsFunc(c.Targets(), like) }

// AnyRevision reports whether some revision that runs in the cluster is like that.
func (c Cluster) AnyRevision(like func(RevisionTarget) bool) bool {
	return c.Any(func(t Target) bool { return slices.ContainsFunc(t.Revisions, like) })
}
