package pe

// execSums performs an FMac into a row of accumulators: each run of the destination's inner
// dimension meets one of them, so that the instruction is many dot products in one. Overwriting, each
// starts with the first product of its run.
func (p *PE) execSums(a *active) {
	in := a.in
	for i := 0; i < int(a.n); i += in.Dst.Inner {
		w := in.Dst.word(int(a.dst), i)
		var sum float32
		if a.accumulate {
			sum = p.load(in.Dst.Type, w)
		}
		end := min(i+in.Dst.Inner, int(a.n))
		for k := i; k < end; k++ {
			x := p.source(&in.A, int(a.a), a.sa, k)
			y := p.source(&in.B, int(a.b), a.sb, k)
			sum = Apply(FMac, in.Dst.Type, sum, x, y, a.accumulate || k > i)
		}
		p.store(in.Dst.Type, w, sum)
	}
}
