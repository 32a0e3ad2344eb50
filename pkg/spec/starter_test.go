package spec_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/spec"
)

func TestStarterOfEveryModel(t *testing.T) {
	t.Parallel()
	models, err := catalog.Models()
	require.NoError(t, err)
	for _, model := range models {
		for _, platform := range append(spec.Platforms(), "") {
			text, err := spec.Starter(spec.StarterOptions{Model: model.Name, Platform: platform, Namespace: "llm"})
			require.NoError(t, err, "%s on %s", model.Name, platform)
			m := load(t, text)
			assert.Equal(t, model.ID, m.Document.Spec.Model.ID)
			assert.Equal(t, "llm", m.Namespace)
			assert.Equal(t, platform == "eks", m.Base.Platform.EKS != nil)
			assert.Equal(t, platform == "laptop", m.Base.Revisions[0].Runtime.Name == spec.Simulator)
			if platform != "laptop" {
				assert.Equal(t, model.Layouts[0].Accelerator, m.Base.Revisions[0].Accelerator.Name)
				assert.Equal(t, model.Gated, m.Base.Revisions[0].Model.Secret != "", "gated: %v", model.Gated)
			}
		}
	}
}

// What the comments offer must be right as well.
func TestStarterWithItsCommentsTakenIn(t *testing.T) {
	t.Parallel()
	text, err := spec.Starter(spec.StarterOptions{Model: "deepseek-r1-distill-llama-8b", Platform: "eks"})
	require.NoError(t, err)
	for _, key := range []string{"source", "revisions", "traffic", "expose", "security", "monitoring", "gitops"} {
		require.Contains(t, text, "# "+key+": ")
		text = strings.Replace(text, "# "+key+": ", key+": ", 1)
	}
	text = strings.Replace(strings.Replace(text, "{} # {", "{", 1), "} to read", "} # to read", 1)
	m := load(t, text)
	assert.Equal(t, map[string]int{"v1": 90, "v2": 10}, weightsOf(m.Base))
	assert.NotNil(t, m.Base.Expose)
	assert.Equal(t, "flux", m.Environments[0].GitOps.Engine)
	assert.Len(t, m.Base.Security.Callers, 1)
	assert.NotNil(t, m.Base.Monitoring.Alerts)
	assert.Equal(t, "us-east-1", m.Base.Platform.EKS.Region)
}

// A starter for a cluster asks for nodes, whatever the model, wherever EC2 has its device.
func TestStarterWithNodes(t *testing.T) {
	t.Parallel()
	models, err := catalog.Models()
	require.NoError(t, err)
	for _, model := range models {
		if accelerator, _, err := catalog.FindAccelerator(model.Layouts[0].Accelerator); err != nil || accelerator.Vendor == "amd" {
			continue
		}
		text, err := spec.Starter(spec.StarterOptions{Model: model.Name, Platform: "eks", Cluster: "llm", Region: "us-east-1"})
		require.NoError(t, err, model.Name)
		m := load(t, text)
		assert.Empty(t, m.Remarks, model.Name)
		assert.Len(t, spec.NodePools(m.Environments[1:]), 1, model.Name)
		for _, key := range []string{"zones", "identity"} {
			require.Contains(t, text, "# "+key+": ")
			text = strings.Replace(text, "# "+key+": ", key+": ", 1)
		}
		eks := load(t, text).Base.Platform.EKS
		assert.Equal(t, []string{"us-east-1a"}, eks.Zones)
		assert.Equal(t, "123456789012", eks.Identity.Account)
	}
	for says, o := range map[string]spec.StarterOptions{
		"for the platform eks": {Platform: "generic", Cluster: "llm"},
		"which cluster?":       {Platform: "eks", Region: "us-east-1"},
		"did you mean us-east": {Platform: "eks", Cluster: "llm", Region: "us-esat-1"},
	} {
		o.Model = "deepseek-r1-distill-llama-8b"
		_, err := spec.Starter(o)
		require.ErrorContains(t, err, says)
	}
}

// What a layout has besides devices is said, and what it takes besides them is there.
func TestStarterOfLayouts(t *testing.T) {
	t.Parallel()
	text, err := spec.Starter(spec.StarterOptions{Model: "deepseek-v4-flash", Accelerator: "h200"})
	require.NoError(t, err)
	assert.Contains(t, text, "perReplica: auto # 4, 4 engines with expert parallelism, with 393216 tokens of context\n")
	assert.Equal(t, 4, load(t, text).Base.Revisions[0].DataParallel)
	for model, want := range map[string]string{"llama-3.1-8b": "", "llama-3.3-70b": "my-scheduler"} {
		text, err = spec.Starter(spec.StarterOptions{Model: model, Accelerator: "trainium2"})
		require.NoError(t, err)
		assert.Equal(t, want, load(t, text).Base.Revisions[0].SchedulerName, model)
	}
}

func TestStarterOfAnyModel(t *testing.T) {
	t.Parallel()
	text, err := spec.Starter(spec.StarterOptions{Model: "Org/My_Model.7B", Accelerator: "h100"})
	require.NoError(t, err)
	m := load(t, text)
	assert.Equal(t, "my-model-7b", m.Name)
	assert.Equal(t, 1, m.Base.Revisions[0].Devices)
}

// A model of which the catalogue has numbers and no layout is planned.
func TestStarterOfSizes(t *testing.T) {
	t.Parallel()
	for _, model := range []string{"qwen2.5-7b", "Qwen/Qwen2.5-7B-Instruct"} {
		text, err := spec.Starter(spec.StarterOptions{Model: model, Accelerator: "l4"})
		require.NoError(t, err)
		assert.Contains(t, text, "perReplica: auto # the fewest that it is sure to start on")
		m := load(t, text)
		assert.Equal(t, "qwen2-5-7b", m.Name)
		assert.Equal(t, 1, m.Base.Revisions[0].Devices)
	}
	_, err := spec.Starter(spec.StarterOptions{Model: "kimi-k2", Accelerator: "l4"})
	require.ErrorContains(t, err, "it is sure to start with")
}

func TestStarterErrors(t *testing.T) {
	t.Parallel()
	for want, options := range map[string]spec.StarterOptions{
		`"deepseek-r2" is neither in the catalogue nor a Hugging Face id such as organisation/name; did you mean deepseek-r1?`: {Model: "deepseek-r2"},
		"which accelerator? the catalogue has no layout of a/b; known: a10g":                                                   {Model: "a/b"},
		`there is no accelerator "a100"; did you mean a10g?`:                                                                   {Model: "a/b", Accelerator: "a100"},
		"document:": {Model: "deepseek-r1", Namespace: "A B"},
	} {
		_, err := spec.Starter(options)
		require.ErrorContains(t, err, want)
	}
}
