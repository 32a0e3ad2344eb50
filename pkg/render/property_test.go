package render_test

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/spec/spectest"
)

// kustomizeMu serialises Kustomize, which keeps schemas in package variables (kustomize#3659).
var kustomizeMu sync.Mutex

func load(t require.TestingT, document string) *spec.Deployment {
	deployments, err := spec.Load("document.yaml", strings.NewReader(document))
	require.NoError(t, err, document)
	require.Len(t, deployments, 1)
	return deployments[0]
}

func tree(t require.TestingT, document string) *render.Tree {
	rendered, err := render.NewGenerator().Tree(load(t, document))
	require.NoError(t, err, document)
	return rendered
}

func contents(t *render.Tree) map[string]string {
	files := map[string]string{}
	for _, file := range t.Files {
		files[file.Path] = string(file.Data)
	}
	return files
}

// build runs Kustomize over a tree in memory.
func build(t require.TestingT, files map[string]string, environment string) []byte {
	fsys := filesys.MakeFsInMemory()
	for path, data := range files {
		require.NoError(t, fsys.WriteFile("/tree/"+path, []byte(data)))
	}
	kustomizeMu.Lock()
	defer kustomizeMu.Unlock()
	built, err := render.Build(fsys, "/tree/overlays/"+environment)
	require.NoError(t, err)
	stream, err := built.AsYaml()
	require.NoError(t, err)
	return stream
}

// TestOverlayBuildsToItsEnvironment: built(overlay) == render(environment), byte for byte (design, invariant 3).
func TestOverlayBuildsToItsEnvironment(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		rendered := tree(rt, spectest.Document(rt))
		for _, environment := range rendered.Environments {
			want, err := environment.Stream()
			require.NoError(rt, err)
			require.Equal(rt, string(want), string(build(rt, contents(rendered), environment.Name)), environment.Name)
		}
	})
}

// TestAnnotationsLeave: an environment lacks the only annotation that the base has. Found by the property above, once in
// some hundred runs.
func TestAnnotationsLeave(t *testing.T) {
	t.Parallel()
	rendered := tree(t, `apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
spec:
  model: {id: deepseek-ai/DeepSeek-R1-Distill-Qwen-14B}
  accelerator: {type: a10g}
  platform: {eks: {roleArn: "arn:aws:iam::123456789012:role/llm-models"}}
  environments:
  - name: eks
  - name: elsewhere
    platform: null
`)
	require.Contains(t, contents(rendered), "overlays/elsewhere/patches/serviceaccount.yaml")
	for _, environment := range rendered.Environments {
		want, err := environment.Stream()
		require.NoError(t, err)
		require.Equal(t, string(want), string(build(t, contents(rendered), environment.Name)), environment.Name)
	}
}

// TestDashboardsStandWhereTheyAre: an environment has its dashboard in another namespace. A patch would have to change the name of an
// object. Found by the property above.
func TestDashboardsStandWhereTheyAre(t *testing.T) {
	t.Parallel()
	rendered := tree(t, `apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
spec:
  model: {id: deepseek-ai/DeepSeek-R1-Distill-Qwen-14B}
  accelerator: {type: a10g}
  monitoring: {alerts: {}, dashboard: {}}
  environments:
  - name: here
  - name: there
    monitoring: {alerts: {slo: {ttft: 5s}}, dashboard: {namespace: grafana}}
`)
	require.Contains(t, contents(rendered), "overlays/there/configmap-dashboard-grafana.yaml")
	for _, environment := range rendered.Environments {
		want, err := environment.Stream()
		require.NoError(t, err)
		require.Equal(t, string(want), string(build(t, contents(rendered), environment.Name)), environment.Name)
	}
}

// TestEnvironmentsDoNotTouchEachOther: an environment builds to the same bytes rendered alone and among others.
func TestEnvironmentsDoNotTouchEachOther(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		m := load(rt, spectest.Document(rt))
		together, err := render.NewGenerator().Tree(m)
		require.NoError(rt, err)
		for i, environment := range together.Environments {
			alone := *m
			alone.Base = m.Environments[i]
			alone.Environments = m.Environments[i : i+1]
			own, err := render.NewGenerator().Tree(&alone)
			require.NoError(rt, err)
			require.ElementsMatch(rt, objectsOf(rt, own.Environments[0]), objectsOf(rt, environment))
		}
	})
}

