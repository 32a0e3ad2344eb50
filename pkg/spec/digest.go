package spec

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
)

// Digest identifies what the document says, whatever its layout and comments. Traffic is left out: a canary
// step must change the weights' file and no other, so it cannot change the lock.
func (m *Deployment) Digest() string {
	document := m.Document
	document.Spec.Traffic = nil
	document.Spec.Environments = slices.Clone(document.Spec.Environments)
	for i := range document.Spec.Environments {
		document.Spec.Environments[i].Traffic = nil
	}
	data, err := json.Marshal(document)
	if err != nil {
		// Only strings, numbers, booleans, lists and maps are in there.
		panic(err)
	}
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}
