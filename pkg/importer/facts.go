package importer

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// fact is one value of an object, under an address that is the same whichever object says it: a flag is a flag whether a
// Deployment, a ServingRuntime or an InferenceService has it.
type fact struct {
	value any
	at    source
}

// facts of a scene, by role and then by address. A role is what an object is for, such as workload/v1.
type facts map[string]map[string]fact

// begin makes a role known, by the object that plays it.
func (f facts) begin(role string, r *manifest.Resource) {
	if f[role] == nil {
		f[role] = map[string]fact{}
	}
	f[role][""] = fact{at: source{object: r}}
}

// add is for values; null says nothing.
func (f facts) add(role, address string, value any, at source) {
	if value == nil {
		return
	}
	if f[role] == nil {
		f[role] = map[string]fact{}
	}
	f[role][address] = fact{value, at}
}

// factsOf reads every object of a scene.
func factsOf(s *scene, roles map[*manifest.Resource]string) facts {
	f := facts{}
	for _, w := range s.workloads {
		f.workload(w)
	}
	for i := range s.resources {
		r := &s.resources[i]
		if role := roles[r]; role != "" && !strings.HasPrefix(role, "workload/") {
			f.object(s, role, r)
		}
	}
	return f
}

// object adds all that an object says but what names its kind.
func (f facts) object(s *scene, role string, r *manifest.Resource) {
	f.begin(role, r)
	data, moved := s.named(r)
	for _, key := range slices.Sorted(maps.Keys(data)) {
		switch key {
		case "apiVersion", "kind", "status":
		case "metadata":
			f.metadata(role, "metadata", "/metadata", fields(data[key]), r)
		case "secrets":
			for i, secret := range items(data[key]) {
				f.add("secret", text(dig(secret, "name")), text(dig(secret, "name")), source{r, fmt.Sprintf("/secrets/%d/name", i)})
			}
		default:
			f.walk(role, key, data[key], source{r, "/" + key})
		}
	}
	for address, one := range f[role] {
		one.at.pointer = moved.back(one.at.pointer)
		f[role][address] = one
	}
}

// byCluster are the fields of metadata that only a cluster fills in.
func byCluster() []string {
	return []string{"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink", "namespace"}
}

func (f facts) metadata(role, address, pointer string, data map[string]any, r *manifest.Resource) {
	for key, value := range data {
		if slices.Contains(byCluster(), key) {
			continue
		}
		if annotations := fields(value); key == "annotations" && annotations != nil {
			annotations = withoutKey(annotations, "kubectl.kubernetes.io/last-applied-configuration")
			if mode := modes()[text(annotations[deploymentMode])]; mode != "" {
				annotations[deploymentMode] = mode
			}
			value = annotations
		}
		f.walk(role, address+"/"+key, value, source{r, pointer + "/" + manifest.EscapeToken(key)})
	}
}

// deploymentMode says how KServe runs an InferenceService.
const deploymentMode = "serving.kserve.io/deploymentMode"

// modes are the older names of deployment modes (kserve: pkg/constants/constants.go, LegacyRawDeployment).
func modes() map[string]string {
	return map[string]string{"RawDeployment": "Standard", "Serverless": "Knative"}
}

func withoutKey(m map[string]any, key string) map[string]any {
	clone := maps.Clone(m)
	delete(clone, key)
	return clone
}

// walk adds the values below an address. Items of a list are told apart by their names, or else by all they say, as is a
// second one of a name; a list of plain values is one value.
func (f facts) walk(role, address string, v any, at source) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			f.add(role, address, v, at)
		}
		for key, value := range v {
			f.walk(role, address+"/"+manifest.EscapeToken(key), value, source{at.object, at.pointer + "/" + manifest.EscapeToken(key)})
		}
	case []any:
		f.list(role, address, v, at)
	default:
		f.add(role, address, v, at)
	}
}

