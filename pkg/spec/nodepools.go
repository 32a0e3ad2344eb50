package spec

import (
	"cmp"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/sizing"
)

// NodePool is the nodes of pods that ask for as many of the same devices, whatever provisions them: a pod says no more of its
// node, so that those of several documents share it.
type NodePool struct {
	// Name is models-<accelerator>-x<devices of a pod>, with -efa where pods use the Elastic Fabric Adapter.
	Name        string
	Accelerator catalog.Accelerator
	// Devices of a pod.
	Devices int
	EFA     bool
	// Types of instances, the cheapest for each pod first; at least one.
	Types []catalog.Instance
	// Models that run on it, sorted.
	Models []string
	// MinNodes and MaxNodes are how many nodes replicas.min and replicas.max take at most: pods spread over the zones first, and
	// share a node then. Limit is how many devices the nodes may have together: those of MaxNodes, and of replicas that start
	// before others end.
	MinNodes, MaxNodes, Limit int
	// Replaceable says that a node may be replaced while its models serve: each has at least two replicas, each on one node.
	Replaceable bool
	// Platform is that of the documents, with what they leave out of the nodes filled in.
	Platform EKS

	// mostNodes is Limit as computed, in nodes; diskGiB what the weights and caches of a pod take of its node's disk.
	mostNodes int
	diskGiB   int64
}

// NodePools lists the nodes that the models of one environment ask for, by name.
func NodePools(targets []Target) []NodePool {
	list, err := catalog.EC2Instances()
	if err != nil {
		return nil // resolving said so
	}
	byName := map[string]*NodePool{}
	for _, t := range targets {
		if t.EKSNodes() == nil {
			continue
		}
		for _, r := range t.Revisions {
			types := typesOf(list, t.Platform.EKS, r)
			if r.Devices == 0 || len(types) == 0 {
				continue
			}
			name := poolName(r)
			pool, ok := byName[name]
			if !ok {
				pool = &NodePool{
					Name: name, Accelerator: r.Accelerator, Devices: r.DevicesPerNode(), EFA: r.Network != nil, Replaceable: true, Platform: *t.Platform.EKS,
				}
				byName[name] = pool
			}
			pool.add(t, r, types)
		}
	}
	pools := make([]NodePool, 0, len(byName))
	for _, pool := range byName {
		pool.limit()
		pools = append(pools, *pool)
	}
	slices.SortFunc(pools, func(a, b NodePool) int { return cmp.Compare(a.Name, b.Name) })
	return pools
}

func poolName(r RevisionTarget) string {
	name := fmt.Sprintf("models-%s-x%d", r.Accelerator.Name, r.DevicesPerNode())
	if r.Network != nil {
		name += "-efa"
	}
	return name
}

// add takes a revision in.
func (p *NodePool) add(t Target, r RevisionTarget, types []catalog.Instance) {
	for _, i := range types {
		if !slices.ContainsFunc(p.Types, func(other catalog.Instance) bool { return other.Name == i.Name }) {
			p.Types = append(p.Types, i)
		}
	}
	need := r.need()
	slices.SortStableFunc(p.Types, func(a, b catalog.Instance) int {
		return cmp.Or(cmp.Compare(price(a, need), price(b, need)), cmp.Compare(a.USDPerHour, b.USDPerHour), cmp.Compare(a.Name, b.Name))
	})
	if !slices.Contains(p.Models, t.Name) {
		p.Models = append(p.Models, t.Name)
		slices.Sort(p.Models)
	}
	nodes := func(replicas int) int { return p.nodesFor(replicas*r.Nodes, types[0].Pods(need)) }
	p.MinNodes += nodes(r.MinReplicas)
	p.MaxNodes += nodes(r.MaxReplicas)
	p.mostNodes += nodes(r.MaxReplicas + t.leaving(r))
	p.Replaceable = p.Replaceable && r.MinReplicas > 1 && r.Nodes == 1
	p.diskGiB = max(p.diskGiB, r.diskGiB())
}

