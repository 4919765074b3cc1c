package pe

import (
	"math"
	"math/bits"
	"slices"

	"cs2sim.dev/fabric"
)

// counted is how many elements of an instruction are to be done.
func (f *Flows) counted(w, i, bit int) int {
	return int(f.flow(w, i, bit).todo - f.lanes[w*f.threads+i].left.Left(bit))
}

// do does so many elements that were counted.
func (f *Flows) do(w, i, bit, n int) {
	if n == 0 {
		return
	}
	l, fl, sram := &f.lanes[w*f.threads+i], f.flow(w, i, bit), f.cores[w*64+bit].sram
	var in []uint32
	if l.from >= 0 {
		todo := fl.todo
		in = f.l.Taken(int(l.from), int32(w*64+bit), f.counted(w, i, bit), n)
		in = in[todo-fl.todo:] // of a ring's PE some may have been done on the way
		n = len(in)
	}
	at, pitch := int(fl.at), int(fl.pitch)
	fl.at += int32(n) * fl.pitch
	fl.todo -= int32(n)
	if l.shape == fromFabric && l.op == FMul { // the stencil's; 1.2 % of the instructions it takes of the host
		for _, x := range in {
			store32(sram, at, float32(math.Float32frombits(x)*fl.scalar))
			at += pitch
		}
		return
	}
	if l.shape == fromFabric {
		for _, x := range in {
			store32(sram, at, received(l.op, math.Float32frombits(x), fl.scalar))
			at += pitch
		}
		return
	}
	log := f.l.Log(int(l.to), int32(w*64+bit))
	from := len(*log)
	*log = slices.Grow(*log, n)[:from+n]
	out := (*log)[from:]
	if l.shape == toFabric {
		for k := range out {
			out[k] = math.Float32bits(load32(sram, at))
			at += pitch
		}
		return
	}
	for k, x := range in[:len(out)] {
		out[k] = math.Float32bits(math.Float32frombits(x) + load32(sram, at))
		at += pitch
	}
}

// settle does what a PE owes of one of its instructions, which may go on here.
func (f *Flows) settle(p *PE, thread int) {
	w, bit := int(p.place>>6), int(p.place&63)
	if l := &f.lanes[w*f.threads+thread]; l.owes>>bit&1 != 0 {
		f.do(w, thread, bit, f.counted(w, thread, bit))
		l.owes = l.owes&^(1<<bit) | l.streams&(1<<bit)
	}
}

// settleAll does all that a PE owes.
func (f *Flows) settleAll(p *PE) {
	for i := range p.threads {
		f.settle(p, i)
	}
	p.owing = p.flowing
}

// pay does all that is owed before something is done in SRAM, or taken, that is none of the elements of an
// instruction that was among the flows.
func (p *PE) pay() {
	if p.owing {
		p.flows.settleAll(p)
	}
}

// payFor is pay before an element of an instruction, or its end: if it was among the flows, the others have nothing to do
// with it; and what registers send has to do with a color only.
func (p *PE) payFor(thread int) {
	if !p.owing {
		return
	}
	if f := p.flows; f.lanes[int(p.place>>6)*f.threads+thread].owes>>(p.place&63)&1 != 0 {
		f.settle(p, thread)
		return
	}
	if a := &p.threads[thread].cur; a.in.Op != Send {
		p.pay()
	} else {
		for i := range p.threads {
			if p.threads[i].cur.to == a.to {
				p.flows.settle(p, i)
			}
		}
	}
}

// produce has a PE's instruction that sends to a kind of buffers do n more elements.
func (f *Flows) produce(kind int, at int32, n int) {
	w, bit := int(at>>6), int(at&63)
	for i := range f.threads {
		if l := &f.lanes[w*f.threads+i]; l.owes>>bit&1 != 0 && int(l.to) == kind {
			f.do(w, i, bit, n)
		}
	}
}

// Settle is that of the lanes, after which what PEs have sent is noted, and what is not needed any more forgotten.
func (f *Flows) Settle(t fabric.Cycle) {
	f.l.Settle(t)
	for _, p := range f.cores {
		if p != nil {
			p.pay()
		}
	}
	f.l.Trim()
}

// entangled reports whether an instruction that streams and another thread's have something to do with the same words
// of SRAM, and one of them writes there; or send to the same color, or take from it.
func (p *PE) entangled(thread int) bool {
	a := &p.threads[thread].cur
	from, to := p.touches(thread)
	for set := p.busy &^ (1 << thread); set != 0; set &= set - 1 {
		other := bits.TrailingZeros32(set)
		b := &p.threads[other].cur
		if !b.streams {
			continue
		}
		if a.to != fabric.NoQueue && a.to == b.to || a.takes() != fabric.NoQueue && a.takes() == b.takes() {
			return true
		}
		if first, last := p.touches(other); (a.to == fabric.NoQueue || b.to == fabric.NoQueue) && first < to && from < last {
			return true
		}
	}
	return false
}

// takes is the queue that an instruction of a common form takes from.
func (a *active) takes() fabric.QueueID { return max(a.from[0], a.from[1]) }

// touches is the words of SRAM that the elements left, and those that are counted but owed, of a thread's instruction of a
// common form have their operands in.
func (p *PE) touches(thread int) (first, end int32) {
	a := &p.threads[thread].cur
	first, last := a.base+a.done*a.pitch, a.base+(a.n-1)*a.pitch
	if p.owing {
		w, bit := int(p.place>>6), int(p.place&63)
		if p.flows.lanes[w*p.flows.threads+thread].owes>>bit&1 != 0 {
			first = p.flows.flow(w, thread, bit).at
		}
	}
	return min(first, last), max(first, last) + 2
}
