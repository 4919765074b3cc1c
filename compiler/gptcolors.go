package compiler

import (
	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// Colors of a training step. They are static for all kernels; 0 to 4 are those of the linear
// kernel, see route.go.
const (
	headEast      fabric.Color = 5 + iota // chain over a head's columns, eastward, by column parity
	headEast2                             //
	headWest                              // the head's last column to the others
	rowEast                               // chain over all columns of a group, eastward, by column parity
	rowEast2                              //
	rowWest                               // the group's last column to the others
	keyBus                                // keys and values to all rows of a sequence
	keysNorth                             // gradients of keys and values up the rows of a sequence, by row parity
	keysNorth2                            //
	gradNorth                             // weight gradients up the column and over the edge, by row parity
	gradNorth2                            //
	rowBus                                // features of one side of a weight gradient over all columns of a group
	gradPositions                         // mask positions and row commands of a weight gradient, up each column
	distribution                          // values for single PEs, down the column
	collection                            // values of single PEs, up the column and over the edge
	rowBlocks                             // values for all PEs of a row: down the group's first column, then along the row
	keysSouth                             // gradients of keys and values down the rows of a sequence, by row parity
	keysSouth2                            //
)

// OnOtherRows is the color that carries on rows of the other parity what c carries here.
func OnOtherRows(c fabric.Color) fabric.Color {
	for _, pair := range [][2]fabric.Color{{keysNorth, keysNorth2}, {keysSouth, keysSouth2}, {gradNorth, gradNorth2}} {
		switch c {
		case pair[0]:
			return pair[1]
		case pair[1]:
			return pair[0]
		}
	}
	return c
}

// stepRole starts a role of a training step. It owns all of SRAM: tiles of other phases stay
// where they are.
func stepRole(b *Builder, s *Space, name string, threads ...int) *Role {
	r := b.Role(name, threads...)
	r.Fixed("sram", pe.F16, 0, s.Target.Core().SRAMBytes/2)
	return r
}

// array makes a tile an array of a role, as long as on the column with most features.
func (t *Tile) array(r *Role, tokens int) Array {
	return r.Fixed(t.Name, t.Type, t.Base, t.Words(tokens)/t.Type.Words())
}
