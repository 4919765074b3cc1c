package runtime

import (
	"context"
	"fmt"
	goruntime "runtime"
	"slices"
	"sync"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
)

// Trainer runs the phases of one compiled step on the micro-batches that MemoryX hands it. SRAM
// stays from phase to phase and from step to step.
type Trainer struct {
	// Threads of the host compute the stream engine's values, which do not depend on how many
	// there are; 0 means all it has.
	Threads int
	// Trace has reports hold what a trace is made of beside cycles: windows, and of every link and color the
	// wavelets and stalls. It changes nothing else.
	Trace bool

	// Partial is called by Cost when more of the first phases are known, one call at a time, from
	// several goroutines; report makes the report of those n. It may be nil.
	Partial func(n int, report func() *StepReport)

	step     *compiler.Step
	store    *Store
	fidelity Fidelity

	phases []phase
	host   *Host                // stream engine: all tiles
	images [][]uint16           // wavelet engine: all of SRAM
	costs  map[string]phaseCost // cycles depend on values only by which weights are 0: one simulation per different phase
}

// phaseCost is the cycles of a kind of phase, the weights they are of, and whether the report has what a trace needs.
type phaseCost struct {
	weights string
	traced  bool
	report  *PhaseReport
}

// NewTrainer loads a step. The wavelet engine holds the SRAM of every PE in use.
func NewTrainer(step *compiler.Step, store *Store, f Fidelity) (*Trainer, error) {
	t := &Trainer{step: step, store: store, fidelity: f, costs: map[string]phaseCost{}}
	for _, ph := range step.Phases {
		p, err := newPhase(store, ph.Kernel)
		if err != nil {
			return nil, err
		}
		t.phases = append(t.phases, p)
	}
	s := step.Space
	t.host = NewHost(s)
	ones := t.host.Tensor(step.Ones)
	for i := range ones {
		ones[i] = 1
	}
	switch f {
	case Stream:
	case Wavelet:
		width := s.Groups * s.Columns
		t.images = make([][]uint16, width*s.Rows())
		for i := range t.images {
			t.images[i] = make([]uint16, s.Target.Core().SRAMBytes/2)
			t.host.image(step.Ones, i%width/s.Columns, i%width%s.Columns, i/width, t.images[i])
		}
	default:
		return nil, fmt.Errorf("unknown fidelity %q; known: %s, %s", f, Stream, Wavelet)
	}
	return t, nil
}

func (t *Trainer) switchCycles() int64 { return int64(t.step.Space.Target.Get("kernel_switch_cycles")) }

func (t *Trainer) threads() int {
	if t.Threads > 0 {
		return t.Threads
	}
	return goruntime.GOMAXPROCS(0)
}

// StepReport is what one step, one micro-batch through all phases, did on the wafer.
type StepReport struct {
	Step   *compiler.Step
	Phases []*PhaseReport // of Step.Phases, of a partial report its first ones; phases alike share one
	Cycles int64          // barriers between the phases included
	Switch int64          // cycles of one barrier
	States pe.StateCycles // over the whole program rectangle; sums to its PEs x Cycles
}

// Run does one micro-batch: forward, and in training backward into the store's gradients.
// With values false the stream engine computes cycles only.
func (t *Trainer) Run(ctx context.Context, values bool, progress func(done, total int64)) (*StepReport, error) {
	if n := t.threads(); t.host.vectors.threads != n {
		t.host.vectors = newHostVectors(n)
	}
	ctx = withTrace(ctx, t.Trace)
	r := &StepReport{Step: t.step, Switch: t.switchCycles()}
	for i := range t.phases {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if progress != nil {
			progress(int64(i), int64(len(t.phases)))
		}
		p, err := t.phase(ctx, i, values)
		if err != nil {
			ph := t.step.Phases[i]
			return nil, fmt.Errorf("phase %d, %s %s of %s: %w", i, ph.Kernel.Name(), ph.Pass, ph.Name, err)
		}
		r.Phases = append(r.Phases, p)
	}
	r.sum()
	return r, nil
}

