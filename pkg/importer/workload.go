package importer

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// mainContainer is the container that KServe runs the model in.
const mainContainer = "kserve-container"

// modelDir is where KServe puts the weights.
const modelDir = "/mnt/models"

// source is where a value of the input stands.
type source struct {
	object  *manifest.Resource
	pointer string
}

// part is a mapping of one object that a container or a pod is put together from.
type part struct {
	object  *manifest.Resource
	pointer string
	data    map[string]any
}

// view is a container or a pod as KServe merges it, the weakest part first.
type view []part

// get returns the strongest part's value.
func (v view) get(keys ...string) any {
	for _, p := range slices.Backward(v) {
		if value := dig(p.data, keys...); value != nil {
			return value
		}
	}
	return nil
}

// all joins a list of every part, the weakest first.
func (v view) all(key string) []any {
	var list []any
	for _, p := range v {
		list = append(list, items(p.data[key])...)
	}
	return list
}

// words are the items of a list of text, with their places.
func (p part) words(key string) []word {
	var words []word
	for i, item := range items(p.data[key]) {
		words = append(words, word{fmt.Sprint(item), source{p.object, fmt.Sprintf("%s/%s/%d", p.pointer, key, i)}})
	}
	return words
}

// workload is what serves one revision.
type workload struct {
	// object is the InferenceService or the Deployment, runtime the ServingRuntime that it names, nil where there is none.
	object, runtime *manifest.Resource
	container, pod  view
	// predictor is that of an InferenceService, or of one of its canaries.
	predictor map[string]any
	line      commandLine
	// storage is the storageUri, empty where the server fetches the weights itself.
	storage string
	// model and revision name it in the document.
	model, revision string
}

func (w *workload) isDeployment() bool { return w.object.Kind() == "Deployment" }

// ours says whether kservegen rendered it: then what is not there was left out on purpose.
func (w *workload) ours() bool {
	return text(dig(w.object.Data, "metadata", "labels", "app.kubernetes.io/managed-by")) == "kservegen"
}

// name is what a person calls the workload in a message.
func (w *workload) name() string { return w.object.Kind() + " " + w.object.Name() }

// placed is its name behind the place where it stands, for errors.
func (w *workload) placed() string {
	at := w.object.At("")
	if at.File == "" {
		return w.name()
	}
	return fmt.Sprintf("%s:%d: %s", at.File, at.Line, w.name())
}

// podLabels are what selectors see of its pods.
func (w *workload) podLabels() map[string]string {
	if w.isDeployment() {
		return textMap(dig(w.object.Data, "spec", "template", "metadata", "labels"))
	}
	if w.isLeaderWorkerSet() {
		return textMap(dig(w.object.Data, "spec", "leaderWorkerTemplate", "leaderTemplate", "metadata", "labels"))
	}
	if w.isLLM() {
		labels := textMap(dig(w.object.Data, "spec", "labels"))
		labels["app.kubernetes.io/name"], labels["app.kubernetes.io/part-of"] = w.object.Name(), "llminferenceservice"
		return labels
	}
	labels := textMap(dig(w.object.Data, "metadata", "labels"))
	for key, value := range textMap(w.predictor["labels"]) {
		labels[key] = value
	}
	labels["serving.kserve.io/inferenceservice"] = w.object.Name()
	labels["app"] = "isvc." + w.service()
	return labels
}

// env returns a variable of the container as it is written, nil where there is none.
func (w *workload) env(names ...string) map[string]any {
	for _, entry := range slices.Backward(w.container.all("env")) {
		if slices.Contains(names, text(dig(entry, "name"))) {
			return fields(entry)
		}
	}
	return nil
}

// workloads finds what serves a model with vLLM, in the order of the input.
func workloads(resources []manifest.Resource) []*workload {
	var found []*workload
	for i := range resources {
		var list []*workload
		switch r := &resources[i]; {
		case r.Kind() == "InferenceService" && group(*r) == "serving.kserve.io":
			list = append(list, predictor(r, predictorPath, fields(dig(r.Data, "spec", "predictor")), resources))
			list = append(list, canaries(r, resources)...)
		case r.Kind() == spec.ServingLLMInferenceService && group(*r) == "serving.kserve.io":
			list = append(list, llm(r))
		case r.Kind() == "Deployment" && group(*r) == "apps":
			list = append(list, deployment(r))
		case r.Kind() == leaderWorkerSet && group(*r) == "leaderworkerset.x-k8s.io":
			list = append(list, groupsOf(r))
		}
		for _, w := range list {
			if w != nil {
				w.read()
				found = append(found, w)
			}
		}
	}
	return slices.DeleteFunc(found, func(w *workload) bool { return !w.servesLLM() })
}

