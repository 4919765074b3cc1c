package compiler

import (
	"fmt"
	"iter"

	"cs2sim.dev/fabric"
	"cs2sim.dev/pe"
)

// maxScoreBytes bounds a block of scores in SRAM; more keys per row are taken in several blocks.
const maxScoreBytes = 4096

// KeyBlock is how many keys of a row are scored before their softmax: the most of equal blocks
// whose scores fit.
func (s *Space) KeyBlock() int {
	for n := s.Tokens; n > 1; n-- {
		if s.Tokens%n == 0 && pairs(s.Tokens, n)*pe.F32.Words()*2 <= maxScoreBytes {
			return n
		}
	}
	return 1
}

// pairs is how many scores the first keys of a row have: query slot i meets keys 0 to i.
func pairs(tokens, keys int) int { return keys*tokens - keys*(keys-1)/2 }

// keyShares are the keys of a block by the column of a head that computes their exponentials:
// column c those of [shares[c], shares[c+1]), so that the most scores of a column are the fewest.
func keyShares(tokens, keys, columns int) []int {
	for most := tokens; ; most++ {
		shares := make([]int, 1, columns+1)
		for range columns {
			first := shares[len(shares)-1]
			u := first
			for u < keys && pairs(tokens, u+1)-pairs(tokens, first) <= most {
				u++
			}
			shares = append(shares, u)
		}
		if shares[columns] == keys {
			return shares
		}
	}
}

// head is what the code of attention depends on: the column's place in its head, and the
// shape of a block.
type head struct {
	place, columns int
	features       int // of this column
	tokens, keys   int // queries of a PE, keys of a block
	typ            pe.Type
	scale          float32
	own            [2]int // keys of a block whose exponentials this column computes
}

func newHead(s *Space, features, place int) head {
	keys := s.KeyBlock()
	share := keyShares(s.Tokens, keys, s.HeadColumns)
	return head{
		place: place, columns: s.HeadColumns, features: features,
		tokens: s.Tokens, keys: keys, typ: s.Type(), scale: s.ScoreScale(),
		own: [2]int{share[place], share[place+1]},
	}
}

func (h *head) first() bool { return h.place == 0 }
func (h *head) last() bool  { return h.place == h.columns-1 }
func (h *head) alone() bool { return h.columns == 1 }

// owns reports whether the column has keys of its own.
func (h *head) owns() bool { return h.own[0] < h.own[1] }

// block and ownScores are the most scores of a block, and of the column's own keys in it.
func (h *head) block() int { return pairs(h.tokens, h.keys) }
func (h *head) ownScores() int {
	return pairs(h.tokens, h.own[1]) - pairs(h.tokens, h.own[0])
}
func (h *head) tile() int { return h.features * h.tokens }

// repeated makes an operand of one run of tokens repeat for run after run of the other.
func (h *head) repeated(o pe.Operand) pe.Operand {
	o.Inner = h.tokens
	return o
}

// Microthreads of attention.
const (
	chainThread    = 1 + iota // partial sums and probabilities eastward
	receiveThread             // what the head's last column sends to all
	sendThread                // the row's keys and values
	gradientThread            // gradients of keys and values
)

// chain passes sums on to the head's last column, adding this column's; the last column sends
// the total to all, itself included. Elements follow each other through the columns while
// the task goes on.
func (h *head) chain(t *Task, n int, own pe.Operand) *Instr {
	in, out := pe.In(pe.F32, headColor(h.place-1)), pe.Out(pe.F32, headColor(h.place))
	if h.last() {
		out.Color = headWest
	}
	i := t.FMov(n, out, own)
	if !h.first() {
		i.Op, i.A, i.B = pe.FAdd, in, own
	}
	return i.As(pe.RingAdd, pe.WaitPsum).On(chainThread)
}

