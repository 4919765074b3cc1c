package gpt

import (
	"fmt"
	"strings"

	"cs2sim.dev/pe"
	"cs2sim.dev/sims"
)

// Log says what was simulated and what came of it, step by step. It holds no times of the host, so
// that the same run gives the same log.
func Log(all []Outcome, note string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "cs2sim %s\n\n%s\n", sims.Version, Method)
	seen := map[string]bool{}
	for i := range all {
		o := &all[i]
		key := o.Job.Key()
		if seen[key] {
			continue
		}
		seen[key] = true
		name := o.Phase()
		if o.Task != "" {
			name = "finetune"
		}
		fmt.Fprintf(&b, "\n%s, %s, %s, %d sequences per update and system", o.Model.Name, o.Job.Masks, name, o.Job.Sequences)
		if o.Weak {
			fmt.Fprintf(&b, ", on %d systems", o.Systems)
		}
		if o.Probe != nil {
			fmt.Fprintf(&b, ", %s = %.6g", o.Probe.Key, o.Probe.Value)
		}
		if o.Update == nil {
			b.WriteString(": not finished\n")
			continue
		}
		u, s := o.Update, o.Update.Step
		fmt.Fprintf(&b, "\n  mapping: %s\n", mappingLine(s))
		fmt.Fprintf(&b, "  simulated: %d phases, %d cycles of a micro-batch, %d FMACs, %d wavelet hops\n", len(s.Phases), s.Cycles, s.FMACs(), s.Hops())
		fmt.Fprintf(&b, "  states of all PEs sum to %d = %d PEs x %d cycles:", s.States.Total(), s.Width*s.Height, s.Cycles)
		for _, st := range pe.States() {
			fmt.Fprintf(&b, " %s %.2f %%", st.Name(), 100*float64(s.States[st])/float64(s.States.Total()))
		}
		fmt.Fprintf(&b, "\n  an update: %d micro-batches, %d cycles of optimiser, %d of SwarmX: %d cycles, %.4g s, %.4g sequences/s\n",
			u.MicroSteps, s.Tail, u.SwarmX, u.Cycles, u.Seconds, u.SequencesPerSecond())
		fmt.Fprintf(&b, "  multiplied by %.0f updates\n", o.Updates())
	}
	if note != "" {
		fmt.Fprintf(&b, "\n%s\n", note)
	}
	return b.String()
}

func mappingLine(s *Step) string {
	m := s.Mapping
	kept := "activations saved"
	switch {
	case m.Kept > 0:
		kept = fmt.Sprintf("blocks recomputed but the last %d", m.Kept)
	case !m.Save:
		kept = "blocks recomputed"
	}
	return fmt.Sprintf("%d token groups of %d columns (%d per head), %d tokens per PE, %d PE rows per sequence, %d sequences each; %s; vocabulary in %d chunks; run-ahead %d; at most %d bytes of SRAM; %d better-looking mappings did not fit",
		m.Groups, m.Columns, m.ColumnsPerHead, m.Tokens, m.SeqRows, m.Sequences, kept, m.Chunks, s.RunAhead, s.Peak, s.Refused)
}
