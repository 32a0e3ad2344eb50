package importer

import (
	"maps"
	"slices"
)

// draft is what one scene says, every field written out.
type draft struct {
	name            string
	model           string
	namespace       string
	served          string
	revisions       []string
	parts           map[string]map[string]any // by revision: model, runtime, accelerator, resources, replicas
	whole           map[string]any            // everything that is not of one revision
	traffic         []any
	questions       map[string]string // by the field of the document
	traffickedGuess bool
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
		"sticky": s.sticky(), "expose": s.expose(), "security": s.security(), "scaling": s.scaling(), "monitoring": s.monitoring(),
	} {
		put(d.whole, orNil(section), name)
	}
	if eks := s.platform(); eks != nil {
		put(d.whole, eks, "platform", "eks")
	}
	put(d.whole, s.omitted(), "omit")
	if len(s.workloads) > 1 && s.route == nil && !s.ours() {
		d.questions["spec.traffic"] = "no VirtualService says how requests are shared, so the first revision gets all of them; set the weights"
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
		d.questions["spec.accelerator.type"] = w.name() + " says nothing of its nodes; " + devices.accelerator.Name +
			" is the first of the catalogue on which the model takes as many devices; set it, or import with --accelerator"
	}
	name := devices.accelerator.Runtime
	if w.isSimulator() {
		name = "simulator"
	}
	t, err := templateOf(name)
	if err != nil {
		return nil, err
	}
	part := map[string]any{}
	for name, section := range map[string]map[string]any{
		"model": modelFields(s, w, id), "runtime": runtimeFields(w, t), "accelerator": acceleratorFields(w, devices),
		"resources": resourceFields(w), "replicas": s.replicaFields(w),
	} {
		put(part, orNil(section), name)
	}
	d.askForRevision(w, part)
	return part, nil
}

// chooseID takes the candidate that is tried; a stand-in where nothing names the model.
func (d *draft) chooseID(w *workload, c chooser) string {
	ids := w.ids()
	if len(ids) == 0 {
		d.questions["spec.model.id"] = "nothing in " + w.name() + " names the model on Hugging Face; write its id, which decides what the catalogue adds"
		return "organisation/" + w.model
	}
	if named := w.modelArgument(); named != ids[0] && !isHub(w) {
		d.questions["spec.model.id"] = "nothing in " + w.name() + " names the model on Hugging Face; this one is taken from the name of its weights or from its own: check it"
	}
	return ids[min(c.model, len(ids)-1)]
}

func isHub(w *workload) bool {
	_, _, hub := hubSource(w.storage)
	return hub
}

// askForRevision asks for the commit of weights that are not fetched by it.
func (d *draft) askForRevision(w *workload, part map[string]any) {
	if !w.isSimulator() && dig(part, "model", "revision") == nil {
		d.questions["spec.model.revision"] = "nothing says which commit of the model's repository " + w.name() + " serves; fill it in"
	}
}

// asked lists the questions in the order of their fields.
func asked(drafts []*draft) []Question {
	all := map[string]string{}
	for _, d := range drafts {
		maps.Copy(all, d.questions)
	}
	var questions []Question
	for _, field := range slices.Sorted(maps.Keys(all)) {
		questions = append(questions, Question{field, all[field]})
	}
	return questions
}
