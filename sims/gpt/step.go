package gpt

import (
	"strings"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
	"cs2sim.dev/runtime"
)

// Step is one micro-batch on one wafer, forward and backward: what was simulated. Plain data, kept
// as a finished point.
type Step struct {
	Key      string                `json:"key"` // of the job
	Model    string                `json:"model"`
	Masks    string                `json:"masks"`
	Mapping  compiler.GPTCandidate `json:"mapping"`
	Refused  int                   `json:"refused"` // better-looking mappings that did not fit
	RunAhead int                   `json:"run_ahead"`
	Alike    bool                  `json:"alike,omitempty"` // taken from another step, so without a report of its own
	Peak     int                   `json:"peak_bytes"`      // of SRAM, in the fullest phase
	Density  float64               `json:"density"`         // of the masked matrices
	NonZeros int64                 `json:"non_zeros"`       // weights of all tensors

	Phases []Phase        `json:"phases"`
	Switch int64          `json:"switch_cycles"` // of the barrier before a phase
	Cycles int64          `json:"cycles"`
	States pe.StateCycles `json:"states"` // of the whole program rectangle; sums to its PEs x Cycles
	Used   int64          `json:"used_pes"`
	Width  int            `json:"width"`
	Height int            `json:"height"`
	Tail   int64          `json:"update_tail"` // cycles MemoryX is busy after the last gradient of an update

	Backlog       int64 `json:"update_backlog"` // of them, until it begins with the tables of the embedding
	Tables        int64 `json:"table_weights"`  // of the embedding
	BroadcastWait int64 `json:"broadcast_wait"` // cycles more than with links as fast as the edge, in phases that get weights
	ReductionWait int64 `json:"reduction_wait"` // and in phases that return gradients

	// Report is all of it, for traces; nil once the step has been handed on.
	Report *runtime.StepReport `json:"-"`
}

// Phase is one kernel of a step.
type Phase struct {
	Layer   int            `json:"layer"` // -1 outside of the blocks
	Op      string         `json:"op"`    // attn.q, lm_head
	Kernel  string         `json:"kernel"`
	Pass    compiler.Pass  `json:"pass"`
	Part    Part           `json:"part,omitempty"` // "": a block matrix, divided by its PEs' states
	Cycles  int64          `json:"cycles"`
	FMACs   int64          `json:"fmacs"`
	Hops    int64          `json:"wavelet_hops"`
	EdgeIn  int64          `json:"edge_in"`  // wavelets over the I/O link
	EdgeOut int64          `json:"edge_out"` //
	Shared  bool           `json:"shared"`   // they are weights and gradients, not a system's own
	States  pe.StateCycles `json:"states"`   // of the used PEs; sums to them x Cycles
}

// newStep keeps the plain part of a simulation.
func newStep(p *Plan, r *runtime.StepReport) *Step {
	s := p.Step.Space
	width, height := s.Groups*s.Columns, s.Rows()
	m := p.Job.Model
	out := &Step{
		Key: p.Job.Key(), Model: m.Name, Masks: p.Job.Masks.String(), Mapping: p.Chosen(), Refused: len(p.Candidates) - 1,
		RunAhead: p.Step.Plan.RunAhead, Peak: p.Step.Plan.Peak, Density: p.Density, NonZeros: p.NonZeros,
		Switch: r.Switch, Cycles: r.Cycles, States: r.States,
		Used: int64(width) * int64(height), Width: s.Target.Width(), Height: s.Target.Height(),
		Tables: int64(m.Vocabulary+m.SequenceLength) * int64(m.DModel), Report: r,
	}
	out.Tail, out.Backlog = r.UpdateTail(out.Tables)
	for i, ph := range p.Step.Phases {
		x := r.Phases[i]
		out.Phases = append(out.Phases, Phase{
			Layer: ph.Layer, Op: opOf(ph.Name), Kernel: kernelOf(ph.Kernel), Pass: ph.Pass, Part: wholePart(ph.Kernel),
			Cycles: x.Cycles, FMACs: x.FMACs, Hops: x.Hops, EdgeIn: x.EdgeIn, EdgeOut: x.EdgeOut, Shared: compiler.Shared(ph.Kernel),
			States: x.Grid.Sum(width, height),
		})
	}
	return out
}

// stretched compares the step with itself on links as fast as the edge.
func (s *Step) stretched(fast *runtime.StepReport) {
	for i, p := range s.Phases {
		wait := p.Cycles - fast.Phases[i].Cycles
		if p.Shared && p.EdgeOut > 0 {
			s.ReductionWait += wait
		} else {
			s.BroadcastWait += wait
		}
	}
}

// shared is the wavelets of weights and of gradients over the edge in a micro-batch.
func (s *Step) shared() (in, out int64) {
	for _, p := range s.Phases {
		if p.Shared {
			in += p.EdgeIn
			out += p.EdgeOut
		}
	}
	return in, out
}

// opOf is a phase's name without its block and chunk: h.3.mlp.fc is mlp.fc.
func opOf(name string) string {
	name, _, _ = strings.Cut(name, " ")
	if rest, ok := strings.CutPrefix(name, "h."); ok {
		_, name, _ = strings.Cut(rest, ".")
	}
	return name
}

// kernelOf tells the two uses of the linear kernel apart.
func kernelOf(k compiler.Kernel) string {
	if l, ok := k.(*compiler.Linear); ok && l.Transposed {
		return "linear, transposed"
	}
	return k.Name()
}

// wholePart is the part of a step that a phase belongs to, "" for a block matrix.
func wholePart(k compiler.Kernel) Part {
	switch k := k.(type) {
	case *compiler.Linear:
		if k.Param != "wte" {
			return ""
		}
		return PartVocabulary
	case *compiler.WeightGrad:
		if k.Param != "wte" {
			return ""
		}
		return PartVocabulary
	case *compiler.Attention, *compiler.AttentionBackward:
		return PartAttention
	case *compiler.LossChunk, *compiler.LossReduce, *compiler.LossBackward:
		return PartVocabulary
	case *compiler.Embed, *compiler.EmbedBackward:
		return PartEmbedding
	}
	return PartElementwise
}

// whole guards against files that were changed by others.
func (s *Step) whole() bool {
	return s.Cycles > 0 && len(s.Phases) > 0 && s.States.Total() == int64(s.Width)*int64(s.Height)*s.Cycles
}

// Hops of all wavelets of a micro-batch.
func (s *Step) Hops() (n int64) {
	for _, p := range s.Phases {
		n += p.Hops
	}
	return n
}

// FMACs of all PEs in a micro-batch, padding included.
func (s *Step) FMACs() (n int64) {
	for _, p := range s.Phases {
		n += p.FMACs
	}
	return n
}

// busy is the PE-cycles in which datapath or dispatcher work.
func (s *Step) busy() (n int64) {
	for _, st := range pe.States() {
		if st.Busy() {
			n += s.States[st]
		}
	}
	return n
}
