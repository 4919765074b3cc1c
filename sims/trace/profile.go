package trace

import (
	"bytes"
	"fmt"
	"math"

	"github.com/google/pprof/profile"
	"github.com/klauspost/compress/gzip"

	"cs2sim.dev/pe"
)

// LinksFrame is the leaf that holds the energy of wavelets on the wafer's links. It takes no
// cycles: routers work beside the cores.
const LinksFrame = "wafer links"

// maxSamples keeps a profile below 5 MB; the rectangle is cut into as many bands as that allows.
const maxSamples = 300_000

// Profile is the pprof profile of runs, gzipped, the same bytes for the same runs: PE-cycles and
// energy under experiment > layer > op > kernel > state, with the bands of columns and rows, the
// sparsity and the name of the run as labels. Cycles sum to PEs x cycles.
func Profile(runs ...*Run) ([]byte, error) {
	b := profileBuilder{
		p: &profile.Profile{
			SampleType:        []*profile.ValueType{{Type: "cycles", Unit: "cycles"}, {Type: "energy", Unit: "picojoules"}},
			PeriodType:        &profile.ValueType{Type: "cycles", Unit: "cycles"},
			Period:            1,
			DefaultSampleType: "cycles",
			Comments:          []string{"Samples are simulated PE-cycles and their energy, not host time."},
		},
		frames: map[string]*profile.Location{},
	}
	samples := 0
	for _, r := range runs {
		samples += r.stacks()
	}
	nx, ny := bandsFor(samples)
	b.rest.all = make([]sample, 0, samples*nx*ny)
	for _, r := range runs {
		b.run(r, nx, ny)
	}
	if err := b.p.CheckValid(); err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	var out bytes.Buffer
	if err := b.p.WriteUncompressed(&out); err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	if err := b.rest.encode(&out); err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	data, err := zipped(out.Bytes())
	if err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	return data, nil
}

