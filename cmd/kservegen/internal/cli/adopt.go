package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/txn"
)

// adoption is a document into which the weights of the tree were taken over, not yet written.
type adoption struct {
	file string
	data []byte
}

// adopt takes the weights that were edited in the trees over into their documents, and returns the files to write
// and all deployments as they will be then. Conflicts about more than weights stay.
func adopt(deployments []*spec.Deployment, conflicts []render.Conflict) ([]adoption, []*spec.Deployment, error) {
	weights := map[string][]spec.Adoption{}
	for _, conflict := range conflicts {
		if conflict.Weights == nil {
			continue
		}
		// The weights of one environment may stand in several files.
		all := weights[conflict.Tree]
		at := slices.IndexFunc(all, func(a spec.Adoption) bool { return a.Environment == conflict.Environment })
		if at < 0 {
			at, all = len(all), append(all, spec.Adoption{Environment: conflict.Environment, Weights: map[string]int{}})
		}
		for _, weight := range conflict.Weights {
			all[at].Weights[weight.Revision] = weight.Value
		}
		weights[conflict.Tree] = all
	}
	var (
		edited []adoption
		after  []*spec.Deployment
	)
	for start, end := 0, 0; start < len(deployments); start = end {
		wanted := false
		for end = start; end < len(deployments) && deployments[end].File == deployments[start].File; end++ {
			wanted = wanted || len(weights[deployments[end].Name]) > 0
		}
		documents := deployments[start:end]
		if !wanted {
			after = append(after, documents...)
			continue
		}
		one, again, err := adoptInto(documents, weights)
		if err != nil {
			return nil, nil, usageError{err}
		}
		edited = append(edited, one)
		after = append(after, again...)
	}
	return edited, after, nil
}

func adoptInto(documents []*spec.Deployment, weights map[string][]spec.Adoption) (adoption, []*spec.Deployment, error) {
	file := documents[0].File
	data, err := os.ReadFile(file)
	if err != nil {
		return adoption{}, nil, err
	}
	data, err = spec.Adopt(data, documents, weights)
	if err != nil {
		return adoption{}, nil, err
	}
	again, err := spec.Load(file, bytes.NewReader(data))
	return adoption{file, data}, again, err
}

func (a adoption) write(ctx context.Context, s Streams) error {
	_, err := txn.Commit(ctx, filepath.Dir(a.file), []txn.Change{{Path: filepath.Base(a.file), Data: a.data}}, txn.Options{})
	if err == nil {
		fmt.Fprintf(s.Err, "%s: weights taken over from the tree\n", a.file)
	}
	return err
}
