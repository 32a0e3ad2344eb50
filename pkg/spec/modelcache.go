package spec

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/manifest"
)

// ModelCache is KServe's LocalModelCache: its agent copies the source to the disk of every node of a group, once, and pods mount
// that. KServe must have it enabled (localModel in its ConfigMap inferenceservice-config).
type ModelCache struct {
	// NodeGroup is the LocalModelNodeGroup of the nodes. Default: models.
	NodeGroup string `json:"nodeGroup,omitempty"`
	// StorageLimit is what the models of the group may take of a node's disk, for example 500Gi. With it `render --shared` writes
	// the node group; without it the group exists.
	StorageLimit string `json:"storageLimit,omitempty"`
	// NodeLabels that the nodes of a group that is written have. Default: kserve/localmodel: worker, where KServe's agent runs.
	NodeLabels map[string]string `json:"nodeLabels,omitempty"`
	// Size of the source, which is not to be more than the group's limit. Default: the size of the model's weights.
	Size string `json:"size,omitempty"`
	// ServiceAccount in the namespace of KServe's download Jobs whose Secrets open the source. Default: none, for a source that
	// is open to everybody, or to the Jobs' own role.
	ServiceAccount string `json:"serviceAccount,omitempty"`
}

// DefaultCacheGroup is the LocalModelNodeGroup where the document names none.
const DefaultCacheGroup = "models"

// cacheLabel is on the nodes that KServe's agent runs on (kserve: config/localmodelnodes/manager.yaml).
const cacheLabel = "kserve/localmodel"

// longestCacheName leaves room for a hash of the source in a label's value.
const longestCacheName = 40

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// CacheName is what the LocalModelCache of a source is called. The kind has no namespace, and KServe takes one of each source.
func (m Model) CacheName() string {
	_, rest, _ := strings.Cut(m.Source, "://")
	base, _, _ := strings.Cut(path.Base(rest), ":")
	base = strings.Trim(notInNames.ReplaceAllString(strings.ToLower(base), "-"), "-")
	base = strings.TrimRight(base[:min(len(base), longestCacheName)], "-")
	sum := sha256.Sum256([]byte(m.Source))
	return strings.TrimLeft(base+"-"+hex.EncodeToString(sum[:4]), "-")
}

// cache fills in the defaults of a LocalModelCache, and checks that KServe can use it.
func (r *resolver) cache(scheme string, model catalog.Model) {
	const path = "spec.model.cache"
	m := &r.spec.Model
	c := m.Cache
	if c == nil {
		return
	}
	if c.NodeGroup == "" {
		c.NodeGroup = DefaultCacheGroup
	}
	switch {
	case !slices.Contains([]string{"hf", "s3", "gs"}, scheme):
		r.failf(path, "copies what a download brings: hf://, s3:// or gs://; this source is %s://", scheme)
	case m.Streamed:
		r.failf(path, "has no part in what the server streams itself; keep one of spec.model.streamed and spec.model.cache")
	case m.Secret != "":
		r.failf("spec.model.secret", "is for pods, which download nothing here; name a ServiceAccount in the namespace of KServe's Jobs in spec.model.cache.serviceAccount")
	}
	if scheme == "s3" {
		r.checkCacheRole()
	}
	r.checkCacheServing()
	r.checkCacheNodes(c)
	r.checkCacheSize(c, model)
	for field, name := range map[string]string{"nodeGroup": c.NodeGroup, "serviceAccount": c.ServiceAccount} {
		if name != "" && !dnsLabel.MatchString(name) {
			r.failf(path+"."+field, "%q is not a name of Kubernetes", name)
		}
	}
}

// checkCacheRole tells of a role that nothing reads the source with (launchJob in kserve: pkg/controller/v1alpha1/localmodelnode).
func (r *resolver) checkCacheRole() {
	eks, field := r.spec.Platform.EKS, "identity"
	if eks == nil || eks.Identity == nil && eks.RoleARN == "" {
		return
	}
	if eks.Identity == nil {
		field = "roleArn"
	}
	r.remarkf("spec.platform.eks."+field, "is of the model's pods, and none reads %s: KServe's download Jobs do, as ServiceAccount default in their own namespace; give that one a role", r.spec.Model.Source)
}

func (r *resolver) checkCacheServing() {
	if r.serving() != ServingInferenceService || r.spec.Expose != nil && r.spec.Expose.API == APIKServe {
		r.failf("spec.model.cache", "is written for InferenceServices whose routes are ours (spec.serving, spec.expose.api)")
	}
	if eks := r.spec.Platform.EKS; eks != nil && eks.Nodes != nil {
		r.failf("spec.model.cache", "the nodes of spec.platform.eks.nodes have a taint, which KServe's download Jobs don't tolerate, and come without any model; there the instance's own disk is used (instanceStorePolicy)")
	}
}

// checkCacheNodes checks the labels of a group that is written.
func (r *resolver) checkCacheNodes(c *ModelCache) {
	const path = "spec.model.cache.nodeLabels"
	if c.StorageLimit == "" {
		if len(c.NodeLabels) > 0 {
			r.failf(path, "is for a group that is written; set spec.model.cache.storageLimit, or leave the labels out")
		}
		return
	}
	if len(c.NodeLabels) == 0 {
		c.NodeLabels = map[string]string{cacheLabel: "worker"}
	}
	for _, key := range slices.Sorted(maps.Keys(c.NodeLabels)) {
		if problems := append(validation.IsQualifiedName(key), validation.IsValidLabelValue(c.NodeLabels[key])...); len(problems) > 0 {
			r.failf(path+"."+key, "%s", strings.Join(problems, "; "))
		}
	}
}

