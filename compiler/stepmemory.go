package compiler

import (
	"fmt"
	"slices"

	"cs2sim.dev/pe"
)

// MemoryPlan is where the parts of a step lie in every PE's SRAM. The lower banks hold code and
// tiles, the last SBanks of them accumulators and what is read beside a tile.
type MemoryPlan struct {
	SBanks   int
	RunAhead int // output rows a linear kernel may run ahead of its ring
	Places   []Placed
	Peak     int // bytes in use in the fullest phase, code included
}

// Placed is a tile or a phase's scratch, and the phases in which it holds something.
type Placed struct {
	Name        string
	Base, Words int
	First, Last int // phases, inclusive
	tile        *Tile
	scratch     Kernel
	inS         bool
}

// Live lists what lies in SRAM during a phase, in order of address.
func (m *MemoryPlan) Live(phase int) []Placed {
	var live []Placed
	for _, p := range m.Places {
		if p.First <= phase && phase <= p.Last {
			live = append(live, p)
		}
	}
	slices.SortStableFunc(live, func(a, b Placed) int { return a.Base - b.Base })
	return live
}

// planMemory takes the longest run-ahead with which everything fits, with it the fewest
// accumulator banks, and moves as few tiles as it can to them.
func (s *Step) planMemory(runAhead int) error {
	var first error
	for r := runAhead; r >= 0; r = lower(r) {
		var places [AloneToo + 1][]Placed
		var need [AloneToo + 1]regionWords
		for moved := range places {
			places[moved] = s.lifetimes(r, Alone(moved))
			need[moved] = s.liveWords(places[moved])
		}
		for banks := 1; banks < s.Space.Target.Core().Banks; banks++ {
			for moved := range places {
				err := s.cannotFit(banks, need[moved])
				if err == nil {
					err = s.place(banks, r, places[moved])
				}
				if err == nil {
					return nil
				}
				if first == nil || r == 0 && banks == 1 && moved == 0 {
					first = err
				}
			}
		}
	}
	return first
}

// couldFit refuses most steps that do not fit without the list of their phases, which is long: every
// block adds as much to what lives in the fullest phase.
func couldFit(s *Space, o StepOptions) error {
	step := func(layers int) *Step {
		some := *s
		some.Model.Layers = layers
		b := newStepBuilder(&some, o)
		b.build()
		return b.step
	}
	layers := s.Model.Layers
	few, one := step(min(2, layers)), step(1)
	var err error
	for moved := Beside; moved <= AloneToo; moved++ {
		need := few.liveWords(few.lifetimes(0, moved))
		if more := layers - 2; more > 0 {
			n := one.liveWords(one.lifetimes(0, moved))
			need.t, need.s = need.t+more*(need.t-n.t), need.s+more*(need.s-n.s)
		}
		for banks := 1; banks < s.Target.Core().Banks; banks++ {
			if err = few.cannotFit(banks, need); err == nil {
				return nil
			}
		}
	}
	return &Error{"memory", err}
}

// lower is the next run-ahead to try.
func lower(r int) int {
	if r == 0 {
		return -1
	}
	return r / 2
}

// regionWords is what lives at the same time in the fullest phase of each region, and where.
type regionWords struct {
	t, s     int
	inT, inS string // the largest thing there
}

// liveWords is less than any placement needs.
func (s *Step) liveWords(places []Placed) (n regionWords) {
	unit := s.Ones.RunWords(s.Space.Tokens)
	t, acc := make([]int, len(s.Phases)+1), make([]int, len(s.Phases)+1) // differences from phase to phase
	for _, p := range places {
		size := ceilDiv(p.Words, unit) * unit
		d := t
		if p.inS {
			d = acc
		}
		d[p.First] += size
		d[p.Last+1] -= size
	}
	at := func(d []int) (most, phase int) {
		sum := 0
		for i, v := range d {
			if sum += v; sum > most {
				most, phase = sum, i
			}
		}
		return most, phase
	}
	largest := func(inS bool, phase int) (name string) {
		most := -1
		for _, p := range places {
			if p.inS == inS && p.First <= phase && phase <= p.Last && p.Words > most {
				name, most = p.Name, p.Words
			}
		}
		return name
	}
	var phase int
	n.t, phase = at(t)
	n.inT = largest(false, phase)
	n.s, phase = at(acc)
	n.inS = largest(true, phase)
	return n
}

// cannotFit spares place the cases in which a region is smaller than what lives in it.
func (s *Step) cannotFit(banks int, need regionWords) error {
	if err := s.tilesFit(banks, need); err != nil {
		return err
	}
	core := s.Space.Target.Core()
	if have := banks * core.BankWords(); need.s > have {
		return fmt.Errorf("accumulators (%d of %d banks): %w", banks, core.Banks, &pe.OutOfMemory{Name: need.inS, NeedBytes: 2 * need.s, HaveBytes: 2 * have})
	}
	return nil
}

// tilesFit holds the tiles against what code and accumulators leave.
func (s *Step) tilesFit(banks int, need regionWords) error {
	core := s.Space.Target.Core()
	unit := s.Ones.RunWords(s.Space.Tokens)
	code := ceilDiv(ceilDiv(s.Space.Target.whole("code_bytes"), 2), unit) * unit
	accumulators := banks * core.BankWords()
	tiles := max(0, core.SRAMBytes/2-accumulators-code)
	switch {
	case need.t > tiles:
		return fmt.Errorf("tiles: %w", &pe.OutOfMemory{Name: need.inT, NeedBytes: 2 * need.t, HaveBytes: 2 * tiles})
	case need.s > accumulators:
		return fmt.Errorf("accumulators (%d of %d banks): %w", banks, core.Banks, &pe.OutOfMemory{Name: need.inS, NeedBytes: 2 * need.s, HaveBytes: 2 * accumulators})
	}
	return nil
}

