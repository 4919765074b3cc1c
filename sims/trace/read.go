package trace

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"cs2sim.dev/pe"
)

// Trace is what a result folder holds.
type Trace struct {
	Simulator string
	Complete  bool // the process that wrote it came to its end
	Runs      []*Run
}

const (
	maxManifest = 1 << 24 // bytes
	maxFile     = 1 << 29
)

// Read reads the trace of a result folder. It opens nothing outside of the folder, and whatever
// the files hold, the result is a trace whose accounts close, or an error that names the folder and the file.
func Read(dir string) (*Trace, error) {
	t, err := read(dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return t, nil
}

func read(dir string) (*Trace, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, plain(err)
	}
	defer root.Close()
	name := filepath.Join(Folder, ManifestFile)
	data, err := readBounded(root, name, maxManifest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("holds no trace; the folder of a run has %s", name)
	}
	if err != nil {
		return nil, err
	}
	m, err := readManifest(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	t := &Trace{Simulator: m.Simulator, Complete: m.Complete}
	for i := range m.Runs {
		p := &m.Runs[i]
		if err := p.read(func(kind string) ([]byte, error) {
			return readBounded(root, filepath.Join(Folder, partName(kind, p.Part, p.Draft, "parquet")), maxFile)
		}); err != nil {
			return nil, err
		}
		t.Runs = append(t.Runs, &p.Run)
	}
	return t, nil
}

func readManifest(data []byte) (*Manifest, error) {
	var m Manifest
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return nil, fmt.Errorf("is not the manifest of a trace: %w", err)
	}
	switch {
	case m.Format != formatName:
		return nil, fmt.Errorf("format is %.40q, must be %q", m.Format, formatName)
	case m.Version != Version:
		return nil, fmt.Errorf("version is %d, this cs2sim reads %d", m.Version, Version)
	case !slices.Equal(m.States, StateNames()):
		return nil, fmt.Errorf("states are %.200q, must be %q", m.States, StateNames())
	case len(m.Runs) > maxRuns:
		return nil, fmt.Errorf("%d runs, at most %d", len(m.Runs), maxRuns)
	}
	if err := checkName(m.Simulator); err != nil {
		return nil, err
	}
	last := -1
	for _, p := range m.Runs {
		if p.Part <= last || p.Part >= maxRuns {
			return nil, fmt.Errorf("part %d after part %d, parts must ascend to at most %d", p.Part, last, maxRuns-1)
		}
		last = p.Part
		if p.Draft != "" && p.Draft != "a" && p.Draft != "b" {
			return nil, fmt.Errorf("part %d: draft is %.20q, must be a or b", p.Part, p.Draft)
		}
	}
	if err := m.checkRows(); err != nil {
		return nil, err
	}
	return &m, nil
}

// checkRows bounds the tables of all runs: whoever looks at a trace holds them together in memory.
func (m *Manifest) checkRows() error {
	var all Rows
	for _, p := range m.Runs {
		if err := p.Rows.check(); err != nil {
			return fmt.Errorf("part %d %w", p.Part, err)
		}
		all = all.plus(p.Rows)
	}
	if most := mostRows(); all.beyond(most) {
		return fmt.Errorf("all parts have %+v rows, at most %+v", all, most)
	}
	return nil
}

// mostRows is of all parts together.
func mostRows() Rows {
	return Rows{4 * maxPhases, 4 * maxCells, 4 * maxWindows, 4 * maxRegions, 4 * maxLinks}
}

func (r Rows) plus(o Rows) Rows {
	return Rows{r.Phases + o.Phases, r.Cells + o.Cells, r.Windows + o.Windows, r.Memory + o.Memory, r.Links + o.Links}
}

func (r Rows) beyond(most Rows) bool {
	return r.Phases > most.Phases || r.Cells > most.Cells || r.Windows > most.Windows || r.Memory > most.Memory || r.Links > most.Links
}

// check holds the rows of one part within their bounds.
func (r Rows) check() error {
	if most := (Rows{maxPhases, maxCells, maxWindows, maxRegions, maxLinks}); min(r.Phases, r.Cells, r.Windows, r.Memory, r.Links) < 0 || r.beyond(most) {
		return fmt.Errorf("has %+v rows, at most %+v", r, most)
	}
	return nil
}

// read fills a part from its tables, which open gives by kind.
func (p *Part) read(open func(kind string) ([]byte, error)) error {
	for _, t := range []struct {
		kind    string
		columns []column
		has     int
		set     func(*table) bool
	}{
		{"phases", phaseColumns(), p.Rows.Phases, func(t *table) bool { p.setPhases(t); return true }},
		{"cells", cellColumns(), p.Rows.Cells, p.setCells},
		{"windows", windowColumns(), p.Rows.Windows, p.setWindows},
		{"memory", regionColumns(), p.Rows.Memory, func(t *table) bool { p.setRegions(t); return true }},
		{"links", linkColumns(), p.Rows.Links, p.setTableLinks},
	} {
		fail := func(err error) error {
			return fmt.Errorf("%s: %w", filepath.Join(Folder, partName(t.kind, p.Part, p.Draft, "parquet")), err)
		}
		data, err := open(t.kind)
		if err != nil {
			return err
		}
		got, err := readTable(data, t.columns, t.has)
		if err != nil {
			return fail(err)
		}
		if got.rows != t.has {
			return fail(fmt.Errorf("%d rows, the manifest says %d", got.rows, t.has))
		}
		for i, run := range got.ints[0] {
			if run != int64(p.Part) {
				return fail(fmt.Errorf("row %d is of run %d", i, run))
			}
		}
		if !t.set(got) {
			return fail(errors.New("its kinds, windows or cells do not ascend, or there is one too many"))
		}
	}
	if err := p.Run.Check(); err != nil {
		return fmt.Errorf("part %d: %w", p.Part, err)
	}
	for s, n := range p.Run.Totals() {
		if name := pe.State(s).Name(); p.Totals[name] != n {
			return fmt.Errorf("part %d: the cells' %s is %d PE-cycles, the manifest says %d", p.Part, name, n, p.Totals[name])
		}
	}
	return nil
}

func readBounded(root *os.Root, name string, most int64) ([]byte, error) {
	info, err := root.Stat(name) // before it is opened: opening a pipe waits for its writer
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, plain(err))
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: is not a file", name)
	case info.Size() > most:
		return nil, fmt.Errorf("%s: has %d bytes, at most %d", name, info.Size(), most)
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, plain(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, plain(err))
	}
	return data, nil
}

// plain drops the path, which the caller puts in front.
func plain(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return p.Err
	}
	return err
}

// Find is the run of a name; an empty name is the first one.
func (t *Trace) Find(name string) (*Run, error) {
	var names []string
	for _, r := range t.Runs {
		if name == "" || r.Name == name {
			return r, nil
		}
		names = append(names, r.Name)
	}
	if len(names) == 0 {
		return nil, errors.New("the trace has no finished run")
	}
	return nil, fmt.Errorf("no run %q; the trace has %q", name, names)
}
