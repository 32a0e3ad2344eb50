package spec

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/secret"
)

// schemes are the sources that KServe's storage-initializer or a mount can bring to /mnt/models
// (pkg/apis/serving/v1beta1/predictor.go, SupportedStorageURIPrefixList) and that this tool has tried to
// build a tree for.
var schemes = map[string]bool{"hf": true, "s3": true, "gs": true, "oci": true, "pvc": true}

// source fills in the default source of the weights and checks it.
func (r *resolver) source(model catalog.Model) {
	m := &r.spec.Model
	if r.spec.Runtime.Name == Simulator {
		m.Source, m.Download, m.Streamed, m.ExternalSecret, m.Cache = "", nil, false, nil, nil
		return
	}
	if m.Source == "" {
		m.Source = "hf://" + m.ID
		if m.Revision != "" {
			m.Source += ":" + m.Revision
		}
	}
	scheme, rest, ok := strings.Cut(m.Source, "://")
	if !ok || !schemes[scheme] || rest == "" {
		r.failf("spec.model.source", "want one of %s followed by ://, got %q", strings.Join(slices.Sorted(maps.Keys(schemes)), ", "), m.Source)
		return
	}
	r.checkPlain("spec.model.source", m.Source)
	// Of an image it is the name with its registry's port that stands before the @ of a digest.
	if user, _, ok := strings.Cut(rest, "@"); ok && strings.Contains(user, ":") && !(scheme == "oci" && strings.Contains(user, "/")) {
		r.failf("spec.model.source", "holds a password; name a Secret in model.secret instead")
	}
	r.volume(scheme, rest, model)
	r.checkDownload(scheme, model)
	r.cache(scheme, model)
	r.checkExternalSecret()
	r.checkBucket()
}

func (r *resolver) volume(scheme, rest string, model catalog.Model) {
	v := r.spec.Model.Volume
	if scheme == "pvc" {
		claim, folder, _ := strings.Cut(rest, "/")
		if !dnsLabel.MatchString(claim) {
			r.failf("spec.model.source", "want pvc://<claim>/<path>, got %q", r.spec.Model.Source)
		}
		// KServe makes a subPath of it as it is (AddModelMount in pkg/utils/storage.go), and the API server refuses the pod.
		if slices.Contains(strings.Split(folder, "/"), "..") {
			r.failf("spec.model.source", "%q leads out of the folder that is mounted; write the path without ..", r.spec.Model.Source)
		}
	}
	if v == nil {
		return
	}
	if scheme != "pvc" {
		r.failf("spec.model.volume", "is for a pvc:// source; this one is %s://", scheme)
	}
	size := r.checkQuantity("spec.model.volume.size", v.Size)
	if weights := resource.NewQuantity(model.WeightsBytes, resource.BinarySI); size.Sign() > 0 && size.Cmp(*weights) < 0 && r.holdsModel() {
		r.failf("spec.model.volume.size", "%s is less than the %.0f GiB of %s", v.Size, float64(model.WeightsBytes)/(1<<30), model.Name)
	}
	mode := "ReadWriteMany"
	if v.EBS != nil {
		mode = "ReadWriteOnce"
	}
	r.enum("spec.model.volume.accessMode", &v.AccessMode, mode, "ReadWriteMany", "ReadOnlyMany", "ReadWriteOnce")
	r.checkFileSystem(v, size)
}

// holdsModel says whether a volume holds the weights of the model's own repository, as far as the document tells.
func (r *resolver) holdsModel() bool {
	m := r.spec.Model
	return m.Measured == nil && !m.quantisedCopy()
}

// checkClaims wants one size of a claim that the last of the revisions shares with another.
func (r *resolver) checkClaims(revisions []RevisionTarget) {
	last := revisions[len(revisions)-1]
	for _, other := range revisions[:len(revisions)-1] {
		if sharesClaim(other.Model, last.Model) && !reflect.DeepEqual(other.Model.Volume, last.Model.Volume) {
			r.failf("spec.model.volume.size", "revision %s asks for the same claim in another form; use one form, or another claim", other.Name)
		}
	}
}

// sharesClaim reports that two models make the same PersistentVolumeClaim.
func sharesClaim(a, b Model) bool {
	return a.Volume != nil && b.Volume != nil && a.claim() == b.claim()
}

// claim is the PersistentVolumeClaim of a pvc:// source.
func (m Model) claim() string {
	claim, _, _ := strings.Cut(strings.TrimPrefix(m.Source, "pvc://"), "/")
	return claim
}

// Downloads reports whether a pod fetches the weights over the network itself; a volume is mounted by the node, as is what KServe
// caches there, and an OCI image pulled by it.
func (m Model) Downloads() bool {
	if m.Cache != nil {
		return false
	}
	scheme, _, _ := strings.Cut(m.Source, "://")
	return scheme == "hf" || scheme == "s3" || scheme == "gs"
}

