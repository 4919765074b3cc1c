package model

// Real is the number type of the reference layers: float32 as the machine has it, or
// float64 for finite differences through the same code.
type Real interface{ ~float32 | ~float64 }

// Rounding points. The reference layers compute in fp32, and with Mixed a value is
// rounded to fp16 (nearest even) exactly where the machine stores it in SRAM or puts
// it on a wavelet. With FP32 nothing is rounded further. The machine follows this
// list:
//
//	master weights        fp32, in MemoryX
//	weights as streamed   fp16: every parameter, gains, biases and embeddings too
//	linear output         fp32 sum over inputs ascending, bias added in fp32, then fp16
//	logits                as any linear output
//	layernorm             mean, variance, 1/deviation and normalised value fp32; output fp16
//	attention             score, maximum, exponential and sum fp32; probability fp16;
//	                      output fp32 sum over keys ascending, then fp16
//	gelu, residual,       fp32 inside, output fp16
//	embedding
//	loss                  log-sum-exp, per-token loss and mean fp32
//	d logits              fp32 inside, loss scale applied, then fp16
//	linear delta          fp32 sum over outputs ascending, then fp16
//	attention backward    dP, P*dP and its row sum fp32; dS with the 1/sqrt(d_head)
//	                      fp16; dQ fp32 sum over keys, dK and dV over queries, then fp16
//	layernorm delta       both means fp32, then fp16
//	gelu delta            fp32 inside, then fp16
//	fork                  deltas of an output that several layers read are added in
//	                      descending order of those layers, fp16 after every addition
//	weight gradient       fp32 sum over tokens ascending, handed over in fp32, masked
//	                      positions never computed; biases, gains, embeddings alike
//
// A product and a sum are two roundings of fp32 (of fp16 operands the product is
// exact, so a fused multiply-add gives the same). Exponential, logarithm, square root,
// tanh and erf are evaluated in float64 and rounded once to fp32: the only float64
// in the layers.

// stored is x as p stores it.
func stored[F Real](p Precision, x F) F {
	if p == FP32 {
		return x
	}
	return F(p.Round(float32(x)))
}

// storedInto rounds src into dst.
func storedInto[F Real](p Precision, dst, src []F) {
	for i, x := range src {
		dst[i] = stored(p, x)
	}
}
