package txn

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
)

// journal is what a decided transaction does. Change N's files are staged/N and old/N.
type journal struct {
	Mkdirs  []string  `json:"mkdirs,omitempty"`
	Entries []entry   `json:"entries"`
	Rmdirs  []emptied `json:"rmdirs,omitempty"`
}

type entry struct {
	Path     string `json:"path"`
	Remove   bool   `json:"remove,omitempty"`
	Replaces bool   `json:"replaces,omitempty"` // there was a file before
	Size     int64  `json:"size,omitempty"`
	Sum      uint32 `json:"sum,omitempty"`
}

// emptied is a directory that goes if it is empty, and its mode, to make it anew.
type emptied struct {
	Path string      `json:"path"`
	Mode fs.FileMode `json:"mode"`
}

const journalMagic = "kservegen-txn 1 "

// encode writes one line with a checksum of the rest, then JSON.
func (j *journal) encode() ([]byte, error) {
	body, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%s%x\n%s\n", journalMagic, sha256.Sum256(body), body), nil
}

// decodeJournal believes nothing that does not match its checksum, and no name that a change could not have.
func decodeJournal(data []byte) (*journal, error) {
	rest, ok := bytes.CutPrefix(data, []byte(journalMagic))
	if !ok {
		return nil, errors.New("is not a journal of this version of kservegen")
	}
	sum, body, _ := bytes.Cut(rest, []byte("\n"))
	body, ok = bytes.CutSuffix(body, []byte("\n"))
	if !ok || string(sum) != fmt.Sprintf("%x", sha256.Sum256(body)) {
		return nil, errors.New("is damaged: its checksum does not match")
	}
	var j journal
	if err := json.Unmarshal(body, &j); err != nil {
		return nil, fmt.Errorf("is damaged: %w", err)
	}
	paths := append([]string(nil), j.Mkdirs...)
	for _, e := range j.Entries {
		paths = append(paths, e.Path)
	}
	for _, d := range j.Rmdirs {
		paths = append(paths, d.Path)
	}
	for _, p := range paths {
		if err := checkPath(p); err != nil {
			return nil, fmt.Errorf("names a wrong path: %w", err)
		}
	}
	return &j, nil
}

// writeJournal decides the transaction. After an error the journal may stand or not.
func (w *work) writeJournal(j *journal) error {
	data, err := j.encode()
	if err != nil {
		return err
	}
	if err := w.d.WriteFile(journalTemp, data, fileMode); err != nil {
		return err
	}
	if err := w.d.Sync(journalTemp); err != nil {
		return err
	}
	if err := w.d.Rename(journalTemp, journalName); err != nil {
		return err
	}
	return w.d.Sync(WorkDir)
}

// dropJournal ends the transaction, done or undone.
func (w *work) dropJournal() error {
	if err := w.d.Remove(journalName); err != nil && !isNotExist(err) {
		return err
	}
	w.undecided = false
	return nil
}

// readJournal returns nil where there is none.
func (w *work) readJournal() (*journal, error) {
	data, err := w.d.ReadFile(journalName)
	if isNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	j, err := decodeJournal(data)
	if err != nil {
		return nil, refuse("%s: %v; nothing was touched. An interrupted run left it: the files it replaced are in %s, "+
			"the ones it did not put in place in %s. Restore the tree (git checkout or a backup), delete %s, and run this again",
			w.at(journalName), err, w.at(oldDir), w.at(stagedDir), w.at(WorkDir))
	}
	return j, nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum tells a torn file from a whole one; nobody forges in this directory who could not write to the tree itself.
func checksum(data []byte) uint32 { return crc32.Checksum(data, castagnoli) }
