package spec_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/spec"
)

// spec < environment < revision, field by field; lists replace.
func TestOverridesMergeInOrder(t *testing.T) {
	t.Parallel()
	m := load(t, document(
		"runtime: {version: v1, args: {a: spec, b: spec, c: spec}, env: {A: spec}, drainTimeout: 1m}",
		"security: {callers: [{serviceAccount: a/b}, {serviceAccount: c/d}]}",
		"expose: {hosts: [a.example.com, b.example.com], gateway: a/b, tlsSecret: tls}",
		"revisions:",
		"- {name: v1, runtime: {args: {c: revision, d: revision}, drainTimeout: 3m}}",
		"- {name: v2}",
		"traffic: [{revision: v1, weight: 100}, {revision: v2, weight: 0}]",
		"environments:",
		"- {name: base}",
		"- name: dev",
		"  runtime: {version: v2, args: {b: environment, c: environment}, drainTimeout: 2m}",
		"  security: {mtls: 'off', callers: [{serviceAccount: e/f}]}",
		"  expose: {hosts: [c.example.com]}",
	))
	base, dev := m.Environments[0], m.Environments[1]
	assert.Equal(t, map[string]string{"a": "spec", "b": "spec", "c": "revision", "d": "revision"}, flags(base.Revisions[0]))
	assert.Equal(t, map[string]string{"a": "spec", "b": "environment", "c": "revision", "d": "revision"}, flags(dev.Revisions[0]))
	assert.Equal(t, map[string]string{"a": "spec", "b": "environment", "c": "environment"}, flags(dev.Revisions[1]))
	assert.Equal(t, "v1", base.Revisions[0].Runtime.Version)
	assert.Equal(t, "v2", dev.Revisions[0].Runtime.Version, "an environment's field holds where the revision is silent")
	assert.Equal(t, []spec.Duration{"3m", "2m"}, []spec.Duration{dev.Revisions[0].Runtime.DrainTimeout, dev.Revisions[1].Runtime.DrainTimeout})
	assert.Equal(t, map[string]spec.Text{"A": "spec"}, dev.Revisions[0].Runtime.Env)
	assert.Equal(t, spec.Security{MTLS: "off", Callers: []spec.Caller{{ServiceAccount: "e/f"}}}, dev.Security)
	assert.Equal(t, &spec.Expose{API: "istio", Hosts: []string{"c.example.com"}, Gateway: "a/b", TLSSecret: "tls"}, dev.Expose)
	assert.Equal(t, base.Security.Callers, m.Base.Security.Callers)
	assert.Len(t, m.Base.Security.Callers, 2, "an override reached back into spec")
}

// flags are those of the document; the catalogue's are left out.
func flags(r spec.RevisionTarget) map[string]string {
	values := map[string]string{}
	for name, arg := range r.Args {
		if len(name) == 1 {
			values[name] = arg.String()
		}
	}
	return values
}

func TestNullRemoves(t *testing.T) {
	t.Parallel()
	m := load(t, document(
		"sticky: {header: x-a}",
		"expose: {hosts: [a.example.com], gateway: a/b, path: /a/}",
		"replicas: {min: 2, max: 4}",
		"runtime: {version: v1, args: {hf-overrides.a: 1, hf-overrides.b: 2}, env: {A: '1'}}",
		"environments:",
		"- name: dev",
		"  sticky: null",
		"  expose: {path: ~}",
		"  replicas:",
		"  runtime: {version: null, args: {hf-overrides.a: null}, env: null}",
		"- {name: inside, expose: null}",
	))
	dev := m.Environments[0]
	assert.Nil(t, dev.Sticky)
	assert.Equal(t, &spec.Expose{API: "istio", Hosts: []string{"a.example.com"}, Gateway: "a/b"}, dev.Expose)
	require.Len(t, dev.Revisions, 1)
	assert.Equal(t, []int{1, 1}, []int{dev.Revisions[0].MinReplicas, dev.Revisions[0].MaxReplicas})
	assert.Empty(t, dev.Revisions[0].Runtime.Version)
	assert.Equal(t, spec.Arg{Values: []string{"2"}}, dev.Revisions[0].Args["hf-overrides.b"])
	assert.NotContains(t, dev.Revisions[0].Args, "hf-overrides.a")
	assert.Empty(t, dev.Revisions[0].Runtime.Env)
	assert.Nil(t, m.Environments[1].Expose)
	assert.NotNil(t, m.Environments[1].Sticky)
}

