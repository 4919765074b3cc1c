package runtime

import (
	"context"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
)

// streamEngine runs a weight-streaming Program at wafer scale by folding: all used rows do
// the same at a skew of one hop, all token groups the same at no skew, so one row of one
// group is simulated, column by column, output row by output row, with every column's true
// non-zero count.
//
// It never looks at single wavelets. Of an output row it computes, per column, when the task
// thread has worked off the weights around the ring instructions that take the datapath from
// it, and then, along the ring, when each ring instruction begins and ends. Costs come from
// the Program's code and the one cost table.
type streamEngine struct {
	p        *compiler.Program
	weights  weights
	nonZeros int64 // of them, biases included

	rowEvents int64 // more, and late weights are left to the supply

	costs  kernelCosts
	wires  wires
	supply *supply // nil where neither the edge nor the column links can fall behind
	cols   []column
	window int   // rows of history per column
	owners []int // per row modulo window: ring place of the column that stores it

	countLinks bool
	rowLinks   []fabric.LinkUse // of a row run wavelet by wavelet
	taken      *lastTaken       // of a row by recurrences; nil where the I/O link may hold it up

	sent int64 // weights
	end  int64 // last cycle of row 0, exclusive

	most    int // windows
	samples *sampler
	windows []Window // of row 0
}

// kernelCosts are the cycles of the Program's tasks.
type kernelCosts struct {
	fmac    pe.Cost
	command [compiler.CommandEnd][2]commandCost // by command and whether the column had a weight
	end     int64
	async   bool // ring instructions run on a microthread
}

// commandCost is one control task: scalar work around a ring instruction.
type commandCost struct {
	before, after int64   // task thread, dispatch included
	start         int64   // ring instruction start
	steps, again  int64   // its datapath steps, and those repeated by conflicts
	sum           pe.Cost // of the addition to a finished output that follows it; zero if none
}

// wires are the latencies and capacities between ring neighbours.
type wires struct {
	hop, ramp    int64
	streams      bool     // a link can carry a wavelet of one color in every cycle
	latency      []int64  // per ring place i: first result of Ring[i] to its use at Ring[i+1]
	capacity     []int64  // wavelets Ring[i] may be ahead of Ring[i+1]
	credit       []int64  // use at Ring[i+1] to room at Ring[i]
	full         []behind // what has to be used at Ring[i+1] before Ring[i] can send the first element of a row
	last         []behind // and before the last
	firstArrival int64    // edge to the PE of row 0
}

func newStreamEngine(p *compiler.Program, mask *model.Mask) *streamEngine {
	return newFoldedEngine(p, &synthetic{p: p, mask: mask}, mask.NonZeros())
}

// newFoldedEngine runs p on given weights, of which so many are not 0.
func newFoldedEngine(p *compiler.Program, w weights, nonZeros int64) *streamEngine {
	e := &streamEngine{p: p, weights: w, nonZeros: nonZeros, rowEvents: maxRowEvents, most: mostWindows, costs: newKernelCosts(p), wires: newWires(p)}
	steps := max(1, int64(p.Mapping.Tokens))
	e.window = max(p.Mapping.RunAhead, 1) + 1
	for _, c := range e.wires.capacity {
		e.window = max(e.window, int(c/steps)+3)
	}
	e.owners = make([]int, e.window)
	e.cols = make([]column, p.Mapping.Columns)
	for i := range e.cols {
		c := &e.cols[i]
		c.begun, c.ended = make([]int64, e.window), make([]int64, e.window)
		c.past = ringPast(max(p.Mapping.RunAhead, 1) + 2)
		c.main = e.wires.firstArrival
		c.states[pe.WaitWeight] = e.wires.firstArrival
	}
	e.supply = newSupply(p.Target, p.EdgeRate(), p.Mapping.Columns, int64(p.Stream.WordsPerWeight), int64(e.costs.fmac.Total()))
	return e
}

func newKernelCosts(p *compiler.Program) kernelCosts {
	core := p.Target.Core()
	k := kernelCosts{fmac: core.Cost(&p.WeightTask().Code[0], true)}
	for command := range compiler.CommandEnd {
		task := p.TaskFor(0, command)
		if task == nil {
			continue
		}
		for loaded := range 2 {
			registers := p.Roles[0].Registers
			if loaded == 1 {
				p.WeightTask().Walk(core, &registers)
			}
			path := task.Walk(core, &registers)
			in := path.Issued[0]
			cost := core.Cost(in, false)
			k.async = in.Thread > 0
			k.command[command][loaded] = commandCost{
				before: int64(core.TaskSwitchCycles + path.Before), after: int64(path.After),
				start: int64(cost.Start), steps: int64(cost.Steps), again: int64(cost.Conflict),
			}
			if len(path.Issued) > 1 {
				k.command[command][loaded].sum = core.Cost(path.Issued[1], false)
			}
		}
	}
	var registers [16]int32
	k.end = int64(core.TaskSwitchCycles + p.TaskFor(0, compiler.CommandEnd).Walk(core, &registers).Before)
	return k
}

