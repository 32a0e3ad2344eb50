package importer

import (
	"maps"
	"slices"

	"github.com/kservegen/kservegen/pkg/catalog"
)

// draft is what one scene says, every field written out.
type draft struct {
	name      string
	model     string
	namespace string
	served    string
	revisions []string
	parts     map[string]map[string]any // by revision: model, runtime, accelerator, resources, replicas
	whole     map[string]any            // everything that is not of one revision
	traffic   []any
	questions map[string]string // by the field of the document
}

// chooser decides what a scene leaves open.
type chooser struct {
	// model is the place, in the list of candidates, of the id that is tried.
	model       int
	accelerator string
}

func newDraft(s *scene, c chooser) (*draft, error) {
	d := &draft{
		name: s.name, revisions: s.revisionNames(), parts: map[string]map[string]any{}, whole: map[string]any{},
		traffic: s.traffic(), questions: map[string]string{},
	}
	for i, w := range s.workloads {
		if i == 0 {
			d.model, d.namespace, d.served = w.model, w.object.Namespace(), w.servedName()
		}
		part, err := d.part(s, w, c)
		if err != nil {
			return nil, err
		}
		d.parts[w.revision] = part
	}
	for name, section := range map[string]map[string]any{
		"sticky": s.sticky(), "expose": s.expose(), "chat": s.chat(), "security": s.security(), "scaling": s.scaling(), "monitoring": s.monitoring(), "quota": s.quota(),
	} {
		put(d.whole, orNil(section), name)
	}
	if eks := s.platform(); eks != nil {
		put(d.whole, eks, "platform", "eks")
	}
	put(d.whole, s.release(), "platform", "kserve", "version")
	put(d.whole, s.serving(), "serving")
	put(d.whole, s.omitted(), "omit")
	put(d.whole, orNil(s.gitops()), "gitops")
	if s.route != nil && s.gateway() != "" && len(s.hosts()) == 0 {
		d.ask("spec.expose", s.route.Kind()+" "+s.route.Name()+" names no host for clients, and no listener of its Gateway in the input does; write spec.expose with the hosts")
	}
	if len(s.workloads) > 1 && s.route == nil && !s.ours() {
		d.ask("spec.traffic", "no VirtualService or HTTPRoute shares the requests; these weights are those of a Service, which spreads them over replicas")
	}
	return d, nil
}

// part infers what belongs to one revision.
func (d *draft) part(s *scene, w *workload, c chooser) (map[string]any, error) {
	id := d.chooseID(w, c)
	devices, err := findDevices(w, id, c.accelerator)
	if err != nil {
		return nil, err
	}
	if devices.guessed {
		d.ask("spec.accelerator.type", w.name()+" says nothing of its nodes; "+devices.accelerator.Name+
			" is the first of the catalogue on which the model takes as many devices; set it, or import with --accelerator")
	}
	name := devices.accelerator.Runtime
	if w.isSimulator() {
		name = "simulator"
	}
	t, err := templateOf(name)
	if err != nil {
		return nil, err
	}
	runtime := runtimeFields(w, t, given(id, devices.accelerator.Name))
	devices.dropTensorParallel(runtime)
	w.dropStages(runtime)
	part := map[string]any{}
	for name, section := range map[string]map[string]any{
		"model": modelFields(s, w, id), "runtime": runtime, "accelerator": acceleratorFields(w, devices),
		"resources": resourceFields(w), "replicas": s.replicaFields(w),
	} {
		put(part, orNil(section), name)
	}
	d.askForRevision(w, part)
	if w.chosen() {
		d.ask("spec.runtime", w.name()+" names no runtime; "+w.runtime.Kind()+" "+w.runtime.Name()+" is the one of the input that KServe chooses for its format, and another in the cluster may come before it")
	}
	d.askForSecret(w)
	return part, nil
}

// given are the flags that the catalogue gives a model on an accelerator.
func given(id, accelerator string) map[string]string {
	flags := map[string]string{}
	model, _, err := catalog.FindModel(id)
	if err != nil {
		return flags
	}
	layout, _ := model.Layout(accelerator)
	maps.Copy(flags, model.Args)
	maps.Copy(flags, layout.Args)
	return flags
}

// chooseID takes the candidate that is tried; a stand-in where nothing names the model.
func (d *draft) chooseID(w *workload, c chooser) string {
	ids := w.ids()
	if len(ids) == 0 {
		d.ask("spec.model.id", "nothing in "+w.name()+" names the model on Hugging Face; write its id, which decides what the catalogue adds")
		return "organisation/" + w.model
	}
	if named := w.modelArgument(); named != ids[0] && !isHub(w) {
		d.ask("spec.model.id", "nothing in "+w.name()+" names the model on Hugging Face; this one is taken from the names and figures around it: check it")
	}
	return ids[min(c.model, len(ids)-1)]
}

func isHub(w *workload) bool {
	_, _, hub := hubSource(w.storage)
	return hub
}

// ask puts a question once.
func (d *draft) ask(field, text string) {
	if d.questions[field] == "" {
		d.questions[field] = text
	}
}

// askForSecret asks where KServe would look for another key in the Secret: its storage-initializer gets all of them as
// variables, and reads the token from one.
func (d *draft) askForSecret(w *workload) {
	ref := dig(w.env(tokenVariables()...), "valueFrom", "secretKeyRef")
	if key := text(dig(ref, "key")); key != "" && key != tokenVariables()[0] {
		d.ask("spec.model.secret", "the token is under the key "+key+" of Secret "+text(dig(ref, "name"))+"; KServe reads "+tokenVariables()[0]+": add that key")
	}
}

// askForRevision asks for the commit of weights that are not fetched by it.
func (d *draft) askForRevision(w *workload, part map[string]any) {
	if !w.isSimulator() && dig(part, "model", "revision") == nil {
		d.ask("spec.model.revision", "nothing says which commit of the model's repository "+w.name()+" serves; fill it in")
	}
}

// asked lists the questions in the order of their fields.
func asked(drafts []*draft) []Question {
	all := map[string]string{}
	for _, d := range drafts {
		maps.Copy(all, d.questions)
	}
	questions := []Question{}
	for _, field := range slices.Sorted(maps.Keys(all)) {
		questions = append(questions, Question{field, all[field]})
	}
	return questions
}
