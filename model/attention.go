package model

import "math"

// AttentionForward is causal attention of NH heads over d = C/NH features each:
// with s[t][u] = q[t].k[u]/sqrt(d) for keys u <= t, att = softmax(s) and
// y[t] = sum over u of att[t][u] * v[u].
func AttentionForward[F Real](
	y []F, // [B][T][C]
	att []F, // [B][NH][T][T]; 0 for u > t
	q, k, v []F, // [B][T][C]
	B, T, C, NH int, p Precision,
) {
	d := C / NH
	scale := F(1 / math.Sqrt(float64(d)))
	sum := make([]F, d)
	for b := range B {
		for h := range NH {
			row := func(x []F, t int) []F { return x[(b*T+t)*C+h*d:][:d] }
			for t := range T {
				a := att[((b*NH+h)*T+t)*T:][:T]
				qt := row(q, t)
				for u := range t + 1 {
					ku := row(k, u)
					var s F
					for c, x := range qt {
						s += F(x * ku[c])
					}
					a[u] = F(s * scale)
				}
				softmax(a[:t+1])
				storedInto(p, a[:t+1], a[:t+1])
				clear(a[t+1:])
				clear(sum)
				for u := range t + 1 {
					for c, x := range row(v, u) {
						sum[c] += F(a[u] * x)
					}
				}
				storedInto(p, row(y, t), sum)
			}
		}
	}
}

// softmax replaces a by exp(a-max) over its sum.
func softmax[F Real](a []F) {
	most, sum := a[0], F(0)
	for _, x := range a[1:] {
		most = max(most, x)
	}
	for i, x := range a {
		a[i] = F(math.Exp(float64(x - most)))
		sum += a[i]
	}
	inverse := 1 / sum
	for i := range a {
		a[i] = F(a[i] * inverse)
	}
}

// AttentionBackward sets dq, dk and dv from dy and what the forward pass kept.
func AttentionBackward[F Real](
	dq, dk, dv []F, // [B][T][C]
	dy []F, // [B][T][C]
	att []F, // [B][NH][T][T]
	q, k, v []F, // [B][T][C]
	B, T, C, NH int, p Precision,
) {
	d := C / NH
	scale := F(1 / math.Sqrt(float64(d)))
	ds := make([]F, T) // dP, then dS, of one query
	sumQ, sumK, sumV := make([]F, d), make([]F, T*d), make([]F, T*d)
	for b := range B {
		for h := range NH {
			row := func(x []F, t int) []F { return x[(b*T+t)*C+h*d:][:d] }
			clear(sumK)
			clear(sumV)
			for t := range T {
				a := att[((b*NH+h)*T+t)*T:][:t+1]
				qt, dyt := row(q, t), row(dy, t)
				var total F // sum over u of att*dP
				for u := range a {
					vu := row(v, u)
					var dp F
					for c, g := range dyt {
						dp += F(g * vu[c])
						sumV[u*d+c] += F(a[u] * g)
					}
					ds[u] = dp
					total += F(a[u] * dp)
				}
				clear(sumQ)
				for u := range a {
					g := stored(p, F(F(a[u]*(ds[u]-total))*scale))
					for c, x := range row(k, u) {
						sumQ[c] += F(g * x)
						sumK[u*d+c] += F(g * qt[c])
					}
				}
				storedInto(p, row(dq, t), sumQ)
			}
			for u := range T {
				storedInto(p, row(dk, u), sumK[u*d:(u+1)*d])
				storedInto(p, row(dv, u), sumV[u*d:(u+1)*d])
			}
		}
	}
}