func newWires(p *compiler.Program) wires {
	f := p.Target.Fabric(p.Target.Width(), p.Target.Height())
	w := wires{hop: int64(f.HopCycles), ramp: int64(f.RampCycles)}
	outbox := int64(f.BufferDepth + f.RampCycles + 1)
	// A router slot is taken for a hop and one cycle of credit.
	w.streams = int64(f.BufferDepth+f.HopCycles-1) > w.hop
	w.firstArrival = w.hop + w.ramp
	for _, h := range p.RingHops {
		hops := int64(h)
		w.latency = append(w.latency, 1+w.ramp+hops*w.hop+w.ramp)
		w.capacity = append(w.capacity, outbox+hops*int64(f.BufferDepth+f.HopCycles-1)+int64(f.QueueWords+f.RampCycles))
		w.credit = append(w.credit, hops+2)
	}
	for _, c := range w.capacity {
		steps := int64(p.Mapping.Tokens)
		w.full, w.last = append(w.full, newBehind(c, steps)), append(w.last, newBehind(c-steps+1, steps))
	}
	return w
}

// run simulates all output rows.
func (e *streamEngine) run(ctx context.Context, progress func(done, total int64)) error {
	if e.rowByWavelet() {
		return e.runRow(ctx, progress)
	}
	return e.runRecurrences(ctx, progress)
}

func (e *streamEngine) runRecurrences(ctx context.Context, progress func(done, total int64)) error {
	if e.countLinks && e.supply == nil {
		e.taken = e.newLastTaken()
	}
	counts := make([]int32, e.p.Mapping.Columns)
	rows := e.p.Node.Out
	least := int64(rows) * int64(e.p.Mapping.Tokens) // ring adds
	if w, ok := e.weights.(*matrix); ok {
		least += w.known() / int64(len(e.cols)) * int64(e.costs.fmac.Total())
	}
	e.samples = newSampler(len(e.cols), e.most).lasting(least / 2) // half: an estimate
	for at, j := range e.p.Stream.Rows {
		if at%256 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			if progress != nil {
				progress(int64(at), int64(rows))
			}
		}
		e.weights.counts(j, counts)
		owner := e.p.OwnerOf(j)
		for i := range e.cols {
			c := &e.cols[i]
			c.advance(c.carry)
			c.carry = 0
			if e.samples != nil && c.main >= e.samples.next[i] {
				account := c.account(&e.costs.fmac)
				e.samples.reach(i, c.main, &account)
			}
		}
		if e.supply != nil {
			e.supply.row(e.cols, at, counts)
		}
		e.accumulate(at, owner, counts)
		e.ring(at, owner)
	}
	if progress != nil {
		progress(int64(rows), int64(rows))
	}
	e.finish()
	return nil
}

// accumulate works off the at-th row's weights and its command on every column's task thread.
func (e *streamEngine) accumulate(at, owner int, counts []int32) {
	fmac := int64(e.costs.fmac.Total())
	ahead := e.p.Mapping.RunAhead
	start := -1
	if len(e.cols) > 1 {
		start = e.p.Ring[e.p.RingStart(owner)]
	}
	for i := range e.cols {
		c := &e.cols[i]
		n := int64(counts[i])
		last := e.taken != nil && at >= e.taken.from
		if last {
			e.taken.weights(i, c, n, int64(e.p.Stream.WordsPerWeight), fmac)
		}
		c.weights += n
		c.loaded = n > 0
		c.advance(n * fmac)
		if e.supply != nil {
			c.waitFor(e.supply.weight(i)+fmac, n > 0, pe.WaitWeight)
			c.waitFor(e.supply.command(i), true, pe.WaitWeight)
		}
		cost := e.commandCost(i, owner, start)
		if last {
			e.taken.at[i] = append(e.taken.at[i], c.main)
		}
		c.advance(cost.before)
		c.waitForThread(ahead)
		c.ready = c.main
		if e.costs.async {
			c.carry = cost.after
		}
		c.states[pe.Overhead] += cost.before + cost.after + cost.start
		c.states[pe.RingAdd] += cost.steps
		c.states[pe.Conflict] += cost.again
	}
}

