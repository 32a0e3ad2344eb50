package spec

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/version"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/sizing"
	"github.com/kservegen/kservegen/pkg/suggest"
	"github.com/kservegen/kservegen/runtimes"
)

// Simulator is the runtime that answers like vLLM without a model or a device.
const Simulator = "simulator"

// leastStartup is below what any vLLM needs to import torch, read a small model and compile.
const leastStartup = 2 * time.Minute

// none is the accelerator of a replica that runs on CPUs.
const none = "none"

var (
	argName = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*(\.[A-Za-z0-9_]+)*$`)
	envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	tagName = regexp.MustCompile(`^\w[\w.-]{0,127}$`)
	// imageName wants a tag or a digest: an image without one is another image tomorrow.
	imageName = regexp.MustCompile(`^[\w.-]+(:\d+)?(/[\w.-]+)*(:\w[\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$`)
)

// revision resolves one revision that runs in the target.
func (r *resolver) revision(s share) RevisionTarget {
	model, known := r.model()
	accelerator, devices := r.accelerator(model, known)
	nodes := r.nodes(model, accelerator, devices)
	t := RevisionTarget{
		Name: s.name, Weight: s.traffic.Weight, Testers: s.traffic.Testers, Mirror: s.traffic.Mirror,
		Model: r.spec.Model, Runtime: r.spec.Runtime, Resources: r.resources(accelerator, devices/nodes),
		Accelerator: accelerator, Devices: devices, Nodes: nodes, WeightsBytes: model.WeightsBytes,
		Startup: sizing.StartupFor(model.WeightsBytes, nodes, time.Duration(accelerator.EngineStartSeconds)*time.Second),
	}
	if budget := r.spec.Runtime.StartupTimeout.Or(0); budget > 0 {
		if budget < leastStartup && r.spec.Runtime.Name != Simulator {
			r.failf("spec.runtime.startupTimeout", "%s kills the pod while vLLM loads, again and again; want at least %s, or leave it out", budget, leastStartup)
		}
		t.Startup = sizing.Startup{Budget: budget, Why: "runtime.startupTimeout of the document"}
	}
	r.checkLLM()
	t.Args = r.args(model, accelerator, devices)
	r.stream(&t)
	r.checkRestored(nodes)
	r.checkEngine(devices)
	t.Metrics = r.watchedMetrics()
	t.Fetches = model.Vocabulary != "" && r.spec.Runtime.Env[model.Vocabulary] == "" && r.spec.Runtime.Name != Simulator
	if nodes > 1 {
		t.Executor, t.Network, t.PipelineParallel = r.executor(nodes), r.network(), r.pipelineParallel(nodes, t.Args)
	}
	t.TensorParallel, t.DataParallel = r.parallel(model, accelerator, devices, t.PipelineParallel, t.Args)
	if t.DataParallel > 1 && r.spec.Scaling.Target == "" {
		t.ScalingTarget = strconv.Itoa(defaultTarget * t.DataParallel)
	}
	t.MaxModelLen = r.spec.Model.MaxModelLen.Int()
	layout, laidOut := model.Layout(accelerator.Name)
	if laidOut && t.MaxModelLen == 0 && layout.GPUs <= max(devices, 1) {
		t.MaxModelLen = layout.MaxModelLen
	}
	e := r.estimate(t.Args)
	settled := laidOut && t.keeps(layout)
	r.planLength(&t, e, settled)
	t.Planned = r.planned
	t.MinReplicas, t.MaxReplicas = r.replicas()
	t.ColdStart = r.coldStart(t)
	t.Cooldown = r.cooldown(t)
	r.checkSchedule(t)
	r.checkStreams(t)
	r.checkGroup(t)
	if v := t.Model.Volume; v != nil && v.AccessMode == "ReadWriteOnce" && nodes > 1 && v.EBS == nil {
		r.failf("spec.model.volume.accessMode", "ReadWriteOnce mounts on one node, and a replica is on %d; use ReadWriteMany or ReadOnlyMany", nodes)
	} else if v != nil && v.AccessMode == "ReadWriteOnce" && t.MaxReplicas > 1 && v.EBS == nil {
		r.failf("spec.model.volume.accessMode", "ReadWriteOnce mounts on one node, and up to %d replicas need it; use ReadWriteMany or ReadOnlyMany", t.MaxReplicas)
	}
	for i, group := range r.spec.Accelerator.DeviceGroups {
		if group < 1 || group > math.MaxInt32 {
			r.failf(fmt.Sprintf("spec.accelerator.deviceGroups[%d]", i), "%d is not the id of a group", group)
		}
	}
	t.DeviceGroups = r.spec.Accelerator.DeviceGroups
	t.SchedulerName = r.spec.Accelerator.SchedulerName
	r.checkPlain("spec.accelerator.schedulerName", t.SchedulerName)
	r.checkStart(t, e, settled)
	return t
}

// model checks where the weights come from and finds the catalogue's facts.
func (r *resolver) model() (catalog.Model, bool) {
	m := &r.spec.Model
	if m.ID == "" {
		r.failf("spec.model.id", "is missing; for example deepseek-ai/DeepSeek-R1-Distill-Llama-8B")
		return catalog.Model{}, false
	}
	if !repositoryID.MatchString(m.ID) {
		r.failf("spec.model.id", "want organisation/name as on Hugging Face, got %q", m.ID)
	}
	if m.Secret != "" && !dnsLabel.MatchString(m.Secret) {
		r.failf("spec.model.secret", "%q is not a Secret's name", m.Secret)
	}
	r.checkMeasured(m.Measured)
	model, known, err := catalog.FindModel(m.ID)
	if err != nil {
		r.failf("spec.model.id", "reading the catalogue: %v", err)
	}
	if !known {
		model = r.sized()
	}
	r.source(model)
	return model, known
}

func (r *resolver) checkMeasured(m *Measured) {
	if m == nil {
		return
	}
	for _, figure := range []struct {
		field string
		text  Text
	}{{"weightsGiB", m.WeightsGiB}, {"otherGiB", m.OtherGiB}} {
		if n, err := strconv.ParseFloat(string(figure.text), 64); figure.text != "" && (err != nil || !(n > 0 && n < 100_000)) {
			r.failf("spec.model.measured."+figure.field, "%q is not a number of GiB, such as 14.99", figure.text)
		}
	}
}

// checkRuntimeName reports whether the catalogue has the runtime that the document names, if it names one.
func (r *resolver) checkRuntimeName() bool {
	name, names := r.spec.Runtime.Name, runtimes.Names()
	if name == "" || slices.Contains(names, name) {
		return true
	}
	r.failf("spec.runtime.name", "there is no runtime %q%s", name, suggest.Word(name, names))
	return false
}

// accelerator finds the device and how many of it a replica has.
func (r *resolver) accelerator(model catalog.Model, known bool) (catalog.Accelerator, int) {
	a, run := &r.spec.Accelerator, &r.spec.Runtime
	named := r.checkRuntimeName()
	if a.Type == "" {
		if run.Name != Simulator && run.Name != "vllm-cpu" {
			r.failf("spec.accelerator.type", "is missing; known: %s", strings.Join(acceleratorNames(), ", "))
			return catalog.Accelerator{}, 0
		}
		a.Type = none
	}
	accelerator, ok, err := catalog.FindAccelerator(a.Type)
	if err != nil || !ok {
		r.failf("spec.accelerator.type", "there is no accelerator %q%s", a.Type, suggest.Word(a.Type, acceleratorNames()))
		return catalog.Accelerator{}, 0
	}
	if accelerator.Runtime == "" {
		r.failf("spec.accelerator.type", "the catalogue has no runtime that serves on %s", accelerator.Product)
		return catalog.Accelerator{}, 0
	}
	if run.Name == "" {
		run.Name = accelerator.Runtime
	}
	if named && run.Name != accelerator.Runtime && run.Name != Simulator {
		r.failf("spec.runtime.name", "%s does not run on %s; use %s", run.Name, accelerator.Product, accelerator.Runtime)
	}
	return accelerator, r.devices(accelerator, model, known)
}

func (r *resolver) devices(accelerator catalog.Accelerator, model catalog.Model, known bool) int {
	a := r.spec.Accelerator
	if accelerator.Resource == "" {
		if a.PerReplica.Int() > 0 {
			r.failf("spec.accelerator.perReplica", "accelerator %s has no devices to count; leave it out", a.Type)
		}
		return 0
	}
	devices := a.PerReplica.Int()
	if a.PerReplica.IsAuto() {
		layout, ok := model.Layout(accelerator.Name)
		switch {
		case r.spec.Runtime.Name == Simulator:
			devices = 1
		case ok:
			devices = layout.GPUs
		case r.spec.Model.ID == "": // said already
		default:
			devices = r.planOr(accelerator, model, known)
		}
	}
	return devices
}

// planOr wants a number where there is neither a layout nor an estimate.
func (r *resolver) planOr(accelerator catalog.Accelerator, model catalog.Model, known bool) int {
	devices, planned := r.planDevices(model, accelerator)
	switch {
	case planned:
	case known:
		r.failf("spec.accelerator.perReplica", "the catalogue has no layout of %s on %s%s; say how many one replica needs", model.Name, accelerator.Product, layoutsOf(model))
	case model.Name != "":
		r.failf("spec.accelerator.perReplica", "the catalogue has no layout of %s on %s, and memory is estimated of GPUs only; say how many one replica needs", model.Name, accelerator.Product)
	default:
		r.failf("spec.accelerator.perReplica", "the catalogue does not know %s; say how many %s one replica needs", r.spec.Model.ID, accelerator.Product)
	}
	return devices
}

// keeps reports whether a revision takes the memory of a layout as the catalogue has it, or less.
func (r RevisionTarget) keeps(l catalog.Layout) bool {
	run := r.Runtime
	for name, arg := range run.Args {
		if sizing.BearsOnMemory(name, arg.text()) {
			return false
		}
	}
	return r.Devices == l.GPUs && r.MaxModelLen <= l.MaxModelLen && run.Version == "" && run.Image == "" && r.Model.Measured == nil
}

func layoutsOf(model catalog.Model) string {
	var names []string
	for _, layout := range model.Layouts {
		name := fmt.Sprintf("%d × %s", layout.GPUs, layout.Accelerator)
		if layout.Nodes > 1 {
			name += fmt.Sprintf(" on %d nodes", layout.Nodes)
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return ""
	}
	return " (it has " + strings.Join(names, ", ") + ")"
}

func acceleratorNames() []string {
	accelerators, err := catalog.Accelerators()
	if err != nil {
		return nil
	}
	names := make([]string, 0, len(accelerators))
	for _, accelerator := range accelerators {
		names = append(names, accelerator.Name)
	}
	return names
}

// args checks the document's flags and lays them over those that the catalogue gives the model.
func (r *resolver) args(model catalog.Model, accelerator catalog.Accelerator, devices int) map[string]Arg {
	run := &r.spec.Runtime
	var given []map[string]string
	if run.Name != Simulator {
		layout, _ := model.Layout(accelerator.Name)
		given = []map[string]string{model.Args, layout.Args}
		if layout.GPUs == devices {
			given = append(given, layoutParallel(layout, accelerator, run.Args))
		}
	}
	args := r.laidOver(given...)
	for _, name := range slices.Sorted(maps.Keys(run.Args)) {
		r.checkArg(name, run.Args[name])
	}
	r.checkBuckets(args)
	for _, name := range slices.Sorted(maps.Keys(run.Env)) {
		r.checkEnv(name, string(run.Env[name]))
	}
	if run.Version != "" && !tagName.MatchString(run.Version) {
		r.failf("spec.runtime.version", "%q is not an image tag", run.Version)
	}
	if wanted, err := version.ParseGeneric(run.Version); err == nil && model.MinVLLM != "" && run.Name != Simulator && run.Name != neuronRuntime {
		if least, err := version.ParseGeneric(model.MinVLLM); err == nil && wanted.LessThan(least) {
			r.failf("spec.runtime.version", "%s needs vLLM %s or newer", model.Name, model.MinVLLM)
		}
	}
	if run.Version == "latest" {
		r.failf("spec.runtime.version", "latest is another server tomorrow; pin a version")
	}
	if run.Image != "" {
		r.checkPinned("spec.runtime.image", run.Image)
		if run.Version != "" {
			r.failf("spec.runtime.version", "image names the version already; keep one")
		}
	}
	return args
}

// catalogArg reads a flag value of the catalogue: "true" and "false" are switches.
func catalogArg(value string) Arg {
	if on, err := strconv.ParseBool(value); err == nil && (value == "true" || value == "false") {
		return Arg{Values: []string{value}, Bool: &on}
	}
	return Arg{Values: []string{value}}
}

// checkPinned wants an image that is the same one tomorrow.
func (r *resolver) checkPinned(path, image string) {
	switch {
	case !imageName.MatchString(image):
		r.failf(path, "%q is not an image name", image)
	case !strings.Contains(image, "@") && !strings.Contains(image[strings.LastIndex(image, "/")+1:], ":"):
		r.failf(path, "%q has no tag or digest; pin one", image)
	case strings.HasSuffix(image, ":latest"):
		r.failf(path, "%q is another image tomorrow; pin a version", image)
	}
}

// parallel divides the devices of a replica among the parallel dimensions, and returns the sizes of the tensor parallel
// group and of data parallelism. An accelerator may count more than one rank per device: a Trainium2 chip is four
// logical cores.
func (r *resolver) parallel(model catalog.Model, accelerator catalog.Accelerator, devices, stages int, args map[string]Arg) (tensor, engines int) {
	if r.spec.Runtime.Name == Simulator || devices == 0 {
		return 0, 0
	}
	r.checkExperts(model, args)
	ranks := devices * max(accelerator.RanksPerDevice, 1)
	if stages == 0 {
		stages = r.positive(args, pipelineParallel)
	}
	engines = r.positive(args, dataParallel)
	others := stages * engines
	tensor = ranks / others
	if _, ok := args[tensorParallel]; ok {
		tensor = r.positive(args, tensorParallel)
	}
	if tensor*others != ranks {
		r.failf(r.parallelPath(), "%d devices are %d ranks, but tensor × pipeline and data parallel are %d × %d", devices, ranks, tensor, others)
		return tensor, engines
	}
	if heads := model.AttentionHeads; tensor > 0 && heads%tensor != 0 {
		r.failf("spec.accelerator.perReplica", "%d attention heads of %s do not divide by a tensor parallel size of %d; use %s", heads, model.Name, tensor, divisors(heads, 16))
	}
	return tensor, engines
}

// mostRanks bounds a parallel dimension, so that products of them do not overflow.
const mostRanks = 1 << 20

func (r *resolver) positive(args map[string]Arg, name string) int {
	arg, ok := args[name]
	if !ok {
		return 1
	}
	n, err := strconv.Atoi(arg.String())
	if err != nil || n < 1 {
		r.failf("spec.runtime.args."+name, "want a whole number over zero, got %q", arg)
		return 1
	}
	return min(n, mostRanks)
}

func divisors(n, most int) string {
	var list []string
	for d := 1; d <= most; d++ {
		if n%d == 0 {
			list = append(list, strconv.Itoa(d))
		}
	}
	return strings.Join(list, ", ")
}

func (r *resolver) replicas() (int, int) {
	low, high := 1, 0
	if r.spec.Replicas.Min != nil {
		low = *r.spec.Replicas.Min
	}
	high = max(low, 1)
	if r.spec.Replicas.Max != nil {
		high = *r.spec.Replicas.Max
	}
	for path, n := range map[string]int{"spec.replicas.min": low, "spec.replicas.max": high} {
		if n > math.MaxInt32 {
			r.failf(path, "%d is more than the %d that Kubernetes can count to", n, math.MaxInt32)
		}
	}
	r.checkLeast(low)
	if high < low {
		r.failf("spec.replicas.max", "%d is less than min, %d", high, low)
	}
	if scaler := r.spec.Scaling.Type; (scaler == "hpa" || scaler == KEDA) && high <= low {
		r.failf("spec.scaling.type", "%s has nothing to do with replicas from %d to %d; raise replicas.max or take the line out", scaler, low, high)
	}
	return low, high
}
