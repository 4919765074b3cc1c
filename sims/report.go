package sims

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Count tells how many points the curves have and how many of them are finished. A point that several
// curves share counts once.
func Count(results []Result) (done, all int) {
	seen := map[string]bool{}
	for _, r := range results {
		points := append([]*Point{r.Dense}, r.Points...)
		for i, in := range r.Curve.inputs() {
			if key := in.Key(); !seen[key] {
				seen[key] = true
				all++
				if points[i] != nil {
					done++
				}
			}
		}
	}
	return done, all
}

// Complete tells whether every point is there.
func Complete(results []Result) bool {
	done, all := Count(results)
	return done == all
}

// Log says what was simulated and what came of it, point by point. It holds no times, so that the same
// run gives the same log.
func Log(results []Result, note string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "cs2sim %s\n", Version)
	for _, r := range results {
		c := r.Curve.Config
		fmt.Fprintf(&b, "\n%s: %s, %s engine, seed %d\n", r.Curve.Name, title(c), c.Fidelity, c.Seed)
		for i, p := range r.Points {
			fmt.Fprintf(&b, "sparsity %s: ", formatNumber(c.MatMul.Sparsities[i]))
			if p == nil {
				b.WriteString("not finished\n")
				continue
			}
			fmt.Fprintf(&b, "%d cycles, %d non-zeros, %d FMACs; %s\n", p.Report.Cycles, p.Report.NonZeros, p.Report.FMACs, p.MappingLine())
			if k := p.Report.Check; k != nil {
				fmt.Fprintf(&b, "  %d output entries checked against the reference: %d differ, largest error against float64 %.3g\n",
					k.Entries, k.Mismatches, k.MaxError)
			}
		}
	}
	if note != "" {
		fmt.Fprintf(&b, "\n%s\n", note)
	}
	return b.String()
}

// Extremes are the finished points of lowest and highest sparsity, or the one point there is.
func (r Result) Extremes() []*Point {
	var all []*Point
	for _, p := range r.Points {
		if p != nil {
			all = append(all, p)
		}
	}
	if len(all) < 2 {
		return all
	}
	bySparsity := func(a, b *Point) int { return cmp.Compare(a.Input.Sparsity, b.Input.Sparsity) }
	return []*Point{slices.MinFunc(all, bySparsity), slices.MaxFunc(all, bySparsity)}
}
