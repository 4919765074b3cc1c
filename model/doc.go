// Package model holds layers as mathematics: graphs, sparsity masks, parameter
// values and the oracle results a machine is checked against. It knows no hardware.
//
// Letters, fixed once:
//
//	T  tokens           index i, token
//	K  input features   index k, Node.In, mask columns
//	M  output features  index j, Node.Out, mask rows
//
// A linear node is Y = X W^T with X [T][K], W [M][K] and Y [T][M]. All counts are
// plain numbers of elements; nothing here has a unit of time or bytes.
//
// Nothing of size M*K is stored. A mask keeps one count per row and redraws a row
// when asked; weights and activations are hashes of their coordinates. So every
// value is a function of seeds and indices alone: equal on any number of threads
// and for any order of access.
//
// Sources. Bit mixing is the finalizer of splitmix64 (Steele, Lea, Flood,
// OOPSLA 2014). Bounded integers are Lemire's multiply and reject (ACM TOMACS
// 2019). The hypergeometric probability at the mode is Loader's saddle-point form
// ("Fast and accurate computation of binomial probabilities", 2000). N:M sparsity
// is that of Mishra et al., arXiv:2104.08378. The scale of weights and
// activations is our choice: variance 1/K, so that outputs stay near the
// magnitude of inputs at any width.
package model
