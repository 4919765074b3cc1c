package runtime

import (
	"context"
	"math"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
)

// TestAttentionEstimate: what the search counts is what the kernels take.
func TestAttentionEstimate(t *testing.T) {
	if testing.Short() {
		t.Skip("whole sequences on the wavelet engine")
	}
	for _, c := range []attentionCase{
		{heads: 1, width: 128, length: 100, perHead: 11, tokens: 20, precision: model.Mixed},
		{heads: 1, width: 128, length: 136, perHead: 11, tokens: 34, precision: model.Mixed}, // of GPT-3 XL
		{heads: 1, width: 64, length: 144, perHead: 4, tokens: 48, precision: model.Mixed},
		{heads: 1, width: 64, length: 80, perHead: 1, tokens: 20, precision: model.Mixed},
		{heads: 1, width: 128, length: 76, perHead: 11, tokens: 19, precision: model.FP32},
	} {
		c.groups, c.sequences = 1, 1
		s := c.space(t)
		_, k := c.forward(s)
		_, kb := c.backward(s)
		for _, k := range []interface {
			compiler.Kernel
			Estimate(*compiler.Space) float64
		}{k, kb} {
			p, err := newPhase(&Store{Space: s}, k)
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.cycles(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if e := k.Estimate(s) / float64(got.Cycles); !(math.Abs(e-1) <= 0.08) {
				t.Errorf("%s, %+v: the estimate is %.3f of %d cycles", k.Name(), c, e, got.Cycles)
			}
		}
	}
}
