package runtime

import (
	"context"
	"fmt"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
)

// Watch follows one wavelet: number Index, from 0, of those of Color that enter the mesh at At,
// from the PE or over the edge. Buffers are FIFOs, so a wavelet is known by how many are ahead
// of it; nothing is written on the wavelet itself.
type Watch struct {
	At    fabric.Coord
	Color fabric.Color
	Index int

	cfg     fabric.Config
	names   [fabric.NumColors]string
	entered [fabric.NumColors]int
	count   map[place]int
	copies  map[place][]*copyOf
	doing   map[fabric.Coord]fmt.Stringer
	found   bool
	wavelet fabric.Wavelet
	life    []moment
}

// place is one buffer: of a router's input port, or towards a PE or an edge port.
type place struct {
	at    fabric.Coord
	port  fabric.Port
	out   bool
	color fabric.Color
}

// copyOf is the wavelet in one buffer; multicast makes several.
type copyOf struct {
	ahead  int
	ready  fabric.Cycle // on its way until then
	head   fabric.Cycle // first of its buffer from then on
	passed []fabric.Cycle
	holds  []reason
}

// reason is why a wavelet waits, from a cycle on.
type reason struct {
	from fabric.Cycle
	text string
}

// moment is one line of a life.
type moment struct {
	cycle fabric.Cycle
	at    fabric.Coord
	who   string // "PE", "router", "edge"; "" of a wait
	text  string
}

// NewWatch checks what can be checked before a run.
func NewWatch(x, y, color, index int) (*Watch, error) {
	if x < 0 || y < 0 || index < 0 || color < 0 || color >= fabric.NumColors {
		return nil, fmt.Errorf("must be whole numbers from 0, the color below %d", fabric.NumColors)
	}
	return &Watch{At: fabric.Coord{X: x, Y: y}, Color: fabric.Color(color), Index: index}, nil
}

type watchKey struct{}

// WithWatch has the next run under ctx followed by w.
func WithWatch(ctx context.Context, w *Watch) context.Context {
	return context.WithValue(ctx, watchKey{}, w)
}

func watchOf(ctx context.Context) *Watch {
	w, _ := ctx.Value(watchKey{}).(*Watch)
	return w
}

// begin starts to follow a run. Of several runs under one ctx the indices go on.
func (w *Watch) begin(m *fabric.Mesh, colors []compiler.ColorUse) {
	w.cfg = m.Config()
	for _, c := range colors {
		w.names[c.Color] = c.Name
	}
	w.count, w.copies, w.doing = map[place]int{}, map[place][]*copyOf{}, map[fabric.Coord]fmt.Stringer{}
	m.Observer = w
}

// Saw implements fabric.Observer.
func (w *Watch) Saw(e fabric.Event) {
	switch e.Kind {
	case fabric.Worked:
		w.worked(e)
	case fabric.Entered:
		w.enter(e)
	case fabric.Held:
		for _, c := range w.copies[place{e.At, e.In, false, e.Wavelet.Color}] {
			if c.ahead == 0 {
				c.because(e.Cycle, w.hold(e))
			}
		}
	case fabric.Forwarded:
		w.forward(e)
	case fabric.Taken:
		p := place{e.At, e.In, true, e.Wavelet.Color}
		if c := w.leave(p, e.Cycle); c != nil {
			w.waits(c, p.at, e.Cycle)
			w.add(e.Cycle, e.At, outside(e.In), "takes it: "+e.By.String())
		}
	}
}

func outside(p fabric.Port) string {
	if p == fabric.Ramp {
		return "PE"
	}
	return "edge"
}

func (w *Watch) add(t fabric.Cycle, at fabric.Coord, who, text string) {
	w.life = append(w.life, moment{t, at, who, text})
}

func (c *copyOf) because(t fabric.Cycle, text string) {
	if n := len(c.holds); n == 0 || c.holds[n-1].text != text {
		c.holds = append(c.holds, reason{t, text})
	}
}

func (w *Watch) enter(e fabric.Event) {
	color := e.Wavelet.Color
	p := place{e.At, e.In, false, color}
	if e.At == w.At {
		if color == w.Color && w.entered[color] == w.Index && !w.found {
			w.found, w.wavelet = true, e.Wavelet
			w.add(e.Cycle, e.At, outside(e.In), "sends it: "+e.By.String())
			delay := w.cfg.HopCycles
			if e.In == fabric.Ramp {
				delay = 1 + w.cfg.RampCycles
			}
			w.arrive(p, e.Cycle+fabric.Cycle(delay))
		}
		w.entered[color]++
	}
	w.count[p]++
}

func (w *Watch) arrive(p place, ready fabric.Cycle) {
	w.copies[p] = append(w.copies[p], &copyOf{ahead: w.count[p], ready: ready})
}

// leave takes the head out of a buffer and returns it if it is the wavelet.
func (w *Watch) leave(p place, t fabric.Cycle) (gone *copyOf) {
	w.count[p]--
	all := w.copies[p]
	for i, c := range all {
		if c.ahead == 0 {
			gone = c
			if w.copies[p] = append(all[:i:i], all[i+1:]...); len(all) == 1 {
				delete(w.copies, p)
			}
			continue
		}
		c.ahead--
		c.passed = append(c.passed, t)
		c.head = t + 1
	}
	return gone
}

func (w *Watch) forward(e fabric.Event) {
	color := e.Wavelet.Color
	c := w.leave(place{e.At, e.In, false, color}, e.Cycle)
	if c != nil {
		w.waits(c, e.At, e.Cycle)
		text := fmt.Sprintf("%v -> %s", e.In, ports(e.Out))
		if e.Out == 0 {
			text = fmt.Sprintf("%v: filtered, goes no further", e.In)
		}
		if fabric.SwitchCommand(e.Wavelet.Switches&3) != fabric.SwitchStay {
			text += ", moves the switch"
		}
		w.add(e.Cycle, e.At, "router", text)
	}
	for p := fabric.North; p < fabric.NumPorts; p++ {
		if !e.Out.Has(p) {
			continue
		}
		next, delay := w.next(e, p)
		if c != nil {
			w.arrive(next, e.Cycle+delay)
			if p == fabric.Ramp && w.doing[e.At] != nil {
				all := w.copies[next]
				all[len(all)-1].because(e.Cycle, w.doing[e.At].String())
			}
		}
		w.count[next]++
	}
}

// next is the buffer behind an output port, and the way there in cycles.
func (w *Watch) next(e fabric.Event, p fabric.Port) (place, fabric.Cycle) {
	hop := fabric.Cycle(w.cfg.HopCycles)
	color := e.Wavelet.Color
	switch {
	case p == fabric.Ramp:
		return place{e.At, p, true, color}, fabric.Cycle(w.cfg.RampCycles)
	case e.Rim.Has(p):
		return place{e.At, p, true, color}, hop
	}
	return place{e.At.Beyond(p), p.Opposite(), false, color}, hop
}

// worked keeps what the PE does: it is why a wavelet in its input queue is not taken.
func (w *Watch) worked(e fabric.Event) {
	w.doing[e.At] = e.By
	for p, all := range w.copies { // a handful; each is told the same whatever the order
		if p.at == e.At && p.out && p.port == fabric.Ramp {
			for _, c := range all {
				c.because(e.Cycle, e.By.String())
			}
		}
	}
}
