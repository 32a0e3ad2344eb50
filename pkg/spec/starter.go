package spec

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/suggest"
)

// StarterOptions say what a first document is for.
type StarterOptions struct {
	// Model is a name of the catalogue or a Hugging Face id.
	Model string
	// Accelerator, Namespace: empty for the model's first layout and for default.
	Accelerator, Namespace string
	// Platform is generic, eks or laptop.
	Platform string
	// Cluster and Region on Amazon EKS have the document ask for nodes there; empty for nodes that are there already.
	Cluster, Region string
}

// Platforms lists what a first document can be for.
func Platforms() []string { return []string{"generic", "eks", "laptop"} }

// Starter writes a first document: what must be said, what most will want to change, and as comments what else
// can be set. It is a text for people, so it is written as one and then read back by Load.
func Starter(o StarterOptions) (string, error) {
	model, known, err := catalog.FindModel(o.Model)
	if err != nil {
		return "", err
	}
	architecture, sized, err := catalog.FindArchitecture(o.Model)
	switch {
	case err != nil:
		return "", err
	case known:
	case sized:
		model = catalog.Model{ID: architecture.ID, Name: architecture.Name, WeightsBytes: architecture.WeightsBytes}
	case !repositoryID.MatchString(o.Model):
		return "", fmt.Errorf("%q is neither in the catalogue nor a Hugging Face id such as organisation/name%s", o.Model, suggest.Word(o.Model, modelNames()))
	default:
		model = catalog.Model{ID: o.Model, Name: o.Model}
	}
	model.Name = DeriveName(model.Name)
	s := &starter{options: o, model: model, sized: sized}
	if err := s.check(); err != nil {
		return "", err
	}
	s.write()
	document := s.text.String()
	if _, err := Load("the document", strings.NewReader(document)); err != nil {
		return "", err
	}
	return document, nil
}

func modelNames() []string {
	models, err := catalog.Models()
	if err != nil {
		return nil
	}
	names := make([]string, 0, len(models))
	for _, model := range models {
		names = append(names, model.Name)
	}
	return names
}

type starter struct {
	options StarterOptions
	model   catalog.Model
	// sized is set where the catalogue has the model's numbers, by which a layout is planned.
	sized bool
	text  strings.Builder
}

// check fills in the accelerator and finds out whether the catalogue knows how many of it are needed.
func (s *starter) check() error {
	if s.options.Platform == "" {
		s.options.Platform = Platforms()[0]
	}
	if s.options.Namespace == "" {
		s.options.Namespace = "default"
	}
	switch o := s.options; {
	case o.Cluster+o.Region != "" && o.Platform != "eks":
		return fmt.Errorf("a cluster and a region are for the platform eks, not for %s", o.Platform)
	case o.Region != "" && o.Cluster == "":
		return fmt.Errorf("which cluster? nodes in %s are of one, for example llm", o.Region)
	}
	if s.options.Platform == "laptop" {
		return nil
	}
	if s.options.Accelerator == "" {
		if len(s.model.Layouts) == 0 {
			return fmt.Errorf("which accelerator? the catalogue has no layout of %s; known: %s", s.model.ID, strings.Join(acceleratorNames(), ", "))
		}
		s.options.Accelerator = s.model.Layouts[0].Accelerator
	}
	if _, ok, err := catalog.FindAccelerator(s.options.Accelerator); err != nil || !ok {
		return fmt.Errorf("there is no accelerator %q%s", s.options.Accelerator, suggest.Word(s.options.Accelerator, acceleratorNames()))
	}
	return nil
}

// largeBytes is where downloading the weights for each replica stops being a default to be proud of.
const largeBytes = 100 << 30

func (s *starter) line(format string, args ...any) { fmt.Fprintf(&s.text, format+"\n", args...) }

func (s *starter) write() {
	o := s.options
	s.line("# yaml-language-server: $schema=kservegen.schema.json")
	s.line("# The editor completes fields after: kservegen schema > kservegen.schema.json")
	s.line("apiVersion: %s", APIVersion)
	s.line("kind: %s", Kind)
	s.line("metadata:")
	s.line("  name: %s # objects are called so, or with the revision's name behind", s.model.Name)
	s.line("  namespace: %s", o.Namespace)
	s.line("spec:")
	s.writeModel()
	s.writeAccelerator()
	if o.Platform == "eks" {
		s.writeEKS()
	}
	s.line("  # revisions: [{name: v1}, {name: v2, runtime: {args: {max-num-seqs: 128}}}]   # v2: only what differs")
	s.line("  # traffic: [{revision: v1, weight: 90}, {revision: v2, weight: 10, testers: {header: x-llm-track, value: v2}}]")
	s.line("  # expose: {hosts: [%s.example.com], gateway: istio-ingress/llm}   # else inside the mesh only", s.model.Name)
	s.line("  # security: {callers: [{serviceAccount: chat/chat-ui}]}   # else the gateway only; mTLS is strict")
	if o.Platform == "laptop" {
		return
	}
	s.line("  # monitoring: {alerts: {}, dashboard: {}}   # for the Prometheus operator and Grafana (docs/watching.md)")
	s.line("  # gitops: {engine: flux, repository: https://github.com/acme/models}   # or argocd: what makes it pull the tree")
	s.line("  environments: # one overlay each; anything of spec may differ")
	s.line("  - {name: dev, replicas: {min: 1, max: 1}}")
	s.line("  - {name: production}")
}

