package runtime

import (
	"slices"
	"sync"

	"cs2sim.dev/model"
)

// maskBits keeps the positions of the masks lately streamed, written out: a forward pass, its
// delta and its gradient ask for the same mask, the latter two by columns. The zero value is ready.
type maskBits struct {
	mu     sync.Mutex
	recent []*drawnMask // last used last
}

// recentMasks bounds the memory: a mask of GPT-3 175B has 75 MB, and as much turned.
const recentMasks = 4

// drawnMask is one mask as bitsets.
type drawnMask struct {
	mask         *model.Mask
	draw, turn   sync.Once
	rows, turned []uint64
}

// of returns mask as a bitset [rows][stride], or turned, [cols][stride].
func (m *maskBits) of(mask *model.Mask, turned bool) (bits []uint64, stride int) {
	m.mu.Lock()
	i := slices.IndexFunc(m.recent, func(d *drawnMask) bool { return d.mask == mask })
	var d *drawnMask
	if i >= 0 {
		d = m.recent[i]
		m.recent = slices.Delete(m.recent, i, i+1)
	} else {
		d = &drawnMask{mask: mask}
		if len(m.recent) == recentMasks {
			m.recent = slices.Delete(m.recent, 0, 1)
		}
	}
	m.recent = append(m.recent, d)
	m.mu.Unlock()

	rows, cols := mask.Rows(), mask.Cols()
	across, down := (cols+63)/64, (rows+63)/64
	d.draw.Do(func() {
		d.rows = make([]uint64, rows*across)
		for j := range rows {
			mask.Row(j, d.rows[j*across:][:across:across])
		}
	})
	if !turned {
		return d.rows, across
	}
	d.turn.Do(func() { d.turned = turnBits(d.rows, rows, cols) })
	return d.turned, down
}

// turnBits transposes a bitset of rows x cols bits, each row from a new word, in blocks of a word's
// bits squared.
func turnBits(bits []uint64, rows, cols int) []uint64 {
	across, down := (cols+63)/64, (rows+63)/64
	out := make([]uint64, cols*down)
	var block [64]uint64
	for by := range down {
		for bx := range across {
			for i := range block {
				block[i] = 0
				if y := by*64 + i; y < rows {
					block[i] = bits[y*across+bx]
				}
			}
			turnBlock(&block)
			for i := range min(64, cols-bx*64) {
				out[(bx*64+i)*down+by] = block[i]
			}
		}
	}
	return out
}

// turnBlock transposes 64 x 64 bits by swapping ever smaller squares off the diagonal (Warren, Hacker's
// Delight, 7-3).
func turnBlock(b *[64]uint64) {
	mask := uint64(0x00000000ffffffff)
	for n := 32; n > 0; n >>= 1 {
		for i := 0; i < 64; i = (i + n + 1) &^ n {
			t := (b[i]>>n ^ b[i+n]) & mask
			b[i] ^= t << n
			b[i+n] ^= t
		}
		mask ^= mask << (n >> 1)
	}
}
