package spectest

import (
	"fmt"
	"strconv"

	"pgregory.net/rapid"

	"github.com/kservegen/kservegen/pkg/catalog"
)

func (d *drawer) model() *node {
	m := small(d.models[0])
	if d.chance("commit", 3) {
		m.set("revision", d.commit())
	}
	if d.claim {
		m.set("source", d.source())
		if d.chance("volume", 2) {
			m.set("volume", d.volume())
		}
		if d.download {
			m.set("download", d.downloads())
		}
	} else if d.nodes > 0 || d.chance("source", 3) {
		m.set("source", d.source())
	}
	if d.chance("served name", 4) {
		m.set("servedName", scalar(str, pick(d, "served name", "deepseek-r1", "on", "1", "deepseek-ai/DeepSeek-R1", "模型", "a:b", "#1", "null")))
	}
	if d.chance("length", 3) {
		m.set("maxModelLen", d.length())
	}
	if d.cached {
		m.set("cache", d.cache())
	} else if d.chance("secret", 4) {
		m.set("secret", scalar(str, pick(d, "secret", "hf-token", "no", "s3")))
	}
	return m
}

// small is a model with figures of so small a one that it starts on whatever is drawn.
func small(m catalog.Model) *node {
	return fields("id", scalar(str, m.ID), "measured", fields("weightsGiB", scalar(raw, "0.1"), "otherGiB", scalar(raw, "0.1")))
}

func (d *drawer) modelOverride(environment bool) *node {
	m := fields()
	if !d.download && !d.cached && d.chance("other model", 3) { // neither is of another model, whose source may be the same here
		m = small(d.models[d.upTo("other model", len(d.models)-1)])
	}
	if d.chance("commit", 2) {
		m.set("revision", d.commit())
	}
	if d.chance("source", 3) {
		m.set("source", d.source())
		if d.claim && environment && d.chance("volume", 3) {
			m.set("volume", d.volume())
		}
	}
	if d.chance("length", 3) {
		m.set("maxModelLen", d.length())
	}
	return m
}

func (d *drawer) commit() *node {
	return scalar(str, rapid.SampledFrom([]string{"main", "6a6f4aa4197940add57724a7707d069478df56b1", "1234567", "1e10"}).Draw(d.t, "commit"))
}

func (d *drawer) length() *node {
	if d.chance("auto length", 4) {
		return scalar(str, "auto")
	}
	return scalar(raw, pick(d, "length", "4096", "1", "32768"))
}

func (d *drawer) source() *node {
	switch {
	case d.claim && d.store != byClass: // a file system has one claim
		return scalar(str, pick(d, "claim", "pvc://models/a/b", "pvc://models/c"))
	case d.download:
		return scalar(str, pick(d, "claim", "pvc://models/a/b", "pvc://llm-models/c"))
	case d.claim && d.llm:
		return scalar(str, pick(d, "claim", "pvc://models/a/b", "pvc://m"))
	case d.claim:
		return scalar(str, pick(d, "claim", "pvc://models/a/b", "pvc://m", "pvc://llm-models/größe"))
	case d.nodes > 0:
		return scalar(str, pick(d, "image", "oci://registry.example.com/m:1", "oci://registry.example.com:5000/a/b@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"))
	case d.cached:
		return scalar(str, pick(d, "source", "s3://models/a-b", "s3://models/c/", "hf://org/name:main", "hf://"+d.models[0].ID))
	case d.llm:
		return scalar(str, pick(d, "source", "s3://models/a-b", "oci://registry.example.com/m:1", "hf://org/name:main", "hf://"+d.models[0].ID))
	}
	return scalar(str, pick(d, "source", "s3://models/a-b", "gs://bucket/x", "oci://registry.example.com/m:1", "hf://org/name:main", "hf://"+d.models[0].ID))
}

// cache of every source of a document.
func (d *drawer) cache() *node {
	n := fields("size", scalar(str, pick(d, "size", "20Gi", "100Gi")))
	if d.chance("group", 2) {
		n.set("nodeGroup", scalar(str, pick(d, "group", "gpus", "on")))
	}
	if d.chance("limit", 2) {
		n.set("storageLimit", scalar(str, pick(d, "limit", "1Ti", "2Ti")))
	}
	if d.chance("account", 3) {
		n.set("serviceAccount", scalar(str, pick(d, "account", "s3", "no")))
	}
	return n
}

// downloads are the same for every folder of a document.
func (d *drawer) downloads() *node {
	n := fields("from", scalar(str, pick(d, "from", "s3://models/a-b/", "hf://org/name:6a6f4aa4197940add57724a7707d069478df56b1")))
	if d.chance("user", 3) {
		n.set("user", d.number("user", 0, 2000))
	}
	return n
}

// fileSystem of every volume of a document; nil where a class makes them.
func (d *drawer) fileSystem() (string, *node) {
	const id = "fs-0123456789abcdef0"
	switch d.store {
	case oldLustre:
		return "fsx", fields("fileSystemId", scalar(str, id), "dnsName", scalar(str, id+".fsx.eu-central-1.amazonaws.com"), "mountName", scalar(str, pick(d, "mount", "fsx", "abcdefgh")))
	case newLustre:
		return "fsx", fields("subnetId", scalar(str, "subnet-0123456789abcdef0"), "securityGroupIds", items(scalar(str, "sg-0123456789abcdef0")))
	case elastic:
		return "efs", fields("fileSystemId", scalar(str, id))
	case snapshot:
		return "ebs", fields("snapshotId", scalar(str, "snap-0123456789abcdef0"))
	case byClass:
	}
	return "", nil
}

