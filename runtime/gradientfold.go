package runtime

import (
	"context"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
)

// gradientFold is the one PE row of a weight gradient by recurrences over features and columns:
// when a column's task thread has worked off its positions around what the threads of the bus
// and of the sums take from it, when each feature is on the bus and received, when its sums go
// north. Like streamEngine it never looks at single wavelets.
type gradientFold struct {
	s     *gradStream
	costs gradientCosts
	ahead int
	steps int64 // values of a feature

	cols   []column
	bus    []busColumn
	supply *supply
	sentBy []int // first feature of each column

	sumsDepth int // features whose sums may wait or be on their way

	// The bus.
	sender   int
	senders  int
	last     int64 // last value lately sent passes its router
	outbox   int64 // wavelets between a PE and its router
	perHop   int64 // wavelets a hop holds
	queue    int64
	hop      int64
	ramp     int64
	window   int
	capacity int64 // of wires and links beyond a column's PE, in sums
	// By distance from the sender: what has to have left the wires to a column before a feature's
	// first value, and before its last, can go.
	firstBehind, lastBehind []behind

	// The I/O link.
	perSum float64
	exits  []float64 // when the link is through with a feature's sums
	toEdge int64
	total  int64 // positions

	samples *sampler
}

// busColumn is a column's part of the bus, and what it has sent north.
type busColumn struct {
	issued    int64     // when the feature next received was asked for
	written   int64     // values put on the ramp
	received  []stretch // per feature modulo window
	sumsEnded int64
	sums      int64   // sent
	past      []int64 // sums sent up to features from first on
	first     int
}

// gradientCosts are the cycles of the kernel's tasks, from its code.
type gradientCosts struct {
	position pe.Cost
	dispatch int64 // of a control task
	begin    int64 // scalar work of the begin command
	sends    int64 // starts of what is put on the bus
	order    [compiler.GradNoneLast + 1]struct {
		scalar        int64 // dispatch, and before the first instruction
		after         int64
		sums, receive pe.Cost
	}
}

func newGradientFold(f *gradientPhase, l *compiler.Layout, windows int) *gradientFold {
	s := f.m.Space
	wires := s.Target.Fabric(s.Target.Width(), s.Target.Height())
	sent, _ := f.k.Sides()
	e := &gradientFold{
		s: f.stream(), ahead: f.k.Ahead(), steps: int64(s.Tokens),
		cols: make([]column, s.Columns), bus: make([]busColumn, s.Columns), sentBy: sent.Bounds, senders: f.k.Senders(),
		outbox: int64(wires.BufferDepth + wires.RampCycles + 1), perHop: int64(wires.BufferDepth + wires.HopCycles - 1),
		queue: int64(wires.QueueWords + wires.RampCycles), hop: int64(wires.HopCycles), ramp: int64(wires.RampCycles),
		perSum: 1 / l.OutRate,
	}
	e.toEdge = 1 + e.ramp + e.hop
	e.capacity = int64(l.Out[0].Hold) + e.outbox + int64(wires.QueueWords+wires.HopCycles)
	e.window = e.ahead + 4 + int((e.outbox+e.queue+int64(s.Columns)*e.perHop)/e.steps)
	for d := range s.Columns {
		wires := int64(d)*e.perHop + e.queue
		e.firstBehind, e.lastBehind = append(e.firstBehind, newBehind(wires, e.steps)), append(e.lastBehind, newBehind(wires-e.steps+1, e.steps))
	}
	e.readCosts(l, s.Target.Core())
	arrival := e.hop + e.ramp
	for i := range e.cols {
		c := &e.cols[i]
		c.main = arrival
		c.states[pe.WaitWeight] = arrival
		c.past = ringPast(8)
		e.bus[i].received = make([]stretch, e.window)
	}
	e.samples = newSampler(len(e.cols), windows).lasting(e.s.w.known() / int64(len(e.cols)) * int64(e.costs.position.Total()) / 2) // half: not every column has the mean
	e.supply = newSupply(s.Target, s.StreamRate, s.Columns, 1, int64(e.costs.position.Total()))
	return e
}

