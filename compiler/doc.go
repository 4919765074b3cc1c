// Package compiler turns a layer graph and a machine into a Program: a plain struct that both
// engines execute. It is a pure function and has no clock.
//
// The passes, in order, are the table in compile.go: lower, map, place, route, emit, verify.
//
// # The sparse linear kernel
//
// Y = X W^T with X [T tokens][K inputs] resident, features over x and tokens over y. The
// rectangle is cut along x into G token groups of C columns; every group gets the same weights
// by multicast and holds other tokens. For output j each non-zero W[j,k] is one wavelet down
// the column that owns k; it triggers psum_j += w * x_k over the PE's tokens. A command
// wavelet then lets the partial sums run along the row in a ring of the group's columns, to
// the column that owns j. Pending ring instructions wait on a microthread, so a column may
// run ahead of the ring by a fixed number of output rows.
package compiler
