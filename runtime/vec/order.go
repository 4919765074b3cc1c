package vec

import "fmt"

// Order states the order of the additions of a linear layer: products within a
// segment in ascending input, then the segments' partial sums of output j in a chain
// along the cyclic order Ring, from First[j].
type Order struct {
	Segments []int // [S+1] ascending bounds over inputs, 0 to K; a segment may be empty
	Ring     []int // [S] each segment once
	First    []int // [M] the segment that starts the chain of each output
	Bias     bool  // the last segment of a chain adds one more product, the output's bias and 1
}

// check panics unless o orders the sums of an m x k layer: it is the compiler's.
func (o Order) check(m, k int) {
	s := len(o.Segments) - 1
	if s < 1 || o.Segments[0] != 0 || o.Segments[s] != k || len(o.Ring) != s || len(o.First) != m {
		panic(fmt.Sprintf("vec: order of %d bounds, ring of %d, %d firsts for %d x %d",
			len(o.Segments), len(o.Ring), len(o.First), m, k))
	}
	seen := make([]bool, s)
	for i, c := range o.Ring {
		if c < 0 || c >= s || seen[c] || o.Segments[i] > o.Segments[i+1] {
			panic(fmt.Sprintf("vec: order with segments %v, ring %v", o.Segments, o.Ring))
		}
		seen[c] = true
	}
	for j, c := range o.First {
		if c < 0 || c >= s {
			panic(fmt.Sprintf("vec: order first[%d] is %d of %d segments", j, c, s))
		}
	}
}

// positions returns each segment's place in the ring.
func (o Order) positions() []int {
	p := make([]int, len(o.Ring))
	for i, c := range o.Ring {
		p[c] = i
	}
	return p
}
