// Package train trains a GPT on the simulated wafer and generates texts with it.
//
// The wafer computes losses, gradients and logits (Machine). MemoryX holds the parameters and
// makes the updates (model.Trainer.Update); the host makes the batches, chooses tokens and keeps
// checkpoints. Batches follow from seed and step alone, so that the state of a training is its
// arrays and a handful of counters (State), and a resumed training is bit for bit the one that
// was never stopped.
package train
