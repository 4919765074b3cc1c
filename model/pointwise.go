package model

import "math"

// EmbeddingForward sets y[b][t] = wte[tokens[b][t]] + wpe[t].
func EmbeddingForward[F Real](
	y []F, // [B][T][C]
	tokens []int32, // [B][T]
	wte []F, // [V][C]
	wpe []F, // [S][C], S >= T
	B, T, C int, p Precision,
) {
	for i := range B * T {
		e, pos := wte[int(tokens[i])*C:][:C], wpe[i%T*C:][:C]
		for c := range C {
			y[i*C+c] = stored(p, e[c]+pos[c])
		}
	}
}

// EmbeddingBackward adds dy to the rows of dwte and dwpe that made y.
func EmbeddingBackward[F Real](
	dwte []F, // [V][C]
	dwpe []F, // [S][C]
	dy []F, // [B][T][C]
	tokens []int32, // [B][T]
	B, T, C int,
) {
	for i := range B * T {
		e, pos := dwte[int(tokens[i])*C:][:C], dwpe[i%T*C:][:C]
		for c, g := range dy[i*C : (i+1)*C] {
			e[c] += g
			pos[c] += g
		}
	}
}

// ResidualForward sets y = a + b.
func ResidualForward[F Real](y, a, b []F, p Precision) {
	for i := range y {
		y[i] = stored(p, a[i]+b[i])
	}
}

const (
	geluCubic   = 0.044715
	sqrt2OverPi = math.Sqrt2 / math.SqrtPi
)

// GELUForward sets y = GELU(x) in the form a.
func GELUForward[F Real](y, x []F, a Activation, p Precision) {
	for i, v := range x {
		half := F(0.5 * v)
		y[i] = stored(p, half+F(half*geluOuter(v, a)))
	}
}

// geluOuter is the tanh or erf of GELU.
func geluOuter[F Real](x F, a Activation) F {
	if a == GELUErf {
		return F(math.Erf(float64(F(x * (math.Sqrt2 / 2)))))
	}
	cube := F(F(x*x) * x)
	return F(math.Tanh(float64(F(sqrt2OverPi * (x + F(geluCubic*cube))))))
}

// GELUBackward sets dx = dy * GELU'(x).
func GELUBackward[F Real](dx, dy, x []F, a Activation, p Precision) {
	for i, v := range x {
		outer := geluOuter(v, a)
		var slope F // of the outer function
		if a == GELUErf {
			// 2/sqrt(pi) exp(-x^2/2) / sqrt(2)
			slope = F(sqrt2OverPi * F(math.Exp(float64(F(-0.5*F(v*v))))))
		} else {
			inner := F(sqrt2OverPi * (1 + F(3*geluCubic*F(v*v))))
			slope = F((1 - F(outer*outer)) * inner)
		}
		derivative := F(0.5*(1+outer)) + F(F(0.5*v)*slope)
		dx[i] = stored(p, F(dy[i]*derivative))
	}
}
