package sims

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// write makes files of a txtar-like map in a temporary directory and returns that directory.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// curvesOf loads run.toml of the files.
func curvesOf(t *testing.T, files map[string]string) ([]Curve, error) {
	t.Helper()
	s, err := Load(filepath.Join(write(t, files), "run.toml"))
	if err != nil {
		return nil, err
	}
	return s.Curves()
}

func TestInputErrors(t *testing.T) {
	const head = "experiment = \"matmul\"\n"
	for _, c := range []struct{ name, run, want string }{
		{"unknown key", head + "[matmul]\nrowz = 5", "run.toml:3: matmul.rowz: value 5: unknown key: did you mean matmul.rows?"},
		{"unknown table", head + "\n[matmull]\nrows = 5", "run.toml:3: matmull: unknown key: did you mean matmul?"},
		{"unknown empty table", head + "[nothing]", "run.toml:2: nothing: unknown key"},
		{"key in wrong table", head + "rows = 5", "run.toml:2: rows: value 5: unknown key: did you mean matmul.rows?"},
		{"dotted unknown key", head + "machine.clock = 5", "run.toml:2: machine.clock: value 5: unknown key"},
		{"no experiment", "seed = 1", `run.toml: experiment: is missing, must be "matmul"`},
		{"unknown experiment", `experiment = "matmal"`, `run.toml:1: experiment: value "matmal": must be "matmul", "spdf" or "gpt"; did you mean "matmul"?`},
		{"wrong type", head + "[matmul]\nrows = \"12\"", `run.toml:3: matmul.rows: value "12": is a string, must be a whole number, 1 to 1048576 features`},
		{"fraction", head + "[matmul]\nrows = 1.5", "run.toml:3: matmul.rows: value 1.5: has a fraction"},
		{"zero rows", head + "[matmul]\nrows = 0", "run.toml:3: matmul.rows: value 0: is out of range, must be a whole number, 1 to 1048576 features"},
		{"zero tokens", head + "[matmul]\ntokens = 0", "run.toml:3: matmul.tokens: value 0: is out of range"},
		{"not a number", head + "[machine]\nclock_hz = nan", "run.toml:3: machine.clock_hz: value nan: is out of range"},
		{"infinite", head + "[machine]\nclock_hz = inf", "run.toml:3: machine.clock_hz: value inf: is out of range"},
		{"negative sparsity", head + "[matmul]\nsparsities = [0.5,\n -0.1]", "run.toml:4: matmul.sparsities: value -0.1: is out of range, must be at least 0 and below 1"},
		{"sparsity 1", head + "[matmul]\nsparsities = [1.0]", "run.toml:3: matmul.sparsities: value 1.0: is out of range, must be at least 0 and below 1"},
		{"sparsity twice", head + "[matmul]\nsparsities = [0, 0.0]", "run.toml:3: matmul.sparsities: value 0.0: is listed twice"},
		{"no sparsity", head + "[matmul]\nsparsities = []", "run.toml:3: matmul.sparsities: value []: must be a list of 1 to 1000 numbers"},
		{"all weights gone", head + "[matmul]\nrows = 1\ncols = 1\nsparsities = [\n0.9\n]", "run.toml:6: matmul.sparsities: value 0.9: mask"},
		{"sparsity no N:M has", head + "[matmul]\nmask = \"nm\"\nsparsities = [0.5, 0.9]", "run.toml:4: matmul.sparsities: value 0.9: leaves no whole number of non-zeros in a group of 4 weights (matmul.nm_group), must be 0 to 3 divided by 4"},
		{"no I/O", head + "[machine]\nio_bits_per_second = 0", "run.toml:3: machine.io_bits_per_second: value 0: is out of range, must be a number, 1 to 1e+18 bit/s"},
		{"unknown preset", head + "[machine]\npreset = \"wse4\"", `run.toml:3: machine.preset: value "wse4": must be "wse1", "wse2" or "wse3"`},
		{"auto misspelt", head + "[mapping]\ngroups = \"any\"", `run.toml:3: mapping.groups: value "any": is a string, must be "auto" or a whole number, 1 to 4096 groups`},
		{"the number that stands for auto", head + "[mapping]\nrun_ahead = -1", `run.toml:3: mapping.run_ahead: value -1: is out of range, must be "auto" or`},
		{"too many groups", head + "[machine]\nwidth = 8\n[mapping]\ngroups = 9", "run.toml:5: mapping.groups: value 9: is out of range, must be at most the 8 columns"},
		{"flag", head + "[mapping]\nper_sparsity = 1", "run.toml:3: mapping.per_sparsity: value 1: is a whole number, must be true or false"},
		{"syntax", head + "seed = = 1", "run.toml:2: seed: not valid TOML: "},
		{"key twice", head + "seed = 1\nseed = 2", "run.toml:3: seed: not valid TOML: "},
		{"key twice by quotes", head + "\"matmul.rows\" = 1\n[matmul]\nrows = 2", "matmul.rows: value"},
		{"extends nothing", head + "extends = \"nope.toml\"", `run.toml:2: extends: value "nope.toml": there is no such file`},
		{"extends itself", head + "extends = \"run.toml\"", "run.toml:2: extends: value \"run.toml\": the files extend each other in a ring: run.toml -> run.toml"},
		{"extends a number", head + "extends = 3", "run.toml:2: extends: value 3: must be the path of a file"},
		{"extends a directory", head + "extends = \".\"", "run.toml:2: extends: value \".\": is a directory, must be a file"},
		{"machine file missing", head + "[machine]\nfile = \"nope.toml\"", `run.toml:3: machine.file: value "nope.toml": there is no such file`},
		{"machine file bad", head + "[machine]\nfile = \"machine.toml\"", "machine.toml:2: machine.hop_cycle: value 1: unknown key: did you mean machine.hop_cycles?"},
		{"parent bad", "extends = \"parent.toml\"\nseed = 4", "parent.toml:1: seed: value \"x\": is a string"},
		{"variant without name", head + "[[variant]]\nset = { seed = 2 }", "run.toml:2: variant.name: must be a printable string"},
		{"variant without set", head + "[[variant]]\nname = \"a\"", "run.toml:2: variant.set: must be a table"},
		{"variant of base's name", head + "[[variant]]\nname = \"base\"\nset = { seed = 2 }", `run.toml:3: variant.name: value "base": is the name of the run itself`},
		{"variant twice", head + "[[variant]]\nname = \"a\"\nset = { seed = 2 }\n[[variant]]\nname = \"a\"\nset = { seed = 3 }", `run.toml:6: variant.name: value "a": is used twice`},
		{"variant's unknown key", head + "[[variant]]\nname = \"a\"\nset = {\"mapping.group\" = 1}", "run.toml:4: mapping.group: value 1: unknown key: did you mean mapping.groups?"},
		{"variant's other keys", head + "[[variant]]\nname = \"a\"\nkeys = 1\nset = {seed = 1}", "run.toml:4: variant.keys: value 1: unknown key"},
		{"variant's value", head + "[[variant]]\nname = \"a\"\n[variant.set]\nmatmul.rows = 0", "run.toml:5: matmul.rows: value 0: is out of range"},
		{"variant no table", head + "variant = 3", "run.toml:2: variant: value 3: is a whole number, must be [[variant]] tables"},
		{"date", head + "seed = 2020-01-01", "run.toml:2: seed: value 2020-01-01T00:00:00"},
		{"value is a table", head + "[seed]\nx = 1", "run.toml:2: seed: value {...}: is a table, must be a whole number"},
		{"table is a value", head + "matmul = 1", "run.toml:2: matmul: value 1: is a whole number, must be the table of its keys"},
		{"table is a list", head + "[[machine]]\nwidth = 1", "machine: value {...}: is a list, must be the table of its keys"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := curvesOf(t, map[string]string{
				"run.toml": c.run, "machine.toml": "clock_hz = 1e9\nhop_cycle = 1", "parent.toml": "seed = \"x\"",
			})
			if err == nil {
				t.Fatal("no error")
			}
			if !errors.As(err, new(*InputError)) {
				t.Errorf("%T is not an InputError", err)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is\n%v\nwant\n%s", err, c.want)
			}
		})
	}
}

