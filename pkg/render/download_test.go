package render_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/k8s"
	"github.com/kservegen/kservegen/pkg/kserve"
)

// TestDownloadsHaveTheServersImage: a download runs in the image that the catalogue pins, and no node pulls another.
func TestDownloadsHaveTheServersImage(t *testing.T) {
	t.Parallel()
	pinned, err := kserve.NewBuilder().Pinned("vllm-cuda")
	require.NoError(t, err)
	assert.Equal(t, pinned, strings.TrimPrefix(k8s.HubImage, "vllm/vllm-openai:"))
}

// TestAnotherDownloadIsAnotherJob: Kubernetes lets nobody change the pod of a Job, so its name says which it is.
func TestAnotherDownloadIsAnotherJob(t *testing.T) {
	t.Parallel()
	jobs := func(model string) []string {
		var names []string
		for file := range contents(tree(t, "apiVersion: kservegen.dev/v1alpha1\nkind: ModelDeployment\nmetadata: {name: m}\nspec:\n"+
			"  model: {id: deepseek-ai/DeepSeek-R1-Distill-Llama-8B, "+model+"}\n  accelerator: {type: a10g}\n")) {
			if strings.Contains(file, "/job-") {
				names = append(names, file)
			}
		}
		return names
	}
	first := jobs("source: pvc://w/a, download: {}")
	require.Len(t, first, 1)
	assert.Equal(t, first, jobs("source: pvc://w/a, download: {}, servedName: other"), "what is not the download's does not run it again")
	assert.NotEqual(t, first, jobs("source: pvc://w/b, download: {}"))
	assert.NotEqual(t, first, jobs("source: pvc://w/a, download: {from: s3://models/a}"))
	assert.Empty(t, jobs("source: pvc://w/a"))
}
