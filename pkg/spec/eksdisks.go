package spec

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/version"

	"github.com/kservegen/kservegen/pkg/catalog"
)

// raidsLocalDisks says whether the image sets up the instances' own disks. Karpenter tells it to; in a managed node group the
// launch template does (nodeadm's NodeConfig), where the document asks for that.
func (n *EKSNodes) raidsLocalDisks() bool {
	family, release, _ := strings.Cut(n.AMI, "@v")
	switch n.Provisioner {
	case ProvisionerManaged:
		return n.InstanceStore && family != bottlerocket
	case ProvisionerKarpenter:
		if family != bottlerocket {
			return true
		}
		v, err := version.ParseGeneric(release)
		return err == nil && v.AtLeast(version.MustParseGeneric(raidBottlerocket))
	}
	return false
}

const bottlerocket = "bottlerocket"

// checkInstanceStore wants disks that hold what the document wants on them.
func (r *resolver) checkInstanceStore(t Target) {
	const path = eksNodesPath + ".instanceStore"
	n := t.EKSNodes()
	switch {
	case !n.InstanceStore:
		return
	case n.Provisioner == ProvisionerAuto:
		r.failf(path, "the NodeClass of EKS Auto Mode does not say what becomes of the instances' own disks; use provisioner: %s", ProvisionerKarpenter)
	case n.Provisioner == ProvisionerManaged && !n.raidsLocalDisks():
		r.failf(path, "a managed node group of Bottlerocket sets them up by its own settings alone; use ami: %s", defaultAMI)
	case !n.raidsLocalDisks():
		r.failf(path, "Karpenter sets up those of Bottlerocket from v%s on; use a later ami", raidBottlerocket)
	}
	if len(r.problems) > 0 {
		return
	}
	for _, pool := range NodePools([]Target{t}) {
		if small := pool.SmallDisks(); len(small) > 0 {
			r.failf(path, "the disks of every type must hold images and weights: %s; name others in instanceTypes, or leave it out", strings.Join(small, "; "))
		}
	}
}

// LocalDisks says that the instances' own disks hold images and weights, as one.
func (p NodePool) LocalDisks() bool {
	return p.Platform.Nodes.raidsLocalDisks() && len(p.SmallDisks()) == 0
}

// SmallDisks says of the types whose own disks don't hold images and weights what they lack.
func (p NodePool) SmallDisks() []string {
	var small []string
	for _, i := range p.Types {
		switch has, needs := p.LocalGiB(i), p.dataGiB(i); {
		case has == 0:
			small = append(small, i.Name+" has none")
		case has <= needs:
			small = append(small, fmt.Sprintf("%s has %dGi, and images, weights and caches of its pods take %dGi", i.Name, has, needs))
		}
	}
	return small
}

// LocalGiB is what the own disks of a type hold together.
func (p NodePool) LocalGiB(i catalog.Instance) int64 { return gib(float64(i.LocalNVMeGB) * 1e9) }
