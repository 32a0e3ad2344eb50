package cli

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/spec"
)

// noEngine is the choice of none.
const noEngine = "none"

func gitopsChoices() []string { return append(spec.Engines(), noEngine) }

// chooseEngines settles what pulls each tree: what the command line says, or else the document, or else what the tree in
// the directory was rendered for. So a choice on the command line lasts, and --check needs no flag.
func chooseEngines(dir, choice string, deployments []*spec.Deployment) error {
	var problems manifest.Problems
	for _, deployment := range deployments {
		if choice == "" {
			deployment.DefaultEngine(engineOf(dir, deployment.Name))
			continue
		}
		engine := choice
		if choice == noEngine {
			engine = ""
		}
		var found manifest.Problems
		if err := deployment.UseEngine(engine); errors.As(err, &found) {
			problems = append(problems, found...)
		}
	}
	if len(problems) > 0 {
		return problems
	}
	return nil
}

// engineOf reads the lock of a tree. One that is not there or not valid says nothing; comparing the tree tells of it.
func engineOf(dir, name string) string {
	path := filepath.Join(dir, name, render.LockFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	lock, err := render.ReadLock(path, data)
	if err != nil {
		return ""
	}
	return lock.Engine()
}
