package routes

import (
	"encoding/json"
	"time"
)

const (
	// FieldManager is who owns the weights once a runner wrote them.
	FieldManager = "kservegen-canary"
	// Annotation of a route holds the record of the last move.
	Annotation = "kservegen.dev/canary"
)

// record is what a move leaves for those who come later.
type record struct {
	From  string    `json:"from"`
	To    string    `json:"to"`
	Share int       `json:"share"`
	Since time.Time `json:"since"`
	Why   string    `json:"why"`
	// RolledBack tells a share of 0 that was taken back from one that was never given.
	RolledBack bool `json:"rolledBack,omitempty"`
	// Document is the digest of what was rendered, Revisions what the cluster had of the two revisions then.
	Document  string `json:"document"`
	Revisions string `json:"revisions"`
}

// recordOf reads the record of a canary; nil where there is none, that of another one, or one that is to be passed over.
func (p *Place) recordOf(annotations map[string]string) *record {
	var r record
	if p.options.Again && !p.moving || json.Unmarshal([]byte(annotations[Annotation]), &r) != nil {
		return nil
	}
	if r.From != p.canary.From || r.To != p.canary.To || r.Document != p.canary.Document {
		return nil
	}
	return &r
}

func (r record) text() string {
	data, err := json.Marshal(r)
	if err != nil {
		panic(err) // texts, a number and a time
	}
	return string(data)
}
