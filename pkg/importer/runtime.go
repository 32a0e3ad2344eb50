package importer

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/pkg/kserve"
	"github.com/kservegen/kservegen/pkg/spec"
	"github.com/kservegen/kservegen/runtimes"
)

// template is the container of a runtime of the catalogue.
type template struct {
	name      string
	container map[string]any
}

func templateOf(name string) (template, error) {
	data, err := runtimes.Get(name)
	if err != nil {
		return template{}, err
	}
	var runtime map[string]any
	if err := yaml.Unmarshal(data, &runtime); err != nil {
		return template{}, fmt.Errorf("reading runtime %s: %w", name, err)
	}
	return template{name, fields(items(dig(runtime, "spec", "containers"))[0])}, nil
}

// isSimulator says whether the workload runs the simulator of vLLM.
func (w *workload) isSimulator() bool {
	image, _ := splitImage(text(w.container.get("image")))
	return w.line.server == simulatorServer || strings.HasSuffix(image, "/"+simulatorServer)
}

// runtimeFields infers spec.runtime. given are the flags that the catalogue gives the model.
func runtimeFields(w *workload, t template, given map[string]string) map[string]any {
	runtime := map[string]any{}
	put(runtime, t.name, "name")
	if !w.isHuggingFaceServer() {
		imageFields(runtime, text(w.container.get("image")), t)
	}
	flags := slices.DeleteFunc(slices.Clone(w.line.flags), func(f flag) bool { return elsewhere()[f.name] || w.ofServer(f.name) || w.ofGroup(f.name) })
	whole := writtenWhole(w.line.flags, t)
	for _, f := range flags {
		name, value := argument(f, given[f.name] != "" || whole[f.name])
		put(runtime, value, "args", name)
	}
	for name, value := range plainEnv(w, t) {
		put(runtime, value, "env", name)
	}
	if probe := fields(w.container.get("startupProbe")); probe != nil {
		// What a probe has where it does not say it: 3 times, 10 s apart (core/v1).
		seconds := number(probe["failureThreshold"], 3) * number(probe["periodSeconds"], 10)
		put(runtime, duration(seconds), "startupTimeout")
	}
	put(runtime, drain(w, t), "drainTimeout")
	if executor := w.executor(); executor != "" {
		put(runtime, executor, "executor")
	}
	return runtime
}

// imageFields says the version where the image is the catalogue's, and the whole image elsewhere.
func imageFields(runtime map[string]any, image string, t template) {
	pinned, _ := splitImage(text(t.container["image"]))
	switch name, tag := splitImage(image); {
	case name == pinned && tag != "":
		put(runtime, tag, "version")
	default:
		put(runtime, image, "image")
	}
}

// elsewhere are flags that other fields of the document say, or that a tree sets by itself.
func elsewhere() map[string]bool {
	return map[string]bool{
		"model": true, "model-id": true, "model-name": true, "model-dir": true, "served-model-name": true,
		"max-model-len": true, "revision": true, "port": true, "shutdown-timeout": true,
	}
}

// argument is a flag as spec.runtime.args has it. --no-x is x: false, or no-x: true where it is told to be written whole.
func argument(f flag, whole bool) (name string, value any) {
	switch len(f.values) {
	case 0:
		if positive, negated := strings.CutPrefix(f.name, "no-"); negated && !whole {
			return positive, false
		}
		return f.name, true
	case 1:
		return f.name, scalar(f.values[0])
	}
	return f.name, anys(f.values)
}

// writtenWhole are the flags --no-x that a document calls no-x and not x: a tree of ours has flags in the order of their
// names in the document, behind those of the runtime. None where the flags are in no such order.
func writtenWhole(flags []flag, t template) map[string]bool {
	var own []word
	for _, arg := range texts(t.container["args"]) {
		own = append(own, word{text: arg})
	}
	whole, last := map[string]bool{}, ""
	for _, f := range flags {
		if slices.ContainsFunc(flagsOf(own), func(o flag) bool { return o.name == f.name }) {
			continue
		}
		positive, negated := strings.CutPrefix(f.name, "no-")
		switch {
		case negated && len(f.values) == 0 && last <= positive:
			last = positive
		case last <= f.name:
			last, whole[f.name] = f.name, negated
		default:
			return nil
		}
	}
	return whole
}

// plainEnv are the variables that the document can say: those with a value that the runtime does not have as well.
func plainEnv(w *workload, t template) map[string]any {
	env := map[string]any{}
	for _, entry := range w.container.all("env") {
		name, value := text(dig(entry, "name")), dig(entry, "value")
		if value == nil && dig(entry, "valueFrom") == nil {
			value = ""
		}
		if value != nil && name != "" && name != storageVariable && !w.ofGroup(name) {
			env[name] = scalar(fmt.Sprint(value))
		}
	}
	for _, entry := range items(t.container["env"]) {
		if name := text(dig(entry, "name")); env[name] == scalar(text(dig(entry, "value"))) {
			delete(env, name)
		}
	}
	// It follows the start-up probe.
	if probe := fields(w.container.get("startupProbe")); probe != nil {
		const ready = "VLLM_ENGINE_READY_TIMEOUT_S"
		if env[ready] == scalar(fmt.Sprint(number(probe["failureThreshold"], 3)*number(probe["periodSeconds"], 10))) {
			delete(env, ready)
		}
	}
	return env
}

// drain is what is left of the grace period for streams to end: without the pause and the teardown.
func drain(w *workload, t template) string {
	if dig(t.container, "lifecycle") == nil {
		return ""
	}
	grace := number(w.pod.get("terminationGracePeriodSeconds"), 0)
	rest := kserve.GracePeriod(corev1.Container{}, spec.RevisionTarget{Runtime: spec.Runtime{Name: t.name, DrainTimeout: "1s"}}) - time.Second
	pause, _ := dig(t.container, "lifecycle", "preStop", "sleep", "seconds").(float64)
	return duration(grace - int(rest.Seconds()) - int(pause))
}

// duration writes seconds as a person would; empty where there are none.
func duration(seconds int) string {
	if seconds <= 0 {
		return ""
	}
	written := (time.Duration(seconds) * time.Second).String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(written, zero) {
			written = written[:len(written)-2]
		}
	}
	return written
}
