package sliced

import (
	"math/rand/v2"
	"testing"
)

type counter interface {
	Up(set uint64) uint64
	Down(set uint64) uint64
	Of(bit int) uint32
	Assign(set uint64, n uint32)
}

// TestCounters: 64 numbers do what 64 numbers do.
func TestCounters(t *testing.T) {
	t.Run("Counter", func(t *testing.T) { test(t, &Counter{}, Max) })
	t.Run("Long", func(t *testing.T) { test(t, &Long{}, MaxLong) })
}

func test(t *testing.T, c counter, most uint32) {
	rng := rand.New(rand.NewPCG(3, 1))
	var want [64]uint32
	for range 20000 {
		set, n := rng.Uint64()&rng.Uint64(), uint32(rng.IntN(int(most)+1))
		var step uint32
		var wrapped, wraps uint64
		switch rng.IntN(12) {
		case 0:
			c.Assign(set, n)
		case 1, 2, 3, 4, 5:
			step, wrapped = 1, c.Up(set)
		default:
			step, wrapped = most, c.Down(set)
		}
		for i := range want {
			switch {
			case set>>i&1 == 0:
				continue
			case step == 0:
				want[i] = n
				continue
			case step == 1 && want[i] == most, step == most && want[i] == 0:
				wraps |= 1 << i
			}
			want[i] = (want[i] + step) & most
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
