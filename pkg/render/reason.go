package render

import "path"

// Cause is why a file of a directory is not what would be rendered.
type Cause string

const (
	// CauseNew says that no tree was rendered there.
	CauseNew Cause = "new"
	// CauseForeign says that the file stands in the way, and kservegen did not write it.
	CauseForeign Cause = "foreign"
	// CauseEdited says that a person edited the file.
	CauseEdited Cause = "edited"
	// CauseRemoved says that a person removed the file.
	CauseRemoved Cause = "removed"
	// CauseDocument says that the document, or what pulls the tree, changed since.
	CauseDocument Cause = "document"
	// CauseVersion says that this version of kservegen renders it otherwise.
	CauseVersion Cause = "version"
	// CauseUnlisted says that nothing of the above is known. The lock says nothing of spec.traffic.
	CauseUnlisted Cause = "unlisted"
	// CauseLock says that the lock follows from the other files.
	CauseLock Cause = "lock"
)

// Reason is why a file would change.
type Reason struct {
	Cause Cause `json:"cause"`
	// Since is the release of the lock, empty where it says none.
	Since string `json:"since,omitempty"`
	// Changes of kservegen between that release and this one that the file may have.
	Changes []Change `json:"changes,omitempty"`
}

// because finds the reason why a file would change. disk is nil where it is not there.
func (r *reconciler) because(file string, kind FileKind, disk []byte) {
	reason := Reason{Since: r.old.Version, Changes: between(r.opts.Changes, file, r.old.Version, r.current())}
	written, known := r.old.Files[file]
	follows := r.old.Document != r.tree.Lock.Document || r.old.Engine() != r.tree.Lock.Engine()
	edited := known && disk != nil && fingerprint(kindOf(written), disk) != written
	weights := kind == TrafficFile && known && disk != nil && r.tree.Lock.Files[file] == written
	switch {
	case file == LockFile:
		reason.Cause = CauseLock
	case r.old.Kind == "" && disk == nil:
		reason.Cause = CauseNew
	case !known && disk != nil:
		reason.Cause = CauseForeign
	case edited, weights && editedByHand(readTraffic(disk)):
		reason.Cause = CauseEdited
	case disk == nil && (known || kind == Custom && !follows):
		reason.Cause = CauseRemoved
	case follows, weights:
		reason.Cause = CauseDocument
	case len(reason.Changes) > 0:
		reason.Cause = CauseVersion
	default:
		reason.Cause = CauseUnlisted
	}
	if reason.Cause != CauseVersion && reason.Cause != CauseDocument || weights {
		reason.Changes = nil
	}
	r.update.Reasons[path.Join(r.tree.Name, file)] = reason
}

// current is the release of what would be rendered; of the first, its lock says nothing.
func (r *reconciler) current() string {
	if r.tree.Lock.Version != "" {
		return r.tree.Lock.Version
	}
	return firstRelease
}
