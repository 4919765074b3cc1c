package vec

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// Impl is an implementation of the kernels. All give the same bits.
type Impl uint8

const (
	Generic Impl = iota // plain Go
	AVX2                // AVX2, FMA, F16C
	AVX512              // AVX-512F for products, AVX2 for the rest
)

func (i Impl) String() string { return [...]string{"generic", "avx2", "avx512"}[i] }

// Supported lists the implementations this processor runs, slowest first.
func Supported() []Impl {
	all := []Impl{Generic, AVX2, AVX512}
	return all[:best+1]
}

// best is the fastest implementation here.
var best = detect()

// Precision names storage and accumulation of a linear layer.
type Precision uint8

const (
	Mixed Precision = iota // fp16 operands, exact products, fp32 sums
	FP32                   // fp32 operands, product and sum each rounded
	FP16                   // fp16 operands, sums rounded to fp16 after every addition
)

// Layout is the order of the tokens of a tensor: [Groups][PerPE][Rows].
type Layout struct {
	Groups int // token groups, each summed at MemoryX
	PerPE  int // tokens of one PE
	Rows   int // PE rows of a group; the last is the southernmost
}

// Tokens is the number of tokens.
func (l Layout) Tokens() int { return l.Groups * l.PerPE * l.Rows }

// Engine computes on a fixed number of workers, with scratch memory it keeps. It
// is not safe for concurrent use; its plans share its scratch.
type Engine struct {
	Impl
	workers int
	scratch []scratch // [workers]
	shared  scratch
}

// New returns an engine with the fastest implementation.
func New(workers int) *Engine { return NewWith(best, workers) }

// NewWith returns an engine with a given implementation. It panics if the processor
// lacks it.
func NewWith(impl Impl, workers int) *Engine {
	if impl > best {
		panic(fmt.Sprintf("vec: this processor does not run %v", impl))
	}
	workers = max(workers, 1)
	return &Engine{Impl: impl, workers: workers, scratch: make([]scratch, workers)}
}

// Do calls f(0) to f(n-1) on the workers, in any order and concurrently.
func (e *Engine) Do(n int, f func(i int)) { e.each(n, func(_ *scratch, i int) { f(i) }) }

// DoWith is Do with size floats of unknown values for each call.
func (e *Engine) DoWith(n, size int, f func(i int, tmp []float32)) {
	e.each(n, func(s *scratch, i int) { f(i, grow(&s.x, size)) })
}

// each is Do with the worker's scratch.
func (e *Engine) each(n int, f func(s *scratch, i int)) {
	if n <= 1 || e.workers == 1 {
		for i := range n {
			f(&e.scratch[0], i)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range min(n, e.workers) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(&e.scratch[w], i)
			}
		})
	}
	wg.Wait()
}

// scratch is memory of one worker, reused between calls.
type scratch struct{ x, v, w, dy, head []float32 }

// grow returns n floats of unknown values, from *buf if it is long enough.
func grow(buf *[]float32, n int) []float32 {
	if cap(*buf) < n {
		*buf = make([]float32, n)
	}
	return (*buf)[:n]
}

// fill sets every element of dst to v.
func fill(dst []float32, v float32) {
	const short = 16
	for i := range min(len(dst), short) {
		dst[i] = v
	}
	for n := short; n < len(dst); n *= 2 {
		copy(dst[n:], dst[:n])
	}
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
func roundUp(a, b int) int { return ceilDiv(a, b) * b }