func (f facts) list(role, address string, list []any, at source) {
	if len(list) == 0 {
		f.add(role, address, list, at)
	}
	seen := map[string]bool{}
	for i, item := range list {
		m, ok := item.(map[string]any)
		if !ok {
			f.add(role, address, list, at)
			return
		}
		below := source{at.object, fmt.Sprintf("%s/%d", at.pointer, i)}
		name, destination := text(m["name"]), text(dig(m, "destination", "host"))
		again := seen[cmp.Or(name, destination)]
		seen[cmp.Or(name, destination)] = true
		switch {
		case name != "" && !again:
			f.walk(role, address+"["+name+"]", withoutKey(m, "name"), below)
			f.add(role, address+"["+name+"]", name, below)
		case destination != "" && !again:
			f.walk(role, address+"["+destination+"]", m, below)
		default:
			f.add(role, address+"["+short(m)+"]", m, below)
		}
	}
}

// short prints a value on one line.
func short(v any) string {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimSpace(out.String())
}

// workload adds what serves one revision, by what it means: the container and the pod as KServe merges them.
func (f facts) workload(w *workload) {
	role := "workload/" + w.revision
	f.begin(role, w.object)
	for _, r := range []*manifest.Resource{w.runtime, w.object} {
		if r != nil {
			f.metadata(role, strings.ToLower(kindOf(r))+"/metadata", "/metadata", fields(r.Data["metadata"]), r)
		}
	}
	f.besidePod(role, w)
	for _, p := range w.pod {
		f.pod(role, w, p)
	}
	for _, p := range w.container {
		f.container(role, w, p)
	}
	f.commandLine(role, w)
	if uri := w.source(); uri != "" {
		f.add(role, "source", f.weights(w, uri), w.sourceAt())
	}
	f.add(role, "servedName", strings.Join(w.servedNames(), " "), w.servedAt())
	f.add(role, "namespace", w.object.Namespace(), source{w.object, "/metadata/namespace"})
}

// weights is the source with the commit that a flag names.
func (f facts) weights(w *workload, uri string) string {
	revision, ok := w.line.find("revision")
	if repository, commit, hub := hubSource(uri); hub && commit == "" && ok {
		return "hf://" + repository + ":" + revision.value()
	}
	return uri
}

func (w *workload) sourceAt() source {
	last := w.container[len(w.container)-1]
	if w.isLLM() {
		return source{w.object, "/spec/model/uri"}
	}
	if w.storage != "" {
		return source{last.object, last.pointer + "/storageUri"}
	}
	if f, ok := w.line.find("model", "model-id"); ok {
		return f.at
	}
	return w.line.model.at
}

func (w *workload) servedAt() source {
	if f, ok := w.line.find("served-model-name", "model-name", "model"); ok {
		return f.at
	}
	if w.line.model.at.object != nil {
		return w.line.model.at
	}
	return source{w.object, "/metadata/name"}
}

// holdsWeights says whether a volume is where the server reads the weights itself: then the source says it.
func (w *workload) holdsWeights(volume string) bool {
	return w.storage == "" && volume != "" && volume == w.weightsVolume()
}

// kindOf is what a person takes the object for: a Deployment becomes an InferenceService.
func kindOf(r *manifest.Resource) string {
	switch r.Kind() {
	case "Deployment":
		return "InferenceService"
	case "ClusterServingRuntime":
		return "ServingRuntime"
	}
	return r.Kind()
}

// besidePod adds what a Deployment says beside its template. Its selector says nothing that the labels do not.
func (f facts) besidePod(role string, w *workload) {
	data := fields(w.object.Data["spec"])
	for key, value := range data {
		at := source{w.object, "/spec/" + key}
		switch {
		case w.isLLM():
			f.besideTemplate(role, key, value, at)
		case !w.isDeployment():
			switch {
			case key == "canary" && w.ours():
				f.percent(role, w, items(value), at)
			case key != "predictor":
				f.walk(role, "inferenceservice/"+key, value, at)
			}
		case key == "replicas":
			f.add(role, "pod/minReplicas", value, at)
		case key == "strategy":
			f.walk(role, "pod/deploymentStrategy", value, at)
		case key == "template":
			f.metadata(role, "pod", "/spec/template/metadata", fields(dig(value, "metadata")), w.object)
		case key != "selector":
			f.walk(role, "deployment/"+key, value, at)
		}
	}
}

