// Package sliced counts 64 things at once.
package sliced

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
	for i := range c {
		c[i] = c[i]&^set | set&-uint64(n>>i&1)
	}
}

// Long is a Counter of numbers up to MaxLong.
type Long struct{ low, high Counter }

// MaxLong is the largest number of a Long.
const MaxLong = (Max+1)*(Max+1) - 1

// Up is Counter's.
func (c *Long) Up(set uint64) uint64 {
	if set = c.low.Up(set); set != 0 {
		set = c.high.Up(set)
	}
	return set
}

// Down is Counter's.
func (c *Long) Down(set uint64) uint64 {
	if set = c.low.Down(set); set != 0 {
		set = c.high.Down(set)
	}
	return set
}

// Of is Counter's.
func (c *Long) Of(bit int) uint32 { return c.low.Of(bit) | c.high.Of(bit)*(Max+1) }

// Assign is Counter's.
func (c *Long) Assign(set uint64, n uint32) {
	c.low.Assign(set, n)
	c.high.Assign(set, n/(Max+1))
}
