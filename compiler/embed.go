package compiler

import (
	"fmt"

	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// Name is the kernel's word in tables and traces.
func (k *Embed) Name() string { return "embedding" }

// Scratch is what the kernel needs beside its tiles.
func (k *Embed) Scratch(s *Space) Scratch { return Scratch{} }

// Layout is the program of the first rows PE rows of the first groups token groups: In[x]
// brings column x the tile of one PE after the other, the first row first, each with
// CommandEnd behind it, which turns that PE's router to the next.
func (k *Embed) Layout(s *Space, groups, rows int) (*Layout, error) {
	b := stepLayout(k, s, groups, rows)
	b.use(distribution, "distribution", "blocks for single PEs, down the column; switch positions")
	b.routeBlocks(distribution, s, groups, rows, false)
	r := newBlockRole(b, s, "embedding", k.Y)
	take, end := r.Local("take"), r.Control("end", distribution, CommandEnd).Awaited(pe.WaitWeight)
	r.Start(take)
	take.FMov(1, r.words.All(), pe.In(pe.F32, distribution)).Count(r.n).As(pe.Compute, pe.WaitWeight).LoadDSDs()
	end.Halt()
	r.placeAll(b, s, groups, rows)
	return b.Build()
}

// Name is the kernel's word in tables and traces.
func (k *EmbedBackward) Name() string { return "embedding backward" }

// Scratch is what the kernel needs beside its tiles.
func (k *EmbedBackward) Scratch(s *Space) Scratch { return Scratch{} }

// Layout is the program of the first rows PE rows of the first groups token groups, see sendNorth.
func (k *EmbedBackward) Layout(s *Space, groups, rows int) (*Layout, error) {
	return sendNorth(k, k.DY, s, groups, rows)
}

// sendNorth is the program in which every PE sends its part of a tile over the north edge: Out[x]
// takes from column x the tile of one PE after the other, the first row first, each with a
// control wavelet behind it: it turned that PE's router to what comes from the south.
func sendNorth(k Kernel, t *Tile, s *Space, groups, rows int) (*Layout, error) {
	b := stepLayout(k, s, groups, rows)
	b.use(collection, "collection", "blocks of single PEs, up the column and over the edge; switch positions")
	own := fabric.Position{Rx: one(fabric.Ramp), Tx: one(fabric.North)}
	south := fabric.Position{Rx: one(fabric.South), Tx: one(fabric.North)}
	for x := range groups * s.Columns {
		if rows > 1 {
			b.Route(collection, Area{x, 0, x + 1, rows - 1}, fabric.Route{Positions: []fabric.Position{own, south}})
		}
		b.Route(collection, At(x, rows-1), fabric.Route{Positions: []fabric.Position{own}})
		b.EdgeOut(EdgeOut{Name: fmt.Sprintf("blocks of column %d", x), At: fabric.Coord{X: x}, Port: fabric.North, Color: collection})
	}
	r := newBlockRole(b, s, k.Name(), t)
	send := r.Local("send")
	r.Start(send)
	send.FMov(1, pe.Out(pe.F32, collection), r.words.All()).Count(r.n).LoadDSDs()
	send.SendControl(collection, CommandEnd, fabric.SwitchAdvance)
	send.Halt()
	r.placeAll(b, s, groups, rows)
	return b.Build()
}

// blockRole moves a PE's part of a tile as one block of wavelets, whose words are those of SRAM: two
// elements of fp16 in each. Behind an odd number the last one carries a word that means nothing.
type blockRole struct {
	*Role
	tile  *Tile
	words Array
	n     Reg // of them
}

func newBlockRole(b *Builder, s *Space, name string, t *Tile) *blockRole {
	r := &blockRole{Role: stepRole(b, s, name), tile: t}
	n := 0
	for c := range s.Columns {
		n = max(n, t.Wavelets(c, s.Tokens))
	}
	if n*pe.F32.Words() > t.Room(s.Tokens) {
		b.fail("the place of tile %s has no room for whole wavelets", t.Name)
	}
	r.words = r.Fixed("wavelets of "+t.Name, pe.F32, t.Base, n)
	r.n = r.Reg("wavelets", 0)
	return r
}

func (r *blockRole) placeAll(b *Builder, s *Space, groups, rows int) {
	for x := range groups * s.Columns {
		a := Area{x, 0, x + 1, rows}
		b.Place(r.Role, a)
		b.Param(a, r.n, r.tile.Wavelets(x%s.Columns, s.Tokens))
	}
}
