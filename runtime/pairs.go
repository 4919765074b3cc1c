package runtime

import (
	"fmt"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// packed is a block of a tile's values as it travels: fp16 two in a wavelet, the first in the low half.
func packed(t *compiler.Tile, block []float32) (list []fabric.Wavelet) {
	for i := 0; i < len(block); i++ {
		w := fabric.Wavelet{Data: pe.Bits(t.Type, block[i])}
		if t.Type == pe.F16 && i+1 < len(block) {
			i++
			w.Data |= pe.Bits(t.Type, block[i]) << 16
		}
		list = append(list, w)
	}
	return list
}

// eachUnpacked visits the values of tile t that came from a column, c of its group: a block of each row,
// its end behind it.
func eachUnpacked(s *compiler.Space, t *compiler.Tile, c int, from EdgeData, visit func(y, feature, token int, v float32)) error {
	n := t.Wavelets(c, s.Tokens) + 1
	if len(from.Arrivals) != s.Rows()*n {
		return fmt.Errorf("runtime: %s: %d wavelets, must be %d blocks of %d", from.Name, len(from.Arrivals), s.Rows(), n)
	}
	for y := range s.Rows() {
		block := from.Arrivals[y*n:]
		for at := range t.Features(c) * s.Tokens {
			var bits uint32
			if t.Type == pe.F16 {
				bits = block[at/2].Wavelet.Data >> (at % 2 * 16) & 0xffff
			} else {
				bits = block[at].Wavelet.Data
			}
			visit(y, t.First(c)+at/s.Tokens, at%s.Tokens, pe.Value(t.Type, bits))
		}
	}
	return nil
}
