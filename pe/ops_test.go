package pe

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"cs2sim.dev/fabric"
	"pgregory.net/rapid"
)

// TestEveryOpListedAndCosted: every operation has a name of its own, prints and costs what the
// table says.
func TestEveryOpListedAndCosted(t *testing.T) {
	cfg := testConfig()
	want := map[Op]int{
		Set: 1, Add: 1, Mov: 1, IAdd: 1, ISub: 1, IMul: 1, And: 1, Or: 1, Shl: 1, Shr: 1,
		SAdd: 4, SSub: 4, SMul: 4, Widen: 4, Narrow: 4, Recip: 20, Trunc: 11, SetBase: 13, Load: 3, Store: 3,
		JumpZero: 2, JumpIf: 2, Jump: 2, Send: 5, Timestamp: 7, Activate: 1, Block: 1, Unblock: 1, Halt: 1,
	}
	special := map[Op]int{FRecip: 4, FRSqrt: 8, FExp: 10, FLog: 14, FGELU: 20, FGELUSlope: 20, FGELUErf: 20, FGELUErfSlope: 20}
	seen := map[string]bool{}
	for _, op := range Ops() {
		name := op.String()
		if name == "" || seen[name] {
			t.Errorf("operation %d has no name of its own: %q", op, name)
		}
		seen[name] = true
		in := Instr{Op: op, N: 12, Dst: Memory(F32, 0), A: Memory(F32, 6144), B: Memory(F32, 12288), Accumulate: -1}
		if text := in.String(); !strings.HasPrefix(text, name) {
			t.Errorf("%v prints as %q", op, text)
		}
		cost := cfg.Cost(&in, false)
		if op.Tensor() {
			steps := 12
			if op.Special() {
				steps *= special[op]
			}
			if cost != (Cost{Start: 6, Steps: steps}) {
				t.Errorf("%v costs %+v, want %d steps", op, cost, steps)
			}
			continue
		}
		if w, ok := want[op]; !ok || cost != (Cost{Start: w}) {
			t.Errorf("%v costs %+v, want %d", op, cost, w)
		}
	}
}

// oracle is each tensor operation on one element, in fp32.
func oracle(op Op, d, a, b float32) float32 {
	switch op {
	case FMov:
		return a
	case FNeg:
		return float32(-float64(a))
	case FAdd:
		return float32(float64(a) + float64(b)) // a double sum of two floats rounds once more, harmlessly
	case FSub:
		return float32(float64(a) - float64(b))
	case FMul:
		return float32(float64(a) * float64(b))
	case FMax: // of two zeros the positive one
		if a > b || a == b && !math.Signbit(float64(a)) {
			return a
		}
		return b
	}
	return float32(float64(d) + float64(float32(float64(a)*float64(b))))
}

// TestTensorOps runs every operation on random operands, memory, scalar and fabric, of random
// formats, strides and lengths, and compares with the oracle element by element.
func TestTensorOps(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		op := rapid.SampledFrom([]Op{FMov, FNeg, FAdd, FSub, FMul, FMax, FMac}).Draw(rt, "op")
		n := rapid.IntRange(1, 9).Draw(rt, "n")
		format := rapid.SampledFrom([]Type{F16, F32})
		number := rapid.Float32Range(-100, 100)
		operand := func(name string, base int) Operand {
			o := Memory(format.Draw(rt, name), base)
			o.Stride = rapid.IntRange(0, 3).Draw(rt, name+" stride")
			if rapid.Bool().Draw(rt, name+" constant") && base > 0 {
				o = Constant(o.Type, number.Draw(rt, name+" value"))
			}
			return o
		}
		in := Instr{Op: op, N: n, Dst: operand("dst", 0), A: operand("a", 1000), Accumulate: -1, Charge: Compute}
		if op != FMov && op != FNeg {
			in.B = operand("b", 2000)
		}
		in.Dst.Fixed = rapid.Bool().Draw(rt, "reduction")
		g := local(4000, []Instr{in})
		p := &PE{cfg: new(Config), prog: g, sram: make([]uint16, g.Words)}
		*p.cfg = testConfig()
		for w := range p.sram[:3000] {
			p.sram[w] = uint16(rapid.IntRange(0x3000, 0x4fff).Draw(rt, "word")) // finite in both formats
		}
		before := append([]uint16(nil), p.sram...)
		old := PE{sram: before}
		at := func(o Operand, i int) float32 {
			if o.Kind == Const {
				return Round(o.Type, o.Value)
			}
			stride := o.Stride
			if stride == 0 {
				stride = 1
			}
			return old.load(o.Type, o.Base+i*stride*o.Type.Words())
		}
		a := active{in: &in, n: int32(n), accumulate: true}
		dst, acc := p.resolve(&in.Dst, n)
		x, sa := p.resolve(&in.A, n)
		y, sb := p.resolve(&in.B, n)
		a.dst, a.acc, a.a, a.sa, a.b, a.sb = int32(dst), acc, int32(x), sa, int32(y), sb
		p.execLocal(&a)
		for i := range n {
			w := in.Dst.word(0, i)
			d := old.load(in.Dst.Type, w)
			want := Round(in.Dst.Type, oracle(op, d, at(in.A, i), at(in.B, i)))
			old.store(in.Dst.Type, w, want)
		}
		for w := range before {
			if p.sram[w] != before[w] {
				rt.Fatalf("%v: word %d is %#x, the oracle says %#x", in, w, p.sram[w], before[w])
			}
		}
	})
}

