package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/load"
	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/spec"
)

// Read reads the paths as pkg/load does: every kustomization is an environment, called by its folder. With names, which
// are then one per path, each path is an environment of that name. What cannot be read is returned as
// manifest.Problems.
func Read(ctx context.Context, paths, names []string, stdin io.Reader) (Input, error) {
	if len(names) == 0 {
		sets, err := read(ctx, paths, stdin)
		if err != nil {
			return Input{}, err
		}
		return environmentsOf(ctx, sets)
	}
	var in Input
	for i, path := range paths {
		sets, err := read(ctx, []string{path}, stdin)
		if err != nil {
			return Input{}, err
		}
		e := Environment{Name: names[i], From: path}
		for _, set := range sets {
			e.Resources = append(e.Resources, set.Resources...)
		}
		in.Environments = append(in.Environments, e)
	}
	return in, nil
}

func read(ctx context.Context, paths []string, stdin io.Reader) ([]load.Set, error) {
	sets, err := load.Strict(ctx, paths, load.Options{Stdin: stdin})
	if err != nil {
		return nil, err
	}
	for _, set := range sets {
		if set.Kind == load.Environment {
			return nil, fmt.Errorf("%s is a %s already; kservegen render makes its tree", set.Name, spec.Kind)
		}
	}
	return sets, nil
}

// environmentsOf takes the sets that serve a model for environments. The objects of the others are about all of them.
func environmentsOf(ctx context.Context, sets []load.Set) (Input, error) {
	var (
		in     Input
		base   string
		others []load.Set
	)
	for _, set := range sets {
		if !serves(set) && slices.ContainsFunc(sets, serves) {
			others = append(others, set)
			continue
		}
		in.Environments = append(in.Environments, Environment{Name: nameOf(set), From: set.Name, Resources: set.Resources})
		if dir := baseOf(set); dir != "" {
			base = dir
		}
	}
	if len(in.Environments) == 0 {
		return in, errors.New("there is nothing to import: no Kubernetes object in it")
	}
	if len(in.Environments) == 1 && sets[0].Kind != load.Kustomization {
		in.Environments[0].Name = spec.DefaultEnvironment
	}
	for i, e := range in.Environments {
		for _, set := range others {
			if isAbout(set, e, in.Environments) {
				in.Environments[i].Resources = slices.Concat(in.Environments[i].Resources, set.Resources)
			}
		}
	}
	if base == "" || len(in.Environments) != overlays(base) {
		return in, nil
	}
	return in, in.readBase(ctx, base, others)
}

// readBase reads the base of a tree of ours, and that of what it shares where this is there as well.
func (in *Input) readBase(ctx context.Context, base string, others []load.Set) error {
	bases := []string{base}
	for _, set := range others {
		if dir := baseOf(set); dir != "" && !slices.Contains(bases, dir) {
			bases = append(bases, dir)
		}
	}
	for _, dir := range bases {
		held, err := read(ctx, []string{dir}, nil)
		if err != nil {
			return err
		}
		for _, set := range held {
			in.Base = slices.Concat(in.Base, set.Resources)
		}
	}
	return nil
}

// isAbout says whether a set that serves no model is about an environment: it is about all of them, but for a folder that is
// called like one, as what we render for an engine and for what is shared.
func isAbout(set load.Set, e Environment, all []Environment) bool {
	name := nameOf(set)
	return set.Kind != load.Kustomization || name == e.Name ||
		!slices.ContainsFunc(all, func(other Environment) bool { return other.Name == name })
}

func serves(set load.Set) bool { return len(workloads(set.Resources)) > 0 }

// nameOf is the name of an environment: that of its folder.
func nameOf(set load.Set) string {
	if absolute, err := filepath.Abs(set.Name); err == nil && set.Kind == load.Kustomization {
		return strings.Trim(strings.ToLower(filepath.Base(absolute)), "-._")
	}
	return spec.DefaultEnvironment
}

// baseOf is the base of the tree of ours that a set is an overlay of, empty for other sets.
func baseOf(set load.Set) string {
	tree := filepath.Dir(filepath.Dir(set.Name))
	if _, err := os.Stat(filepath.Join(tree, render.LockFile)); err != nil || filepath.Base(filepath.Dir(set.Name)) != "overlays" {
		return ""
	}
	return filepath.Join(tree, "base")
}

// overlays counts those of a base: it says what all of them have, and less if only some are imported.
func overlays(base string) int {
	found, err := filepath.Glob(filepath.Join(filepath.Dir(base), "overlays", "*", "kustomization.yaml"))
	if err != nil {
		return 0
	}
	return len(found)
}