func (d *drawer) volume() *node {
	if kind, system := d.fileSystem(); system != nil {
		size := pick(d, "size", "2400Gi", "7200Gi")
		return fields("size", scalar(str, size), kind, system)
	}
	v := fields("size", scalar(str, pick(d, "size", "2Ti", "1Pi", "1500G")))
	if d.chance("class", 2) {
		v.set("storageClass", scalar(str, pick(d, "class", "fsx-lustre", "on", "gp3")))
	}
	if !d.download && d.chance("access", 2) {
		v.set("accessMode", scalar(str, pick(d, "access", "ReadWriteMany", "ReadOnlyMany")))
	}
	return v
}

func (d *drawer) specAccelerator() *node {
	if d.bare {
		return nil
	}
	return d.accelerator(d.accelerators[0])
}

func (d *drawer) accelerator(a catalog.Accelerator) *node {
	n := fields("type", scalar(str, a.Name))
	if a.Resource == "" {
		return n
	}
	if d.nodes > 0 {
		return d.acrossNodes(n, a)
	}
	switch counts := d.counts(a); {
	case d.chance("auto", 4):
		n.set("perReplica", scalar(str, "auto"))
	case len(counts) > 0 && d.chance("per replica", 3):
		n.set("perReplica", scalar(raw, strconv.Itoa(pick(d, "per replica", counts...))))
	}
	return n
}

// acrossNodes says how many devices of how many nodes, and sometimes what they talk by.
func (d *drawer) acrossNodes(n *node, a catalog.Accelerator) *node {
	n.set("perReplica", scalar(raw, strconv.Itoa(d.nodes*pick(d, "per node", d.counts(a)...))))
	n.set("nodes", scalar(raw, strconv.Itoa(d.nodes)))
	if d.chance("network", 2) {
		n.set("network", fields("resource", scalar(str, pick(d, "network", "vpc.amazonaws.com/efa", "rdma/shared_a")), "perNode", d.number("network devices", 1, 32)))
	}
	return n
}

// acceleratorOverride moves to another accelerator or takes another number of the same. In a bare document only
// an environment may, with the runtime that goes with it.
func (d *drawer) acceleratorOverride(n *node, environment bool) {
	if d.bare || d.simulator == everywhere {
		if environment && d.simulator == everywhere {
			a := d.accelerators[d.upTo("accelerator", len(d.accelerators)-1)]
			n.set("accelerator", d.accelerator(a))
			n.set("runtime", fields("name", scalar(str, a.Runtime)))
		}
		return
	}
	if d.nodes > 0 {
		n.set("accelerator", d.accelerator(d.accelerators[0]))
		return
	}
	counts := d.counts(d.accelerators...)
	if len(counts) > 0 && d.chance("only the number", 3) {
		n.set("accelerator", fields("perReplica", scalar(raw, strconv.Itoa(pick(d, "per replica", counts...)))))
		return
	}
	n.set("accelerator", d.accelerator(d.accelerators[d.upTo("accelerator", len(d.accelerators)-1)]))
}

// resources stay under what is there where the simulator takes over: 512Mi of memory.
func (d *drawer) resources() *node {
	r := fields()
	if d.chance("cpu", 3) {
		r.set("cpu", pick(d, "cpu", scalar(text, "500m"), scalar(text, "3"), scalar(raw, "1.5"), scalar(text, "8")))
	}
	if d.chance("memory", 3) {
		r.set("memory", pick(d, "memory", scalar(text, "4Gi"), scalar(text, "64Gi"), scalar(raw, "17179869184"), scalar(text, "1e10")))
	}
	if d.chance("shared memory", 3) {
		r.set("sharedMemory", scalar(text, pick(d, "shared memory", "64Mi", "100M", "256Mi", fmt.Sprint(300<<20))))
	}
	return r
}

// specReplicas keeps every min at 3 or less, every max at 4 or more where revisions override them.
func (d *drawer) specReplicas() *node {
	if d.nodes > 0 && !d.groups {
		return fields("min", scalar(raw, "1"), "max", scalar(raw, "1"))
	}
	if !d.hpa && !d.revisionReplicas && d.chance("no replicas", 3) {
		return nil
	}
	return fields("min", d.number("min", 1, 3), "max", d.number("max", 4, 8))
}

func (d *drawer) replicasOverride() *node {
	if d.nodes > 0 && !d.groups {
		return null()
	}
	if !d.hpa && !d.revisionReplicas {
		low := 1 + d.upTo("min", 3)
		return pick(d, "replicas", fields("min", d.number("min", low, low), "max", d.number("max", low, low+3)),
			fields("min", scalar(raw, "1"), "max", scalar(raw, "1")), null())
	}
	r := fields()
	if d.chance("min", 2) {
		r.set("min", d.number("min", 1, 3))
	}
	if d.chance("max", 2) {
		r.set("max", d.number("max", 4, 8))
	}
	return r
}
