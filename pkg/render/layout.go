package render

import (
	"maps"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// layout puts a tree together.
type layout struct {
	*Tree
	converter *manifest.Converter
	custom    []byte
}

// add appends a generated file.
func (t *layout) add(path string, v any, comments manifest.Comments) error {
	data, err := manifest.MarshalCommented(v, comments)
	if err != nil {
		return err
	}
	t.Files = append(t.Files, File{Path: path, Data: data, Kind: Generated})
	return nil
}

func (t *layout) addBase(common []converted) error {
	var resources []string
	for _, object := range common {
		resources = append(resources, object.File+".yaml")
		if err := t.add("base/"+object.File+".yaml", object.data, object.Comments); err != nil {
			return err
		}
	}
	return t.add("base/"+kustomizationFile, kustomization(resources, nil), manifest.Comments{
		Head: "What every environment has. Rendered by kservegen; change the document, or an overlay's custom/.",
	})
}

// addOverlay writes what differs from the base, and remembers what building the overlay gives.
func (t *layout) addOverlay(common []converted, environment plannedEnvironment) error {
	dir := "overlays/" + environment.name + "/"
	built := make([]map[string]any, 0, len(environment.objects))
	own := maps.Collect(byFile(environment.objects))
	var patches []patch
	for _, base := range common {
		object := own[base.File]
		delete(own, base.File)
		data, ops, err := t.against(base, object, environment.asBase[base.File])
		if err != nil {
			return err
		}
		if len(ops) > 0 {
			patches = append(patches, patch{file: base.File + ".yaml", target: targetOf(data), ops: ops})
		}
		built = append(built, data)
	}
	resources := []string{"../../base"}
	for _, object := range environment.objects {
		if _, ok := own[object.File]; !ok {
			continue
		}
		one, err := t.convert(object)
		if err != nil {
			return err
		}
		resources = append(resources, object.File+".yaml")
		built = append(built, one.data)
		if err := t.add(dir+object.File+".yaml", one.data, one.Comments); err != nil {
			return err
		}
	}
	if len(environment.traffic) > 0 {
		if err := applyTraffic(built, environment); err != nil {
			return err
		}
	}
	t.Environments = append(t.Environments, Environment{Name: environment.name, Objects: built, Traffic: environment.traffic})
	if err := t.addPatches(dir+"patches/", patches, environment, built); err != nil {
		return err
	}
	return t.addOverlayKustomization(dir, resources)
}

func (t *layout) addOverlayKustomization(dir string, resources []string) error {
	overlay := kustomization(resources, []string{"patches", "custom"})
	if err := t.add(dir+kustomizationFile, overlay, manifest.Comments{At: map[string]string{
		"/components": "In this order: custom/ is yours, and sees what the rest of the overlay makes.",
	}}); err != nil {
		return err
	}
	t.Files = append(t.Files, File{Path: dir + "custom/" + kustomizationFile, Data: t.custom, Kind: Custom})
	return nil
}

// customBytes is the user's own component as it is first written. It must be there and hold a list: Kustomize
// refuses a component that is missing or bare.
func customBytes() ([]byte, error) {
	return manifest.MarshalCommented(component(nil), manifest.Comments{
		Head: "Yours: kservegen wrote this file once and never touches it again. Add patches, resources, labels…\nThey apply last. Prefer JSON6902 with test operations; a strategic merge patch replaces the lists\nof custom resources whole.",
	})
}

// addPatches writes the component that holds the difference to the base. It is a component of its own so that
// custom/ comes after it: Kustomize applies components before a kustomization's own patches.
func (t *layout) addPatches(dir string, patches []patch, environment plannedEnvironment, built []map[string]any) error {
	patches = append(patches, trafficPatches(environment, built)...)
	for _, p := range patches {
		if len(p.weights) > 0 {
			data, err := trafficBytes(p.weights)
			if err != nil {
				return err
			}
			t.Files = append(t.Files, File{Path: dir + p.file, Data: data, Kind: TrafficFile})
			continue
		}
		if err := t.add(dir+p.file, opsData(p.ops), manifest.Comments{}); err != nil {
			return err
		}
	}
	return t.add(dir+kustomizationFile, component(patches), manifest.Comments{
		Head: "What differs here from the base. A test operation before each change makes a patch fail loudly where\nthe base is not what it was made for.",
	})
}

func byFile(objects []planned) func(func(string, planned) bool) {
	return func(yield func(string, planned) bool) {
		for _, object := range objects {
			if !yield(object.File, object) {
				return
			}
		}
	}
}

// against returns an environment's object as data and the operations that make it of the base's.
func (t *layout) against(base converted, object planned, same bool) (map[string]any, []op, error) {
	if same {
		return base.data, nil, nil
	}
	one, err := t.convert(object)
	if err != nil {
		return nil, nil, err
	}
	return one.data, compare(base.data, one.data), nil
}
