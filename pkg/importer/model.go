package importer

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/sizing"
	"github.com/kservegen/kservegen/pkg/spec"
)

var repositoryID = regexp.MustCompile(`^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$`)

// storageVariable is where a custom predictor says what KServe is to bring to modelDir (pkg/webhook/admission/pod,
// CustomSpecStorageUriEnvVarKey).
const storageVariable = "STORAGE_URI"

// tokenVariables are those that huggingface_hub reads a token from (huggingface_hub/utils/_auth.py).
func tokenVariables() []string { return []string{"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"} }

// modelFields infers spec.model but its id, which ids gives the choice of, and the name it is served by.
func modelFields(s *scene, w *workload, id string) map[string]any {
	model := map[string]any{}
	put(model, id, "id")
	uri := w.source()
	put(model, uri, "source")
	if repository, commit, ok := hubSource(uri); ok && repository == id {
		put(model, commit, "revision")
	}
	if f, ok := w.line.find("revision"); ok {
		put(model, f.value(), "revision")
		if repository, commit, hub := hubSource(uri); hub && commit == "" && f.value() != "" {
			put(model, "hf://"+repository+":"+f.value(), "source")
		}
	}
	if f, ok := w.line.find("max-model-len"); ok {
		put(model, scalar(tokens(f.value())), "maxModelLen")
	}
	put(model, w.secret(s), "secret")
	if w.storage == "" && strings.HasPrefix(uri, "s3://") {
		put(model, true, "streamed")
	}
	if claim, ok := strings.CutPrefix(uri, "pvc://"); ok {
		claim, _, _ = strings.Cut(claim, "/")
		put(model, orNil(s.volume(claim, w.object.Namespace())), "volume")
		put(model, orNil(s.restored(w, claim)), "volume")
		s.download(w.object.Namespace(), model)
	}
	put(model, s.cache(w, uri), "cache")
	put(model, orNil(s.externalSecret(text(model["secret"]), w.object.Namespace())), "externalSecret")
	return model
}

func orNil(m map[string]any) any {
	if len(m) == 0 {
		return nil
	}
	return m
}

// hubSource splits hf://organisation/name:commit.
func hubSource(uri string) (repository, commit string, ok bool) {
	rest, ok := strings.CutPrefix(uri, "hf://")
	repository, commit, _ = strings.Cut(rest, ":")
	return repository, commit, ok
}

// source is where the weights come from, as a storageUri; empty where nothing says it.
func (w *workload) source() string {
	if w.storage != "" {
		return w.storage
	}
	named := w.modelArgument()
	switch {
	case strings.Contains(named, "://"):
		return named
	case repositoryID.MatchString(named):
		return "hf://" + named
	case strings.HasPrefix(named, "/"):
		return w.mounted(named)
	}
	return ""
}

// modelArgument is what the command line names as the model; empty for the place where KServe puts the weights.
func (w *workload) modelArgument() string {
	named := w.line.model.text
	if f, ok := w.line.find("model", "model-id"); ok {
		named = f.value()
	}
	if strings.HasPrefix(named, modelDir) && w.storage != "" {
		return ""
	}
	return named
}

// mounted turns a path in the container into pvc://claim/path where a claim is mounted there.
func (w *workload) mounted(file string) string {
	mount, rest := w.mountOf(file)
	for _, volume := range w.pod.all("volumes") {
		if claim := text(dig(volume, "persistentVolumeClaim", "claimName")); claim != "" && dig(volume, "name") == mount["name"] {
			return strings.TrimSuffix("pvc://"+path.Join(claim, text(mount["subPath"]), rest), "/")
		}
		if snapshot := snapshotOf(volume); snapshot != "" && dig(volume, "name") == mount["name"] {
			return strings.TrimSuffix("pvc://"+path.Join(snapshot, text(mount["subPath"]), rest), "/")
		}
		if image := text(dig(volume, "image", "reference")); image != "" && dig(volume, "name") == mount["name"] {
			return "oci://" + image
		}
	}
	return ""
}

// mountOf finds the mount that a path is below, and what is left of the path.
func (w *workload) mountOf(file string) (map[string]any, string) {
	for _, mount := range w.container.all("volumeMounts") {
		at := path.Clean(text(dig(mount, "mountPath")))
		if rest, inside := strings.CutPrefix(path.Clean(file)+"/", at+"/"); inside {
			return fields(mount), rest
		}
	}
	return nil, ""
}

// weightsVolume is the volume that the server reads the weights from itself, empty where there is none.
func (w *workload) weightsVolume() string {
	named := w.modelArgument()
	if !strings.HasPrefix(named, "/") || w.mounted(named) == "" {
		return ""
	}
	mount, _ := w.mountOf(named)
	return text(mount["name"])
}

