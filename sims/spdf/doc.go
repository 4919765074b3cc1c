// Package spdf lives through sparse pre-training and dense fine-tuning (Thangarasa et al., arXiv
// 2303.10464) on the simulated wafer: a GPT is sparsified at initialisation, pre-trained on text
// at each sparsity, and fine-tuned on pairs, once with its mask dropped and once with it kept.
//
// A Stage is one training; a pre-training and the fine-tunings that begin with its weights are
// a chain, and chains run side by side. Stages and their checkpoints are kept, so that an interrupted
// experiment goes on where it was, to the same bytes.
package spdf
