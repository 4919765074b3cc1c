package compiler

// attention is what the attention kernels take by their code: the work of the last column of a head, which
// passes on most, with the keys of a row, as often as there are rows in a sequence, and once more while the
// row itself sends. Between the parts of a block it waits for sums to go over the head's columns and back.
func (e *stepEstimate) attention(backward bool) float64 {
	core, s := e.s.Target.Core(), e.s
	net := s.Target.Fabric(s.Target.Width(), s.Target.Height())
	t, h, n, keys := e.t, e.head.most, float64(s.HeadColumns), float64(s.KeyBlock())
	blocks := t / keys
	scores := t * (t + 1) / 2 // of a row of keys
	// An AXPY's or dot product's steps over the queries of all keys, half a step more each where the last is not full.
	steps := scores / e.rate
	if e.rate > 1 {
		steps += t / 2
	}
	triggered, scalar, task := float64(core.TriggerStartCycles), float64(core.ScalarCycles), float64(core.TaskSwitchCycles)
	pass := h * (t*triggered + steps) // over a part of a block
	own, ownKeys := max(scores/n, t/blocks), max(t/n, blocks)
	round := n*float64(1+net.HopCycles+2*net.RampCycles) + n*float64(net.HopCycles)
	chained := 2*scores + t*triggered // of scores: added, and taken from the last column
	shared := 2 * scores              // of probabilities: passed on, and taken from the last column
	if n == 1 {
		chained, shared, round = scores+t*triggered, 0, 0
	}
	ownSums := own + ownKeys*(e.issue+3*scalar) // an instruction per own key

	var row float64
	if !backward {
		row = 2*pass + chained + t*(e.issue+9*scalar) + shared
		row += steps + t*(triggered+7*scalar)             // denominators
		row += 2*ownSums + own*(1+e.exp)                  // maxima, differences; scaled, exponentials
		row += blocks * (t*(e.exp+4) + h*t)               // rescaling
		row += blocks * (2*task + 14*e.issue + 40*scalar) //
		row += blocks * 2 * round
	} else {
		row = 3*pass + 2*(chained+t*7*scalar) + 2*shared
		row += 2*ownSums + own*(5+e.exp)
		row += t*(triggered+2*e.issue+12*scalar) + 2*h*t + 2*h*steps // gradients of keys and values,
		row += t * (e.issue + 2*h)                                   // and the sums of other rows
		row += blocks * (3*task + 14*e.issue + 60*scalar)
		row += blocks * 3 * round
	}
	return row * float64(s.SeqRows+1)
}
