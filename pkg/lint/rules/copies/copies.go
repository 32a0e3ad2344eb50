// Package copies holds the rules about copies of weights near the pods: volumes of snapshots, and KServe's caches.
package copies

import (
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

// Rules returns them in the order of their codes.
func Rules() []rule.Rule {
	return []rule.Rule{contentOfAnother(), boundAtOnce(), moreThanTheDisk(), groupOfNoNode()}
}

func contentOfAnother() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1401", Name: "snapshot-of-another", Level: finding.Error,
			Summary: "A VolumeSnapshot and the content that it names are for each other.",
			Why: "A snapshot that exists is bound by hand: the VolumeSnapshot names its VolumeSnapshotContent, and that names the VolumeSnapshot back, with its namespace. " +
				"Where it names another one, the snapshot is never ready (SnapshotContentMisbound), and claims that are made of it stay Pending.",
			How:   "Write the VolumeSnapshot's name and namespace into volumeSnapshotRef.",
			Refs:  []string{"external-snapshotter: pkg/common-controller/snapshot_controller.go (getPreprovisionedContentFromStore)"},
			Kinds: []rule.Kind{rule.VolumeSnapshot, rule.VolumeSnapshotContent},
		},
		Check: func(c *rule.Context) {
			for _, snapshot := range c.Objects(rule.VolumeSnapshot) {
				content := c.Find(rule.VolumeSnapshotContent, "", snapshot.Field("spec", "source", "volumeSnapshotContentName").Text())
				if content == nil {
					continue
				}
				back := content.Field("spec", "volumeSnapshotRef")
				if back.Field("name").Text() != snapshot.Name || back.Field("namespace").Text() != snapshot.Namespace {
					c.Report(back, "%s names this content, which is for %s/%s", snapshot, back.Field("namespace").Text(), back.Field("name").Text())
				}
			}
		},
	}
}

func boundAtOnce() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1402", Name: "volume-before-its-pod", Level: finding.Warning,
			Summary: "EBS volumes of model servers are made when the zone of their pod is known.",
			Why: "A class that binds at once, which is the default of volumeBindingMode, has the driver make the volume in a zone of its choice. " +
				"The pod must follow it there, where there may be no node with its device, and stays Pending.",
			How:   "Write volumeBindingMode: WaitForFirstConsumer into the class.",
			Refs:  []string{"kubernetes: docs/concepts/storage/storage-classes#volume-binding-mode", "aws-ebs-csi-driver: docs/faq.md"},
			Kinds: rule.WorkloadKinds(rule.StorageClass, rule.PersistentVolumeClaim),
		},
		Check: func(c *rule.Context) {
			for _, w := range c.Workloads() {
				for _, claim := range w.Claims() {
					if object := c.Find(rule.PersistentVolumeClaim, w.Namespace, rule.ClaimName(claim)); object != nil {
						reportAtOnce(c, object.Field("spec", "storageClassName"))
					}
				}
				for _, volume := range w.Volumes() {
					reportAtOnce(c, volume.Field("ephemeral", "volumeClaimTemplate", "spec", "storageClassName"))
				}
			}
		},
	}
}

// reportAtOnce reports a claim's class that makes EBS volumes before their pods have a node.
func reportAtOnce(c *rule.Context, name rule.Value) {
	class := c.Find(rule.StorageClass, "", name.Text())
	if name.Text() == "" || class == nil || !ofEBS(class.Field("provisioner").Text()) {
		return
	}
	if mode := class.Field("volumeBindingMode").Text(); mode != "WaitForFirstConsumer" {
		c.Report(name, "%s binds at once", class)
	}
}

// ofEBS says whether a driver makes volumes of one zone: the one that is installed, and that of EKS Auto Mode.
func ofEBS(provisioner string) bool {
	return provisioner == "ebs.csi.aws.com" || provisioner == "ebs.csi.eks.amazonaws.com"
}

func moreThanTheDisk() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1403", Name: "cache-over-its-limit", Level: finding.Warning,
			Summary: "The LocalModelCaches of a node group fit its storageLimit.",
			Why: "KServe copies every cache of a group to every node of it, and compares neither modelSize nor storageLimit with anything. " +
				"Where the disk fills up, download Jobs fail, and the kubelet evicts pods.",
			How:   "Raise the limit where the disks have more, or cache less on these nodes.",
			Refs:  []string{"kserve: pkg/controller/v1alpha1/localmodel/reconcilers/localmodelcache_reconciler.go"},
			Kinds: []rule.Kind{rule.LocalModelCache, rule.LocalModelNodeGroup},
		},
		Check: func(c *rule.Context) {
			for _, group := range c.Objects(rule.LocalModelNodeGroup) {
				limit := group.Field("spec", "storageLimit")
				most, ok := rule.ParseQuantity(limit.Scalar())
				sum := 0.0
				for _, cache := range c.Objects(rule.LocalModelCache) {
					for name := range cache.Field("spec", "nodeGroups").Items() {
						if size, known := rule.ParseQuantity(cache.Field("spec", "modelSize").Scalar()); known && name.Text() == group.Name {
							sum += size
						}
					}
				}
				if ok && sum > most {
					c.Report(limit, "its caches take %.0f GiB together", sum/(1<<30))
				}
			}
		},
	}
}

func groupOfNoNode() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG1404", Name: "node-group-of-no-node", Level: finding.Error,
			Summary: "A LocalModelNodeGroup says which nodes are in it, and its claims fit its volumes.",
			Why: "KServe finds the nodes of a group by the required nodeAffinity of its persistentVolumeSpec alone: without one nothing is ever downloaded. " +
				"Claims of another class than the volumes, or that ask for more, are never bound, and pods that are given them stay Pending.",
			How: "Write nodeAffinity.required into persistentVolumeSpec, and the same storageClassName and size into both.",
			Refs: []string{
				"kserve: pkg/controller/v1alpha1/utils/utils.go (CheckNodeAffinity)",
				"kubernetes: pkg/controller/volume/persistentvolume/pv_controller.go (checkVolumeSatisfyClaim)",
			},
			Kinds: []rule.Kind{rule.LocalModelNodeGroup},
		},
		Check: func(c *rule.Context) {
			for _, group := range c.Objects(rule.LocalModelNodeGroup) {
				volume, claim := group.Field("spec", "persistentVolumeSpec"), group.Field("spec", "persistentVolumeClaimSpec")
				if volume.Field("nodeAffinity", "required", "nodeSelectorTerms").Len() == 0 {
					c.Report(volume, "no node is in this group: there is no nodeAffinity.required")
				}
				if class := claim.Field("storageClassName"); class.Text() != volume.Field("storageClassName").Text() {
					c.Report(class, "the volumes are of class %q", volume.Field("storageClassName").Text())
				}
				has, known := rule.ParseQuantity(volume.Field("capacity", "storage").Scalar())
				asked := claim.Field("resources", "requests", "storage")
				if wants, ok := rule.ParseQuantity(asked.Scalar()); ok && known && wants > has {
					c.Report(asked, "the volumes have %s", volume.Field("capacity", "storage").Scalar())
				}
			}
		},
	}
}
