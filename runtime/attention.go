package runtime

import (
	"context"
	"math"

	"cs2sim.dev/compiler"
	"cs2sim.dev/pe"
)

// attention is the phase of compiler.Attention. MemoryX has no part in it.
type attention struct {
	space  *compiler.Space
	kernel *compiler.Attention
}

func (a *attention) feed(*compiler.Layout)    {}
func (a *attention) collect([]EdgeData) error { return nil }

func (a *attention) cycles(ctx context.Context) (*PhaseReport, error) {
	return attentionCycles(ctx, a.kernel, a.space, a.space.SeqRows)
}

// values takes all rows of a sequence through the blocks together, as the machine does.
func (a *attention) values(h *Host) error {
	s, k := a.space, a.kernel
	reads, writes := k.Tiles()
	eachHead(h, append(reads, writes...), func(v *headView) {
		R, T := v.rows, s.Tokens
		q, o, lse := v.tile(h, k.Q), v.tile(h, k.O), v.stat(h, k.LSE)
		keys, vals := v.tile(h, k.K), v.tile(h, k.V)
		acc := newRuns(len(o)*T, R)
		top, sum, rescale := newRuns(T, R), newRuns(T, R), newRuns(T, R)
		for i := range T {
			fill(top[i], float32(math.Inf(-1)))
		}
		z, p := newRuns(v.keys*T, R), newRuns(v.keys*T, R)
		v.eachBlock(func(b block) {
			v.scores(z, b, keys, q)
			for i := range T {
				copy(rescale[i], top[i])
				for u := range v.keys {
					raise(top[i][b.row:], z[u*T+i][b.row:])
				}
				weigh(rescale[i][b.row:], rescale[i][b.row:], top[i][b.row:], v.scale)
				scaleBy(sum[i][b.row:], rescale[i][b.row:])
				for u := range v.keys {
					x := p[u*T+i][b.row:]
					weigh(x, z[u*T+i][b.row:], top[i][b.row:], v.scale)
					round(v.typ, x)
					add(sum[i][b.row:], x)
				}
				for f := range o {
					scaleBy(acc[f*T+i][b.row:], rescale[i][b.row:])
				}
			}
			v.mix(acc, b, vals, p)
		})
		for i := range T {
			for y := range R {
				inverse := 1 / sum[i][y]
				for f := range o {
					o[f][i][y] = pe.Round(v.typ, float32(acc[f*T+i][y]*inverse))
				}
				l := pe.Log(sum[i][y]) + float32(top[i][y]*v.scale)
				for c := range lse {
					lse[c][i][y] = l
				}
			}
		}
	})
	return nil
}
