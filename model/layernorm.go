package model

import "math"

// LayerNormForward sets y = (x-mean)*rstd*w + b over the C features of each row, and
// keeps mean and rstd = 1/sqrt(variance + LayerNormEpsilon) for the backward pass.
// The variance is taken about the mean in a second pass: the difference of the mean
// square and the squared mean cancels where the mean is large.
func LayerNormForward[F Real](
	y []F, // [N][C]
	mean, rstd []F, // [N], fp32
	x []F, // [N][C]
	w, b []F, // [C]
	N, C int, p Precision,
) {
	for i := range N {
		xi, yi := x[i*C:(i+1)*C], y[i*C:(i+1)*C]
		var m, variance F
		for _, v := range xi {
			m += v
		}
		m /= F(C)
		for _, v := range xi {
			variance += F((v - m) * (v - m))
		}
		variance /= F(C)
		s := F(1 / math.Sqrt(float64(variance+LayerNormEpsilon)))
		for k, v := range xi {
			n := F((v - m) * s)
			yi[k] = stored(p, F(n*w[k])+b[k])
		}
		mean[i], rstd[i] = m, s
	}
}

// LayerNormBackward sets dx and adds the gradients of gain and bias to dw and db.
// With n the normalised x and g = dy*w:
// dx = rstd * (g - mean(g) - n*mean(g*n)).
func LayerNormBackward[F Real](
	dx []F, // [N][C]
	dw, db []F, // [C]
	dy []F, // [N][C]
	x []F, // [N][C]
	mean, rstd []F, // [N]
	w []F, // [C]
	N, C int, p Precision,
) {
	for i := range N {
		xi, dyi, dxi := x[i*C:(i+1)*C], dy[i*C:(i+1)*C], dx[i*C:(i+1)*C]
		m, s := mean[i], rstd[i]
		var meanG, meanGN F
		for k, v := range xi {
			n := F((v - m) * s)
			g := F(dyi[k] * w[k])
			meanG += g
			meanGN += F(g * n)
			dw[k] += F(dyi[k] * n)
			db[k] += dyi[k]
		}
		meanG /= F(C)
		meanGN /= F(C)
		for k, v := range xi {
			n := F((v - m) * s)
			g := F(dyi[k] * w[k])
			dxi[k] = stored(p, F(s*(g-meanG-F(n*meanGN))))
		}
	}
}
