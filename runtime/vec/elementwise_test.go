package vec

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/x448/float16"
)

// spread is n values over the whole range of float32 and around the branches.
func spread(n int) []float32 {
	r := rand.New(rand.NewPCG(1, 2))
	v := []float32{0, negZero, 1, -1, 88.72283, 88.72284, 88.8, -87.4, -103.9, -104.1, 16, -16, 0.625,
		float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), math.MaxFloat32, 0x1p-149, 65520, 65519.99}
	for len(v) < n {
		v = append(v, math.Float32frombits(r.Uint32()), float32(r.NormFloat64()), float32(20*r.NormFloat64()), float32(100*r.NormFloat64()))
	}
	return v[:n]
}

// TestElementwise: the vector kernels equal plain Go, at every length.
func TestElementwise(t *testing.T) {
	a := spread(20011)
	b := slices.Clone(a)
	rand.New(rand.NewPCG(3, 4)).Shuffle(len(b), func(i, j int) { b[i], b[j] = b[j], b[i] })
	for op := opAdd; op <= opGeluGrad; op++ {
		var second []float32
		if op < opScale {
			second = b
		}
		want := make([]float32, len(a))
		op.generic(want, a, second, 1.7)
		for _, impl := range Supported()[1:] {
			for _, n := range []int{0, 1, 7, 8, 9, 31, len(a)} {
				got := make([]float32, n)
				s := second
				if s != nil {
					s = s[:n]
				}
				impl.run(op, got, a[:n], s, 1.7)
				if i := differ(want[:n], got); i >= 0 {
					t.Fatalf("%v op %d of %x, %x is %x, want %x", impl, op, a[i], b[i], got[i], want[i])
				}
			}
		}
	}
}

func TestNamedElementwise(t *testing.T) {
	a, b := []float32{1, 4, 9}, []float32{2, 2, 16}
	for _, impl := range Supported() {
		for name, tc := range map[string]struct {
			f    func(dst []float32)
			want []float32
		}{
			"add":    {func(d []float32) { impl.Add(d, a, b) }, []float32{3, 6, 25}},
			"sub":    {func(d []float32) { impl.Sub(d, a, b) }, []float32{-1, 2, -7}},
			"mul":    {func(d []float32) { impl.Mul(d, a, b) }, []float32{2, 8, 144}},
			"max":    {func(d []float32) { impl.Max(d, a, b) }, []float32{2, 4, 16}},
			"expdif": {func(d []float32) { impl.ExpOfDifference(d, a, b, 2) }, []float32{Exp(-2), Exp(4), Exp(-14)}},
			"expsca": {func(d []float32) { impl.ExpOfScaled(d, 2, a, b) }, []float32{1, Exp(6), Exp(2)}},
			"scale":  {func(d []float32) { impl.Scale(d, 2, a) }, []float32{2, 8, 18}},
			"shift":  {func(d []float32) { impl.Shift(d, 2, a) }, []float32{3, 6, 11}},
			"axpy":   {func(d []float32) { impl.Axpy(d, 2, a) }, []float32{12, 18, 28}},
			"square": {func(d []float32) { impl.AddSquare(d, a) }, []float32{11, 26, 91}},
			"rsqrt":  {func(d []float32) { impl.Rsqrt(d, b) }, []float32{Rsqrt(2), Rsqrt(2), 0.25}},
			"tanh":   {func(d []float32) { impl.Tanh(d, a) }, []float32{Tanh(1), Tanh(4), Tanh(9)}},
			"log":    {func(d []float32) { impl.Log(d, a) }, []float32{0, Log(4), Log(9)}},
		} {
			dst := []float32{10, 10, 10}
			if tc.f(dst); !slices.Equal(dst, tc.want) {
				t.Errorf("%v %s is %v, want %v", impl, name, dst, tc.want)
			}
		}
	}
}

// TestRound16 covers every half, the midpoints between them and their neighbours.
func TestRound16(t *testing.T) {
	var x []float32
	for h := range 0x7c00 {
		lo, hi := float16.Frombits(uint16(h)).Float32(), float16.Frombits(uint16(h+1)).Float32()
		mid := (lo + hi) / 2
		if math.IsInf(float64(hi), 0) {
			mid = 65520
		}
		for _, v := range []float32{lo, mid, math.Nextafter32(mid, 0), math.Nextafter32(mid, 1e9)} {
			x = append(x, v, -v)
		}
	}
	for _, impl := range Supported() {
		got := make([]float32, len(x))
		impl.Round16(got, x)
		for i, v := range x {
			if want := float16.Fromfloat32(v).Float32(); math.Float32bits(got[i]) != math.Float32bits(want) {
				t.Fatalf("%v: %x rounds to %x, want %x", impl, v, got[i], want)
			}
		}
	}
}

