package compiler

// Kernel is the work of one phase of a step: which tiles it reads and writes, the scratch it
// needs, and the code, routes and ports with which the PEs do it. Kernels are plain data; the
// memory plan sets the addresses of their tiles and of their scratch.
type Kernel interface {
	// Name is the kind of work, a word of tables and traces: "linear", "attention backward".
	Name() string
	// Tiles lists what is read and what is written; a tile may be both.
	Tiles() (reads, writes []*Tile)
	// Scratch is what the kernel needs beside its tiles.
	Scratch(s *Space) Scratch
	// ScratchAt is where that scratch lies: first words in T and S, which the memory plan sets.
	ScratchAt() *Scratch
	// Layout is the program of the first rows PE rows of the first groups token groups.
	Layout(s *Space, groups, rows int) (*Layout, error)
}

// Shared reports whether what crosses the edge for k is the same for all systems of a cluster,
// weights from MemoryX, or is added up over them, their gradients. The embedding's rows and the
// loss's coefficients are each system's own.
func Shared(k Kernel) bool {
	switch k.(type) {
	case *Linear, *WeightGrad, *LayerNorm, *LayerNormBackward:
		return true
	}
	return false
}

// scratchPlace is the part of a kernel that the memory plan fills in.
type scratchPlace struct{ at Scratch }

// ScratchAt is where the kernel's scratch lies.
func (p *scratchPlace) ScratchAt() *Scratch { return &p.at }

// Linear streams a matrix: Y = X W^T for a forward pass, dX = dY W with Transposed. A bias is
// one more weight of an output's owner column, whose input is the run of ones.
type Linear struct {
	Param      string // of the matrix, [outputs][inputs] before transposition
	Bias       string // parameter of Y's features; empty: none
	Transposed bool
	X, Y       *Tile
	Add        *Tile // Y = Add + X W^T, the product rounded to Y's format first; nil: none. Y itself accumulates
	Ones       *Tile // a run of ones in the banks of X
	Rows       []int // row of Param that is output j of Y, or input j of X if Transposed; nil: j
	RunAhead   int   // output rows beyond the pending ring
	scratchPlace
}

// WeightGrad forms dW = dY^T X at the mask positions of Param and sends it over the north edge,
// with the bias gradient as the dot product with the run of ones. See weightgrad.go.
type WeightGrad struct {
	Param    string
	Bias     string // empty: none
	DY, X    *Tile
	Ones     *Tile // in the banks of X
	Rows     []int // row of Param that is feature j of DY; nil: j
	RunAhead int   // features received beyond the one in use
	scratchPlace
}

// Attention is causal attention of all heads, forward.
type Attention struct {
	Q, K, V *Tile
	O       *Tile
	LSE     *Tile // log-sum-exp of the scaled scores per token, of the column's head
	scratchPlace
}

// AttentionBackward makes dQ, dK, dV of dO. It may overwrite none of its inputs, and sums up dQ in its
// place.
type AttentionBackward struct {
	Q, K, V, O, DO *Tile
	LSE            *Tile
	DQ, DK, DV     *Tile
	scratchPlace
}

// LayerNorm normalises X over all features: Y = (X-mean)*rstd*gain + bias.
type LayerNorm struct {
	Gain, Bias string
	X, Y       *Tile
	Mean, RStd *Tile // F32, one run of tokens
	scratchPlace
}

// LayerNormBackward makes DX = Add + the delta of X from DY, the delta rounded to DX's format
// first, and sends the gradients of gain and bias over the north edge. Add is nil for none.
type LayerNormBackward struct {
	Gain, Bias string
	X, DY      *Tile
	Mean, RStd *Tile
	Add, DX    *Tile
	scratchPlace
}

// GELU is Y = gelu(X), on every PE by itself.
type GELU struct {
	X, Y *Tile
	scratchPlace
}

// GELUBackward is DX = DY * gelu'(X). DX may be DY.
type GELUBackward struct {
	X, DY, DX *Tile
	scratchPlace
}

// Embed takes wte[token] + wpe[position] from MemoryX into Y.
type Embed struct {
	Y *Tile
	scratchPlace
}

// EmbedBackward sends DY to MemoryX, which adds it to the gradients of wte and wpe.
type EmbedBackward struct {
	DY *Tile
	scratchPlace
}

// LossChunk takes a chunk of the vocabulary's logits into the running maximum and sum of
// exponentials of each token on each column, and picks the logits of targets that lie in it.
type LossChunk struct {
	Logits           *Tile // F32
	Rows             []int // token id that is feature j of Logits
	Max, Sum, Target *Tile // F32, one run of tokens, the column's own
	First            bool  // starts Max, Sum and Target
	scratchPlace
}

// LossReduce closes the loss over the columns: LSE of every token, and the sum of the weighted
// losses over the north edge. Weight is filled with each token's loss weight times the loss
// scale over the total weight.
type LossReduce struct {
	Max, Sum, Target *Tile
	LSE, Weight      *Tile // F32, one run of tokens
	scratchPlace
}

// LossBackward is DLogits = (exp(Logits - LSE) - [target]) * Weight.
type LossBackward struct {
	Logits      *Tile
	Rows        []int
	LSE, Weight *Tile
	DLogits     *Tile
	scratchPlace
}

// Tiles of each kernel: what it reads, what it writes.

func (k *Linear) Tiles() (reads, writes []*Tile) {
	return []*Tile{k.X, k.Add, k.Ones}, []*Tile{k.Y}
}
func (k *WeightGrad) Tiles() (reads, writes []*Tile) {
	return []*Tile{k.DY, k.X, k.Ones}, nil
}
func (k *Attention) Tiles() (reads, writes []*Tile) {
	return []*Tile{k.Q, k.K, k.V}, []*Tile{k.O, k.LSE}
}
func (k *AttentionBackward) Tiles() (reads, writes []*Tile) {
	return []*Tile{k.Q, k.K, k.V, k.O, k.DO, k.LSE}, []*Tile{k.DQ, k.DK, k.DV}
}
func (k *LayerNorm) Tiles() (reads, writes []*Tile) {
	return []*Tile{k.X}, []*Tile{k.Y, k.Mean, k.RStd}
}
func (k *LayerNormBackward) Tiles() (reads, writes []*Tile) {
	return []*Tile{k.X, k.DY, k.Mean, k.RStd, k.Add}, []*Tile{k.DX}
}
func (k *GELU) Tiles() (reads, writes []*Tile) {
	return []*Tile{k.X}, []*Tile{k.Y}
}
func (k *GELUBackward) Tiles() (reads, writes []*Tile) {
	return []*Tile{k.X, k.DY}, []*Tile{k.DX}
}
func (k *Embed) Tiles() (reads, writes []*Tile)         { return nil, []*Tile{k.Y} }
func (k *EmbedBackward) Tiles() (reads, writes []*Tile) { return []*Tile{k.DY}, nil }
func (k *LossChunk) Tiles() (reads, writes []*Tile) {
	reads = []*Tile{k.Logits}
	if !k.First {
		reads = append(reads, k.Max, k.Sum, k.Target)
	}
	return reads, []*Tile{k.Max, k.Sum, k.Target}
}
func (k *LossReduce) Tiles() (reads, writes []*Tile) {
	return []*Tile{k.Max, k.Sum, k.Target}, []*Tile{k.LSE, k.Weight}
}
func (k *LossBackward) Tiles() (reads, writes []*Tile) {
	return []*Tile{k.Logits, k.LSE, k.Weight}, []*Tile{k.DLogits}
}
