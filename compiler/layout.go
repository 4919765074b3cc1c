package compiler

import (
	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// Layout is a program for a rectangle of PEs: who runs what, which way colors go, and what
// crosses the edge. Plain data, made by a Builder or by hand; a run changes nothing in it.
type Layout struct {
	Name          string
	Width, Height int // PEs
	Colors        []ColorUse
	Routes        []AreaRoute
	Roles         []*pe.Program
	PEs           []PlacedPE // row by row, Width x Height
	In            []EdgeIn
	Ingress       []Ingress
	Out           []EdgeOut
	// InRate and OutRate are what all edge inputs, and all edge outputs, share: wavelets per
	// cycle over the I/O link, a multicast counted once; 0: no limit.
	InRate, OutRate float64
}

// PlacedPE is what one PE starts with.
type PlacedPE struct {
	Role      int // index in Layout.Roles; -1: no program, the router still routes
	Registers [16]int32
	Image     []uint16 // SRAM, Program.Words long; nil is all zero
}

// Area is a rectangle of PEs, upper bounds excluded.
type Area struct{ X0, Y0, X1, Y1 int }

// At is the area of one PE.
func At(x, y int) Area { return Area{x, y, x + 1, y + 1} }

// AreaRoute is one color's route on every router of an area.
type AreaRoute struct {
	Color fabric.Color
	Area  Area
	Route fabric.Route
}

// EdgeIn feeds wavelets through the outward port of a border router: List, then what Next
// gives until it says false. Rate is at most so many per cycle, 0 means 1. With Layout.InRate
// it is not used.
type EdgeIn struct {
	Name     string
	At       fabric.Coord
	Also     []fabric.Coord // border routers that get a copy in the same cycle
	Port     fabric.Port
	Color    fabric.Color
	List     []fabric.Wavelet // their Color is set to the stream's
	Earliest []fabric.Cycle   // of each of List: no earlier does it enter; nil: 0
	Next     func() (fabric.Wavelet, bool)
	Rate     float64
}

// Borders lists the border routers that e feeds.
func (e *EdgeIn) Borders() []fabric.Coord { return append([]fabric.Coord{e.At}, e.Also...) }

// Ingress feeds many ports over one I/O link, at most a wavelet per lane and cycle. Where lanes
// compete, the oldest row of the stream goes first, within it the lane that got least of it.
// The rows and columns of the wafer's border copy a lane's wavelets to all its routers; the
// link carries them once (A).
type Ingress struct {
	Name  string
	Port  fabric.Port
	Color fabric.Color
	Lanes [][]fabric.Coord
	Rate  float64 // wavelets per cycle, above 0
	// Next is a lane's next wavelet and the row of the stream it belongs to; false at the end.
	Next func(lane int) (w fabric.Wavelet, row int, ok bool)
}

// EdgeOut takes every wavelet of a color that leaves through the outward port of a border router.
// Hold is how many may wait beyond the port where OutRate limits them.
type EdgeOut struct {
	Name  string
	At    fabric.Coord
	Port  fabric.Port
	Color fabric.Color
	Hold  int
}

// Index is the place of the PE at x, y in PEs.
func (l *Layout) Index(x, y int) int { return y*l.Width + x }

// Program is what PE i runs, nil if nothing.
func (l *Layout) Program(i int) *pe.Program {
	if r := l.PEs[i].Role; r >= 0 {
		return l.Roles[r]
	}
	return nil
}

// coord is the place of PE i.
func (l *Layout) coord(i int) fabric.Coord { return fabric.Coord{X: i % l.Width, Y: i / l.Width} }
