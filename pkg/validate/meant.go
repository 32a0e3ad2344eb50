package validate

import (
	"context"
	"maps"
	"strings"

	"github.com/kservegen/kservegen/pkg/effective"
	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/load"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/schema"
)

// mostRepairs of one object are tried: each validates it again.
const mostRepairs = 16

// said is an object that the API server refuses: what is said of it, and what it was probably meant to be. Rules judge
// the latter, so that a misspelt storageUri is not also a model without storage.
type said struct {
	findings []finding.Finding
	meant    manifest.Resource
}

// say makes findings of what the API server would say, one for each value, and repairs what leaves no choice.
func (j *Judge) say(ctx context.Context, object manifest.Resource, problems []schema.Problem) (said, error) {
	result := said{meant: object}
	tried := 0
	for _, p := range oneEach(object, problems) {
		report := Problem{Code: codeOf(p), Level: finding.Error, Path: p.Path, Message: messageOf(p), Fix: fixOf(object, p)}
		if clashes(object, p) {
			report.Message = messageOfClash(object, p)
		}
		var edit finding.Edit
		if r := repairOf(object, p); r.change != nil && tried < mostRepairs {
			tried++
			meant := r.apply(result.meant)
			left, err := j.problemAt(ctx, meant, r.path)
			switch {
			case err != nil:
				return said{}, err
			case left == "":
				result.meant, edit, report.Fix = meant, r.edit, r.fix
			case r.otherwise != "":
				report.Fix = r.otherwise + left
			}
		}
		found := At(object, report)
		found.Edit = edit
		if key := keyPlace(object, p.Path); p.Type == schema.UnknownField && key.Line > 0 {
			found.File, found.Line, found.Column = key.File, key.Line, key.Column
		}
		result.findings = append(result.findings, found)
	}
	return result, nil
}

// madeOf are the objects that KServe makes of what was meant.
func (j *Judge) madeOf(ctx context.Context, set load.Set, meant []manifest.Resource, effect *effective.Effect) ([]manifest.Resource, error) {
	if effect == nil {
		return nil, nil
	}
	set.Resources = meant
	effect, err := j.effect(ctx, set) // the same one where nothing was mended
	if err != nil || effect == nil {
		return nil, err
	}
	return objectsOf(effect), nil
}

// oneEach leaves one problem of a value that has another type than the schema wants: the server says the same again
// for each way in which it may be written, and takes what does not decode for missing.
func oneEach(object manifest.Resource, problems []schema.Problem) []schema.Problem {
	clash := map[string]bool{}
	var kept []schema.Problem
	for _, p := range problems {
		if clashes(object, p) && !clash[p.Path] {
			clash[p.Path] = true
			kept = append(kept, p)
		}
	}
	for _, p := range problems {
		if !clash[p.Path] {
			kept = append(kept, p)
		}
	}
	return kept
}

// problemAt is what is wrong with a value or in it; empty where nothing is.
func (j *Judge) problemAt(ctx context.Context, object manifest.Resource, path string) (string, error) {
	problems, err := j.catalog.Validate(ctx, object.Data)
	if err != nil {
		return "", err
	}
	for _, p := range problems {
		if p.Path == path || strings.HasPrefix(p.Path, path+"/") {
			return p.Message, nil
		}
	}
	return "", nil
}

// repair is a change of one field or item that is tried.
type repair struct {
	// path of the changed value, and what changes the object or list that holds it.
	path   string
	change func(holder any)
	// moved is the path that the value had before.
	moved string
	fix   string
	// otherwise is the beginning of the fix where more is wrong with the value.
	otherwise string
	edit      finding.Edit
}

// apply returns a changed copy.
func (r repair) apply(object manifest.Resource) manifest.Resource {
	data := manifest.DeepCopy(object.Data)
	holder, _ := manifest.ValueAt(data, r.path[:strings.LastIndexByte(r.path, '/')])
	r.change(holder)
	if r.moved != "" {
		places := maps.Clone(object.Places)
		if places == nil {
			places = map[string]manifest.Place{}
		}
		places[r.path] = object.At(r.moved)
		object.Places = places
	}
	object.Data = data
	return object
}

// keyPlace is where a field's name stands, zero where a patch wrote it.
func keyPlace(object manifest.Resource, path string) manifest.Place {
	if _, patched := object.Places[path]; patched {
		return manifest.Place{}
	}
	key := manifest.LookupKey(object.Node, path)
	if key == nil {
		return manifest.Place{}
	}
	return manifest.Place{File: object.File, Line: key.Line, Column: key.Column}
}