func (e *streamEngine) commandCost(i, owner, start int) *commandCost {
	command := compiler.CommandAdd
	switch {
	case len(e.cols) == 1:
		command = compiler.CommandOnly
	case i == owner:
		command = compiler.CommandStore
	case i == start:
		command = compiler.CommandStart
	}
	loaded := 0
	if e.cols[i].loaded {
		loaded = 1
	}
	return &e.costs.command[command][loaded]
}

// ring runs the at-th row's partial sums around the ring, from behind the owner to the owner.
func (e *streamEngine) ring(at, owner int) {
	n := len(e.cols)
	first := 0
	if n > 1 {
		first = e.p.RingStart(owner)
	}
	slot, prev := at%e.window, (at+e.window-1)%e.window
	e.owners[slot] = (first + n - 1) % n
	start := e.p.Ring[first]
	// A ring instruction begins when it is at its thread's head and started, its first
	// element is there, and the wires behind it have room.
	before := 0 // place of the instruction before it in the ring
	for k := range n {
		place := first + k
		if place >= n {
			place -= n
		}
		i := e.p.Ring[place]
		c := &e.cols[i]
		cost := e.commandCost(i, owner, start)
		head := c.ready
		if at > 0 {
			head = max(head, c.ended[prev])
		}
		begin := head + cost.start
		c.span(head, begin, cost.start)
		if k > 0 {
			begin = max(begin, e.cols[e.p.Ring[before]].begun[slot]+e.wires.latency[before])
		}
		if k < n-1 {
			begin = max(begin, e.room(at, slot, place))
		}
		c.begun[slot] = begin
		before = place
	}
	for k := n - 1; k >= 0; k-- { // from the owner back: an end hangs on those of its receivers
		place := first + k
		if place >= n {
			place -= n
		}
		i := e.p.Ring[place]
		c := &e.cols[i]
		cost := e.commandCost(i, owner, start)
		if n == 1 {
			c.ended[slot] = c.begun[slot] + cost.steps + cost.again
		} else {
			c.ended[slot] = e.ringEnd(at, slot, place, n-1-k)
		}
		c.span(c.begun[slot], c.ended[slot], cost.steps+cost.again)
		c.passed(c.begun[slot], c.ended[slot])
		if !e.costs.async { // the task itself waited for the instruction
			c.states[pe.WaitPsum] += c.begun[slot] - c.ready - cost.start
			c.states[pe.BlockedOut] += c.ended[slot] - c.begun[slot] - cost.steps - cost.again
			c.spans, c.gone = c.spans[:0], 0
			c.main = c.ended[slot] + cost.after
		}
		if cost.sum.Steps > 0 {
			e.addOutput(c, cost, slot)
		}
	}
}

// addOutput runs the addition that the owner's ring thread does on a finished output.
func (e *streamEngine) addOutput(c *column, cost *commandCost, slot int) {
	c.states[pe.Overhead] += int64(cost.sum.Start)
	c.states[pe.RingAdd] += int64(cost.sum.Steps)
	c.states[pe.Conflict] += int64(cost.sum.Conflict)
	work := int64(cost.sum.Total())
	if !e.costs.async {
		c.main += work
		c.ended[slot] = c.main
		c.lastWork = c.main
		return
	}
	c.advance(c.carry) // it is the command's last instruction
	c.carry = 0
	c.waitForThread(e.p.Mapping.RunAhead)
	begin := max(c.ended[slot], c.main)
	c.span(begin, begin+work, work)
	c.ended[slot] = begin + work
	c.passed(begin, begin+work)
}

// used is when the ring instruction at a place, with so many receivers behind it, works on
// element x of the row in slot. It goes on from its begin, an element a cycle, but never
// farther ahead of a receiver than the wires between them hold.
func (e *streamEngine) used(slot, place, receivers int, x int64) int64 {
	t := e.paced(slot, place, receivers, x)
	credit := int64(0)
	for ; receivers > 0 && x >= e.wires.capacity[place]; receivers-- {
		x -= e.wires.capacity[place]
		credit += e.wires.credit[place]
		place = e.after(place)
		t = max(t, e.paced(slot, place, receivers-1, x)+credit)
	}
	return t
}

// paced is used as far as earlier rows hold it up. Where the wires hold a row or more, its last
// elements may find room later than the pace of the first ones has it.
func (e *streamEngine) paced(slot, place, receivers int, x int64) int64 {
	c := &e.cols[e.p.Ring[place]]
	steps := int64(e.p.Mapping.Tokens)
	if receivers > 0 && e.wires.last[place].back > 0 && x >= steps-max(e.wires.full[place].rest, 1) {
		return c.ended[slot] - steps + x
	}
	return c.begun[slot] + x
}

