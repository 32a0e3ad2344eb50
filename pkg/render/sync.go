package render

import (
	"fmt"
	"strings"

	"github.com/kservegen/kservegen/pkg/gitops"
	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// addSync writes the objects that make an engine pull an environment, with a kustomization of their own: they are for
// the cluster's folder, not for the overlay that they are about.
func (g *Generator) addSync(tree *Tree, environment int, how *spec.GitOps, objects []manifest.Object) error {
	if len(objects) == 0 {
		return nil
	}
	e := &tree.Environments[environment]
	e.SyncFolder = gitops.Folder(how.Engine, e.Name)
	t := &layout{Tree: tree, converter: g.converter}
	var resources []string
	for _, object := range objects {
		one, err := t.convert(planned{Object: object})
		if err != nil {
			return err
		}
		resources = append(resources, object.File+".yaml")
		if err := t.add(e.SyncFolder+"/"+object.File+".yaml", one.data, object.Comments); err != nil {
			return err
		}
		e.Sync = append(e.Sync, one.data)
	}
	return t.add(e.SyncFolder+"/"+kustomizationFile, kustomization(resources, nil), manifest.Comments{
		Head: fmt.Sprintf("What makes %s pull overlays/%s. List this folder in that of your cluster, or apply it once.", product(how.Engine), e.Name),
	})
}

func product(engine string) string {
	if engine == spec.EngineArgoCD {
		return "Argo CD"
	}
	return "Flux"
}

// Engine is what pulls the tree that the lock is of, empty where nothing does. A choice on the command line lasts: it is
// told by the files that it led to.
func (l Lock) Engine() string {
	for _, engine := range spec.Engines() {
		for path := range l.Files {
			if strings.HasPrefix(path, engine+"/") {
				return engine
			}
		}
	}
	return ""
}

// Folders are those of a tree whose folders are built by themselves: the overlays, and what makes an engine pull them.
func Folders() []string { return append([]string{"overlays"}, spec.Engines()...) }
