package train

import (
	"context"
	"fmt"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
	"cs2sim.dev/runtime"
)

// MachineOptions are the wafer and how a GPT lies on it.
type MachineOptions struct {
	Target         compiler.Target
	Precision      model.Precision // Mixed or FP32
	Fidelity       runtime.Fidelity
	Batch          int // most sequences of a call that are placed on the wafer at a time
	Columns        int // of a group, see compiler.GPTOptions
	ColumnsPerHead int // 0: the compiler searches
	Tokens         int // per PE; 0: the compiler searches
}

// Machine is the simulated wafer as an Engine. Three steps are compiled for it, each when it is
// first needed: forward and backward, forward, and forward up to the logits of sequences not
// longer than those at hand.
type Machine struct {
	o      MachineOptions
	params *model.Params
	masks  *model.Masks // of params, as compiled for
	loaded []*loadedStep
	next   func(*runtime.StepReport)
}

// loadedStep is a compiled step with its MemoryX.
type loadedStep struct {
	kind    stepKind
	step    *compiler.Step
	store   *runtime.Store
	trainer *runtime.Trainer
	stale   bool // the parameters were updated since they were streamed
}

type stepKind struct {
	train, logits     bool
	length, sequences int
}

// NewMachine returns a wafer without parameters.
func NewMachine(o MachineOptions) *Machine { return &Machine{o: o} }

// Load puts parameters into MemoryX. With other masks than before all is compiled anew.
func (m *Machine) Load(p *model.Params) error {
	if m.params == nil || m.params.Layout != p.Layout || m.masks != p.Masks {
		m.loaded = nil
	}
	m.params, m.masks = p, p.Masks
	for _, l := range m.loaded {
		l.store.Params, l.stale = p, true
	}
	return nil
}

// Report hands on what the wafer does in the next micro-batch that makes gradients, with what a trace needs.
func (m *Machine) Report(next func(*runtime.StepReport)) { m.next = next }

// Loss runs a batch, micro-batch by micro-batch.
func (m *Machine) Loss(ctx context.Context, b model.Batch, scale float32, grads []float32) (float32, Work, error) {
	var work Work
	if m.params == nil {
		return 0, work, fmt.Errorf("train: no parameters are loaded")
	}
	c := m.params.Layout.Config
	if err := b.Check(c); err != nil {
		return 0, work, err
	}
	l, err := m.ready(stepKind{train: grads != nil, length: c.SequenceLength, sequences: min(b.B, m.o.Batch)})
	if err != nil {
		return 0, work, err
	}
	clear(l.store.Grads)
	l.store.LossScale = scale
	total := b.Total
	if total == 0 {
		total = b.SumWeights()
	}
	var loss float32
	size := l.step.Space.MicroBatch()
	for first := 0; first < b.B; first += size {
		l.store.Batch = microBatch(b, first, size, c.SequenceLength)
		l.store.Batch.Total = total
		l.trainer.Trace = grads != nil && m.next != nil
		report, err := l.run(ctx, &work)
		if err != nil {
			return 0, work, err
		}
		if grads != nil && m.next != nil {
			m.next(report)
			m.next = nil
		}
		loss += l.store.Loss
		if grads != nil && first+size >= b.B {
			work.UpdateCycles, _ = report.UpdateTail(int64(c.Vocabulary+c.SequenceLength) * int64(c.DModel))
			work.Cycles += work.UpdateCycles
			work.States[pe.Idle] += work.UpdateCycles * l.pes()
		}
	}
	if grads != nil {
		for i, g := range l.store.Grads {
			grads[i] += g
		}
	}
	return loss, work, nil
}

// microBatch cuts size sequences of length tokens out of b. What b does not have has weight 0.
func microBatch(b model.Batch, first, size, length int) model.Batch {
	out := model.Batch{
		B: size, T: length,
		Tokens: make([]int32, size*length), Targets: make([]int32, size*length), Weights: make([]float32, size*length),
	}
	for n := range min(size, b.B-first) {
		from := (first + n) * b.T
		copy(out.Tokens[n*length:], b.Tokens[from:from+b.T])
		copy(out.Targets[n*length:], b.Targets[from:from+b.T])
		for t := range b.T {
			w := float32(1)
			if b.Weights != nil {
				w = b.Weights[from+t]
			}
			out.Weights[n*length+t] = w
		}
	}
	return out
}

const (
	logitsTokens    = 16 // lengths of sequences are rounded up to this, so that few steps are compiled
	logitsSequences = 32 // most sequences at a time: more take more host memory, not less time
)

