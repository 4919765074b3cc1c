package sims

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
)

// Source is a run file that was read and checked, not yet resolved: command line settings may
// still be laid over it.
type Source struct {
	File     string
	settings settings
	variants []variant
}

// Curve is one resolved run of the experiment: the run file's own keys, or a variant, or a point of
// a sweep's grid.
type Curve struct {
	Name   string // "base" for the run itself
	Config Config

	file string   // for errors found only when compiling
	set  settings //
}

// resolve makes a curve of settings.
func (s Source) resolve(name string, set settings) (Curve, problems) {
	c, bad := set.resolve(s.File)
	return Curve{name, c, s.File, set}, bad
}

// Problem is an error about a key, at the place where it was set.
func (c *Curve) Problem(key, value, format string, a ...any) *InputError {
	at := Position{File: c.file}
	if s, ok := c.set[key]; ok {
		at = s.at
	}
	return at.problem(key, value, format, a...)
}

// blame says which key a compile error is about. A layer that does not fit is one of too many tokens:
// the number of tokens decides all sizes but the weights', which are never stored.
func (c *Curve) blame(err error) *InputError {
	if !errors.As(err, new(*pe.OutOfMemory)) {
		return c.Problem("", "", "%v", err)
	}
	return c.Problem("matmul.tokens", tomlValue(c.Config.MatMul.Tokens), "%v", err)
}

// Compile lowers the curve's layer at one sparsity. The mapping is searched for the sparsities that
// share it. The error is an *InputError.
func (c *Curve) Compile(sparsity float64) (*compiler.Program, error) {
	if c.Config.Experiment != ExperimentMatMul {
		return nil, c.Problem("experiment", tomlString(c.Config.Experiment), "has no single layer to compile, must be %q", ExperimentMatMul)
	}
	p, err := c.Config.compile(engine{compile: compiler.Compile}, sparsity, c.Config.Mapping)
	if err != nil {
		return nil, c.blame(err)
	}
	return p, nil
}

// Load reads a run file and all that it extends. The error joins every *InputError found.
func Load(path string) (Source, error) {
	source, err := readSource(path)
	if err != nil {
		return Source{}, &InputError{File: path, Want: err.Error()}
	}
	s, bad := load(path, source, nil)
	return s, bad.err()
}

// load follows extends; above are the files that led here.
func load(path, source string, above []string) (Source, problems) {
	d, bad := parseRunFile(path, source)
	s := Source{File: path, settings: d.settings, variants: d.variants}
	if d.extends == nil {
		return s, bad
	}
	name := d.extends.value.(string)
	next := relativeTo(path, name)
	fault := func(format string, a ...any) (Source, problems) {
		bad.add(d.extends.at.problem("extends", tomlString(name), format, a...))
		return s, bad
	}
	above = append(above, identity(path))
	if i := slices.Index(above, identity(next)); i >= 0 {
		ring := append(slices.Clone(above[i:]), identity(next))
		for i := range ring {
			ring[i] = filepath.Base(ring[i])
		}
		return fault("the files extend each other in a ring: %s", strings.Join(ring, " -> "))
	}
	text, err := readNamed(next)
	if err != nil {
		return fault("%v", err)
	}
	parent, worse := load(next, text, above)
	bad = append(bad, worse...)
	s.settings = parent.settings.over(s.settings)
	if len(s.variants) == 0 {
		s.variants = parent.variants
	}
	return s, bad
}

// identity is one name for all spellings of a path.
func identity(path string) string {
	if p, err := filepath.EvalSymlinks(path); err == nil {
		path = p
	}
	if p, err := filepath.Abs(path); err == nil {
		path = p
	}
	return path
}

// Set lays KEY=VALUE over the run, as the flag --set does; at names the flag in errors.
func (s Source) Set(at, key, value string) (Source, error) {
	k, err := FindKey(key)
	if err != nil {
		return s, Position{File: at}.problem(key, "", "%v", err)
	}
	set, bad := commandLine(at, k, k.parseValue(value))
	if len(bad) > 0 {
		return s, bad.err()
	}
	s.settings = s.settings.over(set)
	return s, nil
}

// commandLine is one key given by a flag. Paths are relative to the working directory.
func commandLine(at string, k Key, value any) (settings, problems) {
	r := reader{file: at}
	out := settings{}
	r.set(k, value, k.Name, Position{File: at}, out)
	if file, ok := out["machine.file"]; ok {
		delete(out, "machine.file")
		out = r.machineFile(file)
	}
	return out, r.bad
}

// Base resolves the run itself.
func (s Source) Base() (Curve, error) {
	c, bad := s.resolve(baseName, s.settings)
	return c, bad.err()
}

// Curves resolves the run and its variants, the run first.
func (s Source) Curves() ([]Curve, error) {
	base, bad := s.resolve(baseName, s.settings)
	curves := []Curve{base}
	if len(bad) > 0 {
		return nil, bad.err()
	}
	for _, v := range s.variants {
		c, worse := s.resolve(v.name, s.settings.over(v.set))
		bad = append(bad, worse...)
		curves = append(curves, c)
	}
	return curves, bad.err()
}
