package storage

import (
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

const (
	lustreDriver = "fsx.csi.aws.com"
	// claimVolume is what KServe calls the volume of a pvc:// source.
	claimVolume = "kserve-pvc-source"
	zoneLabel   = "topology.kubernetes.io/zone"
)

func claimTwice() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0613", Name: "claim-mounted-twice", Level: finding.Error,
			Summary: "A pod has one volume of a claim.",
			Why: "The kubelet knows volumes by what is mounted, not by their names in a pod: of two of one claim it waits for the second for ever, and the pod stays in ContainerCreating. " +
				"KServe makes a volume of a pvc:// source, so that one of the predictor's own is the second, unless it is called " + claimVolume + ".",
			How:   "Mount one volume in several places, by subPath. For the claim of a storageUri, call it " + claimVolume + ".",
			Refs:  []string{"kubernetes/kubernetes#127004", "kserve: pkg/utils/storage.go (AddModelMount)"},
			Kinds: rule.WorkloadKinds(),
		},
		Check: func(c *rule.Context) {
			for _, w := range c.Workloads() {
				seen := map[string]string{}
				for _, uri := range w.StorageURIs() {
					if strings.HasPrefix(uri.Text(), "pvc://") {
						seen[rule.ClaimName(uri)] = claimVolume
					}
				}
				for _, volume := range w.Volumes() {
					name, claim := volume.Field("name").Text(), volume.Field("persistentVolumeClaim", "claimName")
					if first, is := seen[claim.Text()]; claim.Text() != "" && is && first != name {
						c.Report(claim, "volume %s has claim %s already, and this one never mounts", first, claim.Text())
					} else if claim.Text() != "" {
						seen[claim.Text()] = name
					}
				}
			}
		},
	}
}

func keptForAnother() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0614", Name: "volume-kept-for-another", Level: finding.Error,
			Summary: "The PersistentVolume that a claim names is kept for that claim.",
			Why: "A PersistentVolume whose claimRef names another claim, or one of another namespace, is never bound to this one. " +
				"The claim stays Pending, and the pods with it.",
			How:   "Name this claim and its namespace in the volume's claimRef, or another volume in the claim's volumeName.",
			Refs:  []string{"kubernetes: docs/concepts/storage/persistent-volumes#reserving-a-persistentvolume"},
			Kinds: []rule.Kind{rule.PersistentVolumeClaim, rule.PersistentVolume},
		},
		Check: func(c *rule.Context) {
			for _, claim := range c.Objects(rule.PersistentVolumeClaim) {
				name := claim.Field("spec", "volumeName")
				volume := c.Find(rule.PersistentVolume, "", name.Text())
				if name.Text() == "" || volume == nil {
					continue
				}
				kept := volume.Field("spec", "claimRef")
				if kept.Found() && (kept.Field("name").Text() != claim.Name || kept.Field("namespace").Text() != claim.Namespace) {
					c.Report(name, "%s is kept for claim %s/%s", volume, kept.Field("namespace").Text(), kept.Field("name").Text())
				}
			}
		},
	}
}

func otherZone() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0615", Name: "volume-in-another-zone", Level: finding.Error,
			Summary: "Pods ask for nodes in the zone of their volume.",
			Why: "The scheduler takes only nodes that the nodeAffinity of the pod's PersistentVolume allows. Where the pod asks for other zones, " +
				"no node is left, and an autoscaler makes none: the pod stays Pending.",
			How:   "Ask for nodes in the volume's zone, or leave the zone out of the pod: the volume says it.",
			Refs:  []string{"kubernetes: docs/concepts/storage/persistent-volumes#node-affinity"},
			Kinds: rule.WorkloadKinds(rule.PersistentVolumeClaim, rule.PersistentVolume),
		},
		Check: func(c *rule.Context) {
			for _, w := range c.Workloads() {
				asked, at := zonesOf(w)
				for _, claim := range w.Claims() {
					volume := volumeOf(c, w.Namespace, rule.ClaimName(claim))
					if volume == nil || len(asked) == 0 {
						continue
					}
					there := zonesIn(volume.Field("spec", "nodeAffinity", "required"))
					if len(there) > 0 && !slices.ContainsFunc(asked, func(zone string) bool { return slices.Contains(there, zone) }) {
						c.Report(at, "%s, of claim %s, is in %s", volume, rule.ClaimName(claim), strings.Join(there, ", "))
					}
				}
			}
		},
	}
}

// volumeOf is the PersistentVolume that a claim of the set names, nil where it is not in the set.
func volumeOf(c *rule.Context, namespace, claim string) *rule.Object {
	object := c.Find(rule.PersistentVolumeClaim, namespace, claim)
	if object == nil || object.Field("spec", "volumeName").Text() == "" {
		return nil
	}
	return c.Find(rule.PersistentVolume, "", object.Field("spec", "volumeName").Text())
}

