package kserve

import (
	"maps"
	"slices"

	"github.com/kserve/kserve/pkg/apis/serving/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

const (
	// cacheFolder is where KServe's agent looks for models on a node (config/localmodelnodes/manager.yaml).
	cacheFolder = "/models"
	// cacheClass is no StorageClass: volumes and claims of the same name are for each other.
	cacheClass = "kserve-local-models"
)

// Caches are the LocalModelCaches of several models, each source once, and before them the node groups that documents write.
func Caches(targets []spec.Target, labels map[string]string) []manifest.Object {
	groups, sources := map[string]manifest.Object{}, map[string]manifest.Object{}
	for _, t := range targets {
		for _, r := range t.Revisions {
			c := r.Model.Cache
			if c == nil {
				continue
			}
			if c.StorageLimit != "" {
				groups[c.NodeGroup] = nodeGroup(*c, labels)
			}
			sources[r.Model.CacheName()] = modelCache(r.Model, labels)
		}
	}
	var objects []manifest.Object
	for _, all := range []map[string]manifest.Object{groups, sources} {
		for _, name := range slices.Sorted(maps.Keys(all)) {
			objects = append(objects, all[name])
		}
	}
	return objects
}

func modelCache(m spec.Model, labels map[string]string) manifest.Object {
	cache := &v1alpha1.LocalModelCache{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "LocalModelCache"},
		ObjectMeta: metav1.ObjectMeta{Name: m.CacheName(), Labels: labels},
		Spec: v1alpha1.LocalModelCacheSpec{
			SourceModelUri: m.Source, ModelSize: resource.MustParse(m.Cache.Size), NodeGroups: []string{m.Cache.NodeGroup},
			ServiceAccountName: m.Cache.ServiceAccount,
		},
	}
	at := map[string]string{
		"/spec/sourceModelUri": "What InferenceServices have as storageUri, in any namespace, is mounted from the nodes' disks.\nIt cannot be changed: new weights are another cache.",
		"/spec/modelSize":      "For the reader: KServe holds it against nothing.",
	}
	if m.Cache.ServiceAccount != "" {
		at["/spec/serviceAccountName"] = "In the namespace of KServe's download Jobs. They take its Secrets, and run as another one."
	}
	return manifest.Object{File: "localmodelcache-" + m.CacheName(), Typed: cache, Absent: []string{"/status"}, Comments: manifest.Comments{
		Head: "A copy of the source on every node of the group. It must be there, and NodeDownloaded in its status, before the model is\napplied: docs/eks-storage.md says why.", At: at,
	}}
}

// nodeGroup has what KServe makes volumes and claims of, one for the downloads and one for each namespace.
func nodeGroup(c spec.ModelCache, labels map[string]string) manifest.Object {
	limit := resource.MustParse(c.StorageLimit)
	storage := corev1.ResourceList{corev1.ResourceStorage: limit}
	modes := []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	group := &v1alpha1.LocalModelNodeGroup{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "LocalModelNodeGroup"},
		ObjectMeta: metav1.ObjectMeta{Name: c.NodeGroup, Labels: labels},
		Spec: v1alpha1.LocalModelNodeGroupSpec{
			StorageLimit: limit,
			PersistentVolumeSpec: corev1.PersistentVolumeSpec{
				AccessModes: modes, Capacity: storage, StorageClassName: cacheClass,
				PersistentVolumeSource: corev1.PersistentVolumeSource{Local: &corev1.LocalVolumeSource{Path: cacheFolder}},
				NodeAffinity:           &corev1.VolumeNodeAffinity{Required: selected(c.NodeLabels)},
			},
			PersistentVolumeClaimSpec: corev1.PersistentVolumeClaimSpec{
				AccessModes: modes, StorageClassName: ptr.To(cacheClass), Resources: corev1.VolumeResourceRequirements{Requests: storage},
			},
		},
	}
	return manifest.Object{File: "localmodelnodegroup-" + c.NodeGroup, Typed: group, Absent: []string{"/status"}, Comments: manifest.Comments{
		Head: "Nodes whose disks hold models. KServe's agent must run on them, and its download Jobs, which tolerate no taint.",
		At: map[string]string{
			"/spec/storageLimit":                               "Of each node's disk. KServe holds it against nothing; kservegen does.",
			"/spec/persistentVolumeSpec/local":                 "The folder that the agent looks into.",
			"/spec/persistentVolumeSpec/nodeAffinity":          "Both the downloads and the pods that mount them go to these nodes.",
			"/spec/persistentVolumeSpec/accessModes":           "A local volume has no other mode; pods of many nodes mount it all the same, each its node's folder.",
			"/spec/persistentVolumeClaimSpec/storageClassName": "There is no such class: it keeps other claims off these volumes.",
		},
	}}
}

// selected are nodes that have all of the labels.
func selected(labels map[string]string) *corev1.NodeSelector {
	var term corev1.NodeSelectorTerm
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		term.MatchExpressions = append(term.MatchExpressions, corev1.NodeSelectorRequirement{
			Key: key, Operator: corev1.NodeSelectorOpIn, Values: []string{labels[key]},
		})
	}
	return &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{term}}
}
