package spec

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Digest identifies what the document says, whatever its layout and comments. Traffic is left out: a canary
// step must change the weights' file and no other, so it cannot change the lock. Nothing of the rollout's plan is in the tree.
func (m *Deployment) Digest() string {
	document := m.Document
	document.Spec.Traffic, document.Spec.Rollout = nil, nil
	document.Spec.Environments = slices.Clone(document.Spec.Environments)
	for i := range document.Spec.Environments {
		document.Spec.Environments[i].Traffic = nil
	}
	data, err := json.Marshal(document)
	if err != nil {
		// Only strings, numbers, booleans, lists and maps are in there.
		panic(err)
	}
	sum := sha256.New()
	_, _ = sum.Write(data) // a hash does not fail
	fmt.Fprint(sum, m.empties)
	return "sha256:" + hex.EncodeToString(sum.Sum(nil))
}

// emptiesOf lists the fields that are null or an empty list. The types cannot tell those from fields that are not
// there, and in an override they say the opposite: keep nothing of what spec has.
func emptiesOf(places map[string]*yaml.Node) []string {
	var empties []string
	for path, n := range places {
		empty := n.Tag == yaml.NodeTagNull || n.Kind == yaml.SequenceNode && len(n.Content) == 0
		if empty && !strings.HasSuffix(path, ".traffic") && !strings.HasPrefix(path, "spec.rollout") {
			empties = append(empties, path)
		}
	}
	slices.Sort(empties)
	return empties
}