// readCosts walks the code of the first column's PE.
func (e *gradientFold) readCosts(l *compiler.Layout, core pe.Config) {
	code := l.Program(0)
	for i := range code.Tasks {
		t := &code.Tasks[i]
		if t.Kind == pe.Data {
			e.costs.position = core.Cost(&t.Code[0], true)
			continue
		}
		registers := code.Registers
		path := t.Walk(core, &registers)
		if t.Entry == compiler.GradBegin {
			e.costs.begin = int64(path.Before + path.After)
			e.costs.sends = int64(core.Cost(path.Issued[0], false).Start)
			continue
		}
		o := &e.costs.order[t.Entry]
		o.scalar, o.after = int64(core.TaskSwitchCycles+path.Before), int64(path.After)
		issued := path.Issued
		if t.Entry < compiler.GradNone {
			o.sums = core.Cost(issued[0], false)
			issued = issued[1:]
		}
		if len(issued) > 0 {
			o.receive = core.Cost(issued[0], false)
		}
	}
	e.costs.dispatch = int64(core.TaskSwitchCycles)
	e.sumsDepth = code.Threads[len(code.Threads)-1]
}

// run simulates all features.
func (e *gradientFold) run(ctx context.Context) error {
	e.start()
	counts := make([]int32, len(e.cols))
	for r := range e.s.features {
		if r%256 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		e.s.counts(r, counts)
		if e.supply != nil {
			e.supply.row(e.cols, r, counts)
		}
		first, total := int64(-1), int64(0)
		for i := range e.cols {
			// The last feature may be the ones, of which there are all positions.
			if c := &e.cols[i]; e.samples != nil && (c.main >= e.samples.next[i] || r == e.s.features-1) {
				account := c.account(&e.costs.position)
				e.samples.reach(i, c.main, &account)
			}
			begun := e.feature(i, r, int64(counts[i]))
			if counts[i] > 0 && (first < 0 || begun < first) {
				first = begun
			}
			total += int64(counts[i])
		}
		e.exit(first, total)
		e.total += total
		if f := r + e.ahead + 1; f < e.s.features {
			e.send(f)
		}
	}
	return nil
}

// start is the begin command: every PE puts its features on the ramp and asks for the first ones.
func (e *gradientFold) start() {
	for i := range e.cols {
		c := &e.cols[i]
		sends := e.sends(i)
		c.advance(e.costs.dispatch)
		e.bus[i].issued = c.main
		if sends > 0 {
			c.span(c.main, c.main+e.costs.sends, e.costs.sends)
		}
		c.states[pe.Overhead] += e.costs.dispatch + e.costs.begin + sends*e.costs.sends + int64(e.ahead+1)*e.receiveStart()
		c.states[pe.RingAdd] += e.values(i) + int64(e.ahead+1)*e.steps
		e.bus[i].written = min(e.values(i), e.outbox)
		c.span(c.main+e.costs.sends, c.main+e.costs.sends+e.bus[i].written, e.bus[i].written)
		c.advance(e.costs.begin)
	}
	e.last = e.bus[0].issued + e.costs.sends + e.ramp
	for f := range e.ahead + 1 {
		e.send(f)
	}
	for i := range e.cols {
		got := e.bus[i].received[0]
		e.cols[i].waitFor(got.ended, true, pe.WaitPsum)
	}
}

func (e *gradientFold) receiveStart() int64 {
	return int64(e.costs.order[compiler.GradSend].receive.Start)
}

// sends is how many instructions put column i's features on the bus.
func (e *gradientFold) sends(i int) int64 {
	switch {
	case i >= e.senders:
		return 0
	case i == e.senders-1 && e.s.k.OnesRow():
		return 3
	}
	return 2
}