func TestEveryProblemIsReported(t *testing.T) {
	_, err := curvesOf(t, map[string]string{"run.toml": "sed = 1\nexperiment = 2\n[matmul]\nrows = 0\ncols = 0"})
	for _, want := range []string{":1: sed", ":2: experiment", ":4: matmul.rows", ":5: matmul.cols"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error does not hold %q:\n%v", want, err)
		}
	}
}

func TestExtends(t *testing.T) {
	curves, err := curvesOf(t, map[string]string{
		"run.toml":    "extends = \"middle.toml\"\n[matmul]\nrows = 10\n[machine]\nhop_cycles = 3\n[mapping]\ngroups = \"auto\"",
		"middle.toml": "extends = \"top.toml\"\nseed = 7\nmatmul.sparsities = [0.25]\n[machine]\nfile = \"machine.toml\"\nramp_cycles = 5",
		"top.toml": "experiment = \"matmul\"\n[matmul]\nrows = 30\ncols = 40\nsparsities = [0.5, 0.75]\n" +
			"[mapping]\ngroups = 2\n[[variant]]\nname = \"near\"\nset = { machine.hop_cycles = 1, \"mapping.groups\" = 4 }",
		"machine.toml": "preset = \"wse3\"\nhop_cycles = 2\nramp_cycles = 9\nwidth = 20",
	})
	if err != nil {
		t.Fatal(err)
	}
	c := curves[0].Config
	m := c.Machine
	got := []any{c.MatMul.Rows, c.MatMul.Cols, c.MatMul.Sparsities[0], len(c.MatMul.Sparsities), c.Seed, c.Mapping.Groups,
		m.Name, m.Get("hop_cycles"), m.Get("ramp_cycles"), m.Width(), m.Height()}
	want := []any{10, 40, 0.25, 1, 7, autoValue, "wse3", 3.0, 5.0, 20, 1170}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("resolved (-want +got):\n%s", diff)
	}
	v := curves[1]
	if v.Name != "near" || v.Config.Machine.Get("hop_cycles") != 1 || v.Config.Mapping.Groups != 4 || v.Config.Seed != 7 {
		t.Errorf("variant is %+v", v)
	}
}