// TestStreamingOps: the same operations, one source from the fabric, the result to the fabric.
func TestStreamingOps(t *testing.T) {
	values := []float32{1.5, -2, 0.1, 65504}
	for _, op := range []Op{FMov, FNeg, FAdd, FSub, FMul, FMax} {
		for _, format := range []Type{F16, F32} {
			in := Instr{Op: op, N: len(values), Dst: Out(format, outColor), A: In(format, inColor), Accumulate: -1, Charge: Compute}
			if op != FMov && op != FNeg {
				in.B = Constant(format, 0.25)
			}
			var feeds []feed
			for i, v := range values {
				feeds = append(feeds, feed{fabric.Cycle(40 + i), word(Bits(format, v))})
			}
			r := runRig(t, testConfig(), local(8, []Instr{in}), feeds, 0)
			for i, v := range values {
				if got, want := Value(format, r.got[i].w.Data), Round(format, oracle(op, 0, Round(format, v), 0.25)); got != want {
					t.Errorf("%v %v of %v: %v, want %v", op, format, v, got, want)
				}
				if i > 0 && r.got[i].at != r.got[i-1].at+1 {
					t.Errorf("%v: elements arrive at %d and %d", op, r.got[i-1].at, r.got[i].at)
				}
			}
		}
	}
}

// TestReductions: a dot product and a sum into one fp32, in memory and in a register, with
// operands from memory and from the fabric.
func TestReductions(t *testing.T) {
	x, y := []float32{1, 2, 3, 4.5}, []float32{0.5, -1, 2, 8}
	dot, sum := float32(0.5-2+6+36+10), float32(1+2+3+4.5+10)
	acc := Memory(F32, 100)
	acc.Fixed = true
	reg := Register(F32, 5)
	mem := func(base int) Operand { return Memory(F32, base) }
	for name, c := range map[string]struct {
		in   Instr
		want float32
	}{
		"dot in memory":         {Instr{Op: FMac, Dst: acc, A: mem(0), B: mem(6144)}, dot},
		"dot in a register":     {Instr{Op: FMac, Dst: reg, A: mem(0), B: mem(6144)}, dot},
		"sum in memory":         {Instr{Op: FAdd, Dst: acc, A: acc, B: mem(0)}, sum},
		"sum in a register":     {Instr{Op: FAdd, Dst: reg, A: mem(0), B: reg}, sum},
		"fabric into memory":    {Instr{Op: FAdd, Dst: acc, A: acc, B: In(F32, inColor)}, sum},
		"fabric into register":  {Instr{Op: FAdd, Dst: reg, A: In(F32, inColor), B: reg}, sum},
		"fabric dot in memory":  {Instr{Op: FMac, Dst: acc, A: In(F32, inColor), B: mem(6144)}, dot},
		"largest in a register": {Instr{Op: FMax, Dst: reg, A: reg, B: mem(0)}, 10},
	} {
		c.in.N, c.in.Accumulate, c.in.Charge, c.in.Wait = 4, -1, Compute, WaitPsum
		load := []Instr{{Op: Mov, D: 5, X: I(bits32(10))}, {Op: Store, Dst: mem(100), X: R(5)}}
		for i := range x {
			load = append(load,
				Instr{Op: Mov, D: 6, X: I(bits32(x[i]))}, Instr{Op: Store, Dst: mem(2 * i), X: R(6)},
				Instr{Op: Mov, D: 6, X: I(bits32(y[i]))}, Instr{Op: Store, Dst: mem(6144 + 2*i), X: R(6)})
		}
		var feeds []feed
		if c.in.Streams() {
			for i, v := range x {
				feeds = append(feeds, feed{fabric.Cycle(4 + i), word(math.Float32bits(v))})
			}
		}
		r := runRig(t, testConfig(), local(memoryWords, append(load, stampNow(0), c.in, stampNow(1))), feeds, 0)
		got := float(r.regs[5])
		if c.in.Dst.Kind == Mem {
			got = r.Load(F32, 100, 1)[0]
		}
		if got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		if took := r.stamp(t, 1) - r.stamp(t, 0) - 7; took != 6+4 {
			t.Errorf("%s takes %d cycles, want 10: an accumulator is in no bank's way", name, took)
		}
	}
}

