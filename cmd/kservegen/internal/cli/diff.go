package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/render"
)

type diffOptions struct {
	documents documentFlags
	dir       string
	output    string
}

// environmentDiff is the difference of one overlay, as -o json prints it.
type environmentDiff struct {
	Model       string              `json:"model"`
	Environment string              `json:"environment"`
	Objects     []render.ObjectDiff `json:"objects"`
}

func newDiff(s Streams) *cobra.Command {
	o := &diffOptions{}
	cmd := &cobra.Command{
		Use:   "diff -f DOC... -d DIR",
		Short: "Say what a changed document would change, object by object and field by field",
		Long: `Build every overlay that stands in DIR with Kustomize's own library and compare it with what it would build to
once the documents are rendered, with what is in custom/ on both sides. Exit 1 where something differs, as diff(1) does.`,
		Example: `  kservegen diff -f deepseek.yaml -d deploy
  kservegen diff -f deepseek.yaml -d deploy -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), s) },
	}
	o.documents.register(cmd)
	cmd.Flags().StringVarP(&o.dir, "dir", "d", "", "directory that the trees were rendered to")
	cmd.Flags().StringVarP(&o.output, "output", "o", "text", "text or json")
	_ = cmd.MarkFlagDirname("dir")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (o *diffOptions) run(ctx context.Context, s Streams) error {
	if o.dir == "" {
		return usagef("against what? -d DIR names the directory that was rendered to")
	}
	if o.output != "text" && o.output != "json" {
		return usagef("-o %s is unknown; text or json", o.output)
	}
	deployments, err := o.documents.load(ctx, s.In)
	if err != nil {
		return err
	}
	if err := chooseEngines(o.dir, "", deployments); err != nil {
		return err
	}
	generator := render.NewGenerator()
	diffs := []environmentDiff{}
	built := 0
	for _, deployment := range deployments {
		tree, err := generator.Tree(deployment)
		if err != nil {
			return err
		}
		found, n, err := compareTree(ctx, o.dir, tree)
		if err != nil {
			return err
		}
		diffs = append(diffs, found...)
		built += n
	}
	return printDiff(s, o.output, diffs, built)
}

// compareTree compares every environment of a tree, and those that stand in the directory and are gone.
func compareTree(ctx context.Context, dir string, tree *render.Tree) ([]environmentDiff, int, error) {
	var diffs []environmentDiff
	built := 0
	wanted := map[string][]map[string]any{}
	for _, environment := range tree.Environments {
		objects, err := tree.After(dir, environment)
		if err != nil {
			return nil, 0, usageError{err}
		}
		wanted[environment.Name] = append(slices.Clip(objects), environment.Sync...)
	}
	overlays := filepath.Join(dir, tree.Name, "overlays")
	entries, err := os.ReadDir(overlays)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, 0, err
	}
	for _, entry := range entries {
		if _, ok := wanted[entry.Name()]; !ok && entry.IsDir() && isKustomization(filepath.Join(overlays, entry.Name())) {
			wanted[entry.Name()] = nil
		}
	}
	for _, name := range sortedKeys(wanted) {
		if ctx.Err() != nil {
			return nil, 0, ctx.Err()
		}
		was, n, err := standing(filepath.Join(dir, tree.Name), name)
		if err != nil {
			return nil, 0, usageError{err}
		}
		built += n
		if objects := render.DiffObjects(was, wanted[name]); len(objects) > 0 {
			diffs = append(diffs, environmentDiff{tree.Name, name, objects})
		}
	}
	return diffs, built, nil
}

// standing builds an environment as it stands in a tree: the overlay, and what makes Flux or Argo CD pull it. It returns
// how many overlays there were.
func standing(tree, environment string) ([]map[string]any, int, error) {
	var all []map[string]any
	overlays := 0
	for _, folder := range render.Folders() {
		dir := filepath.Join(tree, folder, environment)
		if !isKustomization(dir) {
			continue
		}
		objects, err := render.BuildObjects(filesys.MakeFsOnDisk(), dir)
		if err != nil {
			return nil, 0, err
		}
		if folder == "overlays" {
			overlays++
		}
		all = append(all, objects...)
	}
	return all, overlays, nil
}

func isKustomization(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "kustomization.yaml"))
	return err == nil
}

func printDiff(s Streams, output string, diffs []environmentDiff, built int) error {
	if output == "json" {
		if err := writeJSON(s.Out, diffs); err != nil {
			return err
		}
	} else {
		for _, diff := range diffs {
			fmt.Fprintf(s.Out, "%s, %s\n", diff.Model, diff.Environment)
			for _, object := range diff.Objects {
				fmt.Fprint(s.Out, object.Text())
			}
		}
	}
	if len(diffs) == 0 {
		fmt.Fprintf(s.Err, "%s built by kustomize: no difference\n", finding.Plural(built, "overlay"))
		return nil
	}
	return errFindings
}
