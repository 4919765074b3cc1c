package sims

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"

	"cs2sim.dev/sims/trace"
)

// Folder is where a run's files are: run.toml first of all, results, figures, and the finished points.
// While it is open no other process may open it. Files appear whole or not at all.
type Folder struct {
	Dir  string
	lock *os.File
	made bool // by us, now: an empty one is taken away again

	keeps bool // the earlier trace, see KeepTrace

	Fresh bool // no earlier run has left anything there
}

const (
	runFileName = "run.toml"
	pointsName  = "points"
)

// ownFiles are the names a run leaves in its folder, as patterns. Nothing else there is ever removed.
func ownFiles() []string {
	return []string{
		runFileName, "results.json", "results.csv", "variants.csv", "sweep.csv", "sweep.json",
		"speedup.png", "speedup.svg", "cycles.png", "cycles.svg", "sweep.png", "sweep.svg",
		"utilization-s*.png", "utilization-s*.svg", "trace.pb.gz", trace.ProfileFile, trace.TimelineFile, "log.txt",
		"answer.csv", "breakdown.csv", "excess.csv", "kernels.csv", "flops.csv", "scaling.csv", "swarmx.csv", "sensitivity.csv",
		"step-*.png", "step-*.svg", "roofline-*.png", "roofline-*.svg", "scaling-*.png", "scaling-*.svg",
		"throughput.png", "throughput.svg", "compare.csv", "settings.csv", "compare.png", "compare.svg",
		"summary.csv", "cost.csv", "curves.csv", "cosine.csv", "baselines.csv", "texts.csv",
		"loss-*.png", "loss-*.svg", "scores.png", "scores.svg", "cosine-s*.png", "cosine-s*.svg",
		"config.json", "encoder.json", "vocab.bpe", "weights-s*.safetensors",
	}
}

// OpenFolder makes the folder if needed and locks it. A folder that exists must be empty or hold a
// run of ours: wrong input otherwise.
func OpenFolder(dir string) (*Folder, error) {
	wrong := func(format string, a ...any) (*Folder, error) {
		return nil, &InputError{File: dir, Want: fmt.Sprintf("output folder: "+format, a...)}
	}
	_, before := os.Stat(dir)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		if info, statErr := os.Stat(dir); statErr == nil && !info.IsDir() {
			return wrong("is a file, must be a folder or not exist")
		}
		if isUserFault(err) {
			return wrong("cannot be made: %v", withoutPath(err))
		}
		return nil, fmt.Errorf("making output folder: %w", err)
	}
	lock, err := lockFolder(dir)
	switch {
	case errors.Is(err, errLocked):
		return wrong("is in use by another cs2sim, must be another folder")
	case err != nil && isUserFault(err):
		return wrong("cannot be opened: %v", withoutPath(err))
	case err != nil:
		return nil, fmt.Errorf("opening output folder: %w", err)
	}
	f := &Folder{Dir: dir, lock: lock, made: before != nil}
	if err := f.own(); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// own checks that the folder is ours to fill, and that it can be written.
func (f *Folder) own() error {
	wrong := func(format string, a ...any) error {
		return &InputError{File: f.Dir, Want: fmt.Sprintf("output folder: "+format, a...)}
	}
	run, err := ReadFile(f.path(runFileName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		entries, err := os.ReadDir(f.Dir)
		if err != nil {
			return wrong("cannot be read: %v", withoutPath(err))
		}
		if i := slices.IndexFunc(entries, func(e fs.DirEntry) bool { return !isTemporary(e.Name()) && e.Name() != pointsName }); i >= 0 {
			return wrong("holds %s and no run of cs2sim, must be empty, new, or the folder of an earlier run", entries[i].Name())
		}
		f.Fresh = true
	case err != nil:
		return wrong("run.toml cannot be read: %v", withoutPath(err))
	case !strings.HasPrefix(string(run), marker):
		return wrong("holds a run.toml that is not the result of a run, must be another folder")
	}
	if err = os.MkdirAll(f.path(pointsName), 0o777); err == nil {
		err = f.probe()
	}
	switch {
	case err != nil && isUserFault(err):
		return wrong("cannot be written: %v", withoutPath(err))
	case err != nil:
		return fmt.Errorf("writing to output folder %s: %w", f.Dir, withoutPath(err))
	}
	return nil
}

// probe finds out that nothing can be written before hours of simulation, not after.
func (f *Folder) probe() error {
	t, err := os.CreateTemp(f.Dir, "."+runFileName)
	if err != nil {
		return err
	}
	return errors.Join(t.Close(), os.Remove(t.Name()))
}

func (f *Folder) path(name ...string) string {
	return filepath.Join(append([]string{f.Dir}, name...)...)
}

// Close gives the folder free for other processes. A new folder in which nothing was written is removed.
func (f *Folder) Close() error {
	if f.made {
		os.Remove(f.path(pointsName)) // fail unless empty, as they should
		os.Remove(f.Dir)
	}
	return f.lock.Close()
}

// Write puts a file in place: the old one or the whole new one is there at any time. On a failure,
// such as a full disk, nothing is left behind.
func (f *Folder) Write(name string, data []byte) error {
	path := f.path(name)
	err := renameio.WriteFile(path, data, 0o666, renameio.WithTempDir(filepath.Dir(path)))
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, withoutPath(err))
	}
	return nil
}

