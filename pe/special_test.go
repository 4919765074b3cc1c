package pe

import (
	"math"
	"testing"
)

// ulps is how far got is from want in units of the last place of a float32.
func ulps(got float32, want float64) float64 {
	exact := float32(want)
	unit := float64(math.Nextafter32(exact, float32(math.Inf(1)))) - float64(exact)
	return math.Abs(float64(got)-want) / unit
}

func TestSpecialFunctions(t *testing.T) {
	gelu := func(x float64) float64 {
		return 0.5 * x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
	}
	slope := func(x float64) float64 {
		th := math.Tanh(math.Sqrt(2/math.Pi) * (x + 0.044715*x*x*x))
		return 0.5*(1+th) + 0.5*x*(1-th*th)*math.Sqrt(2/math.Pi)*(1+3*0.044715*x*x)
	}
	erf := func(x float64) float64 { return 0.5 * x * math.Erfc(-x/math.Sqrt2) }
	erfSlope := func(x float64) float64 {
		return 0.5*math.Erfc(-x/math.Sqrt2) + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi)
	}
	for _, c := range []struct {
		name     string
		got      func(float32) float32
		want     func(float64) float64
		lo, hi   float64
		ulp, abs float64 // either bound suffices
	}{
		{"exp", Exp, math.Exp, -87.3, 88.7, 2, 0},
		{"tanh", Tanh, math.Tanh, -10, 10, 3, 0},
		{"gelu", GELU, gelu, -8, 8, 4, 4e-7},
		{"gelu slope", GELUSlope, slope, -8, 8, 4, 6e-7},
		{"gelu with erf", GELUErf, erf, -20, 20, 4, 5e-7},
		{"gelu with erf, slope", GELUErfSlope, erfSlope, -20, 20, 4, 4e-7},
		{"rsqrt", RSqrt, func(x float64) float64 { return 1 / math.Sqrt(x) }, 1e-6, 1e6, 1.5, 0},
		{"log", Log, math.Log, 1e-20, 1e6, 2, 1e-7},
	} {
		const steps = 200_000
		for i := range steps + 1 {
			x := float32(c.lo + (c.hi-c.lo)*float64(i)/steps)
			if c.lo > 0 {
				x = float32(c.lo * math.Pow(c.hi/c.lo, float64(i)/steps))
			}
			want := c.want(float64(x))
			if u := ulps(c.got(x), want); u > c.ulp && math.Abs(float64(c.got(x))-want) > c.abs {
				t.Errorf("%s(%v) = %v, want %v: %.2f ulp", c.name, x, c.got(x), want, u)
				break
			}
		}
	}
	inf := float32(math.Inf(1))
	for _, c := range []struct {
		name      string
		got, want float32
	}{
		{"exp(-inf)", Exp(-inf), 0}, {"exp(inf)", Exp(inf), inf}, {"exp(0)", Exp(0), 1}, {"exp(89)", Exp(89), inf},
		{"exp(-1e30)", Exp(-1e30), 0},
		{"log(0)", Log(0), -inf}, {"log(1)", Log(1), 0}, {"tanh(inf)", Tanh(inf), 1}, {"tanh(-20)", Tanh(-20), -1},
		{"gelu_erf(inf)", GELUErf(inf), inf}, {"gelu_erf(-inf)", GELUErf(-inf), 0}, {"gelu_erf_slope(inf)", GELUErfSlope(inf), 1}, {"gelu_erf_slope(-inf)", GELUErfSlope(-inf), 0},
	} {
		if c.got != c.want {
			t.Errorf("%s = %v, want %v", c.name, c.got, c.want)
		}
	}
	for name, v := range map[string]float32{"exp": Exp(float32(math.NaN())), "tanh": Tanh(float32(math.NaN())), "log": Log(-1), "gelu_erf": GELUErf(float32(math.NaN()))} {
		if v == v {
			t.Errorf("%s of no number is %v, want NaN", name, v)
		}
	}
}
