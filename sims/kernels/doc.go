// Package kernels is programs for the wavelet engine whose cycles others have measured. A kernel
// builds a compiler.Layout for any size that fits, runs it, and checks its values against plain loops.
package kernels