// TestScalarOps: register instructions against plain Go.
func TestScalarOps(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		x, y := rapid.Int32().Draw(rt, "x"), rapid.Int32().Draw(rt, "y")
		fx, fy := rapid.Float32Range(-1e6, 1e6).Draw(rt, "fx"), rapid.Float32Range(-1e6, 1e6).Draw(rt, "fy")
		half := uint16(rapid.IntRange(0, 0x7bff).Draw(rt, "half"))
		reg := [16]int32{2: x, 3: y, 4: bits32(fx), 5: bits32(fy), 6: int32(half)}
		for _, c := range []struct {
			in   Instr
			want int32
		}{
			{Instr{Op: Set, Imm: 5}, 5},
			{Instr{Op: Mov, X: R(2)}, x},
			{Instr{Op: IAdd, X: R(2), Y: R(3)}, x + y},
			{Instr{Op: ISub, X: R(2), Y: I(3)}, x - 3},
			{Instr{Op: IMul, X: R(2), Y: R(3)}, x * y},
			{Instr{Op: And, X: R(2), Y: R(3)}, x & y},
			{Instr{Op: Or, X: R(2), Y: R(3)}, x | y},
			{Instr{Op: Shl, X: R(2), Y: I(5)}, x << 5},
			{Instr{Op: Shr, X: R(2), Y: I(5)}, int32(uint32(x) >> 5)},
			{Instr{Op: SAdd, X: R(4), Y: R(5)}, bits32(fx + fy)},
			{Instr{Op: SSub, X: R(4), Y: R(5)}, bits32(fx - fy)},
			{Instr{Op: SMul, X: R(4), Y: R(5)}, bits32(fx * fy)},
			{Instr{Op: Recip, X: R(4)}, bits32(1 / fx)},
			{Instr{Op: Widen, X: R(6)}, bits32(halfValue(half))},
			{Instr{Op: Narrow, X: R(4)}, int32(halfBits(fx))},
		} {
			r := reg
			c.in.D = 9
			if _, jumped := scalar(&c.in, &r); jumped || r[9] != c.want {
				rt.Fatalf("%v: %#x, want %#x", c.in, r[9], c.want)
			}
		}
		for cmp, want := range map[Cmp]bool{EQ: x == y, NE: x != y, LT: x < y, GE: x >= y} {
			in := Instr{Op: JumpIf, X: R(2), Y: R(3), Cmp: cmp, Target: 7}
			if next, jumped := scalar(&in, &reg); jumped != want || jumped && next != 7 {
				rt.Fatalf("%v with %d, %d: jumped %v to %d", in, x, y, jumped, next)
			}
		}
	})
}

