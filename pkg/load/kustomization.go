package load

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/manifest"
)

const componentKind = types.ComponentKind

// kustomized is a kustomization file, typed and with its places.
type kustomized struct {
	types.Kustomization
	dir, file string
	document  manifest.Document
	patched   []patch
}

// readKustomization reads the kustomization of a directory as Kustomize does; nil where it cannot be read, which
// is reported.
func (l *loader) readKustomization(root, dir string) *kustomized {
	path := kustomizationFile(dir)
	if path == "" {
		l.refuse(dir, "has no kustomization.yaml")
		return nil
	}
	f, ok := l.bytes(root, path)
	if !ok {
		return nil
	}
	documents, ok := l.parse(root, path)
	if !ok {
		return nil
	}
	if len(documents) != 1 {
		l.kustomizationFinding(path, 1, "holds %d documents; a kustomization is one", len(documents))
		f.bad = true
		return nil
	}
	k := &kustomized{dir: dir, file: path, document: documents[0]}
	if err := k.Unmarshal(f.data); err != nil {
		found := mistakesIn(path, documents[0].Node)
		l.findings = append(l.findings, found...)
		if len(found) == 0 {
			l.kustomizationFinding(path, documents[0].Node.Line, "%s", oneLine(err))
		}
		f.bad = true
		return nil
	}
	k.FixKustomization()
	return k
}

func (l *loader) kustomizationFinding(path string, line int, format string, args ...any) {
	l.report(finding.Finding{Code: CodeKustomization, Level: finding.Error, File: path, Line: line, Message: fmt.Sprintf(format, args...)})
}

// references are all values that Kustomize may read a file by, with the field that they stand in.
func (k *kustomized) references() []reference {
	var list []reference
	add := func(field string, paths ...string) {
		for i, path := range paths {
			if path != "" {
				list = append(list, reference{fmt.Sprintf("/%s/%d", field, i), path})
			}
		}
	}
	add("resources", k.Resources...)
	add("components", k.Components...)
	add("generators", k.Generators...)
	add("transformers", k.Transformers...)
	add("validators", k.Validators...)
	add("crds", k.Crds...)
	add("configurations", k.Configurations...)
	for _, p := range k.statedPatches() {
		list = append(list, reference{p.path, p.Path})
	}
	for i, r := range k.Replacements {
		list = append(list, reference{fmt.Sprintf("/replacements/%d/path", i), r.Path})
	}
	list = append(list, reference{"/openapi/path", k.OpenAPI["path"]})
	for i, g := range k.ConfigMapGenerator {
		add(fmt.Sprintf("configMapGenerator/%d", i), sources(g.KvPairSources)...)
	}
	for i, g := range k.SecretGenerator {
		add(fmt.Sprintf("secretGenerator/%d", i), sources(g.KvPairSources)...)
	}
	return list
}

// statedPatch is a patch as a kustomization states it, with the pointers to it, to its path and to its text there.
type statedPatch struct {
	types.Patch
	at, path, text string
}

// statedPatches lists all patches in the order in which Kustomize applies them.
func (k *kustomized) statedPatches() []statedPatch {
	var list []statedPatch
	add := func(field string, patches []types.Patch) {
		for i, p := range patches {
			at := fmt.Sprintf("/%s/%d", field, i)
			list = append(list, statedPatch{p, at, at + "/path", at + "/patch"})
		}
	}
	//nolint:staticcheck // deprecated for those who write kustomizations, not for those who read what others wrote
	strategic, json := k.PatchesStrategicMerge, k.PatchesJson6902
	for i, p := range strategic {
		at := fmt.Sprintf("/patchesStrategicMerge/%d", i)
		one := statedPatch{types.Patch{Path: string(p)}, at, at, at}
		if strings.Contains(string(p), "\n") {
			one.Patch = types.Patch{Patch: string(p)}
		}
		list = append(list, one)
	}
	add("patches", k.Patches)
	add("patchesJson6902", json)
	return list
}

// reference is a path in a kustomization, and where it stands.
type reference struct{ pointer, path string }

// sources are the files of a generator, without the keys in front of them.
func sources(s types.KvPairSources) []string {
	paths := slices.Concat(s.FileSources, s.EnvSources, []string{s.EnvSource})
	for i, path := range paths {
		if _, behind, ok := strings.Cut(path, "="); ok {
			paths[i] = behind
		}
	}
	return paths
}

// remotePattern is wider than what Kustomize takes for an address: git.NewRepoSpecFromURL also reads the names
// of GitHub and any user@host as one, and it looks for an address before it looks at the disk.
var remotePattern = regexp.MustCompile(`(?i)^\s*(git::|gh:|(ssh|https?|file|git|s3|gcs|oci)://|(www\.)?github\.com[:/]|[^/\s]+@[^/\s]+[:/])`)

func isRemote(path string) bool {
	return !strings.Contains(path, "\n") && remotePattern.MatchString(path)
}
