// Package safetensors reads and writes named tensors in the safetensors format
// (huggingface/safetensors):
//
//	8 bytes   length n of the header, little-endian
//	n bytes   JSON: {"name": {"dtype": "F32", "shape": [2,3], "data_offsets": [0,24]}, ...,
//	          "__metadata__": {"key": "value"}}, padded with spaces
//	the rest  the tensors' bytes, little-endian, row-major
//
// The reader trusts nothing: every length is checked against the size of the file
// before anything is allocated, tensors must tile the data without hole or overlap, and
// every error names the file and the tensor. Element types read are F32, F16 and
// BF16, all into float32.
package safetensors
