package sims

import (
	"fmt"
	"math"
	"strings"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/runtime"
)

// Config is one resolved run: every key with its value. Plain data, never changed after Resolve.
type Config struct {
	Experiment string
	Seed       int
	Fidelity   runtime.Fidelity
	Check      int // output entries compared with the reference per point
	Machine    compiler.Target
	MatMul     MatMul
	Mapping    Mapping

	Model              Model
	Data               Data
	Pretrain, Finetune Training
	Decode             Decode
	SPDF               SPDF
	GPT                GPT
}

// MatMul is the layer Y = X Wᵀ and the sparsities of W to simulate.
type MatMul struct {
	Rows, Cols int // output and input features
	Tokens     int
	Precision  model.Precision
	Sparsities []float64 // each in [0,1), none twice
	Mask       model.MaskKind
	NMGroup    int // M of an N:M mask
}

// Mapping is what the run file fixes of the compiler's search.
type Mapping struct {
	Groups, RunAhead int // -1: the compiler searches
	PerSparsity      bool

	Columns, ColumnsPerHead, TokensPerPE int // of a GPT; -1: the compiler searches
}

const defaultPreset = "wse2"

// Defaults is the run of a file that gives nothing but its experiment: the published 12k MatMul.
func Defaults() Config {
	machine, err := compiler.Preset(defaultPreset)
	if err != nil {
		panic(err) // the preset list is ours
	}
	c := Config{
		Experiment: "matmul",
		Seed:       1,
		Fidelity:   runtime.Stream,
		Machine:    machine,
		MatMul: MatMul{
			Rows: 12288, Cols: 12288, Tokens: 301056,
			Precision: model.Mixed, Mask: model.MaskUnstructured, NMGroup: 4,
		},
		Mapping: Mapping{Groups: autoValue, RunAhead: autoValue, Columns: autoValue, ColumnsPerHead: autoValue, TokensPerPE: autoValue},
	}
	c.fillSPDF()
	c.fillGPT()
	for k := 1; k <= 10; k++ {
		c.MatMul.Sparsities = append(c.MatMul.Sparsities, 1-1/float64(k))
	}
	return c
}

// setting is one key given a value, of the key's own Go type, and where.
type setting struct {
	value any
	at    Position
	items map[int]Position // of list elements on lines of their own
}

// settings are the keys of a run that differ from the defaults.
type settings map[string]setting

// over returns s with the settings of top in place of its own.
func (s settings) over(top settings) settings {
	all := settings{}
	for k, v := range s {
		all[k] = v
	}
	for k, v := range top {
		all[k] = v
	}
	return all
}

// resolve lays the settings over the defaults and checks what no single key can: shapes and masks.
func (s settings) resolve(file string) (Config, problems) {
	c := Defaults()
	var bad problems
	if preset, ok := s["machine.preset"]; ok {
		t, err := compiler.Preset(preset.value.(string))
		if err != nil {
			panic(err) // the schema lists the presets
		}
		c.Machine = t
	}
	bad.add(c.shapeModel(s))
	for _, k := range Schema() {
		v, ok := s[k.Name]
		switch {
		case !ok && k.Required:
			bad.add(&InputError{File: file, Key: k.Name, Want: "is missing, must be " + k.Range()})
		case !ok:
		case k.field == nil:
			bad.add(c.setMachine(k, v))
		default:
			k.assign(&c, v.value)
		}
	}
	if len(bad) == 0 {
		bad = c.check(s, file)
	}
	return c, bad
}

func (c *Config) setMachine(k Key, v setting) *InputError {
	n, _ := asFloat(v.value)
	field := k.Name[len(machineTable):]
	if c.Machine.Get(field) == n {
		return nil // a resolved run file gives every field; keep the preset's mark and source
	}
	t, err := c.Machine.With(field, n)
	if err != nil {
		return v.at.problem(k.Name, formatValue(v.value), "%v", err)
	}
	c.Machine = t
	return nil
}

// assign stores a value that accept returned.
func (k Key) assign(c *Config, v any) {
	switch f := k.field(c).(type) {
	case *string:
		*f = v.(string)
	case *bool:
		*f = v.(bool)
	case *int:
		*f = v.(int)
	case *float64:
		*f = v.(float64)
	case *[]float64:
		*f = v.([]float64)
	case *[]int:
		*f = v.([]int)
	case *[]string:
		*f = v.([]string)
	default:
		panic("sims: key " + k.Name + " has a field of unknown type")
	}
}