// zipped is data as gzip. The standard library's takes six times as long for 2 % less.
func zipped(data []byte) ([]byte, error) {
	var out bytes.Buffer
	zip, err := gzip.NewWriterLevel(&out, 6)
	if err != nil {
		return nil, err
	}
	if _, err := zip.Write(data); err != nil {
		return nil, err
	}
	if err := zip.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// stacks is how many samples a run has per band.
func (r *Run) stacks() (n int) {
	states := make([]int, len(r.Kinds))
	for i, sum := range r.kindSums() {
		for _, v := range sum {
			if v != 0 {
				states[i]++
			}
		}
	}
	for _, p := range r.Phases {
		n += states[p.Kind]
	}
	return n
}

// bandsFor is how many bands of columns and rows stay within maxSamples.
func bandsFor(samples int) (nx, ny int) {
	for _, b := range [][2]int{{10, 10}, {10, 5}, {8, 4}, {5, 4}, {5, 2}, {4, 2}, {4, 1}, {2, 1}} {
		if samples*b[0]*b[1] <= maxSamples {
			return b[0], b[1]
		}
	}
	return 1, 1
}

type profileBuilder struct {
	p      *profile.Profile
	frames map[string]*profile.Location
	rest   samples
}

func (b *profileBuilder) frame(name string) *profile.Location {
	if l, ok := b.frames[name]; ok {
		return l
	}
	f := &profile.Function{ID: uint64(len(b.p.Function) + 1), Name: name, SystemName: name}
	l := &profile.Location{ID: uint64(len(b.p.Location) + 1), Line: []profile.Line{{Function: f}}}
	b.p.Function = append(b.p.Function, f)
	b.p.Location = append(b.p.Location, l)
	b.frames[name] = l
	return l
}

func (b *profileBuilder) run(r *Run, nx, ny int) {
	cuts := r.grid(nx, ny)
	bands := cuts.bands()
	kinds := make([][]pe.StateCycles, len(r.Kinds))
	for i := range r.Kinds {
		kinds[i] = r.Kinds[i].bandSums(cuts)
	}
	sparsity := fmt.Sprintf("%.4g%%", 100*r.Sparsity)
	labels := make([]*labelSet, len(bands))
	for i, band := range bands {
		labels[i] = &labelSet{text: map[string][]string{
			"columns": {fmt.Sprintf("%03d-%03d", band.x0, band.x1-1)}, "rows": {fmt.Sprintf("%03d-%03d", band.y0, band.y1-1)},
			"sparsity": {sparsity}, "run": {r.Name},
		}}
	}
	whole := &labelSet{text: map[string][]string{"sparsity": {sparsity}, "run": {r.Name}}}
	states := make([]*profile.Location, pe.NumStates)
	for _, s := range pe.States() {
		states[s] = b.frame(s.Name())
	}
	for _, p := range r.Phases {
		stack := []*profile.Location{b.frame(p.Frame()), b.frame(p.Op), b.frame(p.LayerName), b.frame(r.Experiment)}
		if p.Op == p.LayerName || p.Op == "" {
			stack = append(stack[:1:1], stack[2:]...)
		}
		callers := &callers{of: stack}
		for i := range bands {
			for _, s := range pe.States() {
				cycles := kinds[p.Kind][i][s]
				if cycles == 0 {
					continue
				}
				energy := int64(0)
				if s.Busy() {
					energy = int64(math.Round(float64(cycles) * r.Machine.BusyPicojoules()))
				}
				b.add(states[s], callers, labels[i], cycles, energy)
			}
		}
		if p.Hops > 0 {
			b.add(b.frame(LinksFrame), callers, whole, 0, int64(math.Round(float64(p.Hops)*r.Machine.HopPicojoules())))
		}
	}
}

// Frame is the kernel and its pass in one name.
func (p *Phase) Frame() string { return p.Kernel + " (" + p.Pass + ")" }

// band is a rectangle of PEs.
type band struct{ x0, x1, y0, y1 int }

// grid cuts the rectangle into bands of columns and rows, at the given places.
type grid struct{ xs, ys []int }

// grid cuts it into nx x ny bands, fewer where it is smaller.
func (r *Run) grid(nx, ny int) grid {
	cut := func(n, parts int) (at []int) {
		parts = min(n, parts)
		for i := range parts + 1 {
			at = append(at, n*i/parts)
		}
		return at
	}
	return grid{cut(r.Machine.Width, nx), cut(r.Machine.Height, ny)}
}

// bands lists the rectangles, those of the first columns first.
func (g grid) bands() (bands []band) {
	for i := range len(g.xs) - 1 {
		for j := range len(g.ys) - 1 {
			bands = append(bands, band{g.xs[i], g.xs[i+1], g.ys[j], g.ys[j+1]})
		}
	}
	return bands
}

// bandSums is the cycles by state in each band. A block that a band's edge cuts counts with an even
// share per PE, and what divides unevenly with the block's first PE, so that nothing is lost.
func (k *Kind) bandSums(g grid) []pe.StateCycles {
	ny := len(g.ys) - 1
	sums := make([]pe.StateCycles, (len(g.xs)-1)*ny)
	xs, ys := map[Span][]spanCount{}, map[Span][]spanCount{} // few different ones
	for i := range k.Cells {
		c := &k.Cells[i]
		block := int64(c.X.Block) * int64(c.Y.Block)
		even, rest := c.States, pe.StateCycles{}
		if block > 1 {
			for s, v := range c.States {
				even[s] = v / block
				rest[s] = v - even[s]*block
			}
		}
		rows := c.Y.counts(g.ys, ys)
		for bx, x := range c.X.counts(g.xs, xs) {
			if x.n == 0 {
				continue
			}
			for by, y := range rows {
				if y.n == 0 {
					continue
				}
				sum := &sums[bx*ny+by]
				sum.Add(even, x.n*y.n)
				if block > 1 {
					sum.Add(rest, x.first*y.first)
				}
				if c.Late != (Late{}) {
					sum.Add(c.Late.times(y.far), x.n)
				}
			}
		}
	}
	return sums
}

// spanCount is how many places of a span lie in a band, how far they are from its first place, and how
// many of them begin a block.
type spanCount struct{ n, far, first int64 }

// counts is that for the bands between cuts; known keeps it.
func (s Span) counts(cuts []int, known map[Span][]spanCount) []spanCount {
	if c, ok := known[s]; ok {
		return c
	}
	c := make([]spanCount, len(cuts)-1)
	begins := Span{s.From, s.Step, 1, s.Count}
	for i := range c {
		c[i].n, c[i].far = s.within(cuts[i], cuts[i+1])
		c[i].first, _ = begins.within(cuts[i], cuts[i+1])
	}
	known[s] = c
	return c
}
