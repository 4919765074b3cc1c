package runtime

import (
	"fmt"

	"cs2sim.dev/pe"
	"github.com/google/pprof/profile"
)

// Sample is one report to go into a profile, under the frames experiment > layer > kernel.
type Sample struct {
	Experiment, Layer, Kernel string
	Sparsity                  float64
	Report                    *Report
}

// profileBands is how many bands the rectangle is cut into, each way: every PE by itself would
// make a profile of tens of megabytes.
const profileBands = 10

// Profile turns simulated PE-cycles into a pprof profile: one sample per state and band of PE
// columns and rows, with the bands and the sparsity as labels. All samples sum to the
// PE-cycles of all reports.
func Profile(samples []Sample) *profile.Profile {
	b := newProfileBuilder()
	for _, s := range samples {
		b.add(s)
	}
	return b.p
}

// Stack is PE-cycles by state under frames, outermost first.
type Stack struct {
	Frames []string
	States pe.StateCycles
	Labels map[string][]string
}

// ProfileStacks is a profile of one sample per stack and state; they sum to all PE-cycles given.
func ProfileStacks(stacks []Stack) *profile.Profile {
	b := newProfileBuilder()
	for _, s := range stacks {
		var base []*profile.Location // innermost first
		for i := len(s.Frames) - 1; i >= 0; i-- {
			base = append(base, b.frame(s.Frames[i]))
		}
		b.states(s.States, base, s.Labels)
	}
	return b.p
}

func newProfileBuilder() *builder {
	return &builder{
		p: &profile.Profile{
			SampleType:        []*profile.ValueType{{Type: "cycles", Unit: "cycles"}},
			PeriodType:        &profile.ValueType{Type: "cycles", Unit: "cycles"},
			Period:            1,
			DefaultSampleType: "cycles",
			Comments:          []string{"Samples are simulated PE-cycles, not host time."},
		},
		frames: map[string]*profile.Location{},
	}
}

type builder struct {
	p      *profile.Profile
	frames map[string]*profile.Location
}

func (b *builder) frame(name string) *profile.Location {
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

func (b *builder) add(s Sample) {
	r := s.Report
	base := []*profile.Location{b.frame(s.Kernel), b.frame(s.Layer), b.frame(s.Experiment)}
	for ix := range profileBands {
		x0, x1 := cut(r.Width, ix), cut(r.Width, ix+1)
		for iy := range profileBands {
			y0, y1 := cut(r.Height, iy), cut(r.Height, iy+1)
			if x0 == x1 || y0 == y1 {
				continue
			}
			states := r.Band(x0, x1, y0, y1)
			labels := map[string][]string{
				"columns":  {fmt.Sprintf("%03d-%03d", x0, x1-1)},
				"rows":     {fmt.Sprintf("%03d-%03d", y0, y1-1)},
				"sparsity": {fmt.Sprintf("%.4g%%", 100*s.Sparsity)},
			}
			b.states(states, base, labels)
		}
	}
}

// states adds a sample for each state under base.
func (b *builder) states(states pe.StateCycles, base []*profile.Location, labels map[string][]string) {
	for _, st := range pe.States() {
		if states[st] == 0 {
			continue
		}
		b.p.Sample = append(b.p.Sample, &profile.Sample{
			Location: append([]*profile.Location{b.frame(st.Name())}, base...),
			Value:    []int64{states[st]},
			Label:    labels,
		})
	}
}

// cut is the i-th of the bounds that divide n into profileBands parts.
func cut(n, i int) int { return n * i / profileBands }
