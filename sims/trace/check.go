package trace

import (
	"fmt"
	"math"
	"unicode"
	"unicode/utf8"

	"cs2sim.dev/pe"
)

// Bounds of a trace: no machine has more, and a file that claims more is not one of ours.
const (
	maxSide    = 4096    // PEs
	maxCycles  = 1 << 45 // of a run; times all PEs it stays within 64 bits
	maxPEWork  = 1 << 62 // PEs x cycles
	maxCount   = 1 << 56 // FMACs, hops and wavelets of a phase
	maxRuns    = 1000
	maxPhases  = 1 << 20
	maxCells   = 1 << 21
	maxLinks   = 1 << 21 // rows of their table
	maxWindows = 1 << 21 // rows of their table
	maxRegions = 1 << 18
	maxName    = 200 // bytes
)

// Check reports the first thing that is wrong with a run: a number out of bounds, a name that
// could be code, a gap in time, an account that does not close.
func (r *Run) Check() error {
	m := r.Machine
	switch {
	case m.Width < 1 || m.Height < 1 || m.Width > maxSide || m.Height > maxSide:
		return fmt.Errorf("a machine of %d x %d PEs, each side must be 1 to %d", m.Width, m.Height, maxSide)
	case !(m.ClockHz >= 1e6 && m.ClockHz <= 1e12):
		return fmt.Errorf("clock_hz is %v, must be 1e6 to 1e12", m.ClockHz)
	case !(m.IORate > 0 && m.IORate <= 1e12 && m.WattsPerCore >= 0 && m.WattsPerCore <= 1e3 && m.JoulesPerBitHop >= 0 && m.JoulesPerBitHop <= 1e-3):
		return fmt.Errorf("machine %q: %v wavelets per cycle, %v W per core, %v J per bit and hop are not those of a machine", m.Name, m.IORate, m.WattsPerCore, m.JoulesPerBitHop)
	case !(r.Sparsity >= 0 && r.Sparsity <= 1):
		return fmt.Errorf("sparsity is %v, must be 0 to 1", r.Sparsity)
	case r.Cycles < 0 || r.Cycles > maxCycles || float64(r.Cycles)*float64(r.PEs()) >= maxPEWork:
		return fmt.Errorf("a run of %d cycles, at most %d can be added up", r.Cycles, int64(maxCycles))
	case r.Of < 0 || r.Of > maxPhases || r.Of > 0 && r.Of < len(r.Phases):
		return fmt.Errorf("%d phases of %d", len(r.Phases), r.Of)
	case len(r.Phases) > maxPhases:
		return fmt.Errorf("%d phases, at most %d", len(r.Phases), maxPhases)
	}
	for _, name := range []string{m.Name, r.Experiment, r.Name} {
		if err := checkName(name); err != nil {
			return err
		}
	}
	if err := r.Place.check(m); err != nil {
		return err
	}
	for i := range r.Kinds {
		if err := r.Kinds[i].check(m); err != nil {
			return fmt.Errorf("kind %d: %w", i, err)
		}
		if err := r.Kinds[i].checkLinks(m); err != nil {
			return fmt.Errorf("kind %d: %w", i, err)
		}
	}
	if err := r.checkLinkSums(); err != nil {
		return err
	}
	at := int64(0)
	for i := range r.Phases {
		if err := r.checkPhase(&r.Phases[i], at); err != nil {
			return fmt.Errorf("phase %d: %w", i, err)
		}
		at += r.Phases[i].Cycles
	}
	if at != r.Cycles {
		return fmt.Errorf("phases last %d cycles, the run %d", at, r.Cycles)
	}
	for i, g := range r.Memory {
		if err := checkName(g.Name); err != nil {
			return fmt.Errorf("memory region %d: %w", i, err)
		}
		if g.Base < 0 || g.Bytes < 0 || g.Base > math.MaxInt32 || g.Bytes > math.MaxInt32 || g.First < 0 || g.First > g.Last || g.Last >= len(r.Phases) {
			return fmt.Errorf("memory region %d: bytes %d to %d in phases %d to %d of %d", i, g.Base, g.Base+g.Bytes, g.First, g.Last, len(r.Phases))
		}
	}
	return nil
}