// percent adds the share of a workload that is one of the canaries.
func (f facts) percent(role string, w *workload, canaries []any, at source) {
	for i, canary := range canaries {
		if text(dig(canary, "predictor", "name")) == text(w.predictor["name"]) {
			f.add(role, "inferenceservice/trafficPercent", dig(canary, "trafficPercent"), source{at.object, fmt.Sprintf("%s/%d/trafficPercent", at.pointer, i)})
		}
	}
}

// besideTemplate adds what an LLMInferenceService says beside its template.
func (f facts) besideTemplate(role, key string, value any, at source) {
	switch key {
	case "template":
	case "replicas":
		f.add(role, "pod/minReplicas", value, at)
	case "labels", "annotations":
		f.walk(role, "pod/"+key, value, at)
	case "model":
		f.walk(role, "llminferenceservice/model", withoutKey(fields(value), "uri"), at)
	default:
		f.walk(role, "llminferenceservice/"+key, value, at)
	}
}

// pod adds what a part says of the pod besides its main container.
func (f facts) pod(role string, w *workload, p part) {
	for key, value := range p.data {
		address, at := "pod/"+key, source{p.object, p.pointer + "/" + key}
		switch key {
		case "model", "huggingface":
		case "containers":
			for i, c := range items(value) {
				if pointer := fmt.Sprintf("%s/%d", at.pointer, i); !w.isContainer(p.object, pointer) {
					f.walk(role, address+"["+text(dig(c, "name"))+"]", c, source{p.object, pointer})
				}
			}
		case "volumes":
			f.volumes(role, w, items(value), at)
		case "nodeSelector":
			for label, wanted := range textMap(value) {
				f.add(role, "pod/nodes["+short(map[string]any{"key": label, "operator": "In", "values": []any{wanted}})+"]", wanted,
					source{p.object, at.pointer + "/" + manifest.EscapeToken(label)})
			}
		case "affinity":
			f.affinity(role, fields(value), at)
		default:
			f.walk(role, address, value, at)
		}
	}
}

func (w *workload) isContainer(r *manifest.Resource, pointer string) bool {
	return slices.ContainsFunc(w.container, func(p part) bool { return p.object == r && p.pointer == pointer })
}

// affinity adds the terms that nodes must fit one by one, and each label of a term that wants only one.
func (f facts) affinity(role string, affinity map[string]any, at source) {
	const terms = "/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms"
	for i, term := range items(dig(affinity, "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")) {
		below := source{at.object, fmt.Sprintf("%s%s/%d", at.pointer, terms, i)}
		f.add(role, "pod/terms["+short(term)+"]", term, below)
		for _, expression := range items(dig(term, "matchExpressions")) {
			f.add(role, "implied/pod/nodes["+short(expression)+"]", expression, below)
		}
	}
	for key, value := range affinity {
		if key == "nodeAffinity" {
			value = withoutKey(fields(value), "requiredDuringSchedulingIgnoredDuringExecution")
		}
		f.walk(role, "pod/affinity/"+key, value, source{at.object, at.pointer + "/" + key})
	}
}

// volumes adds volumes by where they are mounted: their names mean nothing.
func (f facts) volumes(role string, w *workload, volumes []any, at source) {
	for i, volume := range volumes {
		name := text(dig(volume, "name"))
		if w.holdsWeights(name) {
			continue
		}
		address := "pod/volumes[" + name + "]"
		for _, mount := range w.container.all("volumeMounts") {
			if text(dig(mount, "name")) == name {
				address = "volume[" + path.Clean(text(dig(mount, "mountPath"))) + "]"
			}
		}
		f.walk(role, address, withoutKey(fields(volume), "name"), source{at.object, fmt.Sprintf("%s/%d", at.pointer, i)})
	}
}

