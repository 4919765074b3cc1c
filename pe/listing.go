package pe

import (
	"fmt"
	"strings"
)

func (o Operand) String() string {
	switch o.Kind {
	case Mem:
		text := fmt.Sprintf("%v[%#x", o.Type, 2*o.Base)
		if o.Reg >= 0 {
			text += fmt.Sprintf("+r%d*%d", o.Reg, 2*o.Scale)
		}
		if o.Advance != 0 {
			text += fmt.Sprintf(", r%d += %d", o.Reg, o.Advance)
		}
		if o.Stride != 0 && o.Stride != 1 {
			text += fmt.Sprintf(" stride %d", o.Stride)
		}
		if o.Inner > 0 {
			text += fmt.Sprintf(" runs of %d every %d", o.Inner, o.Outer)
		}
		if o.Rebased {
			text += " rebased"
		}
		if o.Fixed {
			text += " fixed"
		}
		return text + "]"
	case FabIn:
		return fmt.Sprintf("%v fabin(%d)", o.Type, o.Color)
	case FabOut:
		if o.Packed {
			text := fmt.Sprintf("%v fabout(%d) index %d", o.Type, o.Color, o.Base)
			if o.Reg >= 0 {
				text += fmt.Sprintf("+r%d*%d", o.Reg, o.Scale)
			}
			return text
		}
		return fmt.Sprintf("%v fabout(%d)", o.Type, o.Color)
	case Scalar:
		return fmt.Sprintf("%v r%d", o.Type, o.Reg)
	case Const:
		return fmt.Sprintf("%v %g", o.Type, o.Value)
	}
	return ""
}

func (s Src) String() string {
	if s.InReg {
		return fmt.Sprintf("r%d", s.Reg)
	}
	return fmt.Sprint(s.Imm)
}

func (i Instr) String() string {
	if i.Op.Tensor() {
		return i.tensor()
	}
	switch i.Op {
	case Set:
		return fmt.Sprintf("set r%d = %d", i.D, i.Imm)
	case Add:
		if i.Wrap > 0 {
			return fmt.Sprintf("add r%d += %d mod %d", i.D, i.Imm, i.Wrap)
		}
		return fmt.Sprintf("add r%d += %d", i.D, i.Imm)
	case Mov, Recip, Widen, Narrow, Trunc, SetBase:
		return fmt.Sprintf("%v r%d = %v", i.Op, i.D, i.X)
	case IAdd, ISub, IMul, And, Or, Shl, Shr, SAdd, SSub, SMul:
		return fmt.Sprintf("%v r%d = %v, %v", i.Op, i.D, i.X, i.Y)
	case Load:
		return fmt.Sprintf("load r%d = %v", i.D, i.A)
	case Store:
		return fmt.Sprintf("store %v = %v", i.Dst, i.X)
	case JumpZero:
		return fmt.Sprintf("jz r%d -> %d", i.D, i.Target)
	case JumpIf:
		return fmt.Sprintf("jif %v %v %v -> %d", i.X, i.Cmp, i.Y, i.Target)
	case Jump:
		return fmt.Sprintf("jmp -> %d", i.Target)
	case Send:
		text := fmt.Sprintf("send color %d: %v, %v", i.Dst.Color, i.X, i.Y)
		if i.Control {
			text += fmt.Sprintf(" control, switches %#x", i.Switches)
		}
		return text
	case Timestamp:
		return fmt.Sprintf("timestamp %d, r%d", i.Imm, i.D)
	case Activate, Block, Unblock:
		return fmt.Sprintf("%v task %d", i.Op, i.Task)
	}
	return i.Op.String()
}

func (i Instr) tensor() string {
	var b strings.Builder
	n := fmt.Sprint(i.N)
	if i.Len.InReg {
		n = i.Len.String()
	}
	fmt.Fprintf(&b, "%v x%s %v", i.Op, n, i.Dst)
	if i.Op == FMac {
		b.WriteString(" += ")
	} else {
		b.WriteString(" = ")
	}
	b.WriteString(i.A.String())
	switch i.Op {
	case FAdd:
		b.WriteString(" + ")
	case FSub:
		b.WriteString(" - ")
	case FMul, FMac:
		b.WriteString(" * ")
	case FMax:
		b.WriteString(" max ")
	}
	b.WriteString(i.B.String())
	if i.Op == FMac && i.Accumulate == NewSum {
		b.WriteString(" (a new sum)")
	}
	if i.Control {
		fmt.Fprintf(&b, " control, switches %#x", i.Switches)
	}
	if i.Op == FMac && i.Accumulate >= 0 {
		fmt.Fprintf(&b, " (overwrites while r%d = 0)", i.Accumulate)
	}
	if i.Thread > 0 {
		fmt.Fprintf(&b, " async thread %d", i.Thread)
	}
	if i.Switches != 0 {
		fmt.Fprintf(&b, " then switches %#x", i.Switches)
	}
	if i.Priority {
		b.WriteString(" priority")
	}
	return b.String()
}
