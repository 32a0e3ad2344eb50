package load

import (
	"fmt"
	"regexp"
	"slices"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/manifest"
)

// idle reports patches and images that change nothing of what was built, over which Kustomize keeps silent; where
// nothing matches a replicas entry or a patch without a target it fails.
//
// It asks for less than Kustomize does, so that nothing is told that does something. A component may do its work in
// one tree and nothing in another.
func (g *graph) idle(built []manifest.Resource) {
	for _, step := range g.steps {
		if step.Kind == componentKind {
			continue
		}
		for _, p := range step.statedPatches() {
			if p.Target != nil && !g.opaque() && !g.meets(p.Target, built) {
				g.reportIdle(step, p.at+"/target", "the target of this patch matches no object, so it changes nothing", "Correct the target, or remove the patch.")
			}
		}
		if len(step.Images) == 0 || g.opaque() {
			continue
		}
		images := g.images(built)
		for i, image := range step.Images {
			if !uses(images, image.Name) {
				g.reportIdle(step, fmt.Sprintf("/images/%d/name", i), "no container has the image "+image.Name+", so this changes nothing",
					"Write the name as the object has it, without tag and digest, or remove the entry.")
			}
		}
	}
}

func (g *graph) reportIdle(step *kustomized, pointer, message, fix string) {
	at := manifest.Resource{File: step.file, Node: step.document.Node}.At(pointer)
	g.report(finding.Finding{
		Code: CodeIdle, Level: finding.Warning, File: at.File, Line: at.Line, Column: at.Column, Message: message, Fix: fix,
	})
}

// opaque says whether objects had names or values on the way that can be seen neither in the files nor in what was
// built: those of plugins, replacements and patches that rename.
func (g *graph) opaque() bool {
	return slices.ContainsFunc(g.steps, func(k *kustomized) bool {
		vars := k.Vars //nolint:staticcheck // deprecated for those who write kustomizations, not for those who read them
		plugged := len(k.Generators) + len(k.Transformers) + len(k.Validators) + len(k.HelmCharts) + len(k.HelmChartInflationGenerator)
		return plugged+len(k.Configurations)+len(k.Replacements)+len(vars) > 0 ||
			slices.ContainsFunc(k.statedPatches(), func(p statedPatch) bool { return p.Options != nil })
	})
}

// meets says whether a target may match an object of the files or of what was built. Selectors of labels are not looked
// at, nor names where a prefix makes a new one on each level, nor namespaces that a kustomization sets.
func (g *graph) meets(target *types.Selector, built []manifest.Resource) bool {
	wanted := *target
	if slices.ContainsFunc(g.steps, func(k *kustomized) bool { return k.NamePrefix+k.NameSuffix != "" }) {
		wanted.Name = ""
	}
	if wanted.Namespace == "default" || slices.ContainsFunc(g.steps, func(k *kustomized) bool { return k.Namespace != "" }) {
		wanted.Namespace = ""
	}
	p := patch{target: &wanted}
	return slices.ContainsFunc(built, func(r manifest.Resource) bool { return p.targets(r, r) }) ||
		slices.ContainsFunc(g.sources, func(s source) bool { return p.targets(s.Resource, s.Resource) })
}

// images are all values that an image may have had on the way: those of the files, of patches and of what was built.
func (g *graph) images(built []manifest.Resource) map[string]bool {
	images := map[string]bool{}
	for _, s := range g.sources {
		imagesOf(s.Data, false, images)
	}
	for _, r := range built {
		imagesOf(r.Data, false, images)
	}
	c := &converter{dialect: kustomize}
	for _, step := range g.steps {
		for _, image := range step.Images {
			images[image.NewName] = true
		}
		for _, p := range g.patches(step) {
			// The path of an operation says what its value is, and may end anywhere.
			imagesOf(c.value(p.node), p.node.Kind == yaml.SequenceNode, images)
		}
	}
	return images
}

// imagesOf collects the texts that stand at a field by which Kustomize finds images
// (api/internal/konfig/builtinpluginconsts/images.go), or all.
func imagesOf(v any, all bool, into map[string]bool) {
	switch v := v.(type) {
	case string:
		if all {
			into[v] = true
		}
	case []any:
		for _, item := range v {
			imagesOf(item, all, into)
		}
	case map[string]any:
		for key, value := range v {
			imagesOf(value, all || key == "image" || key == "reference", into)
		}
	}
}

// uses follows Kustomize: the name is a pattern, with a tag, a digest or both behind it (api/image, IsImageMatched).
func uses(images map[string]bool, name string) bool {
	if images[name] {
		return true
	}
	pattern, err := regexp.Compile("^" + name + "(:[a-zA-Z0-9_.{}-]*)?(@.*)?$")
	if err != nil {
		return true
	}
	for image := range images {
		if pattern.MatchString(image) {
			return true
		}
	}
	return false
}
