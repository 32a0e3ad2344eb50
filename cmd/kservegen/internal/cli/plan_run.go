package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/kserve"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/plan"
	"github.com/kservegen/kservegen/pkg/sizing"
	"github.com/kservegen/kservegen/pkg/spec"
)

func (o *planOptions) run(ctx context.Context, s Streams) error {
	if err := o.validate(); err != nil {
		return err
	}
	if err := o.readLog(); err != nil {
		return usageError{err}
	}
	if len(o.documents.files) == 0 && o.gpu == "" && o.gpuMemoryGiB == 0 {
		return o.choose(s)
	}
	answers, err := o.answers(ctx, s)
	if err != nil {
		return err
	}
	if o.logged != nil {
		if len(answers) != 1 {
			return usagef("a log is of one server, and the document has %d kinds of them; --env names one", len(answers))
		}
		report := o.logged.Compare(answers[0])
		answers[0].Log = &report
	}
	return o.print(s, answers)
}

func (o *planOptions) readLog() error {
	if o.log == "" {
		return nil
	}
	file, err := os.Open(o.log)
	if err != nil {
		return err
	}
	defer file.Close()
	logged, err := plan.ReadLog(o.log, file)
	o.logged = &logged
	return err
}

func (o *planOptions) answers(ctx context.Context, s Streams) ([]plan.Answer, error) {
	if len(o.documents.files) > 0 {
		return o.ofDocuments(ctx, s)
	}
	model, err := o.findModel()
	if err != nil {
		return nil, usageError{err}
	}
	settings, note, err := o.resolve()
	if err != nil {
		return nil, usageError{err}
	}
	answer, err := plan.Make(model, settings)
	if err != nil {
		return nil, usageError{err}
	}
	if o.choice.asked(o.changed) {
		load, err := plan.ForLoad(model, settings, o.choice.load)
		if err != nil {
			return nil, usageError{err}
		}
		answer.Load = &load
	}
	if note != "" {
		answer.Assumptions = append(answer.Assumptions, note)
	}
	return []plan.Answer{answer}, nil
}

// ofDocuments plans every revision of every environment.
func (o *planOptions) ofDocuments(ctx context.Context, s Streams) ([]plan.Answer, error) {
	deployments, err := o.documents.loadBy(ctx, s.In, spec.LoadAnyway)
	if err != nil {
		return nil, err
	}
	warnTogether(s, deployments)
	answers := []plan.Answer{}
	for _, deployment := range deployments {
		cases, skipped, err := plan.OfDocument(deployment, o.env, plan.FindModel)
		if err != nil {
			return nil, usageError{err}
		}
		for i, left := range skipped {
			fmt.Fprintf(s.Err, "%s (%s, %s): not planned: %s\n", deployment.Name, left.Environment, left.Revision, left.Why)
			if slices.ContainsFunc(skipped[:i], func(told plan.Skipped) bool { return told.Environment == left.Environment }) {
				continue
			}
			if err := writeUnplanned(s, deployment, cases, left); err != nil {
				return nil, err
			}
		}
		for _, c := range cases {
			answer, err := plan.Make(c.Model, c.Settings)
			if err != nil {
				return nil, usageError{fmt.Errorf("%s, revision %s: %w", deployment.File, c.Revision, err)}
			}
			answer.Environment, answer.Revision = strings.Join(c.Environments, ", "), c.Revision
			if answer.Nodes, err = nodesOf(deployment, c.Environments); err != nil {
				return nil, err
			}
			answers = append(answers, answer)
		}
	}
	return answers, nil
}

// writeUnplanned tells the nodes of a revision that isn't planned, beside the reason: what they cost is known all the same.
func writeUnplanned(s Streams, deployment *spec.Deployment, cases []plan.Case, left plan.Skipped) error {
	if slices.ContainsFunc(cases, func(c plan.Case) bool { return slices.Contains(c.Environments, left.Environment) }) {
		return nil // the nodes are those of the environment
	}
	nodes, err := nodesOf(deployment, []string{left.Environment})
	plan.WriteNodes(s.Err, nodes)
	return err
}

// nodesOf are the nodes that a document asks for in some of its environments.
func nodesOf(deployment *spec.Deployment, environments []string) ([]plan.NodeAnswer, error) {
	var all []plan.NodeAnswer
	for _, target := range deployment.Environments {
		if !slices.Contains(environments, target.Environment) {
			continue
		}
		nodes, err := plan.NodesOf(target)
		if err != nil {
			return nil, err
		}
		all = append(all, nodes...)
	}
	return all, nil
}

