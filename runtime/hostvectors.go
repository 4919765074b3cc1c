package runtime

import (
	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
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

// someFeatures are done by a thread at a time.
const someFeatures = 8

// each calls do for every feature on the threads.
func (v *hostVectors) each(features int, do func(f int)) {
	v.eachWith(features, 0, func(f int, _ []float32) { do(f) })
}

// eachWith is each with floats of unknown values for every call.
func (v *hostVectors) eachWith(features, floats int, do func(f int, tmp []float32)) {
	v.DoWith((features+someFeatures-1)/someFeatures, floats, func(i int, tmp []float32) {
		for f := i * someFeatures; f < min((i+1)*someFeatures, features); f++ {
			do(f, tmp)
		}
	})
}

// store rounds x to the format of a tile.
func (v *hostVectors) store(t pe.Type, x []float32) {
	if t == pe.F16 {
		v.Round16(x, x)
	}
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
