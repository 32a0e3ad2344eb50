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
			Summary: "Replicas on several nodes, or a Job and what it works for, don't share a volume that only one node may mount.",
			Why: "A volume with ReadWriteOnce attaches to one node, with ReadWriteOncePod to one pod. A second replica on another node, or the new pod of a rollout, " +
				"stays in ContainerCreating with a Multi-Attach error. A server that waits for a Job on another node to fill the volume keeps the Job from it for ever.",
			How:   "Use a claim with ReadOnlyMany or ReadWriteMany (EFS, FSx), or s3://.",
			Refs:  []string{"kubernetes: docs/concepts/storage/persistent-volumes#access-modes"},
			Kinds: rule.WorkloadKinds(rule.PersistentVolumeClaim, rule.Job),
		},
		Check: func(c *rule.Context) {
			served := replicasShare(c)
			for _, job := range c.Jobs() {
				for _, claim := range job.Claims() {
					object, modes := ofOneNode(c, job, claim)
					if other := served[object]; other != nil && !together(job) {
						c.Report(claim, "claim %s is %s, and %s mounts it too", object.Name, modes, other.Object)
					}
				}
			}
		},
	}
}

// replicasShare reports claims of one node that several replicas mount, and returns by whom claims of one node are served.
func replicasShare(c *rule.Context) map[*rule.Object]*rule.Workload {
	served := map[*rule.Object]*rule.Workload{}
	for _, workload := range c.Workloads() {
		for _, claim := range workload.Claims() {
			object, modes := ofOneNode(c, workload, claim)
			if object == nil {
				continue
			}
			if workload.Serves {
				served[object] = workload
			}
			if workload.Kind != rule.StatefulSet && several(workload) {
				c.Report(claim, "claim %s is %s, and there are several replicas", object.Name, modes)
			}
		}
	}
	return served
}

// ofOneNode is a claim of the set that one node may mount, and its access modes; nil where there is none or more may.
func ofOneNode(c *rule.Context, w *rule.Workload, claim rule.Value) (object *rule.Object, modes string) {
	object = c.Find(rule.PersistentVolumeClaim, w.Namespace, rule.ClaimName(claim))
	if object == nil {
		return nil, ""
	}
	all := object.Field("spec", "accessModes").Strings()
	if len(all) == 0 || slices.ContainsFunc(all, func(mode string) bool { return strings.HasSuffix(mode, "Many") }) {
		return nil, ""
	}
	return object, strings.Join(all, ", ")
}

// together says whether a pod asks for the node of another one, or for a node by its name.
func together(job *rule.Workload) bool {
	return job.PodField("affinity", "podAffinity").Found() || job.PodField("nodeName").Found() || job.PodField("nodeSelector", "kubernetes.io/hostname").Found()
}

// several says whether pods may run beside each other on two nodes.
func several(workload *rule.Workload) bool {
	if p := workload.Predictor; p != nil {
		return p.MinReplicas() > 1 || p.MaxReplicas() > 1 || p.Spec.Field("workerSpec").Found()
	}
	return workload.Replicas > 1 || workload.Serves && workload.IsGroup()
}

func unusedVolume() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0610", Name: "volume-not-mounted", Level: finding.Warning,
			Summary: "A volume of a predictor is mounted.",
			Why: "A volume that no container mounts is made and never used: what was to lie on it, a cache, shared memory, a home folder, lies in the container's own layer, " +
				"which is smaller, counts as ephemeral storage of the container, or is read-only.",
			How:   "Mount it, or remove it.",
			Refs:  []string{"kubernetes: docs/concepts/storage/volumes"},
			Kinds: rule.ServerKinds(),
		},
		Check: func(c *rule.Context) {
			for _, w := range c.Servers() {
				mounted := names(w.Mounts(), "name")
				for _, volume := range w.Volumes() {
					if name := volume.Field("name"); w.Known() && name.Text() != "" && !mounted[name.Text()] {
						c.Report(name, "no container of %s mounts it", w.Object)
					}
				}
			}
		},
	}
}

func missingVolume() rule.Rule {
	return rule.Rule{
		Meta: rule.Meta{
			Code: "KG0611", Name: "mount-without-volume", Level: finding.Error,
			Summary: "What a predictor's containers mount is a volume of its pod.",
			Why: "The API server accepts the runtime and the InferenceService, each of which may have the volume, and refuses the Deployment that KServe makes of both: " +
				"the InferenceService is never ready.",
			How:   "Add the volume to the runtime or to spec.predictor.volumes, or correct the name.",
			Refs:  []string{"kubernetes: pkg/apis/core/validation/validation.go (ValidateVolumeMounts)"},
			Kinds: rule.ServerKinds(),
		},
		Check: func(c *rule.Context) {
			for _, w := range c.Servers() {
				if !w.Known() || w.Predictor != nil && w.IsGroup() {
					continue // a worker's pod has volumes of its own
				}
				volumes := names(w.Volumes(), "name")
				for _, mount := range w.Mounts() {
					if name := mount.Field("name"); name.Text() != "" && !volumes[name.Text()] && !strings.HasPrefix(name.Text(), "kserve-") && !(w.Preset && slices.Contains(presetVolumes(), name.Text())) {
						c.Report(name, "the pod of %s has no volume %q", w.Object, name.Text())
					}
				}
			}
		},
	}
}

// presetVolumes are those of KServe's preset (config/llmisvcconfig/config-llm-template.yaml).
func presetVolumes() []string { return []string{"home", "dshm", "model-cache", "tmp-dir", "tls-certs"} }

func names(values []rule.Value, field string) map[string]bool {
	all := map[string]bool{}
	for _, value := range values {
		all[value.Field(field).Text()] = true
	}
	return all
}
