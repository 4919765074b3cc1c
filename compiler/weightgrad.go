package compiler

import (
	"fmt"

	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// The features of the narrower of dY and X go over a bus along each PE row, one after the other;
// every column receives all of them. MemoryX streams, feature by feature, the mask positions
// that each column owns; a position triggers the dot product of the feature received and one of
// the column's own over the PE's tokens. At the end of a feature its sums run up the column, a
// PE adding its own to those from the south, and leave over the north edge in mask order.
//
// Positions enter from the south: sums and positions then travel the same way at almost the
// same skew, and a PE needs to hold few rows of sums. From the north a PE would finish its
// sums five cycles per PE row before it could add to them, and hold those of dozens of features.
//
// The bus is one color. A router starts as (west -> east, ramp), is (ramp -> east, west, ramp)
// in its PE's turn and (east -> west, ramp) after it. The last value a PE sends is a control
// wavelet that moves the own router and the next one on: the fabric keeps the columns in
// order, and every PE puts its features on the ramp at once. The next kernel's routes put the
// routers back.

// Commands of the positions' color. Count is in the wavelet's index.
const (
	GradBegin      uint16 = iota // send, receive the first features
	GradSend                     // a feature is over: send its sums, receive one more
	GradSendTail                 // the same, all features are received or awaited already
	GradSendLast                 // the same, of the last feature
	GradNone                     // the three for a feature without positions
	GradNoneTail                 //
	GradNoneLast                 //
	gradientOrders               // how many
)

// sumSlots is how many features' sums a PE holds: of the one at work, of the one on its way, and
// of one that waits behind it.
const sumSlots = 3

// Threads of the kernel.
const (
	threadReceive = 1 + iota
	threadBus
	threadSums
)

// Name is the kernel's word in tables and traces.
func (k *WeightGrad) Name() string { return "weight gradient" }

// SetRunAhead takes the memory plan's choice.
func (k *WeightGrad) SetRunAhead(rows int) { k.RunAhead = rows }

// ByDY reports whether the features of DY are sent over the bus, rather than those of X: the
// fewer ones, of equally many those that leave the fullest column less to do; unless columns
// before others have none to send. Features of d_model are on every column.
func (k *WeightGrad) ByDY() bool {
	dy, x := k.DY, k.X
	switch {
	case !leading(dy.Bounds):
		return false
	case !leading(x.Bounds):
		return true
	case dy.Total() != x.Total():
		return dy.Total() < x.Total()
	}
	return widest(x.Bounds) <= widest(dy.Bounds)
}

// leading reports whether the columns with features are the first ones.
func leading(bounds []int) bool { return bounds[holders(bounds)] == bounds[len(bounds)-1] }

// holders is how many columns in a row have features, from the first on.
func holders(bounds []int) (n int) {
	for n < len(bounds)-1 && bounds[n] < bounds[n+1] {
		n++
	}
	return n
}

// Senders is how many columns take turns on the bus, the first ones.
func (k *WeightGrad) Senders() int {
	sent, _ := k.Sides()
	return holders(sent.Bounds)
}

// Sides are the tile whose features are sent, and the one they are multiplied with in place.
func (k *WeightGrad) Sides() (sent, own *Tile) {
	if k.ByDY() {
		return k.DY, k.X
	}
	return k.X, k.DY
}

// OnesRow reports whether the last sender sends the ones behind its features: the bias gradient
// if X is sent, and a second feature if there is only one.
func (k *WeightGrad) OnesRow() bool {
	sent, _ := k.Sides()
	return k.Bias != "" && !k.ByDY() || sent.Total() == 1
}

// Features is how many runs of tokens go over the bus.
func (k *WeightGrad) Features() int {
	sent, _ := k.Sides()
	if k.OnesRow() {
		return sent.Total() + 1
	}
	return sent.Total()
}

// Ahead is how many features are received or awaited beyond the one in use.
func (k *WeightGrad) Ahead() int { return min(max(1, k.RunAhead), k.Features()-1) }

// SumRow is the sums a feature can have on a column, at most.
func (k *WeightGrad) SumRow() int {
	_, own := k.Sides()
	n := max(1, widest(own.Bounds))
	if k.Bias != "" && k.ByDY() {
		n++
	}
	return n
}

// SumPlaces is how many sums a PE holds.
func (k *WeightGrad) SumPlaces() int { return sumSlots * k.SumRow() }

// BiasIndex is the position of the ones among the own features.
func (k *WeightGrad) BiasIndex(tokens int) int {
	_, own := k.Sides()
	return (k.Ones.Base - own.Base) / own.RunWords(tokens)
}

// Scratch is what the kernel needs beside its tiles: features received, and sums.
func (k *WeightGrad) Scratch(s *Space) Scratch {
	sent, _ := k.Sides()
	return Scratch{S: (k.Ahead()+1)*sent.RunWords(s.Tokens) + k.SumPlaces()*pe.F32.Words()}
}

func (k *WeightGrad) check(s *Space) error {
	sent, own := k.Sides()
	if !leading(sent.Bounds) {
		return fmt.Errorf("before columns with features of %s are some without, and so of %s: none can send in turn", k.DY.Name, k.X.Name)
	}
	if sent.Type != own.Type {
		return fmt.Errorf("tile %s is %v, tile %s %v", sent.Name, sent.Type, own.Name, own.Type)
	}
	if k.SumPlaces() > 1<<16 || widest(own.Bounds) > 1<<16 {
		return fmt.Errorf("%d features of %s on a column exceed the wavelet's 16-bit index", widest(own.Bounds), own.Name)
	}
	if k.Bias != "" && k.ByDY() {
		return reaches(k.Ones, own, s.Tokens)
	}
	return nil
}

// Layout is the program of the first rows PE rows of the first groups token groups.
func (k *WeightGrad) Layout(s *Space, groups, rows int) (*Layout, error) {
	if err := k.check(s); err != nil {
		return nil, &Error{"kernel " + k.Name() + " " + k.Param, err}
	}
	width := groups * s.Columns
	b := NewBuilder(k.Name()+" "+k.Param, s.Target, width, rows)
	for g := range groups {
		for c := range s.Columns {
			b.routeBus(g*s.Columns, c, s.Columns, k.Senders(), rows)
		}
	}
	b.routeGradient(width, rows)
	k.place(b, s, groups, rows)
	positions := Ingress{Name: "mask positions", Port: fabric.South, Color: gradPositions, Rate: s.StreamRate, Lanes: make([][]fabric.Coord, s.Columns)}
	for c := range positions.Lanes {
		for g := range groups {
			positions.Lanes[c] = append(positions.Lanes[c], fabric.Coord{X: g*s.Columns + c, Y: rows - 1})
		}
	}
	for x := range width {
		b.EdgeOut(EdgeOut{Name: fmt.Sprintf("gradients of column %d", x), At: fabric.Coord{X: x}, Port: fabric.North, Color: gradNorth})
	}
	l, err := b.Build()
	if err != nil {
		return nil, err
	}
	l.Ingress, l.OutRate = []Ingress{positions}, s.StreamRate
	l.Colors = []ColorUse{
		{gradNorth, "sums 0", "sums up the column, from even rows"},
		{gradNorth2, "sums 1", "sums up the column, from odd rows"},
		{rowBus, "row bus", "features of " + k.bus() + " over all columns of a group"},
		{gradPositions, "positions", "mask positions and row commands, up each column"},
	}
	return l, nil
}

// BusColor carries the features along the row.
func (k *WeightGrad) BusColor() fabric.Color { return rowBus }

func (k *WeightGrad) bus() string {
	sent, _ := k.Sides()
	return sent.Name
}

// routeBus gives the routers of a group's column c their turns on the row bus.
func (b *Builder) routeBus(first, c, columns, senders, rows int) {
	east, west, ramp := fabric.Ports(fabric.East), fabric.Ports(fabric.West), fabric.Ports(fabric.Ramp)
	on, back := ramp, ramp // what comes from the west, from the east, goes to
	if c < columns-1 {
		on |= east
	}
	if c > 0 {
		back |= west
	}
	var route fabric.Route
	if c > 0 {
		route.Positions = append(route.Positions, fabric.Position{Rx: west, Tx: on})
	}
	if c < senders {
		route.Positions = append(route.Positions, fabric.Position{Rx: ramp, Tx: on | back})
	}
	if c < senders-1 {
		route.Positions = append(route.Positions, fabric.Position{Rx: east, Tx: back})
	}
	b.Route(rowBus, Area{first + c, 0, first + c + 1, rows}, route)
}

// gradientColor carries the sums of row y north.
func gradientColor(y int) fabric.Color {
	if y%2 == 0 {
		return gradNorth
	}
	return gradNorth2
}

// routeGradient brings positions up the columns and sums from each row to the one north of it.
func (b *Builder) routeGradient(width, rows int) {
	south, north, ramp := fabric.Ports(fabric.South), fabric.Ports(fabric.North), fabric.Ports(fabric.Ramp)
	for y := range rows {
		row := Area{0, y, width, y + 1}
		tx := ramp
		if y > 0 {
			tx |= north
		}
		b.Route(gradPositions, row, fabric.Static(south, tx))
		b.Route(gradientColor(y), row, fabric.Static(ramp, north))
		if y < rows-1 {
			b.Route(gradientColor(y+1), row, fabric.Static(south, ramp))
		}
	}
}
