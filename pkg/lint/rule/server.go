package rule

import (
	"slices"
	"strings"
)

// Servers returns the workloads that serve models: predictors, LLMInferenceServices, and the leaders and workers of
// LeaderWorkerSets. A rule about KServe's merge of a runtime and an InferenceService asks for Predictors instead.
func (c *Context) Servers() []*Workload {
	c.askAll(ServerKinds)
	return c.index.servers
}

// ServerKinds are those that Context.Servers reads.
func ServerKinds(more ...Kind) []Kind {
	return append(PredictorKinds(LLMInferenceService, LeaderWorkerSet), more...)
}

func servers(workloads []*Workload) []*Workload {
	return slices.DeleteFunc(slices.Clone(workloads), func(w *Workload) bool { return !w.Serves })
}

// Main is the container that serves the model; an empty one where there is none to see.
func (w *Workload) Main() Container {
	switch {
	case w.Predictor != nil:
		return w.Predictor.Main()
	case w.main < len(w.Containers):
		return w.Containers[w.main]
	}
	return Container{}
}

// PodField is a field of the pod's spec; of a canary, the stable predictor's where it has none of its own.
func (w *Workload) PodField(keys ...string) Value {
	if own := w.Pod.Field(keys...); own.Found() || !w.beneath.Found() {
		return own
	}
	return w.beneath.Field(keys...)
}

// StorageURIs are all places that KServe loads the model from; a LeaderWorkerSet has none.
func (w *Workload) StorageURIs() []Value {
	if w.Predictor != nil {
		return w.Predictor.StorageURIs()
	}
	if uri := w.Object.Field("spec", "model", "uri"); w.Kind == LLMInferenceService && uri.Found() {
		return []Value{uri}
	}
	return nil
}

// Claims are the values that name one: of volumes, and pvc:// URIs.
func (w *Workload) Claims() []Value {
	var all []Value
	for _, volume := range w.Volumes() {
		if name := volume.Field("persistentVolumeClaim", "claimName"); name.Text() != "" {
			all = append(all, name)
		}
	}
	for _, uri := range w.StorageURIs() {
		if strings.HasPrefix(uri.Text(), "pvc://") {
			all = append(all, uri)
		}
	}
	return all
}

// ClaimName is the claim that a value of Claims names.
func ClaimName(value Value) string {
	if path, is := strings.CutPrefix(value.Text(), "pvc://"); is {
		name, _, _ := strings.Cut(path, "/")
		return name
	}
	return value.Text()
}

// PortsKnown says whether the numbers of the ports that the pods listen on can be told: KServe, vLLM's flags or those of the chat's
// page say them, while another server may listen on one that nobody declares.
func (w *Workload) PortsKnown() bool {
	page, is := w.ChatPage()
	return is && page.Alone() || w.Predictor != nil || w.Serves && IsVLLM(w.Main())
}

// Silent says whether the pods serve nothing: vLLM's ranks that have no API, or a predictor in Standard mode that declares
// no port, for KServe declares none then.
func (w *Workload) Silent() bool {
	if p := w.Predictor; p != nil {
		return p.Mode() == Standard && len(p.Main().Ports()) == 0
	}
	_, headless := FindFlag(w.Main(), "headless")
	return w.Serves && (headless || w.joins && len(w.Main().Ports()) == 0)
}

// Mounts are those of every container of the pods, the runtime's too.
func (w *Workload) Mounts() []Value {
	mounts := mountsIn(w.Pod)
	if w.Predictor != nil && w.Predictor.Runtime != nil {
		mounts = append(mounts, mountsIn(w.Predictor.Runtime.Field("spec"))...)
	}
	return mounts
}

func mountsIn(value Value) []Value {
	var mounts []Value
	for key, field := range value.Entries() {
		if key == "volumeMounts" || key == "volumeDevices" {
			mounts = slices.AppendSeq(mounts, field.Items())
		} else {
			mounts = append(mounts, mountsIn(field)...)
		}
	}
	for item := range value.Items() {
		mounts = append(mounts, mountsIn(item)...)
	}
	return mounts
}

// IsGroup says whether a model runs on several pods of which this is one.
func (w *Workload) IsGroup() bool {
	if p := w.Predictor; p != nil {
		return p.Spec.Field("workerSpec").Found() || p.Runtime != nil && p.Runtime.Field("spec", "workerSpec").Found()
	}
	return w.Kind == LeaderWorkerSet || w.Object.Field("spec", "worker").Found()
}

// mainAmong is the index of the container that serves: one of KServe's names, else one that runs vLLM, else the first.
func mainAmong(containers []Container) int {
	for _, serves := range []func(Container) bool{
		func(c Container) bool { return c.Name == MainContainer || c.Name == LLMContainer },
		IsVLLM,
	} {
		if i := slices.IndexFunc(containers, serves); i >= 0 {
			return i
		}
	}
	return 0
}