// place gives every tile and scratch an address: first fit, in the order of first use, which keeps
// the map easy to read, or where that leaves holes, what lives longest first.
func (s *Step) place(banks, runAhead int, places []Placed) error {
	order := make([]int, len(places))
	for i := range order {
		order[i] = i
	}
	err := s.placeInOrder(banks, runAhead, places, order)
	if err != nil {
		slices.SortStableFunc(order, func(a, b int) int {
			p, q := &places[a], &places[b]
			return q.Last - q.First - (p.Last - p.First)
		})
		err = s.placeInOrder(banks, runAhead, places, order)
	}
	return err
}

func (s *Step) placeInOrder(banks, runAhead int, places []Placed, order []int) error {
	core := s.Space.Target.Core()
	code := ceilDiv(s.Space.Target.whole("code_bytes"), 2)
	unit := s.Ones.RunWords(s.Space.Tokens) // everything is a multiple of a run, so that a weight's index can reach the ones
	tStart := ceilDiv(code, unit) * unit
	sStart := (core.Banks - banks) * core.BankWords()
	sEnd := core.SRAMBytes / 2
	plan := MemoryPlan{SBanks: banks, RunAhead: runAhead, Places: slices.Clone(places)}
	s.setRunAhead(runAhead)
	s.Ones.Base = (sStart-tStart)/unit*unit + tStart - unit
	var done []Placed
	for _, i := range order {
		p := &plan.Places[i]
		if p.tile == s.Ones {
			p.Base = s.Ones.Base
			continue
		}
		start, end := tStart, s.Ones.Base
		if p.inS {
			start, end = sStart, sEnd
		}
		size := ceilDiv(p.Words, unit) * unit
		p.Base = firstFit(done, *p, start, size)
		if p.Base+size > end {
			region := "tiles"
			if p.inS {
				region = fmt.Sprintf("accumulators (%d of %d banks)", banks, core.Banks)
			}
			return fmt.Errorf("%s: %w", region, &pe.OutOfMemory{
				Name: p.Name, NeedBytes: 2 * (p.Base + size - start), HaveBytes: 2 * (end - start)})
		}
		p.Words = size
		done = append(done, *p)
	}
	for _, p := range plan.Places {
		switch {
		case p.tile != nil:
			p.tile.Base, p.tile.InS = p.Base, p.inS
		case p.inS:
			p.scratch.ScratchAt().S = p.Base
		default:
			p.scratch.ScratchAt().T = p.Base
		}
	}
	for i := range s.Phases {
		used := 2 * code
		for _, p := range plan.Live(i) {
			used += 2 * p.Words
		}
		plan.Peak = max(plan.Peak, used)
	}
	s.Plan = plan
	return nil
}

// lifetimes lists tiles and scratch with the phases from first to last use. The ones and what
// one micro-batch hands to the next live for ever. Tiles up to moved lie in the banks of accumulators.
func (s *Step) lifetimes(runAhead int, moved Alone) []Placed {
	s.setRunAhead(runAhead)
	index := map[*Tile]int{}
	var places []Placed
	touch := func(t *Tile, phase int) {
		i, ok := index[t]
		if !ok {
			i = len(places)
			index[t] = i
			inS := t.InS || t.Alone != Beside && t.Alone <= moved
			places = append(places, Placed{Name: t.Name, Words: t.Room(s.Space.Tokens), First: phase, tile: t, inS: inS})
		}
		places[i].Last = phase
	}
	touch(s.Ones, 0)
	for i, ph := range s.Phases {
		reads, writes := ph.Kernel.Tiles()
		for _, t := range append(reads, writes...) {
			if t != nil && t != s.Ones {
				touch(t, i)
			}
		}
		need := ph.Kernel.Scratch(s.Space)
		if need.T > 0 {
			places = append(places, Placed{Name: ph.Kernel.Name() + " scratch", Words: need.T, First: i, Last: i, scratch: ph.Kernel})
		}
		if need.S > 0 {
			places = append(places, Placed{Name: ph.Kernel.Name() + " accumulators", Words: need.S, First: i, Last: i, scratch: ph.Kernel, inS: true})
		}
	}
	places[0].Last = len(s.Phases) - 1
	return places
}

// setRunAhead tells the kernels, whose scratch depends on it.
func (s *Step) setRunAhead(rows int) {
	for _, ph := range s.Phases {
		if k, ok := ph.Kernel.(interface{ SetRunAhead(int) }); ok {
			k.SetRunAhead(rows)
		}
	}
}

// firstFit is the lowest address from start on where p meets nothing that lives with it.
func firstFit(done []Placed, p Placed, start, size int) int {
	var taken []Placed
	for _, d := range done {
		if d.inS == p.inS && d.First <= p.Last && p.First <= d.Last {
			taken = append(taken, d)
		}
	}
	slices.SortFunc(taken, func(a, b Placed) int { return a.Base - b.Base })
	at := start
	for _, d := range taken {
		if at+size <= d.Base {
			break
		}
		at = max(at, d.Base+d.Words)
	}
	return at
}
