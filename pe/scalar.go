package pe

import "math"

// scalar executes a register instruction; jumped says that control goes to next.
func scalar(in *Instr, r *[16]int32) (next int, jumped bool) {
	x, y := in.X.value(r), in.Y.value(r)
	switch in.Op {
	case Set:
		r[in.D] = int32(in.Imm)
	case Add:
		r[in.D] += int32(in.Imm)
		if in.Wrap > 0 && r[in.D] >= int32(in.Wrap) {
			r[in.D] -= int32(in.Wrap)
		}
	case JumpZero:
		return in.Target, r[in.D] == 0
	case JumpIf:
		return in.Target, in.Cmp.Holds(x, y)
	case Jump:
		return in.Target, true
	case Mov, SetBase:
		r[in.D] = x
	case IAdd:
		r[in.D] = x + y
	case ISub:
		r[in.D] = x - y
	case IMul:
		r[in.D] = x * y
	case And:
		r[in.D] = x & y
	case Or:
		r[in.D] = x | y
	case Shl:
		r[in.D] = x << (uint32(y) & 31)
	case Shr:
		r[in.D] = int32(uint32(x) >> (uint32(y) & 31))
	case SAdd:
		r[in.D] = bits32(float(x) + float(y))
	case SSub:
		r[in.D] = bits32(float(x) - float(y))
	case SMul:
		r[in.D] = bits32(float(x) * float(y))
	case Recip:
		r[in.D] = bits32(1 / float(x))
	case Widen:
		r[in.D] = bits32(Value(F16, uint32(x)))
	case Narrow:
		r[in.D] = int32(Bits(F16, float(x)))
	case Trunc:
		r[in.D] = truncate(float(x))
	}
	return 0, false
}

// truncate saturates where fp32 leaves the integers; not a number is 0.
func truncate(v float32) int32 {
	switch {
	case v != v:
		return 0
	case v >= math.MaxInt32:
		return math.MaxInt32
	case v <= math.MinInt32:
		return math.MinInt32
	}
	return int32(v)
}

func float(bits int32) float32 { return math.Float32frombits(uint32(bits)) }
func bits32(v float32) int32   { return int32(math.Float32bits(v)) }
