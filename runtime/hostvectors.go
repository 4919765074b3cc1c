package runtime

import (
	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/runtime/vec"
)

// hostVectors is what the stream engine computes values with: the host's vector units and
// buffers its phases share.
type hostVectors struct {
	*vec.Engine
	threads int

	picked, transposed, sums []float32
}

func newHostVectors(threads int) *hostVectors {
	return &hostVectors{Engine: vec.New(threads), threads: threads}
}

// each calls do for every feature on the threads, some features at a time.
func (v *hostVectors) each(features int, do func(f int)) {
	const some = 8
	v.Do((features+some-1)/some, func(i int) {
		for f := i * some; f < min((i+1)*some, features); f++ {
			do(f)
		}
	})
}

// arithmetic is how PEs of a space multiply and add.
func arithmetic(s *compiler.Space) vec.Precision {
	if s.Precision == model.FP32 {
		return vec.FP32
	}
	return vec.Mixed
}

// tokenLayout is the order of the tokens in a host tensor.
func tokenLayout(s *compiler.Space) vec.Layout {
	return vec.Layout{Groups: s.Groups, PerPE: s.Tokens, Rows: s.Rows()}
}

// buffer returns n floats of unknown values, from *buf if it is long enough.
func buffer(buf *[]float32, n int) []float32 {
	if cap(*buf) < n {
		*buf = make([]float32, n)
	}
	return (*buf)[:n]
}
