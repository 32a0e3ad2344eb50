// Package txn replaces a set of files below a directory as one transaction: after [Commit], or after the run that
// follows a killed one, the tree holds all of the changes or none of them.
//
// # How
//
// Everything happens below root/.kservegen-txn ([WorkDir]), on the same file system as the tree:
//
//	lock         held by the one writer; a dead process's lock is free
//	staged/N     the new data of change N
//	old/N        the file that change N replaces or removes
//	journal      what is to be done; the transaction is decided once it stands
//
// The steps:
//
//  1. Lock, and finish or undo what an interrupted run left ([Recover]).
//  2. Check every path and every file it meets. Nothing has been written into the tree when a change is refused.
//  3. Stage the data of each file that differs. The context can still cancel.
//  4. Write the journal under another name, fsync it, and rename it into place: the decision.
//  5. Make directories, and for each change keep the old file (a hard link, so that the path is never missing) and
//     rename the staged one over it. Then the removals' empty directories go. An error undoes all of this.
//  6. Remove the journal: done. Then remove the work directory; what is left of it holds nothing that counts.
//
// Doing and undoing are exact inverses, and each step can tell from staged/N and old/N whether it has been done.
// So [Recover] may continue in either direction from wherever a run, or an earlier recovery, was killed.
//
// # What it is safe against
//
// Killed processes, full disks, write errors and interrupts. Only the journal is fsynced, not each file (50,000 fsyncs
// take minutes): after a power failure the data of files written in the seconds before may be missing, as with any
// program that does not sync. A staged file that does not match the journal's checksum is never put in place.
//
// Another program that edits the same files while a transaction runs (some milliseconds) is not kept out.
package txn
