package importer_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/importer"
	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/spec"
)

// TestStorageComesBack: what weights are on, what fills it and what reads a bucket come back, the shared tree beside.
func TestStorageComesBack(t *testing.T) {
	t.Parallel()
	const commit = "6a6f4aa4197940add57724a7707d069478df56b1"
	for name, model := range map[string]string{
		"lustre":                 "source: pvc://weights/a, volume: {size: 2400Gi, fsx: {fileSystemId: fs-0123456789abcdef0, dnsName: fs.example.com, mountName: abcdefgh, zone: us-east-1a}}, download: {}, revision: " + commit,
		"new lustre":             "source: pvc://weights/a, volume: {size: 2400Gi, fsx: {subnetId: subnet-0123456789abcdef0, securityGroupIds: [sg-0123456789abcdef0, sg-0123456789abcdef1], deploymentType: PERSISTENT_1, perUnitStorageThroughput: 200, s3ImportPath: s3://models/a}}",
		"elastic":                "source: pvc://weights/a/b, secret: hf, volume: {size: 2Ti, efs: {fileSystemId: fs-01234567, accessPointId: fsap-01234567}}, download: {user: 2000}, revision: " + commit,
		"a claim":                "source: pvc://weights/a, secret: keys, download: {from: s3://models/a/}",
		"a token elsewhere":      "secret: hf-token, externalSecret: {store: aws, key: llm/huggingface, property: token}, revision: " + commit,
		"a token for a download": "source: pvc://weights/a, secret: hf-token, externalSecret: {store: vault, storeKind: SecretStore, key: hf}, download: {}",
		"a snapshot":             "source: pvc://weights/a, volume: {size: 20Gi, ebs: {snapshotId: snap-0123456789abcdef0}}",
		"a fast snapshot":        "source: pvc://weights, volume: {size: 20Gi, storageClass: fast, ebs: {snapshotId: snap-0123456789abcdef0, fsType: xfs, throughput: 1000, iops: 6000, fastSnapshotRestore: true, kmsKeyId: 'arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'}}",
		"a cache":                "source: s3://models/a/, cache: {nodeGroup: a10g, storageLimit: 100Gi, nodeLabels: {models: a10g, kserve/localmodel: worker}, size: 20Gi, serviceAccount: s3}",
		"a cache of old":         "source: s3://models/a/, cache: {}",
		"from a bucket":          "source: s3://models/a/, streamed: true, secret: keys",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			deployments, err := spec.Load("d.yaml", strings.NewReader("apiVersion: kservegen.dev/v1alpha1\nkind: ModelDeployment\nmetadata: {name: m, namespace: llm}\nspec:\n"+
				"  model: {id: deepseek-ai/DeepSeek-R1-Distill-Llama-8B, "+model+"}\n  accelerator: {type: a10g}\n  platform: {eks: {cluster: llm, region: us-east-1}}\n"))
			require.NoError(t, err)
			out := t.TempDir()
			tree, err := render.NewGenerator().Tree(deployments[0])
			require.NoError(t, err)
			writeTree(t, tree, out)
			shared, err := render.NewGenerator().Shared(deployments)
			require.NoError(t, err)
			writeTree(t, shared, out)

			in, err := importer.Read(t.Context(), []string{filepath.Join(out, "m", "overlays", "default"), filepath.Join(out, render.SharedName, "overlays", "default")}, nil, nil)
			require.NoError(t, err)
			proposal, err := importer.Import(in, importer.Options{})
			require.NoError(t, err)
			assert.Empty(t, proposal.Losses, proposal.Document)
			back, err := spec.Load("proposed.yaml", strings.NewReader(proposal.Document))
			require.NoError(t, err, proposal.Document)
			again, err := render.NewGenerator().Tree(back[0])
			require.NoError(t, err)
			assert.Equal(t, tree.Lock.Files, again.Lock.Files, proposal.Document)
			both, err := render.NewGenerator().Shared(back)
			require.NoError(t, err)
			assert.Equal(t, shared.Lock.Files, both.Lock.Files, proposal.Document)
		})
	}
}