// container adds what a part says of the main container besides its command line.
func (f facts) container(role string, w *workload, p part) {
	for key, value := range p.data {
		address, at := "container/"+key, source{p.object, p.pointer + "/" + key}
		switch key {
		case "command", "args", "storageUri":
		case "runtime": // what a runtime of the input says has facts of its own
			if w.runtime == nil {
				f.add(role, address, value, at)
			}
		case "image":
			if w.isHuggingFaceServer() {
				address = serverAddress + "/image"
			}
			f.add(role, address, strings.TrimPrefix(fmt.Sprint(value), "docker.io/"), at)
		case "env":
			f.env(role, items(value), at)
		case "resources":
			f.resources(role, fields(value), at)
		case "volumeMounts":
			for i, mount := range items(value) {
				if w.holdsWeights(text(dig(mount, "name"))) {
					continue
				}
				where := "mount[" + path.Clean(text(dig(mount, "mountPath"))) + "]"
				below := source{at.object, fmt.Sprintf("%s/%d", at.pointer, i)}
				f.add(role, where, text(dig(mount, "mountPath")), below)
				for field, value := range withoutKey(withoutKey(fields(mount), "name"), "mountPath") {
					f.walk(role, where+"/"+field, value, source{below.object, below.pointer + "/" + field})
				}
			}
		default:
			f.walk(role, address, value, at)
		}
	}
}

// env adds variables; a token of Hugging Face is the Secret that holds it.
func (f facts) env(role string, variables []any, at source) {
	for i, variable := range variables {
		name := text(dig(variable, "name"))
		below := source{at.object, fmt.Sprintf("%s/%d", at.pointer, i)}
		if secret := text(dig(variable, "valueFrom", "secretKeyRef", "name")); secret != "" && slices.Contains(tokenVariables(), name) {
			f.add("secret", secret, secret, below)
			continue
		}
		if name == storageVariable {
			continue // the source has a fact of its own
		}
		if dig(variable, "valueFrom") != nil {
			f.walk(role, variablesAddress+"["+name+"]", dig(variable, "valueFrom"), source{below.object, below.pointer + "/valueFrom"})
			continue
		}
		value := dig(variable, "value")
		if value == nil {
			value = ""
		}
		f.add(role, variablesAddress+"["+name+"]", value, source{below.object, below.pointer + "/value"})
	}
}

// resources adds quantities by what they are worth.
func (f facts) resources(role string, resources map[string]any, at source) {
	for kind, wanted := range resources {
		if fields(wanted) == nil {
			f.walk(role, "container/resources/"+kind, wanted, source{at.object, at.pointer + "/" + kind})
		}
		for name, amount := range fields(wanted) {
			value := amount
			if q, err := resource.ParseQuantity(text(quantity(amount))); err == nil {
				value = q.String()
			}
			f.add(role, "container/resources/"+kind+"/"+name, value, source{at.object, at.pointer + "/" + kind + "/" + manifest.EscapeToken(name)})
		}
	}
}

// argumentsAddress is that of a command line that could not be read.
const argumentsAddress = "container/args"

// variablesAddress is that of the variables, with the name of one behind it in brackets.
const variablesAddress = "container/env"

func argumentAddress(flag string) string { return argumentsAddress + "[" + flag + "]" }

// commandLine adds the flags by their full names. The model and the name that it is served by have facts of their own.
func (f facts) commandLine(role string, w *workload) {
	if w.line.opaque {
		last := w.container[len(w.container)-1]
		f.add(role, "container/command", last.data["command"], source{last.object, last.pointer + "/command"})
		f.add(role, argumentsAddress, last.data["args"], source{last.object, last.pointer + "/args"})
		return
	}
	for _, one := range w.line.unread {
		f.add(role, "container/command["+one.text+"]", one.text, one.at)
	}
	if w.line.model.text != "" && w.storage != "" {
		f.add(role, argumentAddress("model"), w.line.model.text, w.line.model.at)
	}
	for _, one := range w.line.flags {
		if w.ofServer(one.name) {
			f.add(role, serverAddress+"["+one.name+"]", strings.Join(one.values, " "), one.at)
			continue
		}
		switch one.name {
		case "model":
			if w.storage != "" { // a place in what KServe brings
				f.add(role, argumentAddress(one.name), one.value(), one.at)
			}
		case "model-id", "served-model-name", "model-name", "revision":
		case "max-model-len":
			f.add(role, argumentAddress(one.name), tokens(one.value()), one.at)
		default:
			f.add(role, argumentAddress(one.name), strings.Join(one.values, " "), one.at)
		}
	}
}
