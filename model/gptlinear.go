package model

// LinearForward sets y = x w^T + b. Without bias b is nil. Of a masked w only the
// positions of m are read; m is nil if w is dense.
func LinearForward[F Real](
	y []F, // [N][M]
	x []F, // [N][K]
	w []F, // [M][K]
	b []F, // [M] or nil
	m *Pattern,
	N, K, M int, p Precision,
) {
	for i := range N {
		xi, yi := x[i*K:(i+1)*K], y[i*M:(i+1)*M]
		for j := range M {
			wj := w[j*K : (j+1)*K]
			var sum F
			if m == nil {
				for k, v := range xi {
					sum += F(wj[k] * v)
				}
			} else {
				for _, k := range m.Row(j) {
					sum += F(wj[k] * xi[k])
				}
			}
			if b != nil {
				sum += b[j]
			}
			yi[j] = stored(p, sum)
		}
	}
}

// LinearDelta sets dx = dy w, over the positions of m only.
func LinearDelta[F Real](
	dx []F, // [N][K]
	dy []F, // [N][M]
	w []F, // [M][K]
	m *Pattern,
	N, K, M int, p Precision,
) {
	sum := make([]F, K)
	for i := range N {
		clear(sum)
		for j, d := range dy[i*M : (i+1)*M] {
			wj := w[j*K : (j+1)*K]
			if m == nil {
				for k, v := range wj {
					sum[k] += F(d * v)
				}
			} else {
				for _, k := range m.Row(j) {
					sum[k] += F(d * wj[k])
				}
			}
		}
		storedInto(p, dx[i*K:(i+1)*K], sum)
	}
}

// LinearGradient adds dy^T x to dw at the positions of m, and the column sums of dy
// to db. Without bias db is nil.
func LinearGradient[F Real](
	dw []F, // [M][K]
	db []F, // [M] or nil
	dy []F, // [N][M]
	x []F, // [N][K]
	m *Pattern,
	N, K, M int,
) {
	for j := range M {
		dwj := dw[j*K : (j+1)*K]
		for i := range N {
			d, xi := dy[i*M+j], x[i*K:(i+1)*K]
			if m == nil {
				for k, v := range xi {
					dwj[k] += F(d * v)
				}
			} else {
				for _, k := range m.Row(j) {
					dwj[k] += F(d * xi[k])
				}
			}
			if db != nil {
				db[j] += d
			}
		}
	}
}