// objectsOf prints each object. Their order may differ: what every environment has comes first.
func objectsOf(t require.TestingT, environment render.Environment) []string {
	var list []string
	for _, object := range environment.Objects {
		one := render.Environment{Objects: []map[string]any{object}}
		stream, err := one.Stream()
		require.NoError(t, err)
		list = append(list, string(stream))
	}
	return list
}

// TestSameDocumentSameBytes: twice, by a generator that has seen other documents, with the fields in another
// order and other comments (invariant 4).
func TestSameDocumentSameBytes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		drawn := spectest.Draw(rt)
		first := tree(rt, drawn.YAML())
		used := render.NewGenerator()
		_, err := used.Tree(load(rt, spectest.Document(rt)))
		require.NoError(rt, err)
		again, err := used.Tree(load(rt, drawn.YAML()))
		require.NoError(rt, err)
		require.Equal(rt, contents(first), contents(again))
		require.Equal(rt, first.Lock, again.Lock)
		require.Equal(rt, contents(first), contents(tree(rt, drawn.Shuffled(rt).YAML())))
	})
}

// TestWeightsAreShares: in every overlay the weights are 0 to 100, sum to 100, and lead to a revision that the
// overlay has (invariant 5). Counted in what Kustomize builds, not in what we meant.
func TestWeightsAreShares(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		rendered := tree(rt, spectest.Document(rt))
		for _, environment := range rendered.Environments {
			services := map[string]bool{}
			for _, object := range environment.Objects {
				if suffix := map[any]string{"InferenceService": "predictor", "LLMInferenceService": "kserve-workload-svc", "LeaderWorkerSet": "predictor"}[object["kind"]]; suffix != "" {
					meta := object["metadata"].(map[string]any)
					services[fmt.Sprintf("%s-%s", meta["name"], suffix)] = true
					services[fmt.Sprintf("%s-%s.%s.svc.cluster.local", meta["name"], suffix, meta["namespace"])] = true
				}
			}
			var grouped []int64
			for _, object := range environment.Objects {
				if ofPage(object) {
					continue
				}
				switch object["kind"] {
				case "VirtualService":
					checkShares(rt, object, "http", "route", services)
				case "HTTPRoute":
					checkShares(rt, object, "rules", "backendRefs", services)
				case "LLMInferenceService":
					if router, ok := object["spec"].(map[string]any)["router"].(map[string]any); ok {
						grouped = append(grouped, router["route"].(map[string]any)["weight"].(int64))
					}
				}
			}
			if len(grouped) > 0 {
				sum := int64(0)
				for _, weight := range grouped {
					sum += weight
				}
				require.EqualValues(rt, 100, sum, "the weights of a group")
			}
		}
	})
}

// ofPage reports whether an object is of the chat's page.
func ofPage(object map[string]any) bool {
	return manifest.LookupValue(object, "/metadata/labels/app.kubernetes.io~1component") == spec.ComponentChat
}

func checkShares(t require.TestingT, object map[string]any, list, backends string, services map[string]bool) {
	rules := object["spec"].(map[string]any)[list].([]any)
	for i, rule := range rules {
		routes := rule.(map[string]any)[backends].([]any)
		sum := int64(0)
		for _, route := range routes {
			host, named := route.(map[string]any)["name"].(string)
			if !named {
				host = route.(map[string]any)["destination"].(map[string]any)["host"].(string)
			}
			require.Truef(t, services[host], "%s is not rendered here", host)
			weight, weighted := route.(map[string]any)["weight"].(int64)
			require.Truef(t, weighted || len(routes) == 1, "rule %d: %v has no weight", i, route)
			require.True(t, weight >= 0 && weight <= 100, weight)
			sum += weight
		}
		if i == len(rules)-1 {
			require.EqualValues(t, 100, sum)
		}
	}
}

