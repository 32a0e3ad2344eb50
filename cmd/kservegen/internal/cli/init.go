package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/spec"
)

func newInit(s Streams) *cobra.Command {
	var (
		o    spec.StarterOptions
		list bool
	)
	cmd := &cobra.Command{
		Use:   "init MODEL",
		Short: "Write a first document for a model of the catalogue or of Hugging Face",
		Example: `  kservegen init --list
  kservegen init deepseek-r1-distill-llama-8b --accelerator a10g --namespace llm > deepseek.yaml
  kservegen init deepseek-r1 --accelerator h200 --platform eks > deepseek.yaml
  kservegen init deepseek-r1 --accelerator h200 --platform eks --cluster llm --region us-east-1 > deepseek.yaml
  kservegen init qwen3-8b --platform laptop > laptop.yaml`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case list && len(args) == 0:
				return listModels(s)
			case list:
				return usagef("--list takes no model")
			case len(args) == 0:
				return usagef("which model? kservegen init --list shows the catalogue; any Hugging Face id works too")
			}
			o.Model = args[0]
			return writeStarter(s, o)
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			models, _ := catalog.Models()
			var names []string
			for _, model := range models {
				names = append(names, model.Name+"\t"+model.ID)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Accelerator, "accelerator", "", "device of a replica, for example a10g or h200 (default: the model's first layout)")
	flags.StringVar(&o.Platform, "platform", spec.Platforms()[0], strings.Join(spec.Platforms(), ", "))
	flags.StringVar(&o.Cluster, "cluster", "", "cluster on EKS that is to have nodes for the model (default: nodes are there)")
	flags.StringVar(&o.Region, "region", "", "region of that cluster, for example us-east-1")
	flags.StringVarP(&o.Namespace, "namespace", "n", "default", "namespace of all objects")
	flags.BoolVar(&list, "list", false, "show the catalogue")
	_ = cmd.RegisterFlagCompletionFunc("platform", cobra.FixedCompletions(spec.Platforms(), cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("accelerator", completeAccelerators)
	return cmd
}

func completeAccelerators(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	accelerators, _ := catalog.Accelerators()
	var names []string
	for _, accelerator := range accelerators {
		names = append(names, accelerator.Name+"\t"+accelerator.Product)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func writeStarter(s Streams, o spec.StarterOptions) error {
	known := false
	for _, platform := range spec.Platforms() {
		known = known || platform == o.Platform
	}
	if !known {
		return usagef("there is no platform %q; %s", o.Platform, strings.Join(spec.Platforms(), ", "))
	}
	document, err := spec.Starter(o)
	if err != nil {
		return usageError{err}
	}
	_, err = fmt.Fprint(s.Out, document)
	return err
}

func listModels(s Streams) error {
	models, err := catalog.Models()
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "MODEL\tPARAMETERS\tWEIGHTS\tTYPE\tLAYOUTS\tHUGGING FACE ID")
	for _, model := range models {
		var layouts []string
		for _, layout := range model.Layouts {
			one := fmt.Sprintf("%d×%s", max(layout.GPUs, 1), layout.Accelerator)
			if layout.Nodes > 1 {
				one += fmt.Sprintf(" on %d nodes", layout.Nodes)
			}
			layouts = append(layouts, one)
		}
		id := model.ID
		if model.Gated {
			id += " (gated)"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", model.Name, orDash(model.Parameters), weights(model.WeightsBytes),
			orDash(model.DType), orDash(strings.Join(layouts, ", ")), id)
	}
	return table.Flush()
}

func weights(bytes int64) string {
	if bytes == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