// checkCacheSize wants the size of what is copied within the limit: KServe compares them nowhere.
func (r *resolver) checkCacheSize(c *ModelCache, model catalog.Model) {
	const path = "spec.model.cache."
	if c.Size == "" && model.WeightsBytes > 0 && r.holdsModel() {
		c.Size = fmt.Sprintf("%dGi", model.WeightsBytes>>30+1)
	}
	if c.Size == "" {
		r.failf(path+"size", "is missing; the catalogue does not know the size of %s", r.spec.Model.Source)
		return
	}
	size := r.checkQuantity(path+"size", c.Size)
	if c.StorageLimit == "" {
		return
	}
	limit := r.checkQuantity(path+"storageLimit", c.StorageLimit)
	if limit.Sign() > 0 && size.Cmp(limit) > 0 {
		r.failf(path+"storageLimit", "%s is less than the %s of %s", c.StorageLimit, c.Size, r.spec.Model.Source)
	}
}

// cached is a source that a document caches in an environment, or that it serves uncached.
type cached struct {
	m     *Deployment
	model Model
}

// caches are those of one run, by environment and name or source; used is what they take of a group's nodes.
type caches struct {
	groups, sources map[string]cached
	used            map[string]resource.Quantity
}

// checkCaches: a LocalModelCache is for all namespaces of a cluster. Documents that share a group or a source say the same of it,
// the caches of a group fit its nodes, and whoever serves a source that is cached, or a folder in it, gets the cache.
func checkCaches(deployments []*Deployment) manifest.Problems {
	var problems manifest.Problems
	all := caches{map[string]cached{}, map[string]cached{}, map[string]resource.Quantity{}}
	served := map[string][]cached{}
	for m, target := range targetsOf(deployments) {
		for _, revision := range target.Revisions {
			this := cached{m, revision.Model}
			served[target.Environment] = append(served[target.Environment], this)
			if this.model.Cache != nil {
				problems = append(problems, all.add(target.Environment, this)...)
			}
		}
	}
	for m, target := range targetsOf(deployments) {
		for _, revision := range target.Revisions {
			problems = append(problems, cached{m, revision.Model}.uncached(served[target.Environment])...)
		}
	}
	return slices.Compact(problems)
}

// add takes a cache in, and says what does not go with those before it.
func (a *caches) add(environment string, c cached) manifest.Problems {
	const path = "spec.model.cache"
	cache := *c.model.Cache
	group, source := environment+" "+cache.NodeGroup, environment+" "+c.model.Source
	if first := keep(a.groups, group, c); !sameGroup(*first.model.Cache, cache) {
		return manifest.Problems{c.m.problemOf(path,
			"%s: LocalModelNodeGroup %s is another one for model %s (%s); name another group, or ask for the same", path, cache.NodeGroup, first.m.Name, first.m.where())}
	}
	if first := keep(a.sources, source, c); !sameCache(*first.model.Cache, cache) {
		return manifest.Problems{c.m.problemOf(path,
			"%s: %s is cached in another form for model %s (%s), and KServe takes one LocalModelCache of each source; say the same in both", path, c.model.Source, first.m.Name, first.m.where())}
	}
	if _, counted := a.used[source]; counted {
		return nil
	}
	size, err := resource.ParseQuantity(cache.Size)
	if err != nil {
		return nil // resolving said so
	}
	sum := a.used[group]
	sum.Add(size)
	a.used[source], a.used[group] = size, sum
	limit, err := resource.ParseQuantity(cache.StorageLimit)
	if err != nil || sum.Cmp(limit) <= 0 {
		return nil
	}
	return manifest.Problems{c.m.problemOf(path+".storageLimit",
		"%s.storageLimit: the models of LocalModelNodeGroup %s take %s together, and it has %s; raise the limit, or name another group", path, cache.NodeGroup, sum.String(), limit.String())}
}

// sameGroup reports that two caches ask for one form of their node group; one that does not write it takes any.
func sameGroup(a, b ModelCache) bool {
	return a.StorageLimit == "" || b.StorageLimit == "" || a.StorageLimit == b.StorageLimit && maps.Equal(a.NodeLabels, b.NodeLabels)
}

func sameCache(a, b ModelCache) bool {
	return a.NodeGroup == b.NodeGroup && a.Size == b.Size && a.ServiceAccount == b.ServiceAccount
}

// uncached says where a model would get the cache of another document without knowing.
func (c cached) uncached(others []cached) manifest.Problems {
	if c.model.Cache != nil || !c.model.Downloads() || c.model.Streamed {
		return nil
	}
	for _, other := range others {
		if other.model.Cache != nil && strings.HasPrefix(strings.TrimSuffix(c.model.Source, "/")+"/", strings.TrimSuffix(other.model.Source, "/")+"/") {
			return manifest.Problems{c.m.problemOf("spec.model.source",
				"spec.model.source: model %s (%s) caches %s, and KServe gives this model that cache, and its nodes; add spec.model.cache here, too", other.m.Name, other.m.where(), other.model.Source)}
		}
	}
	return nil
}
