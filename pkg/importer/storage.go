package importer

import (
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// volume infers spec.model.volume from the claim that holds the weights.
func (s *scene) volume(claim, namespace string) map[string]any {
	volume := map[string]any{}
	s.each("PersistentVolumeClaim", "v1", func(r *manifest.Resource) {
		if r.Name() != claim || r.Namespace() != namespace {
			return
		}
		put(volume, quantity(dig(r.Data, "spec", "resources", "requests", "storage")), "size")
		put(volume, text(dig(r.Data, "spec", "storageClassName")), "storageClass")
		for _, mode := range items(dig(r.Data, "spec", "accessModes")) {
			put(volume, text(mode), "accessMode")
		}
		s.fileSystem(volume, claim, namespace)
	})
	return volume
}

// fileSystem infers what of AWS a volume is, from its PersistentVolume or its StorageClass.
func (s *scene) fileSystem(volume map[string]any, claim, namespace string) {
	s.each("PersistentVolume", "v1", func(r *manifest.Resource) {
		if !isVolumeOf(r, claim, namespace) {
			return
		}
		csi := dig(r.Data, "spec", "csi")
		handle := text(dig(csi, "volumeHandle"))
		switch text(dig(csi, "driver")) {
		case "fsx.csi.aws.com":
			put(volume, handle, "fsx", "fileSystemId")
			put(volume, text(dig(csi, "volumeAttributes", "dnsname")), "fsx", "dnsName")
			put(volume, text(dig(csi, "volumeAttributes", "mountname")), "fsx", "mountName")
			put(volume, zoneOf(r), "fsx", "zone")
		case "efs.csi.aws.com":
			system, point, _ := strings.Cut(handle, "::")
			put(volume, system, "efs", "fileSystemId")
			put(volume, point, "efs", "accessPointId")
		}
	})
	s.each("StorageClass", "storage.k8s.io/", func(r *manifest.Resource) {
		if r.Name() == volume["storageClass"] && text(r.Data["provisioner"]) == "fsx.csi.aws.com" {
			put(volume, newFileSystem(fields(r.Data["parameters"])), "fsx")
		}
	})
}

// isVolumeOf says whether a PersistentVolume is kept for a claim.
func isVolumeOf(r *manifest.Resource, claim, namespace string) bool {
	to := dig(r.Data, "spec", "claimRef")
	return text(dig(to, "name")) == claim && text(dig(to, "namespace")) == namespace
}

// zoneOf is the zone that a PersistentVolume may be mounted in, empty for none or several.
func zoneOf(r *manifest.Resource) string {
	for _, term := range items(dig(r.Data, "spec", "nodeAffinity", "required", "nodeSelectorTerms")) {
		for _, expression := range items(dig(term, "matchExpressions")) {
			if zones := texts(dig(expression, "values")); text(dig(expression, "key")) == "topology.kubernetes.io/zone" && len(zones) == 1 {
				return zones[0]
			}
		}
	}
	return ""
}

// newFileSystem reads the parameters of a StorageClass.
func newFileSystem(parameters map[string]any) map[string]any {
	fsx := map[string]any{}
	for parameter, field := range map[string]string{
		"subnetId": "subnetId", "deploymentType": "deploymentType", "s3ImportPath": "s3ImportPath", "kmsKeyId": "kmsKeyId",
	} {
		put(fsx, text(parameters[parameter]), field)
	}
	if groups := text(parameters["securityGroupIds"]); groups != "" {
		put(fsx, anys(strings.Split(groups, ",")), "securityGroupIds")
	}
	if throughput := text(parameters["perUnitStorageThroughput"]); throughput != "" {
		put(fsx, scalar(throughput), "perUnitStorageThroughput")
	}
	return fsx
}

// downloadTarget is the folder that a download of ours fills, as its variable says it.
const downloadTarget = "/weights/"

// download infers spec.model.download from the Job that fills the folder of a pvc:// source, and the Secret that it has.
func (s *scene) download(namespace string, model map[string]any) {
	claim, folder, _ := strings.Cut(strings.TrimPrefix(text(model["source"]), "pvc://"), "/")
	s.each("Job", "batch/", func(r *manifest.Resource) {
		if r.Namespace() != namespace || !fills(r, claim, strings.Trim(folder, "/")) {
			return
		}
		variables := variablesOf(r)
		put(model, text(dig(variables["SOURCE"], "value")), "download", "from")
		if repository := text(dig(variables["REPOSITORY"], "value")); repository != "" {
			put(model, "hf://"+repository+":"+text(dig(variables["REVISION"], "value")), "download", "from")
		}
		user := number(dig(r.Data, "spec", "template", "spec", "securityContext", "runAsUser"), 0)
		if rooted := model["volume"] != nil && (dig(model, "volume", "fsx") != nil || dig(model, "volume", "efs") != nil && dig(model, "volume", "efs", "accessPointId") == nil); rooted != (user == 0) || user != 0 && user != 1000 {
			put(model, user, "download", "user")
		}
		for _, name := range []string{"HF_TOKEN", "AWS_ACCESS_KEY_ID"} {
			put(model, text(dig(variables[name], "valueFrom", "secretKeyRef", "name")), "secret")
		}
	})
}

// fills says whether a Job is a download of ours to a folder of a claim.
func fills(r *manifest.Resource, claim, folder string) bool {
	pod := dig(r.Data, "spec", "template", "spec")
	return dig(r.Data, "spec", "template", "metadata", "labels", spec.DownloadLabel) != nil &&
		slices.ContainsFunc(items(dig(pod, "volumes")), func(v any) bool { return text(dig(v, "persistentVolumeClaim", "claimName")) == claim }) &&
		text(dig(variablesOf(r)["TARGET"], "value")) == downloadTarget+folder
}

// variablesOf are those of a Job's containers, by name.
func variablesOf(r *manifest.Resource) map[string]any {
	variables := map[string]any{}
	for _, container := range items(dig(r.Data, "spec", "template", "spec", "containers")) {
		for _, variable := range items(dig(container, "env")) {
			variables[text(dig(variable, "name"))] = variable
		}
	}
	return variables
}

// downloadRegion is the region that a download of ours asks S3 of.
func (s *scene) downloadRegion() string {
	region := ""
	s.each("Job", "batch/", func(r *manifest.Resource) {
		if dig(r.Data, "spec", "template", "metadata", "labels", spec.DownloadLabel) == s.workloads[0].podLabels()[spec.ModelLabel] {
			region = text(dig(variablesOf(r)["AWS_REGION"], "value"))
		}
	})
	return region
}

// externalSecret infers what makes the Secret of a model, nil where nothing of the input does.
func (s *scene) externalSecret(secret, namespace string) map[string]any {
	var found map[string]any
	s.each("ExternalSecret", "external-secrets.io/", func(r *manifest.Resource) {
		data := items(dig(r.Data, "spec", "data"))
		if r.Namespace() != namespace || secret == "" || text(dig(r.Data, "spec", "target", "name")) != secret || len(data) != 1 || text(dig(data[0], "secretKey")) != "HF_TOKEN" {
			return
		}
		found = map[string]any{}
		put(found, text(dig(r.Data, "spec", "secretStoreRef", "name")), "store")
		put(found, text(dig(r.Data, "spec", "secretStoreRef", "kind")), "storeKind")
		put(found, text(dig(data[0], "remoteRef", "key")), "key")
		put(found, text(dig(data[0], "remoteRef", "property")), "property")
	})
	return found
}

// roleOfStorage is what an object around a claim of the model's is for.
func (s *scene) roleOfStorage(r *manifest.Resource) string {
	switch r.Kind() {
	case "PersistentVolume":
		if claim := text(dig(r.Data, "spec", "claimRef", "name")); claim != "" {
			return "persistentvolume/" + claim
		}
	case "Job":
		if dig(r.Data, "spec", "template", "metadata", "labels", spec.DownloadLabel) != nil {
			return "job/" + text(dig(variablesOf(r)["TARGET"], "value"))
		}
	case "NetworkPolicy":
		if dig(r.Data, "spec", "podSelector", "matchLabels", spec.DownloadLabel) != nil {
			return "networkpolicy/download"
		}
	case "ExternalSecret":
		return "externalsecret/" + text(dig(r.Data, "spec", "target", "name"))
	case "LocalModelCache":
		return "localmodelcache/" + text(dig(r.Data, "spec", "sourceModelUri"))
	case "LocalModelNodeGroup":
		return "localmodelnodegroup/" + r.Name()
	case "VolumeSnapshot":
		return "volumesnapshot/" + r.Name()
	case "VolumeSnapshotContent":
		return "volumesnapshotcontent/" + text(dig(r.Data, "spec", "volumeSnapshotRef", "name"))
	case "StorageClass":
		if s.usesClass(r.Name()) {
			return "storageclass/" + r.Name()
		}
	}
	return ""
}

// usesClass says whether a claim of the input is of a StorageClass.
func (s *scene) usesClass(name string) bool {
	used := false
	s.each("PersistentVolumeClaim", "v1", func(r *manifest.Resource) {
		used = used || text(dig(r.Data, "spec", "storageClassName")) == name
	})
	for _, w := range s.workloads {
		for _, volume := range w.pod.all("volumes") {
			used = used || text(dig(claimTemplate(volume), "storageClassName")) == name
		}
	}
	return used
}