func TestAPIByEnvironment(t *testing.T) {
	t.Parallel()
	m := load(t, document(
		"expose: {hosts: [a.example.com], gateway: a/b}",
		"environments:",
		"- {name: old}",
		"- {name: new, expose: {api: gateway}, omit: [virtualservice]}",
		"- {name: none, expose: {api: gateway}, omit: [httproute]}",
		"- {name: inside, expose: null, omit: [httproute]}",
	))
	kinds, omitted, classes := []string{}, []bool{}, []string{}
	for _, target := range m.Environments {
		kinds, omitted = append(kinds, target.RouteKind()), append(omitted, target.OmitsRoutes())
		if target.Expose != nil {
			classes = append(classes, target.Expose.GatewayClass)
		}
	}
	assert.Equal(t, []string{"VirtualService", "HTTPRoute", "HTTPRoute", "VirtualService"}, kinds)
	assert.Equal(t, []bool{false, false, true, false}, omitted, "an API's objects are left out by their own name")
	assert.Equal(t, []string{"", "istio", "istio"}, classes)
}

// What names a thing of the catalogue brings its own defaults: what was said of another thing is dropped.
func TestIdentityDropsTheInherited(t *testing.T) {
	t.Parallel()
	m := load(t, document(
		"model: {id: openai/gpt-oss-20b, revision: abc, source: 's3://a/b', maxModelLen: 4096}",
		"runtime: {name: vllm-cuda, version: v1, args: {a: 1}, env: {A: '1'}}",
		"accelerator: {type: a10g, perReplica: 2}",
		"environments:",
		"- {name: model, model: {id: Qwen/Qwen3-8B}}",
		"- {name: same-model, model: {id: openai/gpt-oss-20b, maxModelLen: 8192}}",
		"- {name: runtime, runtime: {name: simulator, args: {b: 2}}}",
		"- {name: same-runtime, runtime: {name: vllm-cuda, args: {b: 2}}}",
		"- {name: accelerator, accelerator: {type: l4}}",
		"- {name: same-accelerator, accelerator: {type: a10g}}",
	))
	revisions := map[string]spec.RevisionTarget{}
	for _, target := range m.Environments {
		revisions[target.Environment] = target.Revisions[0]
	}
	assert.Equal(t, spec.Model{ID: "Qwen/Qwen3-8B", Source: "hf://Qwen/Qwen3-8B"}, revisions["model"].Model)
	assert.Equal(t, 16384, revisions["model"].MaxModelLen)
	assert.Equal(t, spec.Model{ID: "openai/gpt-oss-20b", Revision: "abc", Source: "s3://a/b", MaxModelLen: "8192"}, revisions["same-model"].Model)
	assert.Equal(t, map[string]string{"b": "2"}, flags(revisions["runtime"]))
	assert.Empty(t, revisions["runtime"].Runtime.Version)
	assert.Empty(t, revisions["runtime"].Runtime.Env)
	assert.Equal(t, map[string]string{"a": "1", "b": "2"}, flags(revisions["same-runtime"]))
	assert.Equal(t, "v1", revisions["same-runtime"].Runtime.Version)
	assert.Equal(t, 1, revisions["accelerator"].Devices, "the layout on an L4, not two of them")
	assert.Equal(t, 2, revisions["same-accelerator"].Devices)
}

// A document that names no runtime has none to keep: naming one in an override still starts afresh.
func TestIdentityWithoutAnInheritedName(t *testing.T) {
	t.Parallel()
	m := load(t, document(
		"runtime: {version: v1, args: {a: 1}}",
		"environments: [{name: dev, runtime: {name: simulator}}]",
	))
	assert.Empty(t, m.Environments[0].Revisions[0].Runtime.Version)
	assert.Empty(t, flags(m.Environments[0].Revisions[0]))
	assert.Equal(t, map[string]string{"a": "1"}, flags(m.Base.Revisions[0]))
}
