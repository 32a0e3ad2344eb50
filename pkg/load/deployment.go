package load

import (
	"bytes"
	"errors"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/kservegen/kservegen/pkg/finding"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/spec"
)

// deployments renders documents; it is empty until the first one.
type deployments struct {
	generator *render.Generator
}

func isDeployment(d manifest.Document) bool {
	return strings.HasPrefix(field(d.Node, "apiVersion"), "kservegen.dev/") && field(d.Node, "kind") == spec.Kind
}

// environments renders the documents of a file in memory, one set per environment.
func (l *loader) environments(path string) ([]Set, bool) {
	f := l.files[path]
	loaded, err := spec.Load(path, bytes.NewReader(f.data))
	if err == nil {
		err = spec.CheckTogether(loaded)
	}
	if err != nil {
		l.documentFindings(path, err)
		return nil, false
	}
	if l.generator == nil {
		l.generator = render.NewGenerator()
	}
	var sets []Set
	for i, deployment := range loaded {
		tree, err := l.generator.Tree(deployment)
		if err != nil {
			l.documentFindings(path, err)
			return sets, false
		}
		for _, environment := range tree.Environments {
			set := Set{Name: environmentName(path, deployment.Name, environment.Name), Kind: Environment}
			for _, data := range environment.Objects {
				set.Resources = append(set.Resources, manifest.Resource{
					Data: data, File: path, Places: map[string]manifest.Place{"": documentPlace(f, path, i, environment.Name)},
				})
			}
			sets = append(sets, set)
		}
	}
	return sets, true
}

// documentPlace is where an environment stands, or else its document.
func documentPlace(f *file, path string, index int, environment string) manifest.Place {
	if index >= len(f.documents) {
		return manifest.Place{File: path}
	}
	at := f.documents[index].Node
	if list := manifest.Lookup(at, "/spec/environments"); list != nil && list.Kind == yaml.SequenceNode {
		for _, entry := range list.Content {
			if field(entry, "name") == environment {
				at = entry
			}
		}
	}
	return manifest.Place{File: path, Line: at.Line, Column: at.Column}
}

func (l *loader) documentFindings(path string, err error) {
	var problems manifest.Problems
	if !errors.As(err, &problems) {
		l.report(finding.Finding{Code: CodeDocument, Level: finding.Error, File: path, Message: err.Error()})
		return
	}
	for _, p := range problems {
		l.report(finding.Finding{Code: CodeDocument, Level: finding.Error, File: p.File, Line: p.Line, Column: p.Column, Message: p.Message})
	}
}