// share gives every column all values of the walk's block of which each has its own keys': they go
// eastward in order of the columns, and from the last column to all. It uses the wavelet's registers.
func (h *head) share(t *Task, w *keyWalk, x Array) *Instr {
	in, out := pe.In(x.Type, headColor(h.place-1)), pe.Out(x.Type, headColor(h.place))
	if h.last() {
		out.Color = headWest
	}
	w.scores(t, Value, 0, h.own[0])
	if h.own[0] > 0 {
		t.FMov(0, out, in).Count(Value).As(pe.RingAdd, pe.WaitPsum).On(chainThread)
	}
	if h.owns() {
		w.scores(t, Index, h.own[0], h.own[1])
		t.FMov(0, out, x.By(Value, 1)).Count(Index).As(pe.RingAdd, pe.WaitPsum).On(chainThread)
	}
	w.scores(t, Value, 0, h.keys)
	return h.receive(t, 0, x.All()).Count(Value)
}

// receive takes what the last column sends to all.
func (h *head) receive(t *Task, n int, dst pe.Operand) *Instr {
	return t.FMov(n, dst, pe.In(dst.Type, headWest)).As(pe.RingAdd, pe.WaitPsum).On(receiveThread)
}

// headColor is what the column of a place in its head sends eastward on.
func headColor(place int) fabric.Color {
	if place%2 == 0 {
		return headEast
	}
	return headEast2
}

// routeHead lays the chain and the broadcast of every head of the layout.
func routeHead(b *Builder, s *Space, groups, rows int) {
	n := s.HeadColumns
	if n == 1 {
		return
	}
	b.l.Colors = append(b.l.Colors,
		ColorUse{headEast, "head east, even", "sums and probabilities from the even columns of a head"},
		ColorUse{headEast2, "head east, odd", "the same from the odd columns"},
		ColorUse{headWest, "head west", "from the last column of a head to all of it"})
	ramp, east, west := fabric.Ports(fabric.Ramp), fabric.Ports(fabric.East), fabric.Ports(fabric.West)
	for x := range s.headColumns(groups) {
		column, place := Area{x, 0, x + 1, rows}, x%s.Columns%n
		if place < n-1 {
			b.Route(headColor(place), column, fabric.Static(ramp, east))
		}
		if place > 0 {
			b.Route(headColor(place-1), column, fabric.Static(west, ramp))
		}
		switch place {
		case n - 1:
			b.Route(headWest, column, fabric.Static(ramp, west|ramp))
		case 0:
			b.Route(headWest, column, fabric.Static(east, ramp))
		default:
			b.Route(headWest, column, fabric.Static(east, west|ramp))
		}
	}
}

// headColumns are the columns of the first groups groups that heads have, west to east.
func (s *Space) headColumns(groups int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for g := range groups {
			for c := range s.AllHeads() {
				if !yield(g*s.Columns + c) {
					return
				}
			}
		}
	}
}

// headAreas are those columns in the rows [y0, y1), an area per group.
func (s *Space) headAreas(groups, y0, y1 int) (areas []Area) {
	for g := range groups {
		areas = append(areas, Area{g * s.Columns, y0, g*s.Columns + s.AllHeads(), y1})
	}
	return areas
}

// placeSpare gives the columns without a head nothing to do.
func placeSpare(b *Builder, s *Space, groups, rows int) {
	if s.AllHeads() == s.Columns {
		return
	}
	r := stepRole(b, s, "no head")
	nothing := r.Local("nothing")
	r.Start(nothing)
	nothing.Halt()
	for g := range groups {
		b.Place(r, Area{g*s.Columns + s.AllHeads(), 0, (g + 1) * s.Columns, rows})
	}
}

// wholeSequences refuses a layout that cuts a sequence.
func wholeSequences(k Kernel, s *Space, groups, rows int) error {
	if rows < 1 || rows%s.SeqRows != 0 || groups < 1 {
		return fmt.Errorf("%s: %d groups of %d rows, must be at least 1 of a multiple of the %d rows of a sequence", k.Name(), groups, rows, s.SeqRows)
	}
	return nil
}

// name tells the roles of a layout apart.
func (h *head) name(kernel string) string {
	return fmt.Sprintf("%s, column %d of %d", kernel, h.place, h.columns)
}