func (t *Trainer) phase(ctx context.Context, i int, values bool) (*PhaseReport, error) {
	if t.fidelity == Wavelet {
		return t.runWavelets(ctx, i)
	}
	if values {
		if err := t.phases[i].values(t.host); err != nil {
			return nil, err
		}
	}
	return t.cost(ctx, i)
}

// cost is the cycles of phase i, simulated once for all phases alike.
func (t *Trainer) cost(ctx context.Context, i int) (*PhaseReport, error) {
	kind, weights := t.key(t.step.Phases[i].Kernel)
	if c, ok := t.costs[kind]; ok && c.weights == weights && (c.traced || !t.Trace) {
		return c.report, nil
	}
	p, err := t.phases[i].cycles(ctx)
	if err != nil {
		return nil, err
	}
	t.keep(kind, weights, p)
	return p, nil
}

// Cost does one micro-batch without values on the stream engine, different phases on several
// threads; the result does not depend on how many.
func (t *Trainer) Cost(ctx context.Context, threads int, progress func(done, total int64)) (*StepReport, error) {
	ctx = withTrace(ctx, t.Trace)
	var order []int // the first phase of each kind
	seen := map[string]bool{}
	for i := range t.phases {
		if kind, _ := t.key(t.step.Phases[i].Kernel); !seen[kind] {
			seen[kind] = true
			order = append(order, i)
		}
	}
	t.byMask(order)
	reports, errs := make([]*PhaseReport, len(order)), make([]error, len(order))
	known := newSoFar(t, order)
	var mu sync.Mutex
	var workers sync.WaitGroup
	next, done := 0, int64(0)
	for range max(1, threads) {
		workers.Go(func() {
			for {
				mu.Lock()
				n := next
				next++
				mu.Unlock()
				if n >= len(order) || ctx.Err() != nil {
					return
				}
				reports[n], errs[n] = t.phases[order[n]].cycles(ctx)
				known.add(n, reports[n])
				mu.Lock()
				if done++; progress != nil {
					progress(done, int64(len(order)))
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for n, i := range order {
		ph := t.step.Phases[i]
		if errs[n] != nil {
			return nil, fmt.Errorf("phase %d, %s %s of %s: %w", i, ph.Kernel.Name(), ph.Pass, ph.Name, errs[n])
		}
		kind, weights := t.key(ph.Kernel)
		t.keep(kind, weights, reports[n])
	}
	return t.Run(ctx, false, nil)
}

// byMask puts attention first, which takes longest, and the phases of one masked matrix beside each
// other: its mask is drawn once.
func (t *Trainer) byMask(order []int) {
	first := map[string]int{}
	place := func(i int) int {
		param := ""
		switch k := t.step.Phases[i].Kernel.(type) {
		case *compiler.Attention, *compiler.AttentionBackward:
			return -1
		case *compiler.Linear:
			param = k.Param
		case *compiler.WeightGrad:
			param = k.Param
		}
		if param == "" || !t.store.Masked(param) {
			return i
		}
		if _, ok := first[param]; !ok {
			first[param] = i
		}
		return first[param]
	}
	places := map[int]int{}
	for _, i := range order {
		places[i] = place(i)
	}
	slices.SortStableFunc(order, func(a, b int) int { return places[a] - places[b] })
}

// keep files the cycles of a kind of phase once their account is closed.
func (t *Trainer) keep(kind, weights string, p *PhaseReport) {
	s := t.step.Space
	if got, want := p.Grid.Sum(s.Groups*s.Columns, s.Rows()).Total(), int64(s.Groups*s.Columns*s.Rows())*p.Cycles; got != want {
		panic(fmt.Sprintf("runtime: states of kernel %s sum to %d, PEs x cycles is %d", kind, got, want))
	}
	t.costs[kind] = phaseCost{weights, t.Trace, p}
}

// key names what the cycles of a kernel depend on beside the space: its shape, and for a matrix
// of which not every weight is sent, which one; weights tells its states apart.
func (t *Trainer) key(k compiler.Kernel) (kind, weights string) {
	shape := func(x *compiler.Tile) string {
		if x == nil {
			return "-"
		}
		lies := ""
		if s := t.step.Space; !slices.Equal(x.Bounds, s.Feat) && slices.Equal(x.Bounds, s.Head) {
			lies = " by head"
		}
		return fmt.Sprintf("%d%v%s", x.Total(), x.Type, lies)
	}
	param := func(name string) string {
		if t.store.Masked(name) {
			return name
		}
		return "dense"
	}
	sent := func(name string) string {
		if name == "" {
			return "none"
		}
		missing, version := t.store.sent(name)
		if !t.store.Masked(name) && missing == 0 {
			return "dense"
		}
		weights += fmt.Sprintf("%d ", version)
		return name
	}
	switch k := k.(type) {
	case *compiler.Linear:
		matrix, bias := sent(k.Param), sent(k.Bias)
		kind = fmt.Sprintf("linear %s %t %s %s add %t bias %s %v", matrix, k.Transposed, shape(k.X), shape(k.Y), k.Add != nil, bias, k.RunAhead)
		if matrix != "dense" && len(k.Rows) > 0 {
			kind += fmt.Sprintf(" from row %d", k.Rows[0])
		}
		return kind, weights
	case *compiler.WeightGrad:
		kind = fmt.Sprintf("gradient %s %s %s bias %t %v", param(k.Param), shape(k.X), shape(k.DY), k.Bias != "", k.RunAhead)
	case *compiler.Readout:
		kind = fmt.Sprintf("readout %v", k.X.Bounds)
	case *compiler.LossChunk:
		kind = fmt.Sprintf("loss chunk %v %t", k.Logits.Bounds, k.First)
	case *compiler.LossBackward:
		kind = fmt.Sprintf("loss backward %v", k.Logits.Bounds)
	case *compiler.LayerNormBackward:
		kind = fmt.Sprintf("norm backward add %t", k.Add != nil)
	default:
		kind = k.Name()
	}
	return kind, ""
}

// runWavelets runs phase i on the mesh.
func (t *Trainer) runWavelets(ctx context.Context, i int) (*PhaseReport, error) {
	s := t.step.Space
	l, err := t.step.Phases[i].Kernel.Layout(s, s.Groups, s.Rows())
	if err != nil {
		return nil, err
	}
	t.phases[i].feed(l)
	r, err := RunLayout(ctx, l, s.Target, LayoutOptions{Images: t.images, Windows: windowsOf(ctx)})
	if err != nil {
		return nil, err
	}
	t.images = r.Images
	if err := t.phases[i].collect(r.Out); err != nil {
		return nil, err
	}
	p := &PhaseReport{Cycles: int64(r.Cycles), FMACs: r.FMACs, Hops: r.Hops, EdgeIn: r.EdgeIn}
	p.Grid = Grid{PeriodX: l.Width, PeriodY: l.Height, Cells: r.PEs, Wavelets: r.Routed.in(), Windows: r.Windows}
	if r.counted {
		p.Links = linkTable(l.Colors, densePieces(r.Links, copiesOf(l), 0, 1))
	}
	for _, out := range r.Out {
		p.EdgeOut += int64(len(out.Arrivals))
	}
	return p, nil
}

// Tile returns a tile as a host tensor, whichever engine holds it.
func (t *Trainer) Tile(x *compiler.Tile) []float32 {
	if t.fidelity == Wavelet {
		s := t.step.Space
		width := s.Groups * s.Columns
		for i, image := range t.images {
			t.host.read(x, i%width/s.Columns, i%width%s.Columns, i/width, image)
		}
	}
	return t.host.Tensor(x)
}

// sum closes the account of the step over the whole rectangle.
func (r *StepReport) sum() {
	s := r.Step.Space
	width, height := s.Groups*s.Columns, s.Rows()
	used, all := int64(width)*int64(height), int64(s.Target.Width())*int64(s.Target.Height())
	for _, p := range r.Phases {
		r.States.Add(p.Grid.Sum(width, height), 1)
		r.Cycles += p.Cycles + r.Switch
	}
	r.States[pe.Overhead] += r.Switch * int64(len(r.Phases)) * used
	r.States[pe.Idle] += (all - used) * r.Cycles
	if got := r.States.Total(); got != all*r.Cycles {
		panic(fmt.Sprintf("runtime: states of the step sum to %d, PEs x cycles is %d", got, all*r.Cycles))
	}
}