// TestRevisionsDoNotTouchEachOther: adding, weighting or removing a revision changes no byte of another
// revision's runtime or InferenceService.
func TestRevisionsDoNotTouchEachOther(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		drawn := spectest.Draw(rt)
		was := owned(tree(rt, drawn.YAML()))
		revisions := drawn.Revisions()
		changes := []spectest.Params{drawn.AddRevision("added"), drawn.SetWeights(rt)}
		if len(revisions) > 1 {
			changes = append(changes, drawn.RemoveRevision(rapid.IntRange(0, len(revisions)-1).Draw(rt, "removed")))
		}
		for _, changed := range changes {
			now := owned(tree(rt, changed.YAML()))
			for object, data := range was {
				if after, still := now[object]; still {
					require.Equal(rt, data, after, "%s\n%s\n---\n%s", object, drawn.YAML(), changed.YAML())
				}
			}
		}
	})
}

// owned returns the revisions' own objects of every environment as they are built.
func owned(t *render.Tree) map[string]any {
	objects := map[string]any{}
	for _, environment := range t.Environments {
		for _, object := range environment.Objects {
			if kind := object["kind"]; kind == "InferenceService" || kind == "ServingRuntime" || kind == "LLMInferenceService" {
				weightless(object)
				objects[fmt.Sprint(environment.Name, " ", kind, " ", object["metadata"].(map[string]any)["name"])] = object
			}
		}
	}
	return objects
}

// weightless drops the weight that an LLMInferenceService has where KServe makes its routes.
func weightless(object map[string]any) {
	if router, ok := object["spec"].(map[string]any)["router"].(map[string]any); ok {
		delete(router["route"].(map[string]any), "weight")
	}
}

// TestCanaryStepChangesItsNumbersOnly: other weights change one line per number in traffic.yaml, the bucket
// lines that follow from it, and no other file; the lock stays as well.
func TestCanaryStepChangesItsNumbersOnly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		drawn := spectest.Draw(rt)
		before, after := tree(rt, drawn.YAML()), tree(rt, drawn.SetWeights(rt).YAML())
		require.Equal(rt, before.Lock, after.Lock, "the lock covers the structure of traffic.yaml")
		was, now := contents(before), contents(after)
		require.Equal(rt, slices.Sorted(maps.Keys(was)), slices.Sorted(maps.Keys(now)))
		for path, data := range was {
			if data == now[path] {
				continue
			}
			require.Regexp(rt, `/patches/traffic(-[a-z0-9-]+)?\.yaml$`, path)
			oldLines, newLines := strings.Split(data, "\n"), strings.Split(now[path], "\n")
			require.Len(rt, newLines, len(oldLines), path)
			for i := range oldLines {
				if oldLines[i] != newLines[i] {
					require.Regexp(rt, `^  value: `, newLines[i])
				}
			}
		}
	})
}

// TestStrictOnlyAdds: security.mtls strict adds objects and changes none (invariant 6).
func TestStrictOnlyAdds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		m := load(rt, spectest.Document(rt))
		objects := func(mode string) map[string]string {
			for i := range m.Environments {
				m.Environments[i].Security.MTLS = mode
			}
			m.Base.Security.MTLS = mode
			rendered, err := render.NewGenerator().Tree(m)
			require.NoError(rt, err)
			set := map[string]string{}
			for _, environment := range rendered.Environments {
				one := render.Environment{Name: environment.Name}
				for _, object := range environment.Objects {
					one.Objects = []map[string]any{object}
					stream, err := one.Stream()
					require.NoError(rt, err)
					set[fmt.Sprint(environment.Name, object["kind"], object["metadata"].(map[string]any)["name"])] = string(stream)
				}
			}
			return set
		}
		strict := objects("strict")
		for name, data := range objects("off") {
			require.Equal(rt, data, strict[name], name)
		}
	})
}

