// Package sliced counts 64 things at once.
package sliced

import "math/bits"

// Counter holds 64 numbers from 0 to Max, in word i bit i of each: a step of any set of them takes a few
// word operations, without a branch.
type Counter [4]uint64

// Max is the largest number.
const Max = 15

// All is a counter whose numbers are n.
func All(n uint8) (c Counter) {
	c.Assign(^uint64(0), uint32(n))
	return c
}

// Up adds one to the numbers of a set, and returns those that were Max; they are 0 then.
func (c *Counter) Up(set uint64) uint64 {
	set, c[0] = set&c[0], set^c[0]
	set, c[1] = set&c[1], set^c[1]
	set, c[2] = set&c[2], set^c[2]
	set, c[3] = set&c[3], set^c[3]
	return set
}

// Down takes one from the numbers of a set, and returns those that were 0; they are Max then.
func (c *Counter) Down(set uint64) uint64 {
	set, c[0] = set&^c[0], set^c[0]
	set, c[1] = set&^c[1], set^c[1]
	set, c[2] = set&^c[2], set^c[2]
	set, c[3] = set&^c[3], set^c[3]
	return set
}

// Some is which numbers are not 0.
func (c *Counter) Some() uint64 { return c[0] | c[1] | c[2] | c[3] }

// Equal is which numbers are those of another counter.
func (c *Counter) Equal(to *Counter) uint64 {
	return ^((c[0] ^ to[0]) | (c[1] ^ to[1]) | (c[2] ^ to[2]) | (c[3] ^ to[3]))
}

// Of is one number.
func (c *Counter) Of(bit int) uint32 {
	bit &= 63
	return uint32(c[0]>>bit&1 | c[1]>>bit&1<<1 | c[2]>>bit&1<<2 | c[3]>>bit&1<<3)
}

// Assign makes the numbers of a set n.
func (c *Counter) Assign(set uint64, n uint32) {
	c[0] = c[0]&^set | set&-uint64(n&1)
	c[1] = c[1]&^set | set&-uint64(n>>1&1)
	c[2] = c[2]&^set | set&-uint64(n>>2&1)
	c[3] = c[3]&^set | set&-uint64(n>>3&1)
}

// long is a Counter of numbers up to mostLong.
type long struct{ low, high Counter }

const (
	longBits = 8
	mostLong = 1<<longBits - 1
)

func (c *long) up(set uint64) uint64 {
	if set = c.low.Up(set); set != 0 {
		set = c.high.Up(set)
	}
	return set
}

func (c *long) down(set uint64) uint64 {
	if set = c.low.Down(set); set != 0 {
		set = c.high.Down(set)
	}
	return set
}

func (c *long) of(bit int) uint32 { return c.low.Of(bit) | c.high.Of(bit)*(Max+1) }

// Total holds 64 numbers that only go up, modulo 2^32.
type Total struct {
	low  long
	high [64]uint32
}

// Up adds one to the numbers of a set.
func (c *Total) Up(set uint64) {
	for set = c.low.up(set); set != 0; set &= set - 1 {
		c.high[bits.TrailingZeros64(set)]++
	}
}

// Of is one number.
func (c *Total) Of(bit int) uint32 { return c.low.of(bit) | c.high[bit&63]<<longBits }

// Countdown holds 64 numbers that go down to 0.
type Countdown struct {
	less   long      // than each number by one,
	rounds [64]int32 // but for so many times mostLong + 1
}

// Set makes one number n.
func (c *Countdown) Set(bit int, n int32) {
	c.less.low.Assign(1<<bit, uint32(n-1))
	c.less.high.Assign(1<<bit, uint32(n-1)/(Max+1))
	c.rounds[bit&63] = (n - 1) >> longBits
}

// Down takes one from the numbers of a set, and returns those that are 0 now.
func (c *Countdown) Down(set uint64) (ended uint64) {
	for set = c.less.down(set); set != 0; set &= set - 1 {
		n := &c.rounds[bits.TrailingZeros64(set)]
		if *n--; *n < 0 {
			ended |= set & -set
		}
	}
	return ended
}

// Left is one number.
func (c *Countdown) Left(bit int) int32 {
	return c.rounds[bit&63]<<longBits + int32(c.less.of(bit)) + 1
}
