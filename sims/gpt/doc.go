// Package gpt is training of GPT models at full size: one step is compiled and simulated on the
// whole wafer, every non-zero weight accounted for, and multiplied by the number of steps that
// pre-training and fine-tuning take.
package gpt
