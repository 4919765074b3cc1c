package model

import "math"

// CrossEntropyForward sets losses[i] = log(sum exp logits[i]) - logits[i][targets[i]]
// where weights[i] is not 0, and 0 elsewhere.
func CrossEntropyForward[F Real](
	losses []F, // [N], fp32
	logits []F, // [N][V]
	targets []int32, // [N]
	weights []float32, // [N]
	N, V int,
) {
	for i := range N {
		losses[i] = 0
		if weights[i] == 0 {
			continue
		}
		row := logits[i*V : (i+1)*V]
		most, sum := maxExpSum(row)
		losses[i] = F(math.Log(float64(sum))) + most - row[targets[i]]
	}
}

// CrossEntropyBackward sets dlogits = coefficient[i] * (softmax(logits[i]) - onehot),
// the coefficient of a token being its weight over the sum of weights times the loss
// scale.
func CrossEntropyBackward[F Real](
	dlogits []F, // [N][V]
	logits []F, // [N][V]
	targets []int32, // [N]
	coefficients []F, // [N], fp32
	N, V int, p Precision,
) {
	for i := range N {
		row, d := logits[i*V:(i+1)*V], dlogits[i*V:(i+1)*V]
		if coefficients[i] == 0 {
			clear(d)
			continue
		}
		most, sum := maxExpSum(row)
		inverse := 1 / sum
		for c, x := range row {
			g := F(F(math.Exp(float64(x-most))) * inverse)
			if c == int(targets[i]) {
				g -= 1
			}
			d[c] = stored(p, F(coefficients[i]*g))
		}
	}
}

// maxExpSum is the maximum of row and the sum of exp(x - maximum).
func maxExpSum[F Real](row []F) (most, sum F) {
	most = row[0]
	for _, x := range row[1:] {
		most = max(most, x)
	}
	for _, x := range row {
		sum += F(math.Exp(float64(x - most)))
	}
	return most, sum
}
