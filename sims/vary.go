package sims

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Axis is one key that a sweep varies, with its values of the key's own Go type.
type Axis struct {
	Key    Key
	Values []any
	sets   []settings // one per value; more than one key if the value is a machine file
}

const (
	varyFlag  = "--vary"
	maxValues = 1000   // of one axis
	maxGrid   = 10_000 // points of a sweep, sparsities not counted
)

// ParseAxis reads KEY=VALUES: a list a,b,c whose items may be ranges lo:hi:step or lo:hi:xFACTOR. Of
// a list key each value is a list of one.
func ParseAxis(text string) (Axis, error) {
	name, values, ok := strings.Cut(text, "=")
	name = strings.TrimSpace(name)
	if !ok || values == "" {
		return Axis{}, &InputError{File: varyFlag, Value: tomlString(text), Want: "must be KEY=VALUES, such as matmul.tokens=1000,2000 or matmul.tokens=1000:8000:x2"}
	}
	k, err := FindKey(name)
	if err != nil {
		return Axis{}, &InputError{File: varyFlag, Key: name, Want: err.Error()}
	}
	a := Axis{Key: k}
	var bad problems
	for item := range strings.SplitSeq(values, ",") {
		expanded, err := k.expand(strings.TrimSpace(item))
		if err != nil {
			return Axis{}, &InputError{File: varyFlag, Key: name, Value: tomlString(item), Want: err.Error()}
		}
		for _, v := range expanded {
			set, worse := commandLine(varyFlag, k, v)
			if bad = append(bad, worse...); len(worse) > 0 {
				continue
			}
			value, _ := k.accept(v)
			a.Values, a.sets = append(a.Values, value), append(a.sets, set)
		}
		if len(a.Values) > maxValues {
			return Axis{}, &InputError{File: varyFlag, Key: name, Value: tomlString(values), Want: fmt.Sprintf("has more than %d values", maxValues)}
		}
	}
	return a, bad.err()
}

// numeric tells whether the values lie on an axis.
func (k Key) numeric() bool {
	return k.Type == Whole || k.Type == Auto || k.Type == Real || k.Type == Reals || k.Type == Wholes
}

// expand returns the values of one item, still to be checked.
func (k Key) expand(item string) ([]any, error) {
	parts := strings.Split(item, ":")
	if !k.numeric() || len(parts) == 1 {
		return []any{k.parseValue(item)}, nil
	}
	if len(parts) != 3 {
		return nil, fmt.Errorf("must be a range lo:hi:step or lo:hi:xFACTOR")
	}
	factor, geometric := strings.CutPrefix(parts[2], "x")
	var n [3]float64
	for i, s := range []string{parts[0], parts[1], factor} {
		v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("%q is not a number, must be a range lo:hi:step or lo:hi:xFACTOR", s)
		}
		n[i] = v
	}
	steps, err := steps(n[0], n[1], n[2], geometric)
	if err != nil {
		return nil, err
	}
	var values []any
	last := math.NaN()
	for i := range steps {
		v := n[0] + float64(i)*n[2]
		if geometric {
			v = n[0] * math.Pow(n[2], float64(i))
			if k.Type == Whole || k.Type == Wholes || k.Type == Auto {
				v = math.Round(v)
			}
		}
		if nearby := math.Round(v*1e12) / 1e12; nearby != 0 && math.Abs(v) < 1e3 {
			v = nearby // 0.30000000000000004 is meant to be 0.3
		}
		if v == last {
			continue
		}
		last = v
		if k.isList() {
			values = append(values, []any{v})
		} else {
			values = append(values, v)
		}
	}
	return values, nil
}

// steps counts the values of a range, the upper end included.
func steps(lo, hi, step float64, geometric bool) (int, error) {
	const slack = 1e-9
	var n float64
	switch {
	case geometric && (lo <= 0 || hi <= 0 || step <= 0 || step == 1):
		return 0, fmt.Errorf("a range lo:hi:xFACTOR must have all above 0 and a factor other than 1")
	case geometric:
		n = math.Log(hi/lo) / math.Log(step)
	case step == 0:
		return 0, fmt.Errorf("a range lo:hi:step must have a step other than 0")
	default:
		n = (hi - lo) / step
	}
	switch {
	case n < -slack:
		return 0, fmt.Errorf("the range leads away from its end, must step from lo to hi")
	case n > maxValues:
		return 0, fmt.Errorf("the range has more than %d values", maxValues)
	}
	return int(math.Floor(n+slack)) + 1, nil
}

// Grid resolves every combination of the axes' values, the last axis fastest. Variants take no part.
func (s Source) Grid(axes []Axis) ([]Curve, error) {
	size := 1
	for i, a := range axes {
		for _, b := range axes[:i] {
			if a.Key.Name == b.Key.Name {
				return nil, &InputError{File: varyFlag, Key: a.Key.Name, Want: "is varied twice, must be given once with all values"}
			}
		}
		size *= len(a.Values)
		if size > maxGrid {
			return nil, &InputError{File: varyFlag, Want: fmt.Sprintf("the grid has more than %d points", maxGrid)}
		}
	}
	var curves []Curve
	var bad problems
	for i := range size {
		all, name := s.settings, []string(nil)
		for a, v := range place(axes, i) {
			all = all.over(axes[a].sets[v])
			name = append(name, axes[a].Key.Name+"="+tomlValue(axes[a].Key.shown(axes[a].Values[v])))
		}
		c, worse := s.resolve(strings.Join(name, " "), all)
		bad = append(bad, worse...)
		curves = append(curves, c)
	}
	return curves, bad.err()
}

// place returns the index of each axis' value at grid point i.
func place(axes []Axis, i int) []int {
	at := make([]int, len(axes))
	for a := len(axes) - 1; a >= 0; a-- {
		at[a] = i % len(axes[a].Values)
		i /= len(axes[a].Values)
	}
	return at
}

// shown is a value as people write it.
func (k Key) shown(v any) any {
	if k.Type == Auto && v == autoValue {
		return "auto"
	}
	return v
}