// price is what one pod's part of an instance costs, infinite where that is not known.
func price(i catalog.Instance, n catalog.Need) float64 {
	if i.USDPerHour == 0 {
		return math.Inf(1)
	}
	return i.USDPerHour / float64(max(i.Pods(n), 1))
}

// usualZones is how many zones the subnets of a cluster are in where the document names none.
const usualZones = 3

// nodesFor is how many nodes a revision's pods take at most: Karpenter takes their spread over zones, which the scheduler may
// leave aside, for a condition as long as it can be had (its --preference-policy).
func (p *NodePool) nodesFor(pods, perNode int) int {
	zones := cmp.Or(len(p.Platform.Zones), usualZones)
	nodes := 0
	for zone := range zones {
		inZone := (pods + zones - 1 - zone) / zones
		nodes += (inZone + perNode - 1) / perNode
	}
	return nodes
}

// limit turns nodes into devices: an instance has all of its devices, whoever uses them.
func (p *NodePool) limit() {
	p.Limit = p.mostNodes * p.mostDevices()
	if devices := p.Platform.Nodes.Devices; !devices.IsAuto() {
		p.Limit = devices.Int()
	}
}

// needs is how many devices the nodes have at least when all pods run, beside those of replicas that start early.
func (p *NodePool) needs() int { return p.mostNodes * p.Types[0].Count }

func (p *NodePool) mostDevices() int {
	most := 0
	for _, i := range p.Types {
		most = max(most, i.Count)
	}
	return most
}

// PerHour is what so many nodes of the first type cost in an hour, on demand. ok is false where the price is not known.
func (p NodePool) PerHour(nodes int) (usd float64, ok bool) {
	return p.Types[0].USDPerHour * float64(nodes), p.Types[0].USDPerHour > 0
}

// TypeNames are the names of the instance types, the cheapest first.
func (p NodePool) TypeNames() []string { return typeNames(p.Types) }

// The disk of a node: EKS' images of Linux take some 10 GiB; the kubelet collects images from 85 % on, and evicts at 90 %.
const (
	systemGiB = 10
	usable    = 0.85
)

// dataGiB is what images and weights take of a disk: two versions of the image, since a new one comes while the old one serves,
// and what each pod of the node fetches and caches.
func (p NodePool) dataGiB(i catalog.Instance) int64 {
	perDevices := max(i.Count/max(p.Devices, 1), 1)
	return gib((2*sizing.ImageBytes + float64(perDevices)*float64(p.diskGiB)*(1<<30)) / usable)
}

// RootGiB is the size of the root volume that is computed.
func (p NodePool) RootGiB() int64 {
	if p.LocalDisks() {
		return leastRootGiB
	}
	most := int64(0)
	for _, i := range p.Types {
		most = max(most, p.dataGiB(i))
	}
	return (most + systemGiB + 9) / 10 * 10
}

// VolumeGiB is the size of the root volume: the document's, or what is computed.
func (p NodePool) VolumeGiB() int64 { return cmp.Or(p.volumeGiB(), p.RootGiB()) }

func (p NodePool) volumeGiB() int64 {
	q, err := resource.ParseQuantity(p.Platform.Nodes.Volume)
	if err != nil {
		return 0
	}
	return q.Value() >> 30
}

// Caches that a runtime of the catalogue keeps on the node's disk (its emptyDir home).
const (
	cacheGiB       = 10
	neuronCacheGiB = 50
)

// diskGiB is what a pod's weights and caches take of its node's disk.
func (r RevisionTarget) diskGiB() int64 {
	disk := int64(cacheGiB)
	if r.Runtime.Name == neuronRuntime {
		disk = neuronCacheGiB
	}
	if r.Model.Downloads() {
		disk += gib(float64(r.WeightsBytes)) + 1
	}
	return disk
}

