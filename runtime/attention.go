package runtime

import (
	"context"

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

// values takes all positions through the blocks together, as the rows do.
func (a *attention) values(h *Host) error {
	k := a.kernel
	reads, writes := k.Tiles()
	eachHead(h, append(reads, writes...), func(v *headView) {
		q, keys, vals := v.read(k.Q), v.read(k.K), v.read(k.V)
		acc := vectors(v.features(), v.length)
		stats := vectors(3, v.length)
		top, sum, rescale := stats[0], stats[1], stats[2]
		fill(top, masked())
		z, p := vectors(v.keys, v.length), vectors(v.keys, v.length)
		v.eachBlock(func(b block) {
			v.products(z, b, keys, q, masked())
			top, sum, rescale := top[b.begin:], sum[b.begin:], rescale[b.begin:]
			copy(rescale, top)
			for u := range z {
				raise(top, z[u][b.begin:])
			}
			weigh(rescale, rescale, top, v.scale)
			scaleBy(sum, rescale)
			for u := range p {
				x := p[u][b.begin:]
				weigh(x, z[u][b.begin:], top, v.scale)
				round(v.typ, x)
				add(sum, x)
			}
			for f := range acc {
				scaleBy(acc[f][b.begin:], rescale)
			}
			v.mix(acc, b, vals, p)
		})
		inverse, lse := rescale, vectors(len(v.columns)-1, v.length)
		for i := range inverse {
			inverse[i] = 1 / sum[i]
			l := pe.Log(sum[i]) + float32(top[i]*v.scale)
			for c := range lse {
				lse[c][i] = l
			}
		}
		for f := range acc {
			scaleBy(acc[f], inverse)
			round(v.typ, acc[f])
		}
		v.write(k.O, acc)
		v.write(k.LSE, lse)
	})
	return nil
}