// Value returns what c has for the key, of the key's own Go type.
func (k Key) Value(c *Config) any {
	if k.field == nil {
		n := c.Machine.Get(k.Name[len(machineTable):])
		if k.Type == Whole {
			return int(n)
		}
		return n
	}
	switch f := k.field(c).(type) {
	case *string:
		return *f
	case *bool:
		return *f
	case *int:
		if k.Type == Auto && *f == autoValue {
			return "auto"
		}
		return *f
	case *float64:
		return *f
	case *[]float64:
		return *f
	case *[]int:
		return *f
	case *[]string:
		return *f
	}
	panic("sims: key " + k.Name + " has a field of unknown type")
}

func asFloat(v any) (float64, bool) {
	switch n := v.(type) {
	case int:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

// check reports what is wrong with keys taken together, each at the key a user would change.
func (c *Config) check(s settings, file string) (bad problems) {
	report := func(key, value string, item int, format string, a ...any) {
		at := Position{File: file}
		if v, ok := s[key]; ok {
			at = v.at
			if p, ok := v.items[item]; ok {
				at = p
			}
		}
		bad.add(at.problem(key, value, format, a...))
	}
	if err := c.Machine.Validate(); err != nil {
		key, value := c.blameMachine(err)
		report(key, value, -1, "the machine's numbers do not go together: %v", err)
	}
	for _, name := range sortedKeys(s) {
		if k, err := FindKey(name); err == nil && !k.Of(c.Experiment) {
			report(name, "", -1, "is a key of experiment %s, must be left out of %s", oneOf(k.experiments()), c.Experiment)
		}
	}
	if c.Experiment == ExperimentMatMul {
		c.checkMatMul(report)
		return bad
	}
	if err := c.Model.Shape.Validate(); err != nil {
		key, value := "model.d_model", c.Model.Shape.DModel // the schema bounds each number, this is two together
		if _, ok := s[key]; !ok {
			key, value = "model.heads", c.Model.Shape.Heads
		}
		report(key, tomlValue(value), -1, "%v", err)
		return bad
	}
	if c.Experiment == ExperimentGPT {
		c.checkGPT(report)
		return bad
	}
	c.checkSPDF(report)
	return bad
}

// blameMachine finds the field that an error of the machine names, first among those that were changed.
func (c *Config) blameMachine(err error) (key, value string) {
	for _, p := range overridden(c.Machine) {
		if strings.Contains(err.Error(), " "+p.Key) {
			return machineTable + p.Key, formatNumber(p.Value)
		}
	}
	for _, p := range c.Machine.Params {
		if strings.Contains(err.Error(), ": "+p.Key+" is ") {
			return machineTable + p.Key, formatNumber(p.Value)
		}
	}
	return "machine.preset", ""
}

func (c *Config) checkMatMul(report func(key, value string, item int, format string, a ...any)) {
	if groups := c.Mapping.Groups; groups > c.Machine.Width() {
		report("mapping.groups", tomlValue(groups), -1, "is out of range, must be at most the %d columns of the machine", c.Machine.Width())
	}
	for i, sparsity := range c.MatMul.Sparsities {
		spec, err := c.maskSpec(sparsity)
		if err == nil {
			err = spec.Validate(c.MatMul.Rows, c.MatMul.Cols)
		}
		if err != nil {
			report("matmul.sparsities", tomlFloat(sparsity), i, "%v", err)
		}
	}
}

// maskSpec is the mask of one point. The error says which sparsities an N:M group can have.
func (c *Config) maskSpec(sparsity float64) (model.MaskSpec, error) {
	spec := model.MaskSpec{Kind: c.MatMul.Mask, Sparsity: sparsity, Seed: c.maskSeed()}
	if c.MatMul.Mask != model.MaskNM {
		return spec, nil
	}
	m := c.MatMul.NMGroup
	exact := (1 - sparsity) * float64(m)
	n := math.Round(exact)
	if n < 1 || math.Abs(n-exact) > 1e-9*float64(m) {
		return spec, fmt.Errorf("leaves no whole number of non-zeros in a group of %d weights (matmul.nm_group), must be 0 to %d divided by %d", m, m-1, m)
	}
	spec.N, spec.M, spec.Sparsity = int(n), m, 0
	return spec, nil
}

// tag tells apart the random streams that share a run's seed.
type tag uint64

const (
	maskTag tag = 1 + iota
	valueTag
	checkTag
	batchTag
)

func (c *Config) maskSeed() uint64  { return splitmix64(uint64(c.Seed), maskTag) }
func (c *Config) valueSeed() uint64 { return splitmix64(uint64(c.Seed), valueTag) }
func (c *Config) checkSeed() uint64 { return splitmix64(uint64(c.Seed), checkTag) }

// splitmix64 is output number t of the generator of Steele, Lea and Flood (OOPSLA 2014) from that seed.
func splitmix64(seed uint64, t tag) uint64 {
	z := seed + uint64(t)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