// SavePoint keeps a finished point.
func (f *Folder) SavePoint(p Point) error {
	return f.SaveJSON(p.Input.FileName(), p)
}

// Points reads the finished points. A file that is not a whole point of this version is passed over
// and simulated again.
func (f *Folder) Points() (map[string]Point, error) {
	entries, err := os.ReadDir(f.path(pointsName))
	if err != nil {
		return nil, fmt.Errorf("reading finished points: %w", err)
	}
	found := map[string]Point{}
	for _, e := range entries {
		if isTemporary(e.Name()) || e.IsDir() {
			continue
		}
		data, err := ReadFile(f.path(pointsName, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("reading a finished point: %w", err)
		}
		var p Point
		if json.Unmarshal(data, &p) == nil && p.whole() && p.Input.FileName() == e.Name() {
			found[p.Input.Key()] = p
		}
	}
	return found, nil
}

// PointsDir is the folder of finished points, and of checkpoints.
func (f *Folder) PointsDir() string { return f.path(pointsName) }

// SaveJSON keeps a finished part of a run under a name in the folder points.
func (f *Folder) SaveJSON(name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return f.Write(filepath.Join(pointsName, name), append(data, '\n'))
}

// whole guards against files that were changed by others.
func (p *Point) whole() bool {
	r := p.Report
	return p.Input.Version == Version && r.Cycles > 0 && r.States.Total() > 0 && len(p.Columns) > 0
}

// Clean removes what earlier runs left: all files of ours but run.toml and those whose names keep
// holds, and temporaries of a process that was killed. Other files stay.
func (f *Folder) Clean(keep map[string]bool) error {
	remove := func(dir string, ours func(string) bool) error {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return fmt.Errorf("cleaning output folder: %w", err)
		}
		for _, e := range entries {
			if !e.IsDir() && ours(e.Name()) {
				if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
					return fmt.Errorf("cleaning output folder: %w", err)
				}
			}
		}
		return nil
	}
	patterns := ownFiles()
	err := remove(f.Dir, func(name string) bool {
		return isTemporary(name) || name != runFileName && !keep[name] && slices.ContainsFunc(patterns, func(p string) bool {
			ok, _ := filepath.Match(p, name)
			return ok
		})
	})
	if err != nil {
		return err
	}
	if err := trace.Remove(f.Dir); err != nil {
		return err
	}
	if !f.keeps {
		if err := f.DropEarlier(); err != nil {
			return err
		}
	}
	return remove(f.path(pointsName), func(name string) bool {
		return isTemporary(name) || isPoint(name) && !keep[name]
	})
}

// isPoint tells the files of the folder points: a finished point or stage, a checkpoint,
// and one that was set aside.
func isPoint(name string) bool {
	finished, _ := filepath.Match("s*-*.json", name)
	checkpoint, _ := filepath.Match("s*-*.ckpt", name)
	aside, _ := filepath.Match("s*-*.ckpt.bad", name)
	return finished || checkpoint || aside
}

// isTemporary tells the files renameio writes before it renames them: a dot, the final name, a number.
func isTemporary(name string) bool {
	trimmed := strings.TrimRight(name, "0123456789")
	if len(trimmed) == len(name) || !strings.HasPrefix(name, ".") {
		return false
	}
	final := trimmed[1:]
	if isPoint(final) {
		return true
	}
	return slices.ContainsFunc(ownFiles(), func(p string) bool { ok, _ := filepath.Match(p, final); return ok })
}

// ReadResults reads results.json of a run's folder.
func ReadResults(dir string) (Results, error) {
	path := filepath.Join(dir, "results.json")
	data, err := ReadFile(path)
	if err != nil {
		return Results{}, &InputError{File: path, Want: plainFileError(err).Error() + "; the folder of a finished run has it"}
	}
	var r Results
	if err := json.Unmarshal(data, &r); err != nil {
		return Results{}, &InputError{File: path, Want: "not the results of a run: " + err.Error()}
	}
	return r, nil
}

// isUserFault tells a wrong path from a failing disk.
func isUserFault(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) ||
		errors.Is(err, errNotDir) || errors.Is(err, errReadOnly) || errors.Is(err, errNameTooLong)
}

// withoutPath drops the path of a temporary file, which means nothing to the reader.
func withoutPath(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return p.Err
	}
	if l := (*os.LinkError)(nil); errors.As(err, &l) {
		return l.Err
	}
	return err
}
