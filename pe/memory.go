package pe

import "fmt"

// Alloc is a named part of SRAM. Addresses count 16-bit words.
type Alloc struct {
	Name  string `json:"name"`
	Base  int    `json:"base"` // first word
	Words int    `json:"words"`
	Type  Type   `json:"-"` // of its elements, for reading it back
	Note  string `json:"note,omitempty"`
}

// Bytes is the size of the allocation.
func (a Alloc) Bytes() int { return 2 * a.Words }

// OutOfMemory says how much is missing where.
type OutOfMemory struct {
	Name      string // allocation that did not fit
	NeedBytes int    // of all allocations, alignment included
	HaveBytes int
}

func (e *OutOfMemory) Error() string {
	return fmt.Sprintf("SRAM: %q does not fit: %d bytes needed, %d bytes present, %d bytes missing", e.Name, e.NeedBytes, e.HaveBytes, e.NeedBytes-e.HaveBytes)
}

// Layout places allocations one after the other.
type Layout struct {
	cfg    Config
	Allocs []Alloc
	next   int // words
}

// NewLayout starts an empty SRAM.
func NewLayout(cfg Config) *Layout { return &Layout{cfg: cfg} }

// Add places words behind the last allocation.
func (l *Layout) Add(name string, words int, note string) (Alloc, error) {
	a := Alloc{Name: name, Base: l.next, Words: words, Note: note}
	l.next += words
	if 2*l.next > l.cfg.SRAMBytes {
		return a, &OutOfMemory{Name: name, NeedBytes: 2 * l.next, HaveBytes: l.cfg.SRAMBytes}
	}
	l.Allocs = append(l.Allocs, a)
	return a, nil
}

// ApartFrom moves the next allocation to a bank that a does not touch.
func (l *Layout) ApartFrom(a Alloc) {
	if a.Words == 0 {
		return
	}
	bank := l.cfg.BankWords()
	if last := (a.Base + a.Words - 1) / bank; l.next/bank <= last {
		l.next = (last + 1) * bank
	}
}

// FreeBytes is what is left.
func (l *Layout) FreeBytes() int { return l.cfg.SRAMBytes - 2*l.next }

// BankWords is the size of a bank in 16-bit words.
func (c Config) BankWords() int { return c.SRAMBytes / 2 / c.Banks }

// Bank is the bank of a word address.
func (c Config) Bank(word int) int { return word / c.BankWords() }
