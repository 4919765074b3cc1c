package runtime

import (
	"fmt"
	"strings"

	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// Fault is a simulated machine that stopped before its program ended.
type Fault struct {
	Kind   string // "deadlock" or "pe"
	Cycle  fabric.Cycle
	Reason string
	PEs    []WaitingPE
	Queues []fabric.Stuck
}

// WaitingPE is a PE that waits for ever.
type WaitingPE struct {
	At    fabric.Coord
	State pe.State
	Since fabric.Cycle
}

// maxListed bounds the places an error text names; Fault holds all.
const maxListed = 6

func (f *Fault) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s at cycle %d: %s", f.Kind, f.Cycle, f.Reason)
	for i, w := range f.PEs {
		if i == maxListed {
			fmt.Fprintf(&b, "\n  and %d more PEs", len(f.PEs)-i)
			break
		}
		fmt.Fprintf(&b, "\n  PE %v in %s since cycle %d", w.At, w.State.Name(), w.Since)
	}
	for i, q := range f.Queues {
		if i == maxListed {
			fmt.Fprintf(&b, "\n  and %d more buffers", len(f.Queues)-i)
			break
		}
		holder := "router input " + q.Port.String()
		if q.PE {
			holder = "PE input queue"
		}
		fmt.Fprintf(&b, "\n  %d wavelets of color %d at %v, %s, head there since cycle %d", q.Count, q.Color, q.At, holder, q.Since)
	}
	return b.String()
}

// deadlock describes a mesh on which nothing moves any more.
func deadlock(t fabric.Cycle, m *fabric.Mesh, pes []*pe.PE, reason string) *Fault {
	f := &Fault{Kind: "deadlock", Cycle: t, Reason: reason, Queues: m.Stuck()}
	for _, p := range pes {
		if p != nil && !p.Halted() {
			state, since := p.Waiting()
			f.PEs = append(f.PEs, WaitingPE{p.At(), state, since})
		}
	}
	return f
}
