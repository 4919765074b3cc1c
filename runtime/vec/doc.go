// Package vec computes the values of a training step on the host, bit for bit as the
// simulated PEs do, at the speed of the host's vector units. It knows no machine:
// callers state the order of the additions, which is what the machine fixes.
//
// A tensor of F features over T tokens is feature-major float32: feature f is
// x[f*T:(f+1)*T]. In fp16 storage every value is an fp16 number held in a float32.
// Tokens are ordered [group][token within PE][PE row], see Layout.
//
// Each operation documents its order per element. Three implementations (plain Go,
// AVX2 with FMA and F16C, AVX-512F) follow it and give the same bits on any number
// of workers; the only freedom is the payload and sign of a NaN. Products that are
// exact in float32 (two fp16 values) may be fused with their addition; others never
// are, which on other architectures an explicit conversion guards.
//
// Sums start from -0, not from their first term: -0 + p is p for every p, a zero of
// either sign included.
package vec

//go:generate sh -c "cd asm && go run . -out ../kernels_amd64.s"