func (p Place) check(m Machine) error {
	if p.Width < 0 || p.Width > m.Width || p.Height < 0 || p.Height > m.Height {
		return fmt.Errorf("%d x %d PEs in use of %d x %d", p.Width, p.Height, m.Width, m.Height)
	}
	if p.Groups < 0 || p.Columns < 0 || p.Groups > maxSide || p.Columns > maxSide || p.Groups*p.Columns > p.Width ||
		p.Tokens < 0 || p.Tokens > math.MaxInt32 || p.SeqRows < 0 || p.SeqRows > maxSide {
		return fmt.Errorf("%d groups of %d columns, %d tokens per PE, %d rows per sequence do not lie in %d x %d PEs",
			p.Groups, p.Columns, p.Tokens, p.SeqRows, p.Width, p.Height)
	}
	if n := len(p.Features); n > 0 && n != p.Columns+1 {
		return fmt.Errorf("%d feature bounds for %d columns", n, p.Columns)
	}
	for c := range p.Features {
		if f := p.Features[c]; f < 0 || f > math.MaxInt32 || c > 0 && f < p.Features[c-1] {
			return fmt.Errorf("feature bound %d is %d", c, f)
		}
	}
	return nil
}

func (r *Run) checkPhase(p *Phase, at int64) error {
	for _, name := range []string{p.Name, p.LayerName, p.Op, p.Pass, p.Kernel} {
		if err := checkName(name); err != nil {
			return err
		}
	}
	switch {
	case p.Kind < 0 || p.Kind >= len(r.Kinds):
		return fmt.Errorf("is of kind %d, there are %d", p.Kind, len(r.Kinds))
	case p.Start != at:
		return fmt.Errorf("starts in cycle %d, the one before ends in %d", p.Start, at)
	case p.Cycles != r.Kinds[p.Kind].Cycles:
		return fmt.Errorf("lasts %d cycles, its kind %d", p.Cycles, r.Kinds[p.Kind].Cycles)
	case p.Layer < -1 || p.Layer > math.MaxInt16:
		return fmt.Errorf("is in layer %d", p.Layer)
	case min(p.FMACs, p.Hops, p.EdgeIn, p.EdgeOut) < 0 || max(p.FMACs, p.Hops, p.EdgeIn, p.EdgeOut) > maxCount:
		return fmt.Errorf("counts %d FMACs, %d hops, %d and %d edge wavelets", p.FMACs, p.Hops, p.EdgeIn, p.EdgeOut)
	case p.Cycles > maxCycles-at:
		return fmt.Errorf("lasts %d cycles", p.Cycles)
	}
	return nil
}

func (k *Kind) check(m Machine) error {
	if k.Cycles < 0 || float64(k.Cycles)*float64(m.Width)*float64(m.Height) >= maxPEWork {
		return fmt.Errorf("lasts %d cycles", k.Cycles)
	}
	members := int64(0)
	for i := range k.Cells {
		c := &k.Cells[i]
		if !c.X.fits(m.Width) || !c.Y.fits(m.Height) {
			return fmt.Errorf("cell %d lies outside of %d x %d PEs: x %+v, y %+v", i, m.Width, m.Height, c.X, c.Y)
		}
		if err := c.check(k.Cycles); err != nil {
			return fmt.Errorf("cell %d: %w", i, err)
		}
		members += c.Members()
	}
	if all := int64(m.Width) * int64(m.Height); members != all {
		return fmt.Errorf("its cells have %d PEs, the rectangle %d", members, all)
	}
	return k.checkWindows()
}

