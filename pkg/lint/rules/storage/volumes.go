package storage

import (
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/lint/rule"
)

func smallInitializer() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0606", Name: "initializer-out-of-memory", Level: finding.Warning,
			Summary: "The storage-initializer has memory for the files of an LLM.",
			Why: "KServe's default container is limited to 1 GiB and one CPU. Downloads of Hugging Face and S3 run several large files in parallel: " +
				"the init container is killed for memory and starts over.",
			How:   "Raise the limit to 4Gi or more, or lower the number of parallel files (S3_MAX_FILE_CONCURRENCY).",
			Refs:  []string{"kserve#5326", "kserve: config/storagecontainers/default.yaml"},
			Kinds: []rule.Kind{rule.ClusterStorageContainer},
		},
		Check: func(c *rule.Context) {
			for _, container := range c.Objects(rule.ClusterStorageContainer) {
				limit := container.Field("spec", "container", "resources", "limits", "memory")
				memory, ok := rule.ParseQuantity(limit.Scalar())
				if !ok || memory > 2<<30 {
					continue
				}
				for format := range container.Field("spec", "supportedUriFormats").Items() {
					if prefix := format.Field("prefix").Text(); prefix == "hf://" || prefix == "s3://" {
						c.Report(limit, "%s is too little to download an LLM from %s", limit.Scalar(), prefix)
						break
					}
				}
			}
		},
	}
}

func oneNodeClaim() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0608", Name: "claim-of-one-node", Level: finding.Error,
			Summary: "Replicas on several nodes don't share a volume that only one node may mount.",
			Why: "A volume with ReadWriteOnce attaches to one node, with ReadWriteOncePod to one pod. A second replica on another node, or the new pod of a rollout, " +
				"stays in ContainerCreating with a Multi-Attach error.",
			How:   "Use a claim with ReadOnlyMany or ReadWriteMany (EFS, FSx), or s3://.",
			Refs:  []string{"kubernetes: docs/concepts/storage/persistent-volumes#access-modes"},
			Kinds: rule.WorkloadKinds(rule.PersistentVolumeClaim),
		},
		Check: func(c *rule.Context) {
			for _, workload := range c.Workloads() {
				if workload.Kind == rule.StatefulSet || !several(workload) {
					continue
				}
				for _, claim := range claims(workload) {
					object := c.Find(rule.PersistentVolumeClaim, workload.Namespace, claimName(claim))
					if object == nil {
						continue
					}
					modes := object.Field("spec", "accessModes").Strings()
					if len(modes) > 0 && !slices.ContainsFunc(modes, func(mode string) bool { return strings.HasSuffix(mode, "Many") }) {
						c.Report(claim, "claim %s is %s, and there are several replicas", object.Name, strings.Join(modes, ", "))
					}
				}
			}
		},
	}
}

// several says whether pods may run beside each other on two nodes.
func several(workload *rule.Workload) bool {
	if p := workload.Predictor; p != nil {
		return p.MinReplicas() > 1 || p.MaxReplicas() > 1 || p.Spec.Field("workerSpec").Found()
	}
	return workload.Replicas > 1
}

// claims are the values that name one: of volumes, and of pvc:// URIs.
func claims(workload *rule.Workload) []rule.Value {
	var all []rule.Value
	for _, volume := range workload.Volumes() {
		if name := volume.Field("persistentVolumeClaim", "claimName"); name.Text() != "" {
			all = append(all, name)
		}
	}
	if workload.Predictor != nil {
		for _, uri := range workload.Predictor.StorageURIs() {
			if strings.HasPrefix(uri.Text(), "pvc://") {
				all = append(all, uri)
			}
		}
	}
	return all
}

func claimName(value rule.Value) string {
	if path, is := strings.CutPrefix(value.Text(), "pvc://"); is {
		name, _, _ := strings.Cut(path, "/")
		return name
	}
	return value.Text()
}
