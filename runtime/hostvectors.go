package runtime

import "cs2sim.dev/runtime/vec"

// hostVectors are the fastest vector units here; all give the same bits.
func hostVectors() vec.Impl {
	all := vec.Supported()
	return all[len(all)-1]
}
