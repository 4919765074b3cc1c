package runtime

import (
	"fmt"
	"slices"
	"strings"

	"cs2sim.dev/fabric"
)

// waits adds what c waited for before it left its buffer in cycle t.
func (w *Watch) waits(c *copyOf, at fabric.Coord, t fabric.Cycle) {
	from := c.ready
	if c.head > from {
		n := 0
		for _, p := range c.passed {
			if p >= c.ready {
				n++
			}
		}
		w.wait(at, from, c.head, fmt.Sprintf("behind %s of its color", count(n, "wavelet")))
		from = c.head
	}
	for i, r := range c.holds {
		end := t
		if i+1 < len(c.holds) {
			end = min(t, c.holds[i+1].from)
		}
		if begin := max(from, r.from); begin < end {
			w.wait(at, begin, end, r.text)
		}
	}
}

func (w *Watch) wait(at fabric.Coord, from, to fabric.Cycle, why string) {
	w.add(from, at, "", fmt.Sprintf("waits %s: %s", count(int(to-from), "cycle"), why))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// hold says why a router keeps the wavelet.
func (w *Watch) hold(e fabric.Event) string {
	switch e.Why.Reason {
	case fabric.SharedLink:
		return fmt.Sprintf("link %v carries color %s", e.Why.Port, w.name(e.Why.Color))
	case fabric.Switched:
		return fmt.Sprintf("the switch position of color %s does not take from %v", w.name(e.Wavelet.Color), e.In)
	}
	e.Rim = 0
	if next, _ := w.next(e, e.Why.Port); !next.out && w.inside(next.at) {
		return fmt.Sprintf("no room for color %s at router %v", w.name(e.Wavelet.Color), next.at)
	} else if next.out {
		return fmt.Sprintf("no room for color %s at PE %v", w.name(e.Wavelet.Color), next.at)
	}
	return fmt.Sprintf("no room for color %s at the edge", w.name(e.Wavelet.Color))
}

func (w *Watch) inside(at fabric.Coord) bool {
	return at.X >= 0 && at.Y >= 0 && at.X < w.cfg.Width && at.Y < w.cfg.Height
}

func (w *Watch) name(c fabric.Color) string {
	if w.names[c] == "" {
		return fmt.Sprint(c)
	}
	return fmt.Sprintf("%d (%s)", c, w.names[c])
}

func ports(s fabric.PortSet) string {
	var names []string
	for p := fabric.North; p < fabric.NumPorts; p++ {
		if s.Has(p) {
			names = append(names, p.String())
		}
	}
	return strings.Join(names, " + ")
}

// Found is an error if no wavelet of that color and index entered there; it says which did.
func (w *Watch) Found() error {
	if w.found {
		return nil
	}
	var there []string
	for c, n := range w.entered {
		if n > 0 {
			there = append(there, fmt.Sprintf("color %s, index 0 to %d", w.name(fabric.Color(c)), n-1))
		}
	}
	if len(there) == 0 {
		return fmt.Errorf("no wavelet enters at %v", w.At)
	}
	return fmt.Errorf("no such wavelet: at %v enter %s", w.At, strings.Join(there, "; "))
}

// Life prints what the wavelet went through, in order of cycles, and where copies are left.
func (w *Watch) Life() string {
	var b strings.Builder
	kind := "wavelet"
	if w.wavelet.Control {
		kind = "control wavelet"
	}
	fmt.Fprintf(&b, "%s %d of color %s from %v, payload %#08x\n\n cycle  place\n", kind, w.Index, w.name(w.Color), w.At, w.wavelet.Data)
	life := slices.Clone(w.life)
	slices.SortStableFunc(life, func(x, y moment) int {
		switch {
		case x.cycle != y.cycle:
			return int(x.cycle - y.cycle)
		case x.at.Y != y.at.Y:
			return x.at.Y - y.at.Y
		}
		return x.at.X - y.at.X
	})
	wide := len("router ") + len(fmt.Sprint(fabric.Coord{X: w.cfg.Width - 1, Y: w.cfg.Height - 1}))
	for _, m := range life {
		where := m.at.String()
		if m.who != "" {
			where = m.who + " " + where
		}
		fmt.Fprintf(&b, "%6d  %-*s  %s\n", m.cycle, wide, where, m.text)
	}
	for _, p := range w.left() {
		where := "the router's buffer from " + p.port.String()
		if p.out {
			where = "the input queue of the PE"
		}
		fmt.Fprintf(&b, "   end  %-*v  left in %s, %d ahead of it\n", wide, p.at, where, w.copies[p][0].ahead)
	}
	return b.String()
}

// left lists the buffers in which copies stayed, row by row.
func (w *Watch) left() (all []place) {
	for p, copies := range w.copies {
		if len(copies) > 0 {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(p, q place) int {
		a, b := (p.at.Y*w.cfg.Width+p.at.X)*16+int(p.port)*2, (q.at.Y*w.cfg.Width+q.at.X)*16+int(q.port)*2
		return a - b
	})
	return all
}
