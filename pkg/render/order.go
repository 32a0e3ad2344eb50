package render

import (
	"cmp"
	"slices"
	"strings"
)

// kinds is the order of the files in a tree, by the first word of their names. kubectl applies them in it, so a
// namespace comes before what stands in it.
func kinds() []string {
	return []string{
		"namespace", "resourcequota", "serviceaccount", "role", "rolebinding", "externalsecret", "storageclass", "localmodelnodegroup", "localmodelcache", "persistentvolume", "persistentvolumeclaim", "volumesnapshotcontent", "volumesnapshot", "job", "servingruntime", "inferenceservice", "llminferenceservice", "leaderworkerset",
		"service",
		"destinationrule", "virtualservice", "httproute", "sidecar", "peerauthentication", "requestauthentication",
		"authorizationpolicy", "networkpolicy", "poddisruptionbudget", "horizontalpodautoscaler", "scaledobject", "podmonitor",
		"prometheusrule", "configmap",
		"gateway", "trafficextension", "ec2nodeclass", "nodeclass", "nodepool", "securitygrouppolicy", "priorityclass", "deployment",
	}
}

func rankOf(file string) int {
	kind, _, _ := strings.Cut(file, "-")
	return slices.Index(kinds(), kind)
}

// union lists the objects of several environments once each, by kind and then in the order in which they first
// appear: that of the document's revisions.
func union(lists ...[]planned) []planned {
	var all []planned
	seen := map[string]bool{}
	for _, list := range lists {
		for _, object := range list {
			if !seen[object.File] {
				seen[object.File] = true
				all = append(all, object)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b planned) int { return cmp.Compare(a.rank, b.rank) })
	return all
}
