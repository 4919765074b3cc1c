package sims

import "math"

// Line is one curve of a figure.
type Line struct {
	Name string
	X, Y []float64
}

// SweepLines arranges a sweep for a figure of the simulated speedup: over the first varied key that
// is numeric, one line per sparsity and combination of the other keys; without such a key over the
// theoretical speedup, one line per grid point. key is the key on the x axis, or "". Dense points,
// whose speedup is 1 by definition, are left out unless there are no others.
func SweepLines(axes []Axis, results []Result) (key string, lines []Line) {
	x := -1
	for a := range axes {
		if axes[a].kind() == Number && len(axes[a].Values) > 1 {
			x = a
			break
		}
	}
	at := map[string]int{}
	add := func(name string, vx, vy float64) {
		i, ok := at[name]
		if !ok {
			i = len(lines)
			at[name] = i
			lines = append(lines, Line{Name: name})
		}
		lines[i].X, lines[i].Y = append(lines[i].X, vx), append(lines[i].Y, vy)
	}
	for _, denseToo := range []bool{false, true} {
		for g, r := range results {
			where := place(axes, g)
			for _, p := range r.Points {
				if p == nil || r.Dense == nil || p.Input.Sparsity == 0 && !denseToo {
					continue
				}
				speedup := float64(r.Dense.Report.Cycles) / float64(p.Report.Cycles)
				if x < 0 {
					add(r.Curve.Name, 1/(1-p.Input.Sparsity), speedup)
					continue
				}
				name := "sparsity " + formatNumber(math.Round(1e4*p.Input.Sparsity)/1e4)
				if axes[x].Key.Type == Reals { // that is the sparsity itself
					name = ""
				}
				for a, v := range where {
					if a != x {
						name += ", " + lastPart(axes[a].Key.Name) + " " + formatCell(axes[a].cell(v))
					}
				}
				n, _ := axes[x].number(where[x])
				add(name, n, speedup)
			}
		}
		if len(lines) > 0 {
			break
		}
	}
	if x >= 0 {
		key = axes[x].Key.Name
	}
	return key, lines
}

func formatCell(v any) string {
	if f, ok := v.(float64); ok {
		return formatNumber(f)
	}
	return v.(string)
}
