package pages

import (
	"slices"
	"testing"
)

// TestMake: whatever the host says to huge pages, what comes is as from make.
func TestMake(t *testing.T) {
	for _, n := range []int{0, 1, 1000, hugeBytes / 8, hugeBytes/8 + 1, 3*hugeBytes/8 + 77} {
		s := Make[uint64](n)
		if len(s) != n || slices.ContainsFunc(s, func(v uint64) bool { return v != 0 }) {
			t.Fatalf("Make(%d): %d elements, or not zero", n, len(s))
		}
		for i := range s {
			s[i] = uint64(i)
		}
		if to := Move(s); !slices.Equal(to, s) {
			t.Fatalf("Move of %d elements changes them", n)
		}
	}
}