// feature works off column i's positions of feature r and its command, and sends the sums. It
// returns when the first of them goes.
func (e *gradientFold) feature(i, r int, n int64) int64 {
	c, b := &e.cols[i], &e.bus[i]
	position := int64(e.costs.position.Total())
	c.weights += n
	c.advance(n * position)
	if e.supply != nil {
		c.waitFor(e.supply.weight(i)+position, n > 0, pe.WaitWeight)
		c.waitFor(e.supply.command(i), true, pe.WaitWeight)
	}
	o := &e.costs.order[e.s.command(r, int(n))]
	c.advance(o.scalar)
	c.states[pe.Overhead] += o.scalar + o.after
	begun := int64(0)
	if n > 0 {
		c.waitForThread(e.sumsDepth)
		head := max(c.main, b.sumsEnded)
		begun = max(head+int64(o.sums.Start), e.room(b))
		b.sumsEnded = begun + n
		c.insert(head, head+int64(o.sums.Start), int64(o.sums.Start))
		c.insert(begun, b.sumsEnded, n)
		c.passed(begun, b.sumsEnded)
		c.states[pe.Overhead] += int64(o.sums.Start)
		c.states[pe.RingAdd] += n
		b.sums += n
	}
	b.past = append(b.past, b.sums)
	c.advance(o.after)
	if r == e.s.features-1 {
		return begun
	}
	got := b.received[(r+1)%e.window]
	c.waitFor(got.ended, true, pe.WaitPsum)
	b.issued = c.main
	c.states[pe.Overhead] += int64(o.receive.Start)
	if r+e.ahead+1 < e.s.features {
		c.states[pe.RingAdd] += e.steps
	} else { // an instruction in place of a feature
		head := max(c.main, b.received[(e.s.features-1)%e.window].ended)
		c.insert(head, head+int64(o.receive.Total()), int64(o.receive.Total()))
		c.states[pe.RingAdd] += int64(o.receive.Steps)
	}
	return begun
}

// room is when the wires can take the next sum of a column: what was sent their capacity before has left.
func (e *gradientFold) room(b *busColumn) int64 {
	need := b.sums - e.capacity
	if need < 0 {
		return 0
	}
	for b.past[0] <= need {
		b.past = b.past[1:]
		b.first++
	}
	return int64(e.exits[b.first])
}

// exit lets the sums of a feature over the edge.
func (e *gradientFold) exit(first, total int64) {
	at := 0.0
	if n := len(e.exits); n > 0 {
		at = e.exits[n-1]
	}
	if total > 0 {
		at = max(at, float64(first+e.toEdge)) + float64(total)*e.perSum
	}
	e.exits = append(e.exits, at)
}

// send puts feature f on the bus; every column has asked for it. Values pass the sender's router
// one a cycle, but never farther ahead of a column than the wires to it hold.
func (e *gradientFold) send(f int) {
	s := e.sender
	for s < e.senders-1 && e.sentBy[s+1] <= f {
		s++
	}
	first := e.last + 1
	if s != e.sender {
		first += e.hop
	}
	e.sender = s
	written, start := int64(0), e.receiveStart()
	slot, prev := f%e.window, (f+e.window-1)%e.window
	for i := range e.bus {
		d := int(e.distance(i))
		first = max(first, e.roomAt(i, d, f, slot, e.firstBehind[d]))
	}
	for i := range e.bus {
		c, b := &e.cols[i], &e.bus[i]
		head := b.issued
		if f > 0 {
			head = max(head, b.received[prev].ended)
		}
		got := &b.received[slot]
		reach := first + e.latency(i)
		if i == s {
			// Writing shares the datapath with receiving, turn and turn about. What goes before the
			// feature is received ends where the wires are full.
			before := int64(f-e.sentBy[i])*e.steps + e.outbox + e.queue
			idle := max(0, max(head+start, reach)-max(head, first)-start+start/2)
			wrote := e.write(i, min(before, b.written+idle), head)
			got.begun = max(head+start+min(wrote, start/2), reach)
			written = e.write(i, min(before, b.written)+e.steps-min(wrote, start/2), got.begun)
			if f == e.sentBy[i+1]-1 {
				rest := (e.sends(i) - 1) * e.costs.sends // for the turn's end
				c.insert(got.begun, got.begun+rest, rest)
			}
		} else {
			got.begun = max(head+start+c.lateWork(head, head+start), reach) // other threads stream with the same priority
		}
		c.insert(head, head+start, start)
		got.ended = got.begun + e.steps + c.lateWork(got.begun, got.begun+e.steps)
	}
	last := first + e.steps - 1
	for i := range e.bus {
		d := int(e.distance(i))
		last = max(last, e.roomAt(i, d, f, slot, e.lastBehind[d]))
	}
	if written > 0 && e.bus[s].written == e.values(s) {
		// The turn's last values share the datapath with those received, and the very last is an
		// instruction of its own, which starts when the one before is on the ramp.
		last = max(last, e.bus[s].received[slot].begun+2*written+e.costs.sends+1+e.ramp)
	}
	for i := range e.bus {
		got := &e.bus[i].received[slot]
		got.ended = max(got.ended, last+e.latency(i)+1)
		e.cols[i].insert(got.begun, got.ended, e.steps)
	}
	e.last = last
}