// ringEnd is when the ring instruction at a place has worked on its row in slot, with so many receivers behind it.
func (e *streamEngine) ringEnd(at, slot, place, receivers int) int64 {
	steps := int64(e.p.Mapping.Tokens)
	last := &e.wires.last[place]
	if receivers == 0 || last.back == 0 {
		return e.used(slot, place, receivers, steps-1) + 1
	}
	t := e.cols[e.p.Ring[place]].begun[slot] + steps
	if at >= last.back {
		t = max(t, e.made(slot, place, last.back, last.rest)+1)
	}
	return t
}

func (e *streamEngine) after(place int) int {
	if place++; place < len(e.cols) {
		return place
	}
	return 0
}

// room is when the wires behind ring place can take the first element of the at-th row, in slot: what was
// sent their capacity before has been used.
func (e *streamEngine) room(at, slot, place int) int64 {
	full := &e.wires.full[place]
	if at < full.back {
		return 0
	}
	return e.made(slot, place, full.back, full.rest)
}

// made is when the use of element x of the row back ones before that in slot has made room behind ring place.
func (e *streamEngine) made(slot, place, back int, x int64) int64 {
	if slot -= back; slot < 0 {
		slot += e.window
	}
	next := e.after(place)
	receivers := e.owners[slot] - next
	if receivers < 0 {
		receivers += len(e.cols)
	}
	return e.used(slot, next, receivers, x) + e.wires.credit[place]
}

// finish runs the end command and closes the account of every column.
func (e *streamEngine) finish() {
	for i := range e.cols {
		c := &e.cols[i]
		c.advance(c.carry)
		if e.supply != nil {
			c.waitFor(e.supply.end(i), true, pe.WaitWeight)
		}
		if e.taken != nil {
			e.taken.at[i] = append(e.taken.at[i], c.main)
		}
		c.advance(e.costs.end)
		c.lastWork = max(c.lastWork, c.main)
		c.states[pe.Overhead] += e.costs.end + c.weights*int64(e.costs.fmac.Start)
		c.states[pe.Compute] = c.weights * int64(e.costs.fmac.Steps)
		c.states[pe.Conflict] += c.weights * int64(e.costs.fmac.Conflict)
		e.sent += c.weights
		e.end = max(e.end, c.lastWork)
	}
	for i := range e.cols {
		c := &e.cols[i]
		// What the task thread did not wait for is the ring's tail.
		c.states[pe.WaitPsum] += c.lastWork - c.states.Total()
		c.states[pe.Idle] = e.end - c.lastWork
	}
	e.windows = e.samples.windows(accounts(e.cols), e.end)
}

// report unfolds the row of columns over the wafer.
func (e *streamEngine) report() *Report {
	m := e.p.Mapping
	skew := e.wires.hop * int64(m.Rows-1)
	r := newReport(e.p, fabric.Cycle(e.end+skew))
	copies := int64(m.Groups * m.Rows)
	delays := e.wires.hop * int64(m.Rows) * int64(m.Rows-1) / 2 * int64(m.Groups) // over one column's rows
	for i := range e.cols {
		s := e.cols[i].states
		s[pe.Idle] += skew
		for g := range m.Groups {
			r.Column[g*m.Columns+i] = s
		}
		r.States.Add(s, copies)
		r.States[pe.WaitWeight] += delays
		r.States[pe.Idle] -= delays
	}
	r.Windows = staggered(e.windows, 0, int64(r.Cycles), r.Column[:m.Columns], r.RowSkew)
	r.addUnused(copies * int64(m.Columns))
	r.FMACs = e.sent * int64(m.Groups*m.Rows*m.Tokens)
	r.EdgeWavelets = e.sent*int64(e.p.Stream.WordsPerWeight) + int64(m.Columns)*int64(e.p.Node.Out+1)
	r.Hops = e.hops(r.EdgeWavelets)
	r.Wavelets = make([]int64, r.Width)
	for i, n := range e.wavelets() {
		for g := range m.Groups {
			r.Wavelets[g*m.Columns+i] = n
		}
	}
	return r
}

// hops counts router-to-router moves: the column trees, and the ring less the link each
// output row leaves out.
func (e *streamEngine) hops(edge int64) int64 {
	m := e.p.Mapping
	down := edge * int64(m.Groups) * int64(m.Rows-1)
	if m.Columns == 1 {
		return down
	}
	circle := int64(0)
	for _, h := range e.p.RingHops {
		circle += int64(h)
	}
	ring := int64(0)
	for c := range m.Columns {
		owned := int64(e.p.OutBounds[c+1] - e.p.OutBounds[c])
		place := (e.p.RingStart(c) + m.Columns - 1) % m.Columns
		ring += owned * (circle - int64(e.p.RingHops[place]))
	}
	return down + ring*int64(m.Tokens)*int64(m.Groups)*int64(m.Rows)
}
