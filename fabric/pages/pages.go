// Package pages allocates memory that the simulator walks through again and again. A busy mesh
// touches a few cache lines of each of thousands of PEs per simulated cycle; with the host's small pages
// most of those miss its translation buffers.
package pages

import "unsafe"

// hugeBytes is the size of the host's huge pages (x86-64, and arm64 with small pages of 4 KB).
const hugeBytes = 2 << 20

// Make is make([]T, n), on huge pages where the host has them and the slice is large enough.
func Make[T any](n int) []T {
	s := make([]T, n)
	bytes := n * int(unsafe.Sizeof(*new(T)))
	if bytes < hugeBytes {
		return s
	}
	all := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), bytes)
	from := -int(uintptr(unsafe.Pointer(unsafe.SliceData(s)))) & (hugeBytes - 1)
	if whole := (bytes - from) &^ (hugeBytes - 1); from < bytes && whole > 0 {
		advise(all[from : from+whole])
	}
	return s
}

// Move is a copy of s in memory of Make's.
func Move[T any](s []T) []T {
	to := Make[T](len(s))
	copy(to, s)
	return to
}
