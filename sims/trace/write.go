package trace

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"cs2sim.dev/pe"
)

// Names in a result folder.
const (
	Folder       = "trace"            // tables and manifest
	ProfileFile  = "profile.pb.gz"    // all runs
	TimelineFile = "timeline.json.gz" // all runs
	ManifestFile = "manifest.json"    // in Folder, names all tables
)

// Version of the format; it changes when a reader of the old one would misread the new one.
const (
	Version    = 2
	formatName = "cs2sim trace"
)

// Manifest is trace/manifest.json: what is there, written after it is there.
type Manifest struct {
	Format    string   `json:"format"`
	Version   int      `json:"version"`
	Simulator string   `json:"simulator"`
	Complete  bool     `json:"complete"`
	States    []string `json:"states"`
	Runs      []Part   `json:"runs"`
}

// Part is one run and its files: phases-NNN.parquet, and alike cells, windows, memory and links.
type Part struct {
	Part  int    `json:"part"`
	Draft string `json:"draft,omitempty"` // "a" or "b", which follows NNN in the files' names: of a run under way
	Run
	Rows   Rows             `json:"rows"`
	Totals map[string]int64 `json:"pe_cycles"` // by state
}

// Rows are the lengths of the tables.
type Rows struct {
	Phases  int `json:"phases"`
	Cells   int `json:"cells"`
	Windows int `json:"windows"`
	Memory  int `json:"memory"`
	Links   int `json:"links"`
}

// Writer adds runs to the trace of a result folder one by one. A process that is killed leaves
// the runs added before, whole.
type Writer struct {
	dir      string
	manifest Manifest
	runs     map[int]*Run // without links: Close draws none, and they are half of what a run takes
	profile  []byte       // of the run added last
}

// Create begins a new trace in a result folder; an earlier one is removed.
func Create(dir, simulator string) (*Writer, error) {
	w := &Writer{dir: dir, runs: map[int]*Run{}, manifest: Manifest{
		Format: formatName, Version: Version, Simulator: Clean(simulator), States: StateNames(), Runs: []Part{},
	}}
	if err := Remove(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, Folder), 0o777); err != nil {
		return nil, fmt.Errorf("making the trace's folder: %w", err)
	}
	return w, nil
}

// StateNames are the words of all states, in the order of their numbers.
func StateNames() (names []string) {
	for _, s := range pe.States() {
		names = append(names, s.Name())
	}
	return names
}

// Remove takes away what Create and Add wrote, and what a killed process left of it; the manifest first, which names
// the tables.
func Remove(dir string) error {
	folder := filepath.Join(dir, Folder)
	entries, err := os.ReadDir(folder)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("removing the earlier trace: %w", err)
	}
	if i := slices.IndexFunc(entries, func(e os.DirEntry) bool { return e.Name() == ManifestFile }); i > 0 {
		entries[0], entries[i] = entries[i], entries[0]
	}
	ours := regexp.MustCompile(`^\.?((` + strings.Join(tableKinds(), "|") + `)-\d{3,}[ab]?\.parquet|profile-\d{3,}\.pb\.gz|manifest\.json)\d*$`)
	for _, e := range entries {
		if e.Type().IsRegular() && ours.MatchString(e.Name()) {
			if err := os.Remove(filepath.Join(folder, e.Name())); err != nil {
				return fmt.Errorf("removing the earlier trace: %w", err)
			}
		}
	}
	os.Remove(folder) // fails unless empty, as it should
	return nil
}

// ErrFull is the error of a run that would make a trace larger than its readers take. Nothing of
// it is there then, drafts neither.
var ErrFull = errors.New("the trace is full")

// Add writes a run as the part of this number; parts may come in any order. The manifest names
// it when its tables are in place. The error wraps ErrFull if there is no room for it.
func (w *Writer) Add(part int, r *Run) error {
	if err := r.Check(); err != nil {
		return fmt.Errorf("trace of %s: %w", r.Name, err)
	}
	err := w.write(part, "", r)
	if errors.Is(err, ErrFull) {
		if err := w.drop(part); err != nil {
			return err
		}
	}
	return err
}

// Update writes what there is of a run under way, which Add or the next Update replaces: in files beside
// those of the last one, so that one of them is whole at any time.
func (w *Writer) Update(part int, r *Run) error {
	draft := "a"
	if i := w.find(part); i >= 0 && w.manifest.Runs[i].Draft == draft {
		draft = "b"
	}
	if err := r.Check(); err != nil {
		return fmt.Errorf("trace of %s: %w", r.Name, err)
	}
	return w.write(part, draft, r)
}

// find is the place of a part in the manifest, -1 if it has none.
func (w *Writer) find(part int) int {
	return slices.IndexFunc(w.manifest.Runs, func(p Part) bool { return p.Part == part })
}