// TestLoopOverMemory: a software loop with loads, stores, post-increments, a length from a
// register and a compare-and-jump, cycle by cycle.
func TestLoopOverMemory(t *testing.T) {
	read := Indexed(F16, 0, 2, 1)
	read.Advance = 1
	write := Indexed(F32, 100, 3, 2)
	write.Advance = 2
	g := local(memoryWords, []Instr{
		stampNow(0),
		{Op: Load, D: 4, A: read}, // loop:
		{Op: IMul, D: 4, X: R(4), Y: R(4)},
		{Op: Store, Dst: write, X: R(4)},
		{Op: JumpIf, X: R(2), Y: I(5), Cmp: LT, Target: 1},
		stampNow(1),
		{Op: FMov, Len: R(2), Dst: Memory(F32, 2000), A: Memory(F32, 100), Accumulate: -1, Charge: Compute},
		stampNow(2),
	})
	init := []Instr{}
	for i := range 5 {
		init = append(init, Instr{Op: Store, Dst: Memory(F16, i), X: I(int32(1000 + i))})
	}
	for i := range g.Tasks[0].Code {
		if in := &g.Tasks[0].Code[i]; in.Op == JumpIf {
			in.Target += len(init)
		}
	}
	g.Tasks[0].Code = append(init, g.Tasks[0].Code...)
	r := runRig(t, testConfig(), g, nil, 0)
	for i := range 5 {
		w := 100 + 4*i
		if got, want := uint32(r.sram[w])|uint32(r.sram[w+1])<<16, uint32((1000+i)*(1000+i)); got != want {
			t.Errorf("word %d is %d, want %d", i, got, want)
		}
	}
	if got := r.stamp(t, 1) - r.stamp(t, 0); got != 7+5*(3+1+3+2) {
		t.Errorf("the loop takes %d cycles, want %d", got, 7+5*9)
	}
	if got := r.stamp(t, 2) - r.stamp(t, 1); got != 7+6+5 {
		t.Errorf("fmov of r2 = 5 elements takes %d cycles, want %d", got-7, 6+5)
	}
	if r.regs[2] != 5 || r.regs[3] != 10 {
		t.Errorf("registers %v", r.regs)
	}
}

// TestPackedOutput: values leave with a running index, as weights do.
func TestPackedOutput(t *testing.T) {
	out := OutIndexed(outColor, 100, 2, 10)
	g := local(64, []Instr{
		{Op: Store, Dst: Memory(F16, 0), X: I(0x3c00)}, {Op: Store, Dst: Memory(F16, 1), X: I(0x4000)}, {Op: Store, Dst: Memory(F16, 2), X: I(0x4200)},
		{Op: FMov, N: 3, Dst: out, A: Memory(F16, 0), Accumulate: -1, Charge: Compute},
	})
	g.Registers[2] = 7
	r := runRig(t, testConfig(), g, nil, 0)
	want := []uint32{fabric.Pack(0x3c00, 170), fabric.Pack(0x4000, 171), fabric.Pack(0x4200, 172)}
	for i, a := range r.got {
		if a.w.Data != want[i] {
			t.Errorf("wavelet %d is %#x, want %#x", i, a.w.Data, want[i])
		}
	}
	if len(r.got) != 3 {
		t.Errorf("%d wavelets", len(r.got))
	}
}

// TestWildOperands: an operand out of SRAM, or a negative length, is a fault that says where.
func TestWildOperands(t *testing.T) {
	for _, c := range []struct {
		in   Instr
		want string
	}{
		{Instr{Op: FMov, N: 4, Dst: Indexed(F32, 0, 2, 1), A: Memory(F32, 0)}, "resolves to words 996 to 1003, SRAM in use ends at 1000"},
		{Instr{Op: FMov, N: 4, Dst: Indexed(F32, 0, 2, -1), A: Memory(F32, 0)}, "resolves to words -996"},
		{Instr{Op: FMov, Len: R(2), Dst: Memory(F32, 0), A: Memory(F32, 0)}, "SRAM in use ends at 1000"},
		{Instr{Op: FMov, Len: R(3), Dst: Memory(F32, 0), A: Memory(F32, 0)}, "length of -1"},
		{Instr{Op: Load, A: Indexed(F32, 4, 2, 1)}, "SRAM in use ends at 1000"},
	} {
		c.in.Accumulate = -1
		g := local(1000, []Instr{c.in})
		g.Registers[2], g.Registers[3] = 996, -1
		f := runRig(t, testConfig(), g, nil, 0).Fault()
		if f == nil || !strings.Contains(f.Error(), c.want) || !strings.Contains(f.Error(), "PE (0,0), cycle 27") {
			t.Errorf("%v: fault %v, want %q", c.in, f, c.want)
		}
	}
}

func ExampleInstr_String() {
	fmt.Println(Instr{Op: FMac, N: 16, Dst: Indexed(F32, 0, 2, 32), A: Memory(F16, 512), B: Register(F16, 0), Accumulate: 3})
	fmt.Println(Instr{Op: JumpIf, X: R(2), Y: I(5), Cmp: LT, Target: 1})
	// Output:
	// fmac x16 f32[0x0+r2*64] += f16[0x400] * f16 r0 (overwrites while r3 = 0)
	// jif r2 < 5 -> 1
}