// zonesOf are the zones that a pod's own fields allow, and where they stand; none where any will do.
func zonesOf(w *rule.Workload) ([]string, rule.Value) {
	if zone := w.PodField("nodeSelector", zoneLabel); zone.Text() != "" {
		return []string{zone.Text()}, zone
	}
	required := w.PodField("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
	return zonesIn(required), required
}

// zonesIn are the zones of a node selector's terms, of which one must hold; none where a term has any.
func zonesIn(selector rule.Value) []string {
	var zones []string
	for term := range selector.Field("nodeSelectorTerms").Items() {
		var own []string
		for expression := range term.Field("matchExpressions").Items() {
			if expression.Field("key").Text() == zoneLabel && expression.Field("operator").Text() == "In" {
				own = append(own, expression.Field("values").Strings()...)
			}
		}
		if len(own) == 0 {
			return nil
		}
		zones = append(zones, own...)
	}
	return zones
}

func lustreLocks() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0616", Name: "lustre-without-flock", Level: finding.Warning,
			Summary: "A Lustre file system is mounted with flock.",
			Why: "Without the option, flock fails on Lustre with \"Function not implemented\". Programs that keep out of each other's files by it, " +
				"a download by huggingface_hub among them, fail, or go on without a lock.",
			How:   "Add flock to mountOptions.",
			Refs:  []string{"https://github.com/kubernetes-sigs/aws-fsx-csi-driver/tree/master/examples/kubernetes", "https://github.com/huggingface/huggingface_hub/pull/4228"},
			Kinds: []rule.Kind{rule.PersistentVolume, rule.StorageClass},
		},
		Check: func(c *rule.Context) {
			for _, volume := range c.Objects(rule.PersistentVolume) {
				if driver := volume.Field("spec", "csi", "driver"); driver.Text() == lustreDriver && !locks(volume.Field("spec", "mountOptions")) {
					c.Report(driver, "%s has no mount option flock", volume)
				}
			}
			for _, class := range c.Objects(rule.StorageClass) {
				if provisioner := class.Field("provisioner"); provisioner.Text() == lustreDriver && !locks(class.Field("mountOptions")) {
					c.Report(provisioner, "%s has no mount option flock", class)
				}
			}
		},
	}
}

func locks(options rule.Value) bool {
	return slices.ContainsFunc(options.Strings(), func(option string) bool { return option == "flock" || option == "localflock" })
}

func lustreMode() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0617", Name: "lustre-read-only-many", Level: finding.Error,
			Summary: "A claim of FSx for Lustre is ReadWriteMany or ReadWriteOnce.",
			Why: "The CSI driver knows one node that writes and several nodes that write, and nothing else: with ReadOnlyMany it makes no file system, and mounts none. " +
				"The claim stays Pending, or the pods in ContainerCreating with \"Volume capability not supported\".",
			How:   "Use ReadWriteMany, and mount it with readOnly: true.",
			Refs:  []string{"aws-fsx-csi-driver: pkg/driver/controller.go (volumeCaps)"},
			Kinds: []rule.Kind{rule.PersistentVolumeClaim, rule.PersistentVolume, rule.StorageClass},
		},
		Check: func(c *rule.Context) {
			for _, volume := range c.Objects(rule.PersistentVolume) {
				if volume.Field("spec", "csi", "driver").Text() == lustreDriver {
					reportReadOnly(c, volume)
				}
			}
			for _, claim := range c.Objects(rule.PersistentVolumeClaim) {
				class := c.Find(rule.StorageClass, "", claim.Field("spec", "storageClassName").Text())
				if class != nil && class.Field("provisioner").Text() == lustreDriver {
					reportReadOnly(c, claim)
				}
			}
		},
	}
}

func reportReadOnly(c *rule.Context, object *rule.Object) {
	for mode := range object.Field("spec", "accessModes").Items() {
		if mode.Text() == "ReadOnlyMany" {
			c.Report(mode, "the driver of FSx does not know ReadOnlyMany")
		}
	}
}

func prefixOfAnother() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0618", Name: "prefix-of-another-model", Level: finding.Warning,
			Summary: "A prefix in S3 that is the beginning of another model's ends with a slash.",
			Why: "The storage-initializer downloads every object whose name begins with the prefix: with s3://models/r1 those of s3://models/r1-distill too, into files that are called by the rest of the name. " +
				"That takes time and disk, and with a role that reads one prefix it fails.",
			How:   "End the storageUri with a slash.",
			Refs:  []string{"kserve: python/storage/kserve_storage/kserve_storage.py (_download_s3)"},
			Kinds: rule.PredictorKinds(),
		},
		Check: func(c *rule.Context) {
			var all []rule.Value
			for _, p := range c.Predictors() {
				all = append(all, p.StorageURIs()...)
			}
			for _, uri := range all {
				text := uri.Text()
				if !strings.HasPrefix(text, "s3://") || strings.HasSuffix(text, "/") {
					continue
				}
				for _, other := range all {
					rest, longer := strings.CutPrefix(other.Text(), text)
					if longer && rest != "" && !strings.HasPrefix(rest, "/") {
						c.Report(uri, "%s begins so, and is downloaded with it", other.Text())
						break
					}
				}
			}
		},
	}
}