// checkWindows closes the account of every cell in every window, and that of the windows.
func (k *Kind) checkWindows() error {
	if len(k.Windows) == 0 {
		return nil
	}
	left := k.Cycles
	states, late := make([]pe.StateCycles, len(k.Cells)), make([]Late, len(k.Cells))
	for n := range k.Windows {
		w := &k.Windows[n]
		if w.Cycles < 1 || w.Cycles > left || len(w.States) != len(k.Cells) || len(w.Late) != len(k.Cells) {
			return fmt.Errorf("window %d of %d cycles where %d are left", n, w.Cycles, left)
		}
		left -= w.Cycles
		for i := range k.Cells {
			c := w.cell(k, i)
			if err := c.check(w.Cycles); err != nil {
				return fmt.Errorf("window %d, cell %d: %w", n, i, err)
			}
			states[i].Add(c.States, 1)
			late[i].Weights += c.Late.Weights
			late[i].Psums += c.Late.Psums
		}
	}
	if left != 0 {
		return fmt.Errorf("%d windows leave %d cycles", len(k.Windows), left)
	}
	for i := range k.Cells {
		if c := &k.Cells[i]; states[i] != c.States || late[i] != c.Late {
			return fmt.Errorf("windows of cell %d sum to %v, %+v, the cell is %v, %+v", i, states[i], late[i], c.States, c.Late)
		}
	}
	return nil
}

// fits tells whether the places are different ones below n.
func (s Span) fits(n int) bool {
	return s.From >= 0 && s.Block >= 1 && s.Count >= 1 && s.Step >= s.Block &&
		s.From < n && s.Block <= n && s.Count <= n && s.Step <= maxSide && s.End() <= n
}

// check closes the account of a cell: no state below zero, and all sum to the cycles.
func (c *Cell) check(cycles int64) error {
	block := int64(c.X.Block) * int64(c.Y.Block)
	rows := int64(c.Y.End() - c.Y.From)
	most := int64(maxCycles)
	if rows > 1 {
		most = cycles / (rows - 1)
	}
	if l := c.Late; min(l.Weights, l.Psums) < -most || max(l.Weights, l.Psums) > most {
		return fmt.Errorf("%d rows in %d cycles, each %+v later", rows, cycles, l)
	}
	last := c.Late.times(rows - 1)
	left := cycles * block
	for st, n := range c.States {
		if n < 0 || n > cycles*block {
			return fmt.Errorf("%s is %d in %d cycles", pe.State(st).Name(), n, cycles)
		}
		if n+last[st] < 0 && block == 1 {
			return fmt.Errorf("%s is %d in the last row", pe.State(st).Name(), n+last[st])
		}
		left -= n
	}
	if left != 0 {
		return fmt.Errorf("states sum to %d, must be %d", cycles*block-left, cycles*block)
	}
	if c.Wavelets < NotCounted || c.Wavelets > maxCycles {
		return fmt.Errorf("wavelets is %d", c.Wavelets)
	}
	return nil
}

// checkName admits text that can be shown anywhere: no markup, quotes or control characters.
func checkName(s string) error {
	if len(s) > maxName {
		return fmt.Errorf("a name of %d bytes, at most %d", len(s), maxName)
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("name %q is not UTF-8", s)
	}
	for _, r := range s {
		if !shown(r) {
			return fmt.Errorf("name %q holds %q", s, r)
		}
	}
	return nil
}

func shown(r rune) bool {
	switch r {
	case '<', '>', '&', '"', '\'', '`', '\\', utf8.RuneError:
		return false
	}
	return unicode.IsPrint(r)
}

// Clean makes a name of any text.
func Clean(s string) string {
	var b []rune
	for _, r := range s {
		if !shown(r) {
			r = '_'
		}
		b = append(b, r)
	}
	for len(string(b)) > maxName {
		b = b[:len(b)-1]
	}
	return string(b)
}
