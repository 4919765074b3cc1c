package sims

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"cs2sim.dev/sims/trace"
)

// earlierName is the folder among the points in which a resumed run has the trace of the run that it goes on
// with, until its own trace has taken over what is in there: whenever it is killed, one of them is whole.
const earlierName = "earlier"

// EarlierRuns are the finished runs of the folder's trace, by name; of no trace, or a broken one, none. ended
// tells that the process that wrote them came to its end.
func (f *Folder) EarlierRuns() (runs map[string]*trace.Run, ended bool) {
	runs = map[string]*trace.Run{}
	for _, dir := range []string{f.path(pointsName, earlierName), f.Dir} {
		t, err := trace.Read(dir)
		if err != nil {
			continue
		}
		ended = ended || t.Complete
		for _, r := range t.Runs {
			if r.Of == 0 {
				runs[r.Name] = r
			}
		}
	}
	return runs, ended
}

// KeepTrace moves the folder's trace out of the way of the new one until DropEarlier. One that was moved before and
// not dropped stays: it is the whole one.
func (f *Folder) KeepTrace() error {
	earlier := f.path(pointsName, earlierName)
	fail := func(err error) error {
		return fmt.Errorf("keeping the earlier trace in %s: %w", f.Dir, withoutPath(err))
	}
	if err := os.Mkdir(earlier, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return fail(err)
	}
	f.keeps = true
	if _, err := trace.Read(earlier); err == nil {
		return nil
	}
	if err := trace.Remove(earlier); err != nil {
		return err
	}
	if err := os.Rename(f.path(trace.Folder), f.path(pointsName, earlierName, trace.Folder)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fail(err)
	}
	return nil
}

// DropEarlier removes the trace that was kept.
func (f *Folder) DropEarlier() error {
	earlier := f.path(pointsName, earlierName)
	f.keeps = false
	if err := trace.Remove(earlier); err != nil {
		return err
	}
	os.Remove(earlier) // fails unless empty, as it should
	return nil
}
