package gpt

import (
	"bytes"
	"fmt"

	"cs2sim.dev/pe"
	"cs2sim.dev/runtime"
)

// Trace is the pprof profile of all finished steps: simulated PE-cycles of a micro-batch under the
// frames step > block > operation > kernel > state. Gzipped, the same bytes for the same steps.
func Trace(all []Outcome) ([]byte, error) {
	var stacks []runtime.Stack
	seen := map[string]bool{}
	for i := range all {
		o := &all[i]
		if o.Update == nil || o.Probe != nil || seen[o.Update.Step.Key] {
			continue
		}
		seen[o.Update.Step.Key] = true
		stacks = append(stacks, o.stacks()...)
	}
	var b bytes.Buffer
	if err := runtime.ProfileStacks(stacks).Write(&b); err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	return b.Bytes(), nil
}

// stacks of one step sum to the PE-cycles of the whole rectangle.
func (o *Outcome) stacks() (out []runtime.Stack) {
	s := o.Update.Step
	name := fmt.Sprintf("%s %s %s", s.Model, "pretrain", s.Masks)
	if o.Task != "" {
		name = s.Model + " finetune"
	}
	if o.Systems > 1 {
		name += fmt.Sprintf(", %d systems", o.Systems)
	}
	labels := map[string][]string{"sparsity": {s.Masks}}
	add := func(states pe.StateCycles, frames ...string) {
		out = append(out, runtime.Stack{Frames: append([]string{name}, frames...), States: states, Labels: labels})
	}
	var unused, barrier pe.StateCycles
	unused[pe.Idle] = (int64(s.Width)*int64(s.Height) - s.Used) * s.Cycles
	barrier[pe.Overhead] = int64(len(s.Phases)) * s.Switch * s.Used
	for _, p := range s.Phases {
		block := "head and embedding"
		if p.Layer >= 0 {
			block = fmt.Sprintf("block %d", p.Layer)
		}
		add(p.States, block, p.Op, fmt.Sprintf("%s (%s)", p.Kernel, p.Pass))
	}
	add(barrier, "kernel switch")
	add(unused, "PEs not in use")
	return out
}