// ownArgs are flags that the generator sets, with where the document says the same, and those of servers that it does not
// make.
var ownArgs = map[string]string{
	"nnodes":                               "set spec.accelerator.nodes",
	"node-rank":                            "each pod of a replica over several nodes gets its own",
	"master-addr":                          "each pod of a replica over several nodes gets that of the first",
	"headless":                             "a server without an API answers no probe; spec.accelerator.nodes makes those that serve none",
	"data-parallel-size-local":             engineElsewhere,
	"data-parallel-address":                engineElsewhere,
	"data-parallel-rpc-port":               engineElsewhere,
	"data-parallel-rank":                   engineElsewhere,
	"data-parallel-start-rank":             engineElsewhere,
	"data-parallel-hybrid-lb":              engineElsewhere,
	"data-parallel-external-lb":            engineElsewhere,
	"data-parallel-multi-port-external-lb": engineElsewhere,
	"data-parallel-supervisor-port":        engineElsewhere,
	"model":                                "set spec.model",
	"served-model-name":                    "set spec.model.servedName",
	"max-model-len":                        "set spec.model.maxModelLen",
	"revision":                             "set spec.model.revision",
	"port":                                 "the Service, the probes and the policies need the one of the tree",
	"host":                                 "the server listens on every address of its pod; in a cluster of IPv6 set spec.platform.eks.ipFamily",
	"shutdown-timeout":                     "set spec.runtime.drainTimeout",
	"config":                               "write the flags here",
	"enable-log-requests":                  "prompts in logs are data of your users; it stays off",
	"api-key":                              "a key in a flag is readable by everybody who may read pods; use spec.security",
	"hf-token":                             "name a Secret in spec.model.secret",
	"ssl-keyfile":                          "the mesh encrypts; see spec.security.mtls",
	"ssl-certfile":                         "the mesh encrypts; see spec.security.mtls",
	"root-path":                            "set spec.expose.path",
	"disable-log-requests":                 "vLLM 0.17 to 0.32 refuse it; requests are not logged by default",
}

// logicalCores is how many physical cores of a Neuron device make a logical one: 2 by default on Trainium2.
const logicalCores = "NEURON_LOGICAL_NC_CONFIG"

// engineElsewhere is why the flags for engines beside other servers are refused: vLLM waits for them for ever
// (vllm/v1/engine/core_client.py), and no other object of a tree starts one.
const engineElsewhere = "all engines of data-parallel-size run beside their server, and nothing starts others; leave it out"

func (r *resolver) checkArg(name string, arg Arg) {
	path := "spec.runtime.args." + name
	flag, key, dotted := strings.Cut(strings.TrimLeft(name, "-"), ".")
	canonical := strings.ReplaceAll(flag, "_", "-")
	if dotted { // the members of a JSON value are named as they are
		canonical += "." + key
	}
	if canonical != name {
		r.failf(path, "write it as %s, without leading dashes or underscores", canonical)
		return
	}
	if !argName.MatchString(name) {
		r.failf(path, "%q is not the name of a flag", name)
	}
	if why, ok := ownArgs[name]; ok {
		r.failf(path, "is set by kservegen: %s", why)
	}
	for _, value := range arg.Values {
		r.checkTemplate(path, value)
		if strings.ContainsAny(value, "\n\r") {
			r.failf(path, "must be one line")
		}
		if secret.Token(value) {
			r.failf(path, "holds a token, and the tree goes to Git; name a Secret in spec.model.secret instead")
		}
	}
}

func (r *resolver) checkEnv(name, value string) {
	path := "spec.runtime.env." + name
	if !envName.MatchString(name) {
		r.failf(path, "%q is not the name of an environment variable", name)
	}
	if name == "PYTHONPATH" {
		r.failf(path, "KServe refuses PYTHONPATH")
	}
	if name == logicalCores && r.spec.Runtime.Name == neuronRuntime && value != "2" {
		r.failf(path, "the catalogue counts logical cores of two physical ones each, four to a device, and so does the tree; leave it out")
	}
	if secret.Names(name) || secret.Token(value) {
		r.failf(path, "looks like a secret, and the tree goes to Git; name a Secret in spec.model.secret instead")
	}
	r.checkTemplate(path, value)
}

// resources fills in the host's share of the devices and checks what the document says.
func (r *resolver) resources(accelerator catalog.Accelerator, devices int) Resources {
	s := r.spec.Resources
	def := defaultResources(r.spec.Runtime.Name, accelerator, devices)
	s.CPU = orText(s.CPU, def.CPU)
	s.Memory = orText(s.Memory, def.Memory)
	s.SharedMemory = orText(s.SharedMemory, def.SharedMemory)
	r.checkQuantity("spec.resources.cpu", string(s.CPU))
	memory := r.checkQuantity("spec.resources.memory", string(s.Memory))
	shared := r.checkQuantity("spec.resources.sharedMemory", string(s.SharedMemory))
	if memory.Sign() > 0 && shared.Cmp(memory) >= 0 {
		r.failf("spec.resources.sharedMemory", "%s of /dev/shm counts toward the memory limit, %s; it must be less", s.SharedMemory, s.Memory)
	}
	return s
}

func orText(value, def Text) Text {
	if value == "" {
		return def
	}
	return value
}