// write puts column i's values on the ramp up to some number, from a cycle on, and returns how
// many that are.
func (e *gradientFold) write(i int, upTo, from int64) int64 {
	b := &e.bus[i]
	n := max(0, min(e.values(i), upTo)-b.written)
	e.cols[i].insert(from, from+n, n)
	b.written += n
	return n
}

// values is how many values column i puts on the bus.
func (e *gradientFold) values(i int) int64 {
	n := int64(e.sentBy[i+1] - e.sentBy[i])
	if i == e.senders-1 && e.s.k.OnesRow() {
		n++
	}
	return n * e.steps
}

// latency is from the sender's router to column i's use.
func (e *gradientFold) latency(i int) int64 { return e.distance(i)*e.hop + e.ramp }

func (e *gradientFold) distance(i int) int64 { return int64(max(i-e.sender, e.sender-i)) }

// roomAt is when there is room on the way to column i, at a distance, for a value of feature f, whose
// slot in the window it is.
func (e *gradientFold) roomAt(i, distance, f, slot int, at behind) int64 {
	if f < at.back {
		return 0
	}
	if slot -= at.back; slot < 0 {
		slot += e.window
	}
	got := &e.bus[i].received[slot]
	took := at.rest
	if long := got.ended - got.begun; long != e.steps {
		took = took * long / e.steps
	}
	return got.begun + took + int64(distance) + 1
}

// finish closes the account of every column: cycles of the row, and of the last sum over the edge.
func (e *gradientFold) finish() (end, out int64) {
	for i := range e.cols {
		c := &e.cols[i]
		c.lastWork = max(c.lastWork, c.main)
		end = max(end, c.lastWork)
		if e.bus[i].sums > 0 {
			out = max(out, e.bus[i].sumsEnded-1+e.toEdge)
		}
		c.states[pe.Overhead] += c.weights * int64(e.costs.position.Start)
		c.states[pe.Compute] += c.weights * int64(e.costs.position.Steps)
		c.states[pe.Conflict] += c.weights * int64(e.costs.position.Conflict)
	}
	out = max(out, int64(e.exits[len(e.exits)-1]))
	end = max(end, out)
	for i := range e.cols {
		c := &e.cols[i]
		c.states[pe.WaitPsum] += c.lastWork - c.states.Total()
		if over := -c.states[pe.WaitPsum]; over > 0 { // fractions of spans, rounded up in other waits
			c.states[pe.WaitPsum] = 0
			c.states[pe.WaitWeight] -= over
		}
		if e.samples != nil {
			e.samples.reach(i, c.lastWork, &c.states)
		}
		c.states[pe.Idle] = end - c.lastWork
	}
	return end, out
}
