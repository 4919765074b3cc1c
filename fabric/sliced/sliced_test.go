package sliced

import (
	"math/rand/v2"
	"testing"
)

// TestCounter: 64 numbers do what 64 numbers do.
func TestCounter(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	var c Counter
	var want [64]uint32
	for range 20000 {
		set, n := rng.Uint64()&rng.Uint64(), uint32(rng.IntN(Max+1))
		var step uint32
		var wrapped, wraps uint64
		switch rng.IntN(12) {
		case 0:
			c.Assign(set, n)
		case 1, 2, 3, 4, 5:
			step, wrapped = 1, c.Up(set)
		default:
			step, wrapped = Max, c.Down(set)
		}
		for i := range want {
			switch {
			case set>>i&1 == 0:
				continue
			case step == 0:
				want[i] = n
				continue
			case step == 1 && want[i] == Max, step == Max && want[i] == 0:
				wraps |= 1 << i
			}
			want[i] = (want[i] + step) & Max
		}
		if wrapped != wraps {
			t.Fatalf("%b wrapped, want %b", wrapped, wraps)
		}
		for i, w := range want {
			if got := c.Of(i); got != w {
				t.Fatalf("number %d is %d, want %d", i, got, w)
			}
		}
	}
}

func TestTotal(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 2))
	var c Total
	var want [64]uint32
	for range 2000 {
		set := rng.Uint64() | rng.Uint64()
		c.Up(set)
		for i := range want {
			want[i] += uint32(set >> i & 1)
			if got := c.Of(i); got != want[i] {
				t.Fatalf("number %d is %d, want %d", i, got, want[i])
			}
		}
	}
}

// TestCountdown: numbers from 0 to past all carries end when they should.
func TestCountdown(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	var c Countdown
	var want [64]int32
	set := func(i int) {
		want[i] = int32(rng.IntN(1 << rng.IntN(13)))
		c.Set(i, want[i])
	}
	for i := range want {
		set(i)
	}
	for range 5000 {
		var down, ends uint64
		for i, n := range want {
			if n == 0 {
				set(i)
			} else if rng.IntN(3) > 0 {
				down |= 1 << i
			}
		}
		for i := range want {
			if down>>i&1 == 0 {
				continue
			}
			if want[i]--; want[i] == 0 {
				ends |= 1 << i
			}
		}
		if got := c.Down(down); got != ends {
			t.Fatalf("%b end, want %b", got, ends)
		}
		for i, n := range want {
			if got := c.Left(i); got != n {
				t.Fatalf("number %d is %d, want %d", i, got, n)
			}
		}
	}
}

// TestCompare: which numbers are 0, and which are those of another counter.
func TestCompare(t *testing.T) {
	var c Counter
	for i := range 64 {
		c.Assign(1<<i, uint32(i%(Max+1)))
	}
	for n := range uint32(Max + 1) {
		all := All(uint8(n))
		for i := range 64 {
			if c.Some()>>i&1 != 0 != (i%(Max+1) != 0) || c.Equal(&all)>>i&1 != 0 != (uint32(i%(Max+1)) == n) {
				t.Errorf("number %d is %d, is said to be 0 or %d", i, i%(Max+1), n)
			}
		}
	}
}
