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
// A Node alone stores nothing of size M*K. A mask keeps one count per row and redraws
// a row when asked; weights and activations are hashes of their coordinates. So every
// value is a function of seeds and indices alone: equal on any number of threads
// and for any order of access.
//
// A GPT (Config) is a LayerGraph over a Layout of parameters. Its letters:
//
//	B  sequences of a batch         L   blocks, index l in names: h.3.mlp.fc
//	T  tokens of a sequence         NH  heads, of C/NH features
//	N  B*T                          F   features between the two MLP matrices, d_ff
//	C  features, d_model            V   vocabulary
//	S  the longest T                u   the token of a key, where t is that of a query
//
// Its values are held: Params is one arena of fp32 master weights, Reference computes
// loss and gradients in plain loops, AdamW updates. rounding.go states where mixed
// precision rounds to fp16, which the machine follows. Checked against PyTorch by the
// fixtures of testdata/make_fixtures.py, and by finite differences.
//
// Sources. Bit mixing is the finalizer of splitmix64 (Steele, Lea, Flood,
// OOPSLA 2014). Bounded integers are Lemire's multiply and reject (ACM TOMACS
// 2019). The hypergeometric probability at the mode is Loader's saddle-point form
// ("Fast and accurate computation of binomial probabilities", 2000). N:M sparsity
// is that of Mishra et al., arXiv:2104.08378. The scale of weights and
// activations of a Node is our choice: variance 1/K, so that outputs stay near the
// magnitude of inputs at any width. The GPT is that of Radford et al. 2019 as
// HuggingFace's GPT2LMHeadModel computes it; layers come as forward/backward pairs as
// in llm.c. Masks and FLOPs follow SPDF (arXiv 2303.10464).
package model
