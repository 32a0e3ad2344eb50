package spec_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/kservegen/kservegen/pkg/spec/spectest"
)

func TestDigestIsStable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		params := spectest.Draw(t)
		digest := load(t, params.YAML()).Digest()
		assert.Equal(t, digest, load(t, params.Shuffled(t).YAML()).Digest(), "order, layout or comments")
		assert.Equal(t, digest, load(t, params.SetWeights(t).YAML()).Digest(), "weights")
		assert.Equal(t, digest, load(t, "# a comment\n\n"+params.YAML()).Digest(), "a comment")
	})
}

func TestDigestLeavesTrafficOut(t *testing.T) {
	t.Parallel()
	revisions := "revisions: [{name: a}, {name: b}]"
	digest := load(t, document(revisions, "traffic: [{revision: a, weight: 100}]", "environments: [{name: dev}]")).Digest()
	assert.Regexp(t, "^sha256:[0-9a-f]{64}$", digest)
	assert.Equal(t, digest, load(t, document(revisions,
		"traffic: [{revision: b, weight: 40, testers: {header: x, value: y}}, {revision: a, weight: 60}]",
		"environments: [{name: dev, traffic: [{revision: b, weight: 100}]}]")).Digest())
}

// TestDigestLeavesRolloutOut: the digests of documents from before there was a plan stay, and changing it changes no lock.
func TestDigestLeavesRolloutOut(t *testing.T) {
	t.Parallel()
	revisions := "revisions: [{name: a}, {name: b}]"
	traffic := "traffic: [{revision: a, weight: 90}, {revision: b, weight: 10}]"
	digest := load(t, document(revisions, traffic)).Digest()
	for _, rollout := range []string{"rollout: {}", "rollout:", "rollout: {steps: []}", "rollout: {steps: [1, 100], from: a, to: b}"} {
		assert.Equal(t, digest, load(t, document(revisions, traffic, rollout)).Digest(), rollout)
	}
}

func TestDigestChanges(t *testing.T) {
	t.Parallel()
	for name, pair := range map[string][2]string{
		"a flag":               {"runtime: {args: {seed: 1}}", "runtime: {args: {seed: 2}}"},
		"a switch for a text":  {"runtime: {args: {hf-overrides.a: true}}", "runtime: {args: {hf-overrides.a: 'true'}}"},
		"one value for two":    {"runtime: {args: {logits-processors: [b, c]}}", "runtime: {args: {logits-processors: b c}}"},
		"a variable":           {"runtime: {env: {A: '1'}}", "runtime: {env: {B: '1'}}"},
		"a number":             {"replicas: {min: 2}", "replicas: {min: 3}"},
		"a revision":           {"revisions: [{name: v1}]", "revisions: [{name: v2}]"},
		"a revision's field":   {"revisions: [{name: v1}]", "revisions: [{name: v1, runtime: {version: v1}}]"},
		"an environment":       {"environments: [{name: a}]", "environments: [{name: b}]"},
		"order of overlays":    {"environments: [{name: a}, {name: b}]", "environments: [{name: b}, {name: a}]"},
		"omit":                 {"omit: [service]", "omit: [sidecar]"},
		"an empty section":     {"platform: {}", "platform: {eks: {}}"},
		"sticky":               {"replicas: {}", "sticky: {}"},
		"hosts":                {"expose: {hosts: [a.b], gateway: a/b}", "expose: {hosts: [a.c], gateway: a/b}"},
		"a volume":             {"model: {id: a/b, source: 'pvc://a'}", "model: {id: a/b, source: 'pvc://a', volume: {size: 1Gi}}"},
		"a null that removes":  {"sticky: {}\n  environments: [{name: a}]", "sticky: {}\n  environments: [{name: a, sticky: null}]"},
		"a list that empties":  {"omit: [service]\n  environments: [{name: a}]", "omit: [service]\n  environments: [{name: a, omit: []}]"},
		"an empty text":        {"runtime: {env: {A: ''}}", "runtime: {env: {}}"},
		"callers that go away": {"security: {callers: [{serviceAccount: a/b}]}\n  environments: [{name: a, security: {}}]", "security: {callers: [{serviceAccount: a/b}]}\n  environments: [{name: a, security: {callers: []}}]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			perReplica := "accelerator: {type: a10g, perReplica: 1}"
			before, after := load(t, document(pair[0], perReplica)), load(t, document(pair[1], perReplica))
			assert.NotEqual(t, before.Digest(), after.Digest())
		})
	}
}
