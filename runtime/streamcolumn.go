package runtime

import "cs2sim.dev/pe"

// column is one column's PE in row 0.
type column struct {
	main     int64      // the task thread is free from here on
	carry    int64      // scalar cycles of the last command still to run
	spans    []ringSpan // of the ring thread, in time order; spans[:gone] are over for the task thread
	gone     int
	begun    []int64   // per output row modulo window: first element of the ring instruction
	ended    []int64   // and its end, exclusive, with the addition that follows it
	issued   int       // instructions on the ring thread so far
	past     []stretch // of them, modulo len, which is a power of two
	ready    int64     // this row's ring instruction can begin
	loaded   bool      // this row had a weight
	weights  int64
	states   pe.StateCycles
	lastWork int64
}

// stretch is the first element and the end of an instruction of the ring thread.
type stretch struct{ begun, ended int64 }

// ringSpan is a stretch of time in which the ring thread takes busy of to-from cycles.
type ringSpan struct{ from, to, busy int64 }

// advance spends work cycles of the task thread around the ring spans.
func (c *column) advance(work int64) {
	t := c.main
	for work > 0 {
		if c.gone == len(c.spans) {
			c.spans, c.gone = c.spans[:0], 0
			t += work
			break
		}
		s := &c.spans[c.gone]
		if s.from >= t {
			if gap := s.from - t; work <= gap {
				t += work
				break
			} else {
				work -= gap
				t = s.from
			}
		}
		if s.to <= t {
			c.gone++
			continue
		}
		s.cut(t)
		free := s.to - t - s.busy
		if work < free {
			span := (work*(s.to-t) + free - 1) / free
			s.from, s.busy = t+span, s.busy-(span-work)
			t += span
			break
		}
		work -= free
		t = s.to
		c.gone++
	}
	c.main = t
}

// cut drops the part of the span before t, and its share of the work.
func (s *ringSpan) cut(t int64) {
	if t <= s.from {
		return
	}
	s.busy = s.busy * (s.to - t) / (s.to - s.from)
	s.from = t
}

// waitFor idles the task thread until t, if it has a reason to.
func (c *column) waitFor(t int64, applies bool, why pe.State) {
	if applies && t > c.main {
		c.states[why] += t - c.main - c.ringWork(c.main, t)
		c.main = t
	}
}

// stall waits for an earlier row's ring instruction: for its partial sums until it begins,
// then for room to send.
func (c *column) stall(until, begun int64) {
	split := max(c.main, min(begun, until))
	c.states[pe.WaitPsum] += split - c.main - c.ringWork(c.main, split)
	c.states[pe.BlockedOut] += until - split - c.ringWork(split, until)
	c.main = until
}

// ringWork is how many of the cycles [from, to) the ring thread works.
func (c *column) ringWork(from, to int64) (n int64) {
	for c.gone < len(c.spans) && c.spans[c.gone].to <= min(from, c.main) {
		c.gone++ // over for the task thread too
	}
	for i := c.gone; i < len(c.spans) && c.spans[i].from < to; i++ {
		n += c.spans[i].work(from, to)
	}
	return n
}

// work is that of the part of the span in [from, to).
func (s *ringSpan) work(from, to int64) int64 {
	lo, hi := max(s.from, from), min(s.to, to)
	switch {
	case lo >= hi:
		return 0
	case lo == s.from && hi == s.to:
		return s.busy
	}
	return s.busy * (hi - lo) / (s.to - s.from)
}

// lateWork is ringWork far ahead of the task thread, among spans that do not overlap: looked for
// from the last one back.
func (c *column) lateWork(from, to int64) (n int64) {
	for i := len(c.spans) - 1; i >= c.gone && c.spans[i].to > from; i-- {
		if c.spans[i].from < to {
			n += c.spans[i].work(from, to)
		}
	}
	return n
}

// ringPast makes room for so many of the ring thread's instructions.
func ringPast(n int) []stretch {
	size := 1
	for size < n {
		size *= 2
	}
	return make([]stretch, size)
}

func (c *column) span(from, to, busy int64) {
	if to <= from {
		return
	}
	if len(c.spans) == cap(c.spans) && c.gone > len(c.spans)/2 {
		c.spans, c.gone = append(c.spans[:0], c.spans[c.gone:]...), 0
	}
	c.spans = append(c.spans, ringSpan{from, to, busy})
}

// waitForThread waits until the ring thread has room for one more instruction.
func (c *column) waitForThread(depth int) {
	if depth == 0 || c.issued < depth {
		return
	}
	if s := &c.past[(c.issued-depth)&(len(c.past)-1)]; s.ended > c.main {
		c.stall(s.ended, s.begun)
	}
}

// account is what the column did until its task thread's time: weights cost work each. What is charged
// beyond that is work of other threads that is still to come.
func (c *column) account(work *pe.Cost) pe.StateCycles {
	s := c.states
	s[pe.Overhead] += c.weights * int64(work.Start)
	s[pe.Compute] += c.weights * int64(work.Steps)
	s[pe.Conflict] += c.weights * int64(work.Conflict)
	early := s.Total() - c.main
	for _, st := range [...]pe.State{pe.RingAdd, pe.Overhead} {
		n := min(max(early, 0), s[st])
		s[st] -= n
		early -= n
	}
	s[pe.WaitPsum] -= early // a column's fractions of spans end up here, as in finish
	return s
}

// accounts are those of all columns at the end.
func accounts(cols []column) []pe.StateCycles {
	all := make([]pe.StateCycles, len(cols))
	for i := range cols {
		all[i] = cols[i].states
	}
	return all
}

// passed notes an instruction of the ring thread.
func (c *column) passed(begun, ended int64) {
	c.past[c.issued&(len(c.past)-1)] = stretch{begun, ended}
	c.issued++
	c.lastWork = max(c.lastWork, ended)
}

// insert is span for spans of several threads, which may come in any order and meet: then they
// are one, longer if their work does not fit. What lies before the task thread's time delays it from now on.
func (c *column) insert(from, to, busy int64) {
	if busy == 0 {
		return
	}
	if len(c.spans) == cap(c.spans) && c.gone > len(c.spans)/2 {
		c.spans, c.gone = append(c.spans[:0], c.spans[c.gone:]...), 0
	}
	from = max(from, c.main)
	new := ringSpan{from, max(to, from+busy), busy}
	i := len(c.spans)
	if i > c.gone && c.spans[i-1].from > new.from {
		for lo := c.gone; lo < i; { // before the first that begins later
			if mid := (lo + i) / 2; c.spans[mid].from > new.from {
				i = mid
			} else {
				lo = mid + 1
			}
		}
	}
	if i > c.gone && c.spans[i-1].to > new.from {
		i--
		c.spans[i].join(new)
	} else {
		c.spans = append(c.spans, ringSpan{})
		copy(c.spans[i+1:], c.spans[i:])
		c.spans[i] = new
	}
	for i+1 < len(c.spans) && c.spans[i].to > c.spans[i+1].from {
		c.spans[i].join(c.spans[i+1])
		c.spans = append(c.spans[:i+1], c.spans[i+2:]...)
	}
}

func (s *ringSpan) join(o ringSpan) {
	s.busy += o.busy
	s.to = max(s.to, o.to, s.from+s.busy)
}

// behind is element rest of the row or feature back ones before.
type behind struct {
	back int
	rest int64
}

// newBehind is what was so many elements before the first of a row of steps; negative: of the row itself.
func newBehind(elements, steps int64) behind {
	back := max(0, elements+steps-1) / steps
	return behind{int(back), back*steps - elements}
}