// TestNoSecretReachesTheTree: a document cannot carry a secret into a tree by the ways that people try
// (invariant 7); what is refused is refused before rendering.
func TestNoSecretReachesTheTree(t *testing.T) {
	t.Parallel()
	const secret = "hf_Tr0ub4dor3"
	const jwt = "expose: {hosts: [a.b], gateway: a/b}\n  security: {jwt: {issuer: https://a.example.com, jwks: '{\"keys\":[{%s}]}'}}"
	for _, test := range []struct{ field, harmless, secret, path string }{
		{"runtime: {env: {%s}}", "TOKENIZERS_PARALLELISM: 'false'", "HF_TOKEN: " + secret, "spec.runtime.env.HF_TOKEN"},
		{"runtime: {env: {%s}}", "KEY: 'v'", "VLLM_API_KEY: " + secret, "spec.runtime.env.VLLM_API_KEY"},
		{"runtime: {env: {%s}}", "AWS_REGION: r", "AWS_SECRET_ACCESS_KEY: " + secret, "spec.runtime.env.AWS_SECRET_ACCESS_KEY"},
		{"runtime: {env: {%s}}", "DB: x", "DB_PASSWORD: " + secret, "spec.runtime.env.DB_PASSWORD"},
		{"runtime: {args: {%s}}", "seed: 1", "api-key: " + secret, "spec.runtime.args.api-key"},
		{"runtime: {args: {%s}}", "seed: 1", "hf-token: " + secret, "spec.runtime.args.hf-token"},
		{"model: {id: a/b, source: %s}", "s3://bucket/path", "s3://user:" + secret + "@bucket/path", "spec.model.source"},
		{"gitops: {repository: '%s'}", "https://github.com/a/b", "https://me:" + secret + "@github.com/a/b", "spec.gitops.repository"},
		{"gitops: {repository: '%s'}", "https://github.com/a/b", "https://github.com/a/b?token=" + secret, "spec.gitops.repository"},
		{jwt, `"kty":"RSA","n":"AQAB","e":"AQAB"`, `"kty":"RSA","d":"` + secret + `"`, "spec.security.jwt.jwks"},
		{jwt, `"kty":"RSA","n":"AQAB","e":"AQAB"`, `"kty":"oct","k":"` + secret + `"`, "spec.security.jwt.jwks"},
	} {
		text := func(value string) string {
			document := least
			if strings.HasPrefix(test.field, "model") {
				document = strings.Replace(strings.Replace(least, "a10g", "a10g, perReplica: 1", 1), "  model: {id: deepseek-ai/DeepSeek-R1-Distill-Llama-8B}\n", "", 1)
			}
			return document + "  " + fmt.Sprintf(test.field, value) + "\n"
		}
		_, err := spec.Load("document.yaml", strings.NewReader(text(test.harmless)))
		require.NoError(t, err, "the document is wrong in another way too")
		_, err = spec.Load("document.yaml", strings.NewReader(text(test.secret)))
		require.ErrorContains(t, err, test.path+": ")
		require.NotContains(t, err.Error(), secret, "nor may the message repeat it")
	}
}

const least = `apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
spec:
  model: {id: deepseek-ai/DeepSeek-R1-Distill-Llama-8B}
  accelerator: {type: a10g}
`

// TestEveryFileHasItsPlace: what a tree holds is what its kustomizations name.
func TestEveryFileHasItsPlace(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		files := contents(tree(rt, spectest.Document(rt)))
		reference := regexp.MustCompile(`(?m)^- (?:path: )?([\w.-]+\.yaml)$`)
		for path := range files {
			dir, name := path[:strings.LastIndex(path, "/")+1], path[strings.LastIndex(path, "/")+1:]
			if name == "kustomization.yaml" {
				require.True(rt, bytes.Contains([]byte(files[path]), []byte("sortOptions:\n  order: fifo")), path)
				continue
			}
			var named []string
			for _, match := range reference.FindAllStringSubmatch(files[dir+"kustomization.yaml"], -1) {
				named = append(named, match[1])
			}
			require.Contains(rt, named, name, path)
		}
	})
}
