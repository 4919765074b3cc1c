// Package text turns text into token ids and token ids into training batches:
// tokenizers (one token per byte, GPT-2's byte-pair encoding from its two files, a
// small byte-pair encoding trained on a text), plain-text corpora, and the
// prompt/completion pairs of data-to-text tasks (E2E, DART, tab-separated).
//
// Shapes: B sequences of a batch, T positions the model predicts. A batch is [B][T+1]
// token ids: position t sees tokens 0..t and predicts token t+1.
//
// Everything here is a function of its arguments: the same text, seed and step give
// the same batch, so a run resumed at a step needs no generator state.
package text