// servedNames are what clients may send as "model": --served-model-name, or what vLLM takes instead of it, the model.
func (w *workload) servedNames() []string {
	var names []string
	if f, ok := w.line.find("served-model-name", "model-name"); ok {
		for _, name := range f.values {
			names = append(names, strings.ReplaceAll(name, "{{.Name}}", w.object.Name()))
		}
	}
	if f, ok := w.line.find("model"); ok && len(names) == 0 {
		names = f.values
	}
	if len(names) == 0 {
		names = []string{cmp.Or(w.line.model.text, w.object.Name())}
	}
	return names
}

// servedName is the first of them, the only one that a document has.
func (w *workload) servedName() string { return w.servedNames()[0] }

// tokens reads a length as vLLM does: 8k is 8000, 8K is 8192 (vllm/utils/argparse_utils.py).
func tokens(value string) string {
	for suffix, factor := range map[string]int64{"k": 1e3, "K": 1 << 10, "m": 1e6, "M": 1 << 20} {
		if n, ok := strings.CutSuffix(value, suffix); ok {
			if q, err := resource.ParseQuantity(n); err == nil {
				return fmt.Sprint(q.Value() * factor)
			}
		}
	}
	if value == "-1" {
		return spec.Auto
	}
	return value
}

// secret is the Secret with the credentials of the source: that of the token's variable, or of the ServiceAccount.
func (w *workload) secret(s *scene) string {
	if name := text(dig(w.env(append(tokenVariables(), "AWS_ACCESS_KEY_ID")...), "valueFrom", "secretKeyRef", "name")); name != "" {
		return name
	}
	if account := s.account(w); account != nil {
		for _, secret := range items(account.Data["secrets"]) {
			return text(dig(secret, "name"))
		}
	}
	return ""
}

// account is the ServiceAccount of a workload's pods, nil where it is not in the input.
func (s *scene) account(w *workload) *manifest.Resource {
	var found *manifest.Resource
	s.each("ServiceAccount", "v1", func(r *manifest.Resource) {
		if r.Namespace() == w.object.Namespace() && r.Name() == text(w.pod.get("serviceAccountName")) {
			found = r
		}
	})
	return found
}

// ids lists the models that a workload may serve, the likeliest first: what it names itself, then those of the
// catalogue that are called like its weights, its served name or itself. Where a tree of ours asks for disk, it is of a
// model of that size.
func (w *workload) ids() []string {
	var ids []string
	add := func(id string) {
		if repositoryID.MatchString(id) && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, named := range []string{w.modelArgument(), w.servedName()} {
		add(named)
	}
	repository, _, _ := hubSource(w.storage)
	add(repository)
	_, rest, _ := strings.Cut(w.source(), "://")
	for _, name := range []string{path.Base(rest), w.servedName(), w.model, w.object.Name()} {
		add(catalogued(name))
	}
	sized := w.sized()
	if fitting := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !slices.Contains(sized, id) }); len(sized) > 0 {
		ids = fitting
	}
	for _, id := range append(sized, w.startsLike()...) {
		add(id)
	}
	return ids
}

// catalogued is the id of the model of the catalogue with a name, however it is written.
func catalogued(name string) string {
	models, err := catalog.Models()
	if err != nil || name == "" || name == "." {
		return ""
	}
	for _, m := range models {
		if derived := spec.DeriveName(name); derived == spec.DeriveName(m.Name) || derived == spec.DeriveName(m.ID) {
			return m.ID
		}
	}
	return ""
}

// sized are the models of the catalogue whose weights a request for disk was computed from.
func (w *workload) sized() []string {
	q, err := resource.ParseQuantity(text(quantity(w.container.get("resources", "requests", "ephemeral-storage"))))
	models, readErr := catalog.Models()
	if err != nil || readErr != nil || !w.ours() {
		return nil
	}
	const beside = 11 // GiB of caches and of rounding, pkg/kserve
	var ids []string
	for _, m := range models {
		if m.WeightsBytes>>30+beside == q.Value()>>30 {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// startsLike are the models of the catalogue that a start-up probe of a tree of ours waits for as long.
func (w *workload) startsLike() []string {
	probe := fields(w.container.get("startupProbe"))
	models, err := catalog.Models()
	if err != nil || probe == nil || !w.ours() || w.isSimulator() {
		return nil
	}
	seconds := number(probe["failureThreshold"], 0) * number(probe["periodSeconds"], 0)
	var ids []string
	for _, m := range models {
		if int(sizing.StartupFor(m.WeightsBytes, w.nodes(), 0).Budget.Seconds()) == seconds && m.WeightsBytes > 0 {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// quantityScalar is a quantity as a document has it.
func quantityScalar(v any) any {
	if q := text(quantity(v)); q != "" {
		return scalar(q)
	}
	return nil
}

// quantity is a quantity as text, whether it was written as text or as a number; nil for anything else.
func quantity(v any) any {
	switch v := v.(type) {
	case string:
		return v
	case int64, float64:
		return fmt.Sprint(v)
	}
	return nil
}
