package kernels

import "math"

// differ counts elements of got that are not want, bit for bit.
func differ(got, want []float32) (n int) {
	if len(got) != len(want) {
		return max(len(got), len(want))
	}
	for i := range got {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			n++
		}
	}
	return n
}