// predictor puts one together from the InferenceService, which has it at a pointer, and its runtime.
func predictor(r *manifest.Resource, at string, predictor map[string]any, resources []manifest.Resource) *workload {
	w := &workload{object: r, predictor: predictor}
	name, model := "model", fields(predictor["model"])
	if model == nil {
		name, model = "huggingface", fields(predictor["huggingface"])
	}
	if w.runtime = runtimeOf(r, model, resources); w.runtime != nil {
		spec := fields(w.runtime.Data["spec"])
		w.pod = append(w.pod, part{w.runtime, "/spec", spec})
		if i := indexOfContainer(spec, isMain); i >= 0 {
			w.container = append(w.container, containerPart(w.runtime, "/spec", spec, i))
		}
	}
	w.pod = append(w.pod, part{r, at, predictor})
	if model != nil {
		w.storage = text(model["storageUri"])
		w.container = append(w.container, part{r, at + "/" + name, model})
	} else if i := max(indexOfContainer(predictor, isMain), 0); len(items(predictor["containers"])) > i {
		w.container = append(w.container, containerPart(r, at, predictor, i))
	}
	return w
}

func isMain(container map[string]any) bool { return container["name"] == mainContainer }

func indexOfContainer(pod map[string]any, wanted func(map[string]any) bool) int {
	return slices.IndexFunc(items(pod["containers"]), func(c any) bool { return wanted(fields(c)) })
}

func containerPart(r *manifest.Resource, pod string, data map[string]any, i int) part {
	return part{r, fmt.Sprintf("%s/containers/%d", pod, i), fields(items(data["containers"])[i])}
}

// deployment is the container of a Deployment that runs vLLM, nil where none does.
func deployment(r *manifest.Resource) *workload {
	const at = "/spec/template/spec"
	pod := fields(dig(r.Data, "spec", "template", "spec"))
	i := indexOfContainer(pod, func(c map[string]any) bool {
		one := &workload{object: r, container: view{{r, "", c}}}
		one.read()
		return one.runsServer()
	})
	if i < 0 {
		return nil
	}
	return &workload{object: r, pod: view{{r, at, pod}}, container: view{containerPart(r, at, pod, i)}}
}

// read reads the command line.
func (w *workload) read() {
	var command, args []word
	for _, p := range w.container {
		if words := p.words("command"); len(words) > 0 {
			command = words
		}
		args = append(args, p.words("args")...)
	}
	w.line = readCommandLine(command, args)
	if w.isHuggingFaceServer() {
		w.line.takeSynonyms()
	}
	if !w.isDeployment() && w.storage == "" {
		w.storage = text(w.env(storageVariable)["value"])
	}
}

// runsServer says whether the container runs vLLM, or what answers like it, by its command or its image.
func (w *workload) runsServer() bool {
	name, _ := splitImage(text(w.container.get("image")))
	base := path.Base(name)
	return w.line.server != "" || strings.Contains(base, "vllm") || base == simulatorServer || base == huggingFaceServer
}

func (w *workload) servesLLM() bool {
	if w.runsServer() {
		return true
	}
	format := text(w.container.get("modelFormat", "name"))
	return w.isHuggingFaceServer() || strings.EqualFold(format, "vllm")
}

// splitImage returns an image's name and its tag; the tag is empty where there is none or a digest. The registry that is
// meant where none is named goes without saying.
func splitImage(image string) (name, tag string) {
	image = strings.TrimPrefix(image, "docker.io/")
	if name, _, digest := strings.Cut(image, "@"); digest {
		return name, ""
	}
	if at := strings.LastIndexByte(image, ':'); at > strings.LastIndexByte(image, '/') {
		return image[:at], image[at+1:]
	}
	return image, ""
}

var (
	endsWithVersion = regexp.MustCompile(`^(.+)-(v[0-9][a-z0-9-]*)$`)
	sequence        = regexp.MustCompile(`^(.*[a-z0-9])-?$`)
)

// nameWorkloads splits the names of workloads into that of the model and those of its revisions.
func nameWorkloads(list []*workload) {
	common := commonName(list)
	for i, w := range list {
		labels := w.podLabels()
		w.model, w.revision = labels[spec.ModelLabel], labels[spec.RevisionLabel]
		if w.model != "" && w.revision != "" {
			continue
		}
		name := w.object.Name()
		switch parts := endsWithVersion.FindStringSubmatch(name); {
		case len(list) > 1 && common != "" && len(name) > len(common)+1:
			w.model, w.revision = common, name[len(common)+1:]
		case len(list) > 1:
			w.model, w.revision = cmp.Or(common, list[0].object.Name()), "v"+strconv.Itoa(i+1)
		case parts != nil:
			w.model, w.revision = parts[1], parts[2]
		default:
			w.model, w.revision = name, spec.DefaultRevision
		}
		// A Deployment may have dots in its name.
		w.model, w.revision = spec.DeriveName(w.model), spec.DeriveName(w.revision)
	}
}

// commonName is what the names of several workloads begin with, up to a dash.
func commonName(list []*workload) string {
	if len(list) < 2 {
		return ""
	}
	common := list[0].object.Name()
	for _, w := range list[1:] {
		name := w.object.Name()
		for common != "" && name != common && !strings.HasPrefix(name, common+"-") {
			common = common[:max(strings.LastIndexByte(common, '-'), 0)]
		}
	}
	if parts := sequence.FindStringSubmatch(common); parts != nil {
		return parts[1]
	}
	return ""
}