func TestExtendsRing(t *testing.T) {
	dir := write(t, map[string]string{"a.toml": "extends = \"b.toml\"", "b.toml": "\nextends = \"c.toml\"", "c.toml": "\n\nextends = \"b.toml\""})
	_, err := Load(filepath.Join(dir, "a.toml"))
	want := filepath.Join(dir, "c.toml") + ":3: extends: value \"b.toml\": the files extend each other in a ring: b.toml -> c.toml -> b.toml"
	if err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

func TestResolvedFileIsTheSameRun(t *testing.T) {
	curves, err := curvesOf(t, map[string]string{"run.toml": `experiment = "matmul"
seed = 9007199254740991
check = 3
[machine]
preset = "wse1"
clock_hz = 0.9e9
joules_per_bit_hop = 1.2345678901234567e-13
[matmul]
rows = 1e3
mask = "row_balanced"
precision = "fp16"
[mapping]
run_ahead = 0
per_sparsity = true
[[variant]]
name = "quoted \" \\ \u00e9"
set = { "mapping.run_ahead" = "auto", "matmul.sparsities" = [0.1, 0.3333333333333333], machine.preset = "wse3", "matmul.mask" = "nm", "matmul.nm_group" = 30 }
[[variant]]
name = "no change"
set = { check = 3 }
`})
	if err != nil {
		t.Fatal(err)
	}
	resolved := WriteRunFile(".", curves)
	again, err := curvesOf(t, map[string]string{"run.toml": string(resolved)})
	if err != nil {
		t.Fatalf("%v\n%s", err, resolved)
	}
	if diff := cmp.Diff(plain(curves), plain(again)); diff != "" {
		t.Errorf("curves differ (-first +again):\n%s", diff)
	}
	if twice := WriteRunFile(".", again); string(twice) != string(resolved) {
		t.Errorf("resolved file changes on the second pass:\n%s\n%s", resolved, twice)
	}
}

// plain is every key of every curve with its value.
func plain(curves []Curve) (all [][]any) {
	for _, c := range curves {
		row := []any{c.Name}
		for _, k := range Schema() {
			row = append(row, k.Name, k.Value(&c.Config))
		}
		all = append(all, row)
	}
	return all
}

func TestDefaultsResolve(t *testing.T) {
	curves, err := curvesOf(t, map[string]string{"run.toml": "\ufeffexperiment = \"matmul\""})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Defaults(), curves[0].Config); diff != "" {
		t.Errorf("(-defaults +resolved):\n%s", diff)
	}
}