// write puts a run's tables in place, a finished one's profile too, then the manifest that names them, and takes
// away the tables it named before.
func (w *Writer) write(part int, draft string, r *Run) error {
	p := Part{Part: part, Draft: draft, Run: *r, Rows: r.rows(), Totals: map[string]int64{}}
	for s, n := range r.Totals() {
		p.Totals[pe.State(s).Name()] = n
	}
	if err := p.Rows.check(); err != nil {
		return fmt.Errorf("trace of %s: part %d %w", r.Name, part, err)
	}
	before, m := draft, w.manifest
	m.Runs = slices.Clone(m.Runs)
	if i := w.find(part); i >= 0 {
		before, m.Runs[i] = m.Runs[i].Draft, p
	} else {
		m.Runs = append(m.Runs, p)
	}
	slices.SortFunc(m.Runs, func(a, b Part) int { return a.Part - b.Part })
	if m.checkRows() != nil || len(m.Runs) > maxRuns {
		return fmt.Errorf("trace of %s: %w", r.Name, ErrFull)
	}
	var jobs []func() error
	for _, t := range r.tables(part) {
		jobs = append(jobs, func() error {
			data, err := t.encode()
			if err != nil {
				return err
			}
			return w.put(filepath.Join(Folder, partName(t.kind, part, draft, "parquet")), data)
		})
	}
	profile := w.profile
	if draft == "" {
		jobs = append(jobs, func() (err error) {
			if profile, err = Profile(r); err != nil {
				return err
			}
			return w.put(filepath.Join(Folder, partName("profile", part, "", "pb.gz")), profile)
		})
	}
	if err := firstError(jobs...); err != nil {
		return err
	}
	if err := w.putManifest(m); err != nil {
		return err
	}
	w.manifest, w.runs[part], w.profile = m, r.withoutLinks(), profile
	if before != draft {
		return w.removeTables(part, before)
	}
	return nil
}

func (r *Run) withoutLinks() *Run {
	kept := *r
	kept.Kinds = slices.Clone(r.Kinds)
	for i := range kept.Kinds {
		kept.Kinds[i].Links = nil
	}
	return &kept
}

// drop takes a run away that was written before.
func (w *Writer) drop(part int) error {
	i := w.find(part)
	if i < 0 {
		return nil
	}
	draft, m := w.manifest.Runs[i].Draft, w.manifest
	m.Runs = slices.Delete(slices.Clone(m.Runs), i, i+1)
	if err := w.putManifest(m); err != nil {
		return err
	}
	w.manifest = m
	delete(w.runs, part)
	return w.removeTables(part, draft)
}

func (w *Writer) removeTables(part int, draft string) error {
	for _, kind := range tableKinds() {
		if err := os.Remove(filepath.Join(w.dir, Folder, partName(kind, part, draft, "parquet"))); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("removing a table of the trace: %w", err)
		}
	}
	return nil
}

func partName(kind string, part int, draft, suffix string) string {
	return fmt.Sprintf("%s-%03d%s.%s", kind, part, draft, suffix)
}

// Close writes the profile and the timeline of all runs, and says in the manifest that they are all,
// unless one of them is still under way.
func (w *Writer) Close() error {
	var runs []*Run
	complete := true
	for _, p := range w.manifest.Runs {
		runs = append(runs, w.runs[p.Part])
		complete = complete && p.Of == 0
	}
	err := firstError(func() (err error) {
		profile := w.profile
		if len(runs) != 1 || !complete {
			if profile, err = Profile(runs...); err != nil {
				return err
			}
		}
		return w.put(ProfileFile, profile)
	}, func() error {
		timeline, err := Timeline(nil, runs...)
		if err != nil {
			return err
		}
		return w.put(TimelineFile, timeline)
	})
	if err != nil {
		return err
	}
	w.manifest.Complete = complete
	return w.putManifest(w.manifest)
}

func (w *Writer) putManifest(m Manifest) error {
	data, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return fmt.Errorf("manifest of the trace: %w", err)
	}
	return w.put(filepath.Join(Folder, ManifestFile), append(data, '\n'))
}

// put puts a file in place whole.
func (w *Writer) put(name string, data []byte) error {
	path := filepath.Join(w.dir, name)
	if err := renameio.WriteFile(path, data, 0o666, renameio.WithTempDir(filepath.Dir(path))); err != nil {
		return fmt.Errorf("writing %s: %w", strings.TrimPrefix(path, w.dir+"/"), err)
	}
	return nil
}

// encode makes a Parquet file of rows; equal rows give equal bytes. It never holds more than some of them: a
// run has hundreds of MB.
func encode[T any](rows iter.Seq[T]) ([]byte, error) {
	var b bytes.Buffer
	w := parquet.NewGenericWriter[T](&b,
		parquet.Compression(&zstd.Codec{Level: zstd.SpeedFastest}), parquet.DataPageVersion(1),
		parquet.DataPageStatistics(false), parquet.CreatedBy("cs2sim", "1", ""))
	some := make([]T, 0, 1024)
	var err error
	for row := range rows {
		if some = append(some, row); len(some) == cap(some) {
			if _, err = w.Write(some); err != nil {
				break
			}
			some = some[:0]
		}
	}
	if err == nil {
		_, err = w.Write(some)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("encoding a table of the trace: %w", err)
	}
	return b.Bytes(), nil
}

// Write writes a whole trace.
func Write(dir, simulator string, runs ...*Run) error {
	w, err := Create(dir, simulator)
	if err != nil {
		return err
	}
	for i, r := range runs {
		if err := w.Add(i, r); err != nil {
			return err
		}
	}
	return w.Close()
}

// WriteSteps writes the trace of training steps, one micro-batch each, into a result folder.
func WriteSteps(dir, simulator string, steps ...Step) error {
	var runs []*Run
	for _, s := range steps {
		runs = append(runs, s.Run())
	}
	return Write(dir, simulator, runs...)
}
