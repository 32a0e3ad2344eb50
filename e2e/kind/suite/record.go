package suite

import (
	"context"
	"crypto/sha256"
	"fmt"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"

	"github.com/kservegen/kservegen/e2e/cluster/image"
	"github.com/kservegen/kservegen/e2e/kind/kubectl"
)

// record is what a cluster says of itself, in a ConfigMap of kube-system: the folder of the tree that was applied, and
// a digest of the mocks that its pods run.
type record struct{ tree, mocks string }

const (
	recordNamespace = "kube-system"
	recordName      = "kservegen-e2e"
)

func (s *Suite) readRecord(ctx context.Context) (record, error) {
	list, err := kubectl.Get[corev1.ConfigMapList](ctx, s.kubectl, "configmaps", "-n", recordNamespace, "--field-selector=metadata.name="+recordName)
	if err != nil || len(list.Items) == 0 {
		return record{}, err
	}
	data := list.Items[0].Data
	return record{tree: data["tree"], mocks: data["mocks"]}, nil
}

func (s *Suite) writeRecord(ctx context.Context, r record) error {
	return s.kubectl.Apply(ctx, map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"namespace": recordNamespace, "name": recordName},
		"data":     map[string]any{"tree": r.tree, "mocks": r.mocks},
	})
}

// claim notes that the cluster is this tree's, and whether pods of an earlier run have other mocks. It refuses a
// cluster with another tree, whose objects would stay. A tree that was edited in its folder is the same.
func (s *Suite) claim(ctx context.Context, mocks []image.Image) error {
	folder, err := filepath.Abs(s.Tree)
	if err != nil {
		return err
	}
	digest, err := digestOf(mocks)
	if err != nil {
		return err
	}
	was, err := s.readRecord(ctx)
	if err != nil {
		return err
	}
	if s.stale, err = was.compare(folder, digest); err != nil {
		return err
	}
	s.record = record{tree: folder, mocks: digest}
	// What pods run changes only when they were restarted.
	return s.writeRecord(ctx, record{tree: folder, mocks: was.mocks})
}

// compare says whether the pods of a cluster have other mocks than these, with an error for another tree.
func (r record) compare(folder, mocks string) (stale bool, err error) {
	if r.tree != "" && r.tree != folder {
		return false, fmt.Errorf("the cluster that runs has another tree in it, %s: `make e2e-down` makes room for %s", r.tree, folder)
	}
	return r.tree != "" && r.mocks != mocks, nil
}

// digestOf is one over all that is in the images.
func digestOf(images []image.Image) (string, error) {
	hash := sha256.New()
	for _, i := range images {
		digest, err := i.Digest()
		if err != nil {
			return "", fmt.Errorf("image %s: %w", i.Name, err)
		}
		fmt.Fprintln(hash, digest)
	}
	return fmt.Sprintf("%x", hash.Sum(nil))[:16], nil
}
