package importer

import (
	"github.com/kservegen/kservegen/pkg/manifest"
)

// snapshotOf is the VolumeSnapshot that a pod's own volume is made of, empty for another volume.
func snapshotOf(volume any) string {
	source := dig(claimTemplate(volume), "dataSource")
	if text(dig(source, "kind")) != "VolumeSnapshot" {
		return ""
	}
	return text(dig(source, "name"))
}

func claimTemplate(volume any) any { return dig(volume, "ephemeral", "volumeClaimTemplate", "spec") }

// restored infers spec.model.volume from the snapshot that the volume of each pod is made of.
func (s *scene) restored(w *workload, snapshot string) map[string]any {
	volume := map[string]any{}
	for _, candidate := range w.pod.all("volumes") {
		if snapshotOf(candidate) != snapshot {
			continue
		}
		template := claimTemplate(candidate)
		put(volume, quantity(dig(template, "resources", "requests", "storage")), "size")
		put(volume, text(dig(template, "storageClassName")), "storageClass")
		s.snapshotClass(volume)
		s.each("VolumeSnapshotContent", "snapshot.storage.k8s.io/", func(r *manifest.Resource) {
			to := dig(r.Data, "spec", "volumeSnapshotRef")
			if text(dig(to, "name")) == snapshot && text(dig(to, "namespace")) == w.object.Namespace() {
				put(volume, text(dig(r.Data, "spec", "source", "snapshotHandle")), "ebs", "snapshotId")
			}
		})
	}
	return volume
}

// snapshotClass reads the StorageClass of a volume of a snapshot.
func (s *scene) snapshotClass(volume map[string]any) {
	s.each("StorageClass", "storage.k8s.io/", func(r *manifest.Resource) {
		parameters := fields(r.Data["parameters"])
		if r.Name() != volume["storageClass"] || text(r.Data["provisioner"]) != "ebs.csi.aws.com" {
			return
		}
		put(volume, text(parameters["csi.storage.k8s.io/fstype"]), "ebs", "fsType")
		put(volume, text(parameters["kmsKeyId"]), "ebs", "kmsKeyId")
		for parameter, field := range map[string]string{"throughput": "throughput", "iops": "iops", "volumeInitializationRate": "initializationRate"} {
			if value := text(parameters[parameter]); value != "" {
				put(volume, scalar(value), "ebs", field)
			}
		}
		if parameters["volumeInitializationRate"] == nil {
			put(volume, true, "ebs", "fastSnapshotRestore")
		}
	})
}