// checkNodePools: pods of several documents that ask for the same device land on the same nodes, so the documents say the same
// of these; and a limit that is less than the models need keeps pods Pending when the load is highest.
func checkNodePools(deployments []*Deployment) manifest.Problems {
	var problems manifest.Problems
	type held struct {
		m      *Deployment
		target Target
	}
	first := map[string]held{} // by environment, cluster and accelerator
	byEnvironment := map[string][]Target{}
	for m, target := range targetsOf(deployments) {
		if target.EKSNodes() == nil {
			continue
		}
		byEnvironment[target.Environment] = append(byEnvironment[target.Environment], target)
		for _, name := range target.acceleratorNames() {
			key := target.Environment + " " + name
			other, again := first[key]
			if !again {
				first[key] = held{m, target}
				continue
			}
			if field, a, b := differs(*other.target.Platform.EKS, *target.Platform.EKS); field != "" && other.m != m {
				problems = append(problems, m.problemOf("spec.platform.eks."+field,
					"spec.platform.eks.%s: nodes with %s have %s by model %s (%s) and %s here; pods choose nodes by the device alone, so say the same in both",
					field, name, a, other.m.Name, other.m.where(), b))
			}
		}
	}
	for m, target := range targetsOf(deployments) {
		for _, pool := range NodePools(byEnvironment[target.Environment]) {
			if slices.Contains(pool.Models, m.Name) && target.EKSNodes() != nil && pool.Limit < pool.needs() {
				problems = append(problems, m.problemOf(eksNodesPath+".devices",
					"%s.devices: %d are less than the %d of %s that %s take with replicas.max and a replica of each that starts before another ends, in whole %s; raise it, lower replicas.max, or write auto",
					eksNodesPath, pool.Limit, pool.needs(), pool.Accelerator.Product, strings.Join(pool.Models, " and "), pool.Types[0].Name))
			}
		}
	}
	return slices.Compact(problems)
}

// acceleratorNames are those of the revisions, without repetitions.
func (t Target) acceleratorNames() []string {
	var names []string
	for _, r := range t.Revisions {
		if r.Devices > 0 && !slices.Contains(names, r.Accelerator.Name) {
			names = append(names, r.Accelerator.Name)
		}
	}
	return names
}

// differs names the first field in which two platforms want different nodes. Instance types are joined.
func differs(a, b EKS) (field, was, is string) {
	list := func(s []string) string { return "[" + strings.Join(s, ", ") + "]" }
	id := func(r *EKSReservation) string {
		if r == nil {
			return "none"
		}
		return r.ID
	}
	for _, f := range []struct{ field, a, b string }{
		{"cluster", a.Cluster, b.Cluster},
		{"zones", list(a.Zones), list(b.Zones)},
		{"nodes.provisioner", a.Nodes.Provisioner, b.Nodes.Provisioner},
		{"nodes.capacity", list(a.Nodes.Capacity), list(b.Nodes.Capacity)},
		{"nodes.reservation", id(a.Nodes.Reservation), id(b.Nodes.Reservation)},
		{"nodes.ami", a.Nodes.AMI, b.Nodes.AMI},
		{"nodes.role", a.Nodes.Role, b.Nodes.Role},
		{"nodes.volume", cmp.Or(a.Nodes.Volume, "none"), cmp.Or(b.Nodes.Volume, "none")},
		{"nodes.instanceStore", strconv.FormatBool(a.Nodes.InstanceStore), strconv.FormatBool(b.Nodes.InstanceStore)},
		{"nodes.expireAfter", a.Nodes.ExpireAfter, b.Nodes.ExpireAfter},
		{"nodes.devices", cmp.Or(string(a.Nodes.Devices), Auto), cmp.Or(string(b.Nodes.Devices), Auto)},
	} {
		if f.a != f.b {
			return f.field, f.a, f.b
		}
	}
	if !reflect.DeepEqual(a.Nodes.Reservation, b.Nodes.Reservation) {
		return "nodes.reservation", "no Capacity Block", "one"
	}
	return "", "", ""
}

func milli(t Text) int64 {
	q, err := resource.ParseQuantity(string(t))
	if err != nil {
		return 0
	}
	return q.MilliValue()
}

func mebi(t Text) int64 {
	q, err := resource.ParseQuantity(string(t))
	if err != nil {
		return 0
	}
	return q.Value() >> 20
}
