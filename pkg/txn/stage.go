package txn

import (
	"context"
	"fmt"
	"io/fs"
)

// stage writes the new files into the work directory. The context can cancel it between two files.
func (w *work) stage(ctx context.Context, p plan, progress func(done, total int)) (*journal, error) {
	for _, dir := range []string{stagedDir, oldDir} {
		if err := w.d.Mkdir(dir, dirMode); err != nil {
			return nil, fmt.Errorf("staging below %s: %w", w.at(WorkDir), err)
		}
	}
	j := &journal{Mkdirs: p.mkdirs, Rmdirs: p.rmdirs, Entries: make([]entry, len(p.entries))}
	var given fs.FileMode
	done := 0
	for i, t := range p.entries {
		j.Entries[i] = entry{Path: t.Path, Remove: t.Remove, Replaces: t.replaces, Size: int64(len(t.Data)), Sum: checksum(t.Data)}
		if t.Remove {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := w.stageFile(i, t, &given); err != nil {
			return nil, fmt.Errorf("staging %s: %w; nothing was changed", w.at(t.Path), err)
		}
		done++
		if progress != nil {
			progress(done, p.writes)
		}
	}
	return j, nil
}

// stageFile writes one file. The first one shows the mode that new files are given here (umask, access lists), so that
// only a replacement of a file with another mode costs a system call more.
func (w *work) stageFile(i int, t target, given *fs.FileMode) error {
	name := stagedName(i)
	if err := w.d.WriteFile(name, t.Data, fileMode); err != nil {
		return err
	}
	if *given == 0 {
		fi, err := w.d.Lstat(name)
		if err != nil {
			return err
		}
		*given = permission(fi)
	}
	if !t.replaces || t.mode == *given {
		return nil
	}
	return w.d.Chmod(name, t.mode)
}