// Logits runs sequences forward, each padded to the longest of them.
func (m *Machine) Logits(ctx context.Context, sequences [][]int32) ([][]float32, Work, error) {
	var work Work
	if m.params == nil {
		return nil, work, fmt.Errorf("train: no parameters are loaded")
	}
	c := m.params.Layout.Config
	longest := 1
	for i, s := range sequences {
		if len(s) < 1 || len(s) > c.SequenceLength {
			return nil, work, fmt.Errorf("sequence %d has %d tokens, must have 1 to the model's sequence_length %d", i, len(s), c.SequenceLength)
		}
		longest = max(longest, len(s))
	}
	kind := stepKind{logits: true, length: min(c.SequenceLength, (longest+logitsTokens-1)/logitsTokens*logitsTokens), sequences: 1}
	for kind.sequences < min(len(sequences), logitsSequences) {
		kind.sequences *= 2
	}
	l, err := m.ready(kind)
	if err != nil {
		return nil, work, err
	}
	size := l.step.Space.MicroBatch()
	out := make([][]float32, len(sequences))
	for first := 0; first < len(sequences); first += size {
		part := sequences[first:min(first+size, len(sequences))]
		b := model.Batch{
			B: size, T: kind.length, Total: 1,
			Tokens: make([]int32, size*kind.length), Targets: make([]int32, size*kind.length), Weights: make([]float32, size*kind.length),
		}
		for n, s := range part {
			copy(b.Tokens[n*kind.length:], s)
		}
		if err := b.Check(c); err != nil {
			return nil, work, err
		}
		l.store.Batch = b
		if _, err := l.run(ctx, &work); err != nil {
			return nil, work, err
		}
		l.collect(part, out[first:])
	}
	return out, work, nil
}

// ready compiles a step unless it is there, and streams new parameters.
func (m *Machine) ready(kind stepKind) (*loadedStep, error) {
	var found *loadedStep
	for _, l := range m.loaded {
		if l.kind == kind {
			found = l
		}
	}
	if found == nil {
		l, err := m.load(kind)
		if err != nil {
			return nil, err
		}
		if kind.logits { // lengths grow while texts do: what was compiled for the last length is not needed again
			m.forget(func(k stepKind) bool { return k.logits && k.length != kind.length })
		}
		m.loaded = append(m.loaded, l)
		found = l
	}
	if found.stale {
		found.store.Refresh()
		found.stale = false
	}
	return found, nil
}

func (m *Machine) forget(which func(stepKind) bool) {
	kept := m.loaded[:0]
	for _, l := range m.loaded {
		if !which(l.kind) {
			kept = append(kept, l)
		}
	}
	clear(m.loaded[len(kept):])
	m.loaded = kept
}

func (m *Machine) load(kind stepKind) (*loadedStep, error) {
	shape := m.params.Layout.Config
	shape.SequenceLength = kind.length
	step, _, err := compiler.PlanGPT(shape, m.o.Target, m.o.Precision, compiler.GPTOptions{
		Train: kind.train, Logits: kind.logits,
		Columns: m.o.Columns, ColumnsPerHead: m.o.ColumnsPerHead, Tokens: min(m.o.Tokens, kind.length),
		Sequences: kind.sequences,
		Densities: []float64{density(m.params)},
	})
	if err != nil {
		return nil, err
	}
	// PEs without a sequence stay idle, as those outside of the rectangle do.
	s := step.Space
	s.Sequences = min(s.Sequences, kind.sequences)
	s.Groups = min(s.Groups, (kind.sequences+s.Sequences-1)/s.Sequences)
	store := runtime.NewStore(s, m.params)
	trainer, err := runtime.NewTrainer(step, store, m.o.Fidelity)
	if err != nil {
		return nil, err
	}
	return &loadedStep{kind: kind, step: step, store: store, trainer: trainer}, nil
}

// density is the share of weights left in the six matrices of all blocks.
func density(p *model.Params) float64 { return 1 - p.Sparsity().OfLinear() }

// run does one micro-batch.
func (l *loadedStep) run(ctx context.Context, work *Work) (*runtime.StepReport, error) {
	r, err := l.trainer.Run(ctx, true, nil)
	if err != nil {
		return nil, err
	}
	w := Work{MicroBatches: 1, Cycles: r.Cycles, States: r.States}
	for _, p := range r.Phases {
		w.FMACs += p.FMACs
	}
	target := l.step.Space.Target
	w.States[pe.Idle] -= (int64(target.Width())*int64(target.Height()) - l.pes()) * r.Cycles
	work.Add(w)
	return r, nil
}

// pes are those that hold tokens.
func (l *loadedStep) pes() int64 {
	s := l.step.Space
	return int64(s.Groups*s.Columns) * int64(s.Rows())
}

// collect takes the logits after the last token of each sequence.
func (l *loadedStep) collect(sequences [][]int32, out [][]float32) {
	s := l.step.Space
	for n := range sequences {
		out[n] = make([]float32, s.Model.Vocabulary)
	}
	for _, part := range l.step.Logits {
		x := l.store.Read[part.Tile]
		for n, tokens := range sequences {
			g, y, i := s.Place(n, len(tokens)-1)
			for f, token := range part.Rows {
				out[n][token] = x[f*s.HostTokens()+s.HostIndex(g, i, y)]
			}
		}
	}
}
