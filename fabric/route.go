package fabric

import (
	"errors"
	"fmt"
)

// SwitchPositions is how many positions a router holds per color (S, Cerebras SDK documentation).
const SwitchPositions = 4

// Position is where a color comes from and goes to at one router. Tx may name several ports: multicast is free.
// Rx may name several ports: they merge, and share the outputs by rotating priority.
type Position struct{ Rx, Tx PortSet }

// Route is a color's static route at one router: one to four switch positions. Advancing past
// the last position stays there, or returns to the first if Wrap.
type Route struct {
	Positions []Position
	Wrap      bool

	// Of control wavelets (S, Cerebras SDK documentation: ce_filter, and pop_mode no_pop):
	FilterControl bool // they do not get to the own PE; they wait for room there all the same
	// They are handed on with the command executed here: one command serves a line of any
	// length, of whose routers those before the one meant stand at their last position.
	KeepCommand bool
}

// Static returns a route with a single position.
func Static(rx, tx PortSet) Route { return Route{Positions: []Position{{rx, tx}}} }

// Validate reports what no router could do.
func (r Route) Validate() error {
	if len(r.Positions) == 0 || len(r.Positions) > SwitchPositions {
		return fmt.Errorf("%d switch positions, must be 1 to %d", len(r.Positions), SwitchPositions)
	}
	for i, p := range r.Positions {
		if p.Rx == 0 || p.Tx == 0 {
			return fmt.Errorf("switch position %d: empty rx or tx", i)
		}
		if (p.Rx|p.Tx)>>NumPorts != 0 {
			return fmt.Errorf("switch position %d: a port beyond the ramp", i)
		}
		if (p.Rx & p.Tx &^ Ports(Ramp)) != 0 {
			return fmt.Errorf("switch position %d: port %s both receives and sends", i, p.Rx&p.Tx)
		}
	}
	return nil
}

// rx is every port the color may come in by, over all positions.
func (r Route) rx() (s PortSet) {
	for _, p := range r.Positions {
		s |= p.Rx
	}
	return s
}

// SetRoute gives a router its route for a color. It fails where a second, different route takes the same place.
func (m *Mesh) SetRoute(at Coord, c Color, r Route) error {
	if m.sealed {
		return errors.New("fabric: SetRoute after Seal")
	}
	i, err := m.index(at)
	if err != nil {
		return err
	}
	if c >= NumColors {
		return fmt.Errorf("fabric: color %d at %v, must be below %d", c, at, NumColors)
	}
	if err := r.Validate(); err != nil {
		return fmt.Errorf("fabric: route of color %d at %v: %w", c, at, err)
	}
	if m.routeOf(i, c) != nil {
		return fmt.Errorf("fabric: two routes for color %d at %v", c, at)
	}
	m.routes[i] = append(m.routes[i], routed{c, r})
	return nil
}

type routed struct {
	color Color
	route Route
}

func (m *Mesh) routeOf(i int32, c Color) *Route {
	for k := range m.routes[i] {
		if m.routes[i][k].color == c {
			return &m.routes[i][k].route
		}
	}
	return nil
}