// ulps is the error of got in units of the last place of the float32 nearest want.
func ulps(got float32, want float64) float64 {
	w := float32(want)
	if w == got {
		return 0
	}
	unit := math.Abs(float64(math.Nextafter32(w, float32(math.Inf(1)))) - float64(w))
	return math.Abs(float64(got)-want) / unit
}

func TestAccuracy(t *testing.T) {
	const c = 0.7978845608028654 // sqrt(2/pi)
	gelu := func(x float64) float64 { return x / (1 + math.Exp(-2*c*(x+0.044715*x*x*x))) }
	geluGrad := func(x float64) float64 {
		th := math.Tanh(c * (x + 0.044715*x*x*x))
		return 0.5*(1+th) + 0.5*x*(1-th*th)*c*(1+3*0.044715*x*x)
	}
	for _, tc := range []struct {
		name   string
		f      func(float32) float32
		truth  func(float64) float64
		lo, hi float32
		ulp    float64 // relative bound
		abs    float64 // absolute bound that also passes
	}{
		{"exp", Exp, math.Exp, -103.9, 88.72, 1, 0},
		{"tanh", Tanh, math.Tanh, -12, 12, 2, 0},
		{"tanh near 0", Tanh, math.Tanh, -0x1p-10, 0x1p-10, 1, 0},
		{"gelu", Gelu, gelu, -3, 100, 12, 0}, // half an ulp of z is |z|/2 of e^z
		{"gelu tail", Gelu, gelu, -100, 0, 0, 2e-7},
		{"gelu derivative", GeluGrad, geluGrad, -30, 30, 0, 4e-7},
		{"log", Log, math.Log, 0x1p-149, 0x1p-126, 1, 0},
		{"log near 1", Log, math.Log, 0.4, 3, 1, 0},
		{"log large", Log, math.Log, 3, math.MaxFloat32, 1, 0},
		{"rsqrt", Rsqrt, func(x float64) float64 { return 1 / math.Sqrt(x) }, 0x1p-149, 1e30, 1.5, 0},
	} {
		n := 400_000
		if testing.Short() {
			n = 40_000
		}
		worst, at := 0.0, float32(0)
		for i := range n + 1 {
			x := float32(float64(tc.lo) + (float64(tc.hi)-float64(tc.lo))*float64(i)/float64(n))
			got, want := tc.f(x), tc.truth(float64(x))
			if math.Abs(float64(got)-want) <= tc.abs {
				continue
			}
			if e := ulps(got, want); !(e <= worst) {
				worst, at = e, x
			}
		}
		if !(worst <= tc.ulp) {
			t.Errorf("%s(%x) is %x, off by %.2f ulp", tc.name, at, tc.f(at), worst)
		}
		t.Logf("%s: at most %.2f ulp, at %v", tc.name, worst, at)
	}
}

func TestLimits(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, tc := range []struct {
		name      string
		got, want float32
	}{
		{"exp(-inf)", Exp(-inf), 0},
		{"exp(inf)", Exp(inf), inf},
		{"exp(88.73)", Exp(88.73), inf},
		{"exp(-104)", Exp(-104), 0},
		{"exp(0)", Exp(0), 1},
		{"exp(NaN)", Exp(nan), nan},
		{"tanh(inf)", Tanh(inf), 1},
		{"tanh(-inf)", Tanh(-inf), -1},
		{"tanh(-0)", Tanh(negZero), negZero},
		{"tanh(NaN)", Tanh(nan), nan},
		{"gelu(0)", Gelu(0), 0},
		{"gelu(inf)", Gelu(inf), inf},
		{"gelu(-1000)", Gelu(-1000), negZero},
		{"gelu'(inf)", GeluGrad(inf), 1},
		{"gelu'(NaN)", GeluGrad(nan), nan},
		{"gelu'(0)", GeluGrad(0), 0.5},
		{"log(0)", Log(0), -inf},
		{"log(1)", Log(1), 0},
		{"log(inf)", Log(inf), inf},
		{"log(-1)", Log(-1), nan},
		{"rsqrt(0)", Rsqrt(0), inf},
		{"rsqrt(4)", Rsqrt(4), 0.5},
	} {
		if differ([]float32{tc.got}, []float32{tc.want}) >= 0 {
			t.Errorf("%s is %v, want %v", tc.name, tc.got, tc.want)
		}
	}
	if g := GeluGrad(-inf); math.Abs(float64(g)) > 1e-30 {
		t.Errorf("gelu'(-inf) is %v", g)
	}
}
