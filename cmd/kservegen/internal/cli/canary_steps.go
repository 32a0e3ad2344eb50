package cli

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kservegen/kservegen/pkg/rollout/steps"
	"github.com/kservegen/kservegen/pkg/spec"
)

// newCanarySteps are the commands that change the document.
func newCanarySteps(s Streams) []*cobra.Command {
	return []*cobra.Command{newCanaryStart(s), newCanarySet(s), newCanaryStep(s), newCanaryPromote(s), newCanaryAbort(s), newCanaryFinish(s)}
}

func newCanaryStart(s Streams) *cobra.Command {
	o := &canaryOptions{verb: "start"}
	var (
		start   steps.Start
		set     []string
		testers string
	)
	cmd := &cobra.Command{
		Use:   "start -f DOC --name NAME --set FIELD=VALUE...",
		Short: "Add a revision beside the one that serves, with weight 0",
		Long: `Add a revision that is the one it comes from but for what --set says. It starts beside it, and nobody is sent to
it but testers. The next step sends it copies of --shadow percent of the requests, or its first share. With environments of
a traffic of their own, or --env, it runs in those alone.`,
		Example: `  kservegen canary start -f deepseek.yaml --name v2 --set runtime.args.max-num-seqs=128
  kservegen canary start -f deepseek.yaml --from v1 --name v2 --set runtime.version=v0.33.0 --testers x-llm-track=v2 --shadow 10
  kservegen canary start -f deepseek.yaml --name v2 --env staging`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, text := range set {
				setting, err := steps.ParseSetting(text)
				if err != nil {
					return usageError{err}
				}
				start.Set = append(start.Set, setting)
			}
			if testers != "" {
				header, value, ok := strings.Cut(testers, "=")
				if !ok {
					return usagef("--testers %s: want HEADER=VALUE", testers)
				}
				start.Testers = &spec.HeaderMatch{Header: header, Value: value}
			}
			if cmd.Flags().Changed("shadow") && (start.Shadow < 1 || start.Shadow > 100) {
				return usagef("--shadow %d: want a percentage of the requests, from 1 to 100", start.Shadow)
			}
			o.revision = start.Name
			return o.run(cmd.Context(), s, func(d *steps.Document) (steps.Change, error) { return d.Start(o.environments, start) })
		},
	}
	o.register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&start.From, "from", "", "revision that the new one takes over from (default the one that gets every request)")
	flags.StringVar(&start.Name, "name", "", "name of the new revision")
	flags.StringArrayVar(&set, "set", nil, "field of the revision that differs, such as runtime.args.max-num-seqs=128; may be repeated")
	flags.StringVar(&testers, "testers", "", "HEADER=VALUE by which testers reach it, whatever its weight")
	flags.IntVar(&start.Shadow, "shadow", 0, "plan a phase before the first share in which it gets copies of so many requests, in percent (default what spec.rollout.shadow says)")
	flags.IntVar(&start.Weight, "weight", 0, "share that it gets at once, in percent; until it answers, that share is lost")
	return cmd
}

func newCanarySet(s Streams) *cobra.Command {
	o := &canaryOptions{verb: "set"}
	cmd := &cobra.Command{
		Use:   "set -f DOC NAME=WEIGHT...",
		Short: "Give revisions their weights, in percent",
		Long: `With one revision of the canary the other one gets the rest of what both have. With several, the weights of the
environment must sum to 100 afterwards.`,
		Example: `  kservegen canary set v2=10 -f deepseek.yaml
  kservegen canary set v1=50 v2=30 v3=20 -f deepseek.yaml --env production`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			weights, err := parseWeights(args)
			if err != nil {
				return err
			}
			return o.run(cmd.Context(), s, func(d *steps.Document) (steps.Change, error) { return d.Set(o.environments, weights) })
		},
	}
	o.register(cmd)
	return cmd
}

func parseWeights(args []string) (map[string]int, error) {
	weights := map[string]int{}
	for _, arg := range args {
		name, text, _ := strings.Cut(arg, "=")
		weight, err := strconv.Atoi(text)
		if name == "" || err != nil {
			return nil, usagef("%s: want a revision and its weight in percent, such as v2=10", arg)
		}
		if _, twice := weights[name]; twice {
			return nil, usagef("%s has two weights", name)
		}
		weights[name] = weight
	}
	return weights, nil
}

func newCanaryStep(s Streams) *cobra.Command {
	o := &canaryOptions{verb: "step"}
	cmd := &cobra.Command{
		Use:   "step -f DOC",
		Short: "Take the new revision to the next phase of spec.rollout: copies of requests, then its shares",
		Long: `The plan is spec.rollout.steps, by default 5, 25, 50, 100, with copies of spec.rollout.shadow percent of the requests
before them where it is set. The first share ends the copies. Unlike other commands, step does more when it is called
again; set is what to repeat safely.`,
		Example: `  kservegen canary step -f deepseek.yaml --commit --message "no difference in an hour of 5 %"`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context(), s, func(d *steps.Document) (steps.Change, error) { return d.Step(o.environments) })
		},
	}
	o.register(cmd)
	return cmd
}

func newCanaryPromote(s Streams) *cobra.Command {
	o := &canaryOptions{verb: "promote"}
	cmd := &cobra.Command{
		Use:   "promote -f DOC [NAME]",
		Short: "Give the new revision all requests; the old one runs on, for the way back",
		Example: `  kservegen canary promote v2 -f deepseek.yaml
  kservegen canary promote -f deepseek.yaml --env production --commit`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.revision = strings.Join(args, "")
			return o.run(cmd.Context(), s, func(d *steps.Document) (steps.Change, error) { return d.Promote(o.environments, o.revision) })
		},
	}
	o.register(cmd)
	return cmd
}

func newCanaryAbort(s Streams) *cobra.Command {
	o := &canaryOptions{verb: "abort"}
	cmd := &cobra.Command{
		Use:   "abort -f DOC",
		Short: "Give the old revision everything back; the new one runs on with weight 0",
		Example: `  kservegen canary abort -f deepseek.yaml --commit --push
  kservegen canary finish v2 -f deepseek.yaml    then takes the new one out`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context(), s, func(d *steps.Document) (steps.Change, error) { return d.Abort(o.environments) })
		},
	}
	o.register(cmd)
	return cmd
}

func newCanaryFinish(s Streams) *cobra.Command {
	o := &canaryOptions{verb: "finish"}
	cmd := &cobra.Command{
		Use:   "finish -f DOC [NAME...]",
		Short: "Take the old revision out, once it gets nothing",
		Long: `Without names the revision that the canary came from goes. Names are for others that get nothing: after an abort,
the new one. A revision that runs in another environment stays in the document.`,
		Example: `  kservegen canary finish -f deepseek.yaml
  kservegen canary finish v2 -f deepseek.yaml    after an abort`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), s, func(d *steps.Document) (steps.Change, error) { return d.Finish(o.environments, args) })
		},
	}
	o.register(cmd)
	return cmd
}
