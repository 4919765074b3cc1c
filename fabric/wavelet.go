package fabric

import "fmt"

// Coord is a PE's place: X grows east, Y grows south, (0,0) is the north-west corner.
type Coord struct{ X, Y int }

func (c Coord) String() string { return fmt.Sprintf("(%d,%d)", c.X, c.Y) }

// Port is one of a router's five.
type Port uint8

const (
	North Port = iota
	East
	South
	West
	Ramp // to and from the own PE
	NumPorts
)

func (p Port) String() string {
	if p >= NumPorts {
		return fmt.Sprintf("port %d", uint8(p))
	}
	return [NumPorts]string{"north", "east", "south", "west", "ramp"}[p]
}

// Opposite is the port at the other end of the link.
func (p Port) Opposite() Port { return [NumPorts]Port{South, West, North, East, Ramp}[p] }

// Beyond is the place one router further by port p; the own place by the ramp.
func (c Coord) Beyond(p Port) Coord {
	switch p {
	case North:
		c.Y--
	case East:
		c.X++
	case South:
		c.Y++
	case West:
		c.X--
	}
	return c
}

// PortSet is a set of ports.
type PortSet uint8

// Ports builds a set.
func Ports(ports ...Port) (s PortSet) {
	for _, p := range ports {
		s |= 1 << p
	}
	return s
}

// Has reports whether p is in s.
func (s PortSet) Has(p Port) bool { return s&(1<<p) != 0 }

func (s PortSet) String() string {
	text := ""
	for p := North; p < NumPorts; p++ {
		if s.Has(p) {
			text += "NESWR"[p : p+1]
		}
	}
	return text
}

// Color is a virtual channel, 0 to NumColors-1.
type Color uint8

// SwitchCommand moves a router's switch position for the wavelet's color, after the wavelet left.
type SwitchCommand uint8

const (
	SwitchStay SwitchCommand = iota
	SwitchAdvance
	SwitchReset
)

// Wavelet is the unit of transfer: 32 bits of payload, a color, a control bit.
// A control wavelet carries up to eight switch commands, two bits each, the first in the low
// bits; every router on its way executes one and removes it, unless its route keeps it. A data
// wavelet carries one at most, for its sender's own router: the last of an output descriptor that
// advances the switch.
type Wavelet struct {
	Data     uint32
	Switches uint16
	Color    Color
	Control  bool
}

// Pack puts a 16-bit value (low) and a 16-bit index (high) into a payload.
func Pack(value, index uint16) uint32 { return uint32(index)<<16 | uint32(value) }

// Unpack is the inverse of Pack.
func Unpack(data uint32) (value, index uint16) { return uint16(data), uint16(data >> 16) }