func TestSet(t *testing.T) {
	s, err := Load(filepath.Join(write(t, map[string]string{"run.toml": "experiment = \"matmul\""}), "run.toml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, kv := range [][2]string{
		{"matmul.sparsities", "0, 0.5,0.9"}, {"mapping.per_sparsity", "true"}, {"matmul.mask", "row_balanced"},
		{"matmul.tokens", "4e3"}, {"mapping.groups", "auto"}, {"machine.clock_hz", "850000000"},
	} {
		if s, err = s.Set("--set", kv[0], kv[1]); err != nil {
			t.Fatal(err)
		}
	}
	base, err := s.Base()
	if err != nil {
		t.Fatal(err)
	}
	c := base.Config
	got := []any{c.MatMul.Sparsities, c.Mapping.PerSparsity, c.MatMul.Mask, c.MatMul.Tokens, c.Machine.Get("clock_hz")}
	want := []any{[]float64{0, 0.5, 0.9}, true, c.MatMul.Mask, 4000, 0.85e9}
	if diff := cmp.Diff(want, got); diff != "" || c.MatMul.Mask != "row_balanced" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, kv := range [][2]string{{"matmul.rows", "many"}, {"matmul.rows", ""}, {"extends", "a.toml"}, {"variant.name", "x"}, {"machine.file", "nope"}, {"", "1"}} {
		if _, err := s.Set("--set", kv[0], kv[1]); !errors.As(err, new(*InputError)) {
			t.Errorf("--set %s=%s: error is %v", kv[0], kv[1], err)
		}
	}
}

func FuzzRunFile(f *testing.F) {
	f.Add("experiment = \"matmul\"\n[matmul]\nrows = 4\n[[variant]]\nname = 'x'\nset = { mapping.groups = 1 }")
	f.Add("a = [[[[[")
	f.Add("x = '''\n'''''\n[[a.b]]\n[a.b.c]\n\"\\u0000\" = {}")
	f.Add("experiment = \"matmul\"\nvariant = [{name = \"a\", set = {\"machine.preset\" = \"wse1\"}}]")
	f.Add("[variant]\n[variant.set]\nname = 1\n[machine]\nseed.x = 1979-05-27T07:32:00Z")
	f.Fuzz(func(t *testing.T, source string) {
		if strings.Contains(source, "file") || strings.Contains(source, "extends") {
			t.Skip("would open files")
		}
		scanLines(source)
		s, bad := load("run.toml", source, nil)
		if len(bad) > 0 {
			if bad.err() == nil {
				t.Fatal("problems without an error")
			}
			return
		}
		curves, err := s.Curves()
		if err != nil {
			if !errors.As(err, new(*InputError)) {
				t.Fatalf("%T is not an InputError", err)
			}
			return
		}
		again, bad := load("run.toml", string(WriteRunFile(".", curves)), nil)
		if len(bad) > 0 {
			t.Fatalf("resolved file is refused: %v\n%s", bad.err(), WriteRunFile(".", curves))
		}
		second, err := again.Curves()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(plain(curves), plain(second)); diff != "" {
			t.Fatalf("resolved file is another run:\n%s", diff)
		}
	})
}