// warnTogether tells what keeps the documents from running together, of which a quota that is too small is one.
func warnTogether(s Streams, deployments []*spec.Deployment) {
	var problems manifest.Problems
	if errors.As(spec.CheckTogether(deployments), &problems) {
		for _, problem := range problems {
			fmt.Fprintf(s.Err, "warning: %s\n", problem.Error())
		}
	}
}

// findModel reads the model and puts the weights that the flags give in.
func (o *planOptions) findModel() (plan.Model, error) {
	model, err := o.readModel()
	if err != nil {
		return model, err
	}
	switch {
	case o.weightsGiB > 0:
		model.Weights = sizing.Weights{LoadedBytes: o.weightsGiB * (1 << 30)}
	case o.weightsBytes > 0:
		model.Weights = sizing.Weights{FileBytes: float64(o.weightsBytes)}
	}
	return model, nil
}

func (o *planOptions) readModel() (plan.Model, error) {
	switch {
	case o.config != "":
		data, err := os.ReadFile(o.config)
		if err != nil {
			return plan.Model{}, err
		}
		return plan.ReadConfig(o.config, data)
	case o.dir != "":
		return plan.ReadDirectory(filepath.Clean(o.dir), os.DirFS(o.dir))
	}
	return plan.FindModel(o.model)
}

// resolve turns the flags into settings, over those that a log has; note is what was guessed of the GPU.
func (o *planOptions) resolve() (set sizing.Settings, note string, err error) {
	if set, err = o.flagSettings(); err != nil {
		return set, "", err
	}
	memory := o.gpuMemoryGiB
	if memory == 0 && o.logged != nil {
		memory = o.logged.TotalGiB
	}
	set.GPU, note, err = plan.FindGPU(o.gpu, memory)
	return set, note, err
}

// flagSettings is all but the GPU.
func (o *planOptions) flagSettings() (set sizing.Settings, err error) {
	set = o.settings
	set.Sampler, set.OtherBytes = o.sampler, int64(o.otherGiB*(1<<30))
	if set.Version, err = o.engine(); err != nil {
		return set, err
	}
	if o.modelLen != "" {
		if set.MaxModelLen, err = sizing.ParseLength(o.modelLen); err != nil {
			return set, fmt.Errorf("--max-model-len %s: %w", o.modelLen, err)
		}
	}
	if o.logged != nil {
		if err = o.logged.Apply(&set, o.givenFlag); err != nil {
			return set, fmt.Errorf("%s: %w", o.log, err)
		}
	}
	return set, nil
}

// givenFlag says whether our flag for one of the engine's was given.
func (o *planOptions) givenFlag(engine string) bool {
	short := map[string]string{
		"tensor-parallel-size": "tp", "pipeline-parallel-size": "pp", "data-parallel-size": "dp", "decode-context-parallel-size": "dcp",
	}
	if name, ok := short[engine]; ok {
		engine = name
	}
	return o.changed(engine)
}

// engine is the version that was asked for, that of the log, or the catalogue's.
func (o *planOptions) engine() (sizing.Version, error) {
	switch {
	case o.version != "":
		return sizing.ParseVersion(o.version)
	case o.logged != nil && o.logged.Version != "":
		return sizing.ParseVersion(o.logged.Version)
	}
	pinned, err := kserve.NewBuilder().Pinned("vllm-cuda")
	if err != nil {
		return sizing.Version{}, err
	}
	return sizing.ParseVersion(pinned)
}

func (o *planOptions) print(s Streams, answers []plan.Answer) error {
	var err error
	fits := true
	for _, answer := range answers {
		fits = fits && answer.Fits && (answer.Load == nil || answer.Load.Kept)
	}
	switch {
	case o.output == "json" && len(o.documents.files) == 0:
		err = writeJSON(s.Out, answers[0])
	case o.output == "json":
		err = writeJSON(s.Out, answers)
	default:
		err = o.printText(s, answers)
	}
	if err == nil && !fits {
		return errFindings
	}
	return err
}

func (o *planOptions) printText(s Streams, answers []plan.Answer) error {
	var errs []error
	for i, answer := range answers {
		if i > 0 {
			fmt.Fprintln(s.Out)
		}
		errs = append(errs, answer.WriteText(s.Out))
		if o.explain {
			errs = append(errs, answer.WriteExplain(s.Out))
		}
		if answer.Log != nil {
			errs = append(errs, answer.Log.WriteText(s.Out))
		}
	}
	return errors.Join(errs...)
}
