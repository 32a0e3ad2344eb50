package render

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"

	"github.com/kservegen/kservegen/pkg/kserve"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/traffic"
)

// trafficBytes is the file of the weights: one line a number, and the sticky buckets that follow from it. Each
// number is followed by what the document said when the file was rendered, so that an edit by hand shows.
func trafficBytes(weights []traffic.Weight) ([]byte, error) {
	var ops []any
	line := map[string]string{}
	test := func(path, service string) {
		ops = append(ops, map[string]any{"op": "test", "path": path, "value": service})
	}
	replace := func(path string, value any, comment string) {
		line[fmt.Sprintf("/%d/value", len(ops))] = comment
		ops = append(ops, map[string]any{"op": "replace", "path": path, "value": value})
	}
	for _, w := range weights {
		test(w.ServicePath, w.Service)
		replace(w.Path, int64(w.Value), fmt.Sprintf("%s: %d in the document", w.Revision, w.Value))
		if w.BucketServicePath != "" {
			test(w.BucketServicePath, w.Service)
		}
		for _, path := range w.BucketPaths {
			replace(path, w.Buckets, "buckets of "+w.Revision)
		}
	}
	return manifest.MarshalCommented(ops, manifest.Comments{Line: line,
		Head: "The revisions' shares in percent. A canary step changes numbers here and nothing else in the tree.\nChange the document and render; after an edit by hand, `kservegen render --adopt` takes it over."})
}

var weightLine = regexp.MustCompile(`(?m)^  value: *(\d{1,3}) *# (\S+): (\d{1,3}) in the document$`)

// trafficStructure is a traffic file without its numbers; the lock covers this.
func trafficStructure(data []byte) []byte {
	structure := make([]byte, 0, len(data))
	for line := range bytes.Lines(data) {
		structure = append(structure, withoutNumber(line)...)
	}
	return structure
}

// withoutNumber returns a line as it is, or the comment alone of one that holds a weight or buckets.
func withoutNumber(line []byte) []byte {
	comment := bytes.LastIndex(line, []byte("# "))
	if comment < 0 || !bytes.HasPrefix(line, []byte("  value: ")) {
		return line
	}
	if bytes.HasPrefix(line[comment:], []byte("# buckets of ")) {
		return line[comment:]
	}
	if match := weightLine.FindSubmatch(line); match != nil {
		return match[2]
	}
	return line
}

// WeightEdit is a weight of a traffic file on disk.
type WeightEdit struct {
	Revision string
	// Value is the weight in the file, Document what the document said when it was rendered.
	Value, Document int
}

// readTraffic returns the weights of a traffic file by revision.
func readTraffic(data []byte) []WeightEdit {
	var edits []WeightEdit
	for _, match := range weightLine.FindAllSubmatch(data, -1) {
		value, _ := strconv.Atoi(string(match[1]))
		document, _ := strconv.Atoi(string(match[3]))
		edits = append(edits, WeightEdit{Revision: string(match[2]), Value: value, Document: document})
	}
	return edits
}

// editedByHand reports whether a number differs from what was rendered.
func editedByHand(edits []WeightEdit) bool {
	for _, edit := range edits {
		if edit.Value != edit.Document {
			return true
		}
	}
	return false
}

// applyTraffic sets the weights in the built routes, as building the overlay does.
func applyTraffic(built []map[string]any, environment plannedEnvironment) error {
	for i, object := range built {
		if object["kind"] != environment.routes {
			continue
		}
		route := manifest.DeepCopy(object)
		for _, w := range environment.traffic {
			if !environment.holds(object, w) {
				continue
			}
			if err := setWeight(route, w); err != nil {
				return err
			}
		}
		built[i] = route
	}
	return nil
}

// SetWeights puts weights into a route as traffic.yaml does, buckets included: where the route does not lead to the Service that a
// weight belongs to, it is not the one that was rendered, and stays as it is.
func SetWeights(route map[string]any, weights []traffic.Weight) error {
	for _, w := range weights {
		for _, path := range []string{w.ServicePath, w.BucketServicePath} {
			if path == "" {
				continue
			}
			if service := manifest.LookupValue(route, path); service != w.Service {
				return fmt.Errorf("%s is %v, and %s is rendered", path, service, w.Service)
			}
		}
	}
	for _, w := range weights {
		if err := setWeight(route, w); err != nil {
			return err
		}
	}
	return nil
}

// RouteWeights returns the weights that a route has where traffic.yaml sets them, by revision. One that is missing or no whole
// number is not in there.
func RouteWeights(route map[string]any, weights []traffic.Weight) map[string]int {
	found := map[string]int{}
	for _, w := range weights {
		if weight, ok := manifest.LookupValue(route, w.Path).(int64); ok {
			found[w.Revision] = int(weight)
		}
	}
	return found
}

func setWeight(route map[string]any, w traffic.Weight) error {
	if err := manifest.SetValue(route, w.Path, int64(w.Value)); err != nil {
		return err
	}
	for _, path := range w.BucketPaths {
		if err := manifest.SetValue(route, path, w.Buckets); err != nil {
			return err
		}
	}
	return nil
}

// holds says whether an object holds a weight: it is of the kind that does, and the model's.
func (e plannedEnvironment) holds(object map[string]any, w traffic.Weight) bool {
	meta, _ := object["metadata"].(map[string]any)
	return object["kind"] == e.routes && meta["name"] != e.page && (w.Object == "" || w.Object == meta["name"])
}

// trafficPatches is one file for all weights, or one for each where they stand in objects of their own: a patch says the
// same of all objects that it is for.
func trafficPatches(environment plannedEnvironment, built []map[string]any) []patch {
	if len(environment.traffic) == 0 {
		return nil
	}
	if environment.traffic[0].Object == "" {
		all := environment.traffic
		return []patch{{file: trafficFile, target: targetOfAll(environment.routesOf(built, all[0])), weights: all}}
	}
	var patches []patch
	for i, w := range environment.traffic {
		patches = append(patches, patch{
			file: kserve.TrafficFile(w.Revision), target: targetOfAll(environment.routesOf(built, w)),
			weights: environment.traffic[i : i+1],
		})
	}
	return patches
}

// routesOf are the objects that hold a weight.
func (e plannedEnvironment) routesOf(built []map[string]any, w traffic.Weight) []map[string]any {
	var routes []map[string]any
	for _, object := range built {
		if e.holds(object, w) {
			routes = append(routes, object)
		}
	}
	return routes
}

// ReadWeights returns the weights of a traffic file by revision.
func ReadWeights(data []byte) []WeightEdit { return readTraffic(data) }
