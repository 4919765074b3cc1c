package runtime

import (
	"fmt"
	"strings"

	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// Fault is a simulated machine that stopped before its program ended.
type Fault struct {
	Kind   string // "deadlock", "pe" or "limit"
	Cycle  fabric.Cycle
	Reason string
	PEs    []WaitingPE
	Queues []fabric.Stuck
}

// WaitingPE is a PE that waits for ever.
type WaitingPE struct {
	At    fabric.Coord
	State pe.State
	Color int // of the empty input or full output it waits for; -1 none
	Since fabric.Cycle

	Running bool   // it does not wait: State and Since say nothing
	Doing   string // if it is running, its task; if it is idle, which tasks are blocked
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
		if w.Running {
			fmt.Fprintf(&b, "\n  PE %v running: %s", w.At, w.Doing)
			continue
		}
		fmt.Fprintf(&b, "\n  PE %v in %s since cycle %d", w.At, w.State.Name(), w.Since)
		if w.Color >= 0 {
			fmt.Fprintf(&b, ", color %d", w.Color)
		}
		if w.Doing != "" {
			b.WriteString(", " + w.Doing)
		}
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
