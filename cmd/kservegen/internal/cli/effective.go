package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kservegen/kservegen/pkg/effective"
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/schema"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/pkg/validate"
)

type effectiveOptions struct {
	output    string
	env       string
	namespace string
	kinds     []string
	explain   bool
}

func newEffective(s Streams) *cobra.Command {
	o := &effectiveOptions{}
	cmd := &cobra.Command{
		Use:   "effective PATH...",
		Short: "Show what KServe makes of it: Deployment, Service, autoscaler and pod",
		Long: `Run KServe's own webhooks, reconcilers and pod webhook in memory and print the objects that they make of every
InferenceService and LLMInferenceService: what really runs, with merged args, replaced images, filled-in defaults and
injected containers. What the input lacks (the inferenceservice-config ConfigMap, runtimes, storage containers, presets)
is what KServe ships.

PATH is a kustomization directory, a directory or file of YAML, - for standard input, or a ModelDeployment with
--env. Refusals go to standard error; then the exit code is 1.`,
		Example: `  kservegen effective deploy/deepseek-r1/overlays/production
  kservegen effective deepseek.yaml --env production --kind Deployment
  kservegen effective deploy/deepseek-r1/overlays/production --kind Pod --explain    where each value comes from
  kustomize build overlay | kservegen effective - -o json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), s, args) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&o.output, "output", "o", "yaml", "yaml or json")
	flags.StringVar(&o.env, "env", "", "environment of a ModelDeployment")
	flags.StringVarP(&o.namespace, "namespace", "n", "default", "namespace of objects that name none")
	flags.StringSliceVar(&o.kinds, "kind", nil, "print only these kinds; the pod as admitted is printed only when asked for: --kind Pod")
	flags.BoolVar(&o.explain, "explain", false, "say behind each value where it comes from")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"yaml", "json"}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions(
		[]string{"Deployment", "Service", "HorizontalPodAutoscaler", "ScaledObject", "Ingress", "HTTPRoute", "Pod"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (o *effectiveOptions) run(ctx context.Context, s Streams, paths []string) error {
	if o.output != "yaml" && o.output != "json" {
		return usagef("-o %s is unknown; yaml or json", o.output)
	}
	resources, err := readResources(ctx, s.In, paths, o.env)
	if err != nil {
		return err
	}
	effective.DiscardLogs()
	catalog, err := schema.New(nil)
	if err != nil {
		return err
	}
	builder, err := effective.New(effective.Options{
		Namespace: o.namespace, Explain: o.explain, Structural: validate.Structural(catalog), LLM: true,
	})
	if err != nil {
		return err
	}
	effect, err := builder.Of(ctx, resources)
	if err != nil {
		return usageError{err}
	}
	// What is shown of one kind is shown of the other; only explanations are of InferenceServices alone.
	if o.explain && len(effect.LLMs) > 0 {
		fmt.Fprintln(s.Err, "of an LLMInferenceService nothing is explained: KServe lays it over a preset, and where a value is from is not kept")
	}
	effect.Services = append(effect.Services, effect.LLMs...)
	if len(effect.Services) == 0 {
		if slices.ContainsFunc(resources, func(r manifest.Resource) bool { return r.Kind() == spec.ServingLeaderWorkerSet }) {
			return usagef("%s: no InferenceService or LLMInferenceService in it; its LeaderWorkerSets have their pods in their templates, and KServe makes nothing of them", strings.Join(paths, ", "))
		}
		return usagef("%s: no InferenceService or LLMInferenceService in it", strings.Join(paths, ", "))
	}
	if o.output == "json" {
		err = o.printJSON(s.Out, effect)
	} else {
		err = o.printYAML(s.Out, effect)
	}
	if err != nil {
		return err
	}
	return reportRefused(s.Err, effect)
}

// shown are the objects that the user wants to see.
func (o *effectiveOptions) shown(result effective.Result) []effective.Object {
	shown := []effective.Object{}
	for _, object := range slices.Concat(result.Objects, result.Pods) {
		if o.wants(object) {
			shown = append(shown, object)
		}
	}
	return shown
}

// fleeting are those of the objects that KServe deletes at once.
func (o *effectiveOptions) fleeting(result effective.Result) []effective.Object {
	return slices.DeleteFunc(slices.Clone(result.Fleeting), func(object effective.Object) bool { return !o.wants(object) })
}

func (o *effectiveOptions) wants(object effective.Object) bool {
	kind, _ := object.Data["kind"].(string)
	return len(o.kinds) == 0 && kind != "Pod" || slices.ContainsFunc(o.kinds, func(want string) bool { return strings.EqualFold(want, kind) })
}

func (o *effectiveOptions) printYAML(out io.Writer, effect *effective.Effect) error {
	separator := ""
	for _, result := range effect.Services {
		shown := o.shown(result)
		for i, object := range slices.Concat(shown, o.fleeting(result)) {
			comments := manifest.Comments{}
			if o.explain {
				comments = object.Comments()
			}
			if i >= len(shown) {
				comments.Head = "KServe " + kserveCode + ".0 makes this and deletes it at once; another release may keep it."
			}
			data, err := manifest.MarshalCommented(object.Data, comments)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(out, "%s%s", separator, data); err != nil {
				return fmt.Errorf("writing to standard output: %w", err)
			}
			separator = "---\n"
		}
	}
	return nil
}

// effectiveService is the result for one InferenceService, as -o json prints it.
type effectiveService struct {
	InferenceService finding.Object     `json:"inferenceService"`
	Mode             string             `json:"mode,omitempty"`
	Runtime          *finding.Object    `json:"runtime,omitempty"`
	Objects          []effectiveObject  `json:"objects"`
	Deleted          []finding.Object   `json:"deleted,omitempty"`
	Fleeting         []effectiveObject  `json:"fleeting,omitempty"`
	Assumed          []finding.Object   `json:"assumed,omitempty"`
	Warnings         []string           `json:"warnings,omitempty"`
	Refused          []effectiveRefusal `json:"refused,omitempty"`
}

type effectiveObject struct {
	Object  map[string]any              `json:"object"`
	Origins map[string]effective.Origin `json:"origins,omitempty"`
}

type effectiveRefusal struct {
	Object   finding.Object `json:"object"`
	By       string         `json:"by"`
	Message  string         `json:"message"`
	Panicked bool           `json:"panicked,omitempty"`
}

func (o *effectiveOptions) printJSON(out io.Writer, effect *effective.Effect) error {
	report := struct {
		Services []effectiveService `json:"services"`
		Refused  []effectiveRefusal `json:"refused,omitempty"`
	}{Refused: refusals(effect.Refused)}
	for _, result := range effect.Services {
		service := effectiveService{
			InferenceService: result.Reference, Mode: result.Mode, Objects: []effectiveObject{},
			Deleted: result.Deleted, Assumed: result.Assumed, Warnings: result.Warnings, Refused: refusals(result.Refused),
		}
		if result.Runtime.Name != "" {
			service.Runtime = &result.Runtime
		}
		for _, object := range o.shown(result) {
			service.Objects = append(service.Objects, effectiveObject{object.Data, object.Origins})
		}
		for _, object := range o.fleeting(result) {
			service.Fleeting = append(service.Fleeting, effectiveObject{object.Data, object.Origins})
		}
		report.Services = append(report.Services, service)
	}
	return writeJSON(out, report)
}

func refusals(list []effective.Refusal) []effectiveRefusal {
	var out []effectiveRefusal
	for _, r := range list {
		out = append(out, effectiveRefusal(r))
	}
	return out
}

// reportRefused tells what is missing in the output and why.
func reportRefused(err io.Writer, effect *effective.Effect) error {
	refused := slices.Clone(effect.Refused)
	for _, result := range effect.Services {
		refused = append(refused, result.Refused...)
		reportNotes(err, result)
	}
	for _, refusal := range refused {
		fmt.Fprintln(err, refusal.Error())
	}
	if len(refused) > 0 {
		return errFindings
	}
	return nil
}

// reportNotes says what the objects alone would not.
func reportNotes(err io.Writer, result effective.Result) {
	for _, warning := range result.Warnings {
		fmt.Fprintf(err, "%s: KServe warns: %s\n", result.Reference, warning)
	}
	for _, object := range result.Deleted {
		fmt.Fprintf(err, "%s: KServe makes %s and deletes it at once, again and again\n", result.Reference, object)
	}
	for _, object := range result.Assumed {
		fmt.Fprintf(err, "%s: %s is not in the input and taken to be in the cluster; what it holds may add to the pod\n", result.Reference, object)
	}
	if len(result.Refused) == 0 && len(result.Objects) == 0 {
		fmt.Fprintf(err, "%s: nothing to show: its mode is %s, and only Standard mode makes a Deployment; "+
			"set the annotation serving.kserve.io/deploymentMode: Standard\n", result.Reference, result.Mode)
	}
}
