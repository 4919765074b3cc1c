package compiler

// Readout sends a tile over the north edge to MemoryX, which keeps it: logits, from which the host
// chooses the next token.
type Readout struct {
	X *Tile
	scratchPlace
}

// Name is the kernel's word in tables and traces.
func (k *Readout) Name() string { return "readout" }

// Tiles lists what is read and what is written.
func (k *Readout) Tiles() (reads, writes []*Tile) { return []*Tile{k.X}, nil }

// Scratch is what the kernel needs beside its tiles.
func (k *Readout) Scratch(s *Space) Scratch { return Scratch{} }

// Layout is the program of the first rows PE rows of the first groups token groups, see sendNorth.
func (k *Readout) Layout(s *Space, groups, rows int) (*Layout, error) {
	return sendNorth(k, k.X, s, groups, rows)
}
