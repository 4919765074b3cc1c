package kernels

import "testing"

// TestGapHalfWavelets: an fp16 element takes a wavelet to itself, so an fp16 broadcast or chain is no
// faster than an fp32 one; a 32-bit wavelet of the hardware has room for two (docs/fidelity.md).
func TestGapHalfWavelets(t *testing.T) {
	for _, k := range []kernel{Broadcast{PEs: 8, Elements: 100}, Reduce{PEs: 8, Elements: 100}} {
		full := mustRun(t, k, wse2(t)).Cycles
		switch h := k.(type) {
		case Broadcast:
			h.FP16 = true
			k = h
		case Reduce:
			h.FP16 = true
			k = h
		}
		if half := mustRun(t, k, wse2(t)).Cycles; half != full {
			t.Errorf("%+v: %d cycles, fp32 takes %d; the gap is closed, docs/fidelity.md says it is not", k, half, full)
		}
	}
}