func (s *starter) writeEKS() {
	s.line("  platform:")
	o := s.options
	if o.Cluster == "" {
		s.line("    eks: {} # {roleArn: arn:aws:iam::123456789012:role/models, region: us-east-1} to read s3://")
		return
	}
	s.line("    eks:")
	s.line("      cluster: %s", o.Cluster)
	if o.Region != "" {
		s.line("      region: %s", o.Region)
	}
	s.line("      # zones: [%[1]sa]   # over several zones replicas that would fit one node take one each", cmp.Or(o.Region, "us-east-1"))
	s.line("      # identity: {account: \"123456789012\"}   # a role that reads s3:// (kservegen eks identity)")
	s.line("      nodes: {} # Karpenter makes them: render --shared writes its NodePool (docs/eks.md)")
}

func (s *starter) writeModel() {
	s.line("  model:")
	s.line("    id: %s", s.model.ID)
	if s.model.Revision != "" {
		s.line("    revision: %s", s.model.Revision)
	}
	if s.options.Platform == "laptop" {
		return
	}
	if s.model.Gated {
		s.line("    secret: hf-token # gated: a Secret with HF_TOKEN must be in the namespace")
	}
	if layout, known := s.model.Layout(s.options.Accelerator); known && layout.Nodes > 1 {
		s.line("    source: pvc://models/%s # a claim that all nodes can mount; several nodes cannot download (docs/multi-node.md)", s.model.Name)
		return
	}
	s.line("    # source: s3://bucket/prefix   # default hf://<id>:<revision>; also gs://, oci://, pvc://claim/path")
}

func (s *starter) writeAccelerator() {
	if s.options.Platform == "laptop" {
		s.line("  runtime: {name: %s} # answers like vLLM, without a model or a GPU", Simulator)
		return
	}
	accelerator, _, _ := catalog.FindAccelerator(s.options.Accelerator)
	s.line("  accelerator:")
	s.line("    type: %s # %s", accelerator.Name, accelerator.Product)
	layout, known := s.model.Layout(accelerator.Name)
	switch {
	case known && layout.Nodes > 1:
		s.line("    perReplica: auto # %d over %d nodes, with %d tokens of context", layout.GPUs, layout.Nodes, layout.MaxModelLen)
		s.line("    # network: {resource: vpc.amazonaws.com/efa, perNode: 32}   # else TCP between the nodes, which is slow")
	case known && accelerator.Resource != "":
		s.line("    perReplica: auto # %d, %swith %d tokens of context", layout.GPUs, engines(layout), layout.MaxModelLen)
	case s.sized && (Runtime{Name: accelerator.Runtime}).OnGPU():
		s.line("    perReplica: auto # the fewest that it is sure to start on, by kservegen plan: the catalogue has no layout")
	case accelerator.Resource != "":
		s.line("    perReplica: 1 # the catalogue has no layout of this model on it: check that it fits")
	}
	if accelerator.Vendor == "amd" {
		s.line("    deviceGroups: [44, 109] # video and render on the node; they differ: getent group video render")
	}
	if accelerator.Vendor == "aws" && layout.GPUs > 1 {
		s.line("    schedulerName: my-scheduler # Neuron's scheduler extension, which finds devices that are connected")
	}
	if layout.Nodes > 1 {
		s.line("  serving: %s # or InferenceService, where a KServe runs that keeps its workers (docs/multi-node.md)", ServingLeaderWorkerSet)
		s.line("  replicas: {min: 1, max: 1} # groups of nodes")
		return
	}
	if s.model.WeightsBytes > largeBytes {
		s.line("  replicas: {min: 1, max: 1} # each downloads %d GiB: consider source: pvc://…, and max: 2 once it runs", s.model.WeightsBytes>>30)
		return
	}
	s.line("  replicas: {min: 2, max: 4} # scaled by the requests that wait; min: 1, max: 1 is cheapest")
}

// engines says what shares the devices of a layout, empty for one engine.
func engines(layout catalog.Layout) string {
	if layout.DataParallel < 2 {
		return ""
	}
	if layout.ExpertParallel {
		return fmt.Sprintf("%d engines with expert parallelism, ", layout.DataParallel)
	}
	return fmt.Sprintf("%d engines, ", layout.DataParallel)
}
