package trace

import (
	"bytes"
	"encoding/json"
	"fmt"
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

// Part is one run and its files: phases-NNN.parquet, cells-NNN.parquet, windows-NNN.parquet, memory-NNN.parquet.
type Part struct {
	Part int `json:"part"`
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
}

// Writer adds runs to the trace of a result folder one by one. A process that is killed leaves
// the runs added before, whole.
type Writer struct {
	dir      string
	manifest Manifest
	runs     map[int]*Run
	profile  []byte // of the run added last
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

// Remove takes away what Create and Add wrote, and what a killed process left of it.
func Remove(dir string) error {
	folder := filepath.Join(dir, Folder)
	entries, err := os.ReadDir(folder)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("removing the earlier trace: %w", err)
	}
	ours := regexp.MustCompile(`^\.?((phases|cells|windows|memory)-\d{3,}\.parquet|profile-\d{3,}\.pb\.gz|manifest\.json)\d*$`)
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

// Add writes a run as the part of this number; parts may come in any order. The manifest names
// it when its tables are in place.
func (w *Writer) Add(part int, r *Run) error {
	if err := r.Check(); err != nil {
		return fmt.Errorf("trace of %s: %w", r.Name, err)
	}
	cells, windows := r.cellRows(part), r.windowRows(part)
	p := Part{Part: part, Run: *r, Totals: map[string]int64{}, Rows: Rows{len(r.Phases), len(cells), len(windows), len(r.Memory)}}
	for s, n := range r.Totals() {
		p.Totals[pe.State(s).Name()] = n
	}
	phases, err := encode(r.phaseRows(part))
	if err != nil {
		return err
	}
	table, err := encode(cells)
	if err != nil {
		return err
	}
	fine, err := encode(windows)
	if err != nil {
		return err
	}
	memory, err := encode(r.regionRows(part))
	if err != nil {
		return err
	}
	profile, err := Profile(r)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		kind, suffix string
		data         []byte
	}{{"phases", "parquet", phases}, {"cells", "parquet", table}, {"windows", "parquet", fine}, {"memory", "parquet", memory}, {"profile", "pb.gz", profile}} {
		if err := w.put(filepath.Join(Folder, partName(f.kind, part, f.suffix)), f.data); err != nil {
			return err
		}
	}
	w.runs[part], w.profile = r, profile
	w.manifest.Runs = append(w.manifest.Runs, p)
	slices.SortFunc(w.manifest.Runs, func(a, b Part) int { return a.Part - b.Part })
	if err := w.manifest.checkRows(); err != nil {
		return fmt.Errorf("trace of %s: %w", r.Name, err)
	}
	return w.putManifest()
}

func partName(kind string, part int, suffix string) string {
	return fmt.Sprintf("%s-%03d.%s", kind, part, suffix)
}

// Close writes the profile and the timeline of all runs, and says in the manifest that they are all.
func (w *Writer) Close() error {
	var runs []*Run
	for _, p := range w.manifest.Runs {
		runs = append(runs, w.runs[p.Part])
	}
	profile := w.profile
	if len(runs) != 1 {
		var err error
		if profile, err = Profile(runs...); err != nil {
			return err
		}
	}
	if err := w.put(ProfileFile, profile); err != nil {
		return err
	}
	timeline, err := Timeline(nil, runs...)
	if err != nil {
		return err
	}
	if err := w.put(TimelineFile, timeline); err != nil {
		return err
	}
	w.manifest.Complete = true
	return w.putManifest()
}

func (w *Writer) putManifest() error {
	data, err := json.MarshalIndent(w.manifest, "", " ")
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

// encode makes a Parquet file of rows; equal rows give equal bytes.
func encode[T any](rows []T) ([]byte, error) {
	var b bytes.Buffer
	w := parquet.NewGenericWriter[T](&b,
		parquet.Compression(&zstd.Codec{Level: zstd.SpeedFastest}), parquet.DataPageVersion(1),
		parquet.DataPageStatistics(false), parquet.CreatedBy("cs2sim", "1", ""))
	if _, err := w.Write(rows); err != nil {
		return nil, fmt.Errorf("encoding a table of the trace: %w", err)
	}
	if err := w.Close(); err != nil {
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
