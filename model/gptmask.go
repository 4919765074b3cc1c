package model

import "fmt"

// Pattern lists the non-zero positions of a Rows x Cols matrix: those of row j are
// Col[Start[j]:Start[j+1]], ascending. It is a Mask written out, 4 bytes per
// non-zero, for the models whose values are computed.
type Pattern struct {
	Rows, Cols int
	Start      []int // [Rows+1]
	Col        []int32
}

// Pattern writes m out.
func (m *Mask) Pattern() *Pattern {
	p := &Pattern{Rows: m.Rows(), Cols: m.Cols(), Start: make([]int, m.Rows()+1), Col: make([]int32, 0, m.NonZeros())}
	var row []uint64
	for j := range m.Rows() {
		row = m.Row(j, row)
		for k := range m.Cols() {
			if row[k>>6]>>(k&63)&1 != 0 {
				p.Col = append(p.Col, int32(k))
			}
		}
		p.Start[j+1] = len(p.Col)
	}
	return p
}

// PatternOf lists the positions of the rows x cols matrix w that are not 0: the mask
// of weights that were sparse when they were stored.
func PatternOf(w []float32, rows, cols int) *Pattern {
	p := &Pattern{Rows: rows, Cols: cols, Start: make([]int, rows+1)}
	for j := range rows {
		for k, v := range w[j*cols : (j+1)*cols] {
			if v != 0 {
				p.Col = append(p.Col, int32(k))
			}
		}
		p.Start[j+1] = len(p.Col)
	}
	return p
}

// Mask is p as a Mask, whose rows are read from it.
func (p *Pattern) Mask() *Mask {
	m := &Mask{cols: p.Cols, nonZeros: int64(len(p.Col)), inRow: make([]int32, p.Rows), given: p}
	for j := range m.inRow {
		m.inRow[j] = int32(p.Start[j+1] - p.Start[j])
	}
	return m
}

// NonZeros is the number of positions.
func (p *Pattern) NonZeros() int { return len(p.Col) }

// Row is the non-zero columns of row j.
func (p *Pattern) Row(j int) []int32 { return p.Col[p.Start[j]:p.Start[j+1]] }

// check reports the first way in which p is not a pattern.
func (p *Pattern) check() error {
	if len(p.Start) != p.Rows+1 || p.Start[0] != 0 || p.Start[p.Rows] != len(p.Col) {
		return fmt.Errorf("pattern bounds do not span its %d rows and %d non-zeros", p.Rows, len(p.Col))
	}
	for j := range p.Rows {
		if p.Start[j] > p.Start[j+1] {
			return fmt.Errorf("pattern row %d ends at %d before its start %d", j, p.Start[j+1], p.Start[j])
		}
	}
	for j := range p.Rows {
		last := int32(-1)
		for _, k := range p.Row(j) {
			if k <= last || int(k) >= p.Cols {
				return fmt.Errorf("pattern row %d has column %d after %d, must ascend below %d", j, k, last, p.Cols)
			}
			last = k
		}
	}
	return nil
}

// zeroOutside sets w to 0 where p has no position.
func (p *Pattern) zeroOutside(w []float32) {
	for j := range p.Rows {
		row, k := w[j*p.Cols:(j+1)*p.Cols], 0
		for _, c := range p.Row(j) {
			clear(row[k:c])
			k = int(c) + 1
		}
		clear(row[k:])
	}
}

// Masks are the patterns of a GPT's tensors.
type Masks struct {
	Patterns []*Pattern // [Layout.Tensors], nil where dense
}

// dense tells whether s keeps every weight.
func (s MaskSpec) dense() bool {
	return s.Kind == "" || s.Sparsity == 0 && (s.Kind != MaskNM || s.N == s.M)
}

// TensorMask is the mask of the tensor of a name under spec: spec with a seed of the
// tensor's own, so that no two matrices share positions.
func TensorMask(spec MaskSpec, name string) MaskSpec {
	spec.Seed = tensorSeed(spec.Seed^domainTensorMask, name)
	return spec
}

// DrawMasks draws the masks of the six matrices of every block. The result is nil,
// dense, if spec keeps every weight.
func (l *Layout) DrawMasks(spec MaskSpec) (*Masks, error) {
	if spec.dense() {
		return nil, nil
	}
	m := &Masks{Patterns: make([]*Pattern, len(l.Tensors))}
	for i, t := range l.Tensors {
		if t.Kind != KindLinear {
			continue
		}
		mask, err := NewMask(t.Rows, t.Cols, TensorMask(spec, t.Name))
		if err != nil {
			return nil, fmt.Errorf("model %s: %s: %w", l.Config.Name, t.Name, err)
		}
		m.Patterns[i] = mask.Pattern()
	}
	return m, nil
}

// pattern is the pattern of tensor i, nil if dense.
func (m *Masks) pattern(i int) *Pattern {
	if m == nil {
		return nil
	}
	return m.Patterns[i]
}

// fit reports the first mask that cannot be that of l's tensors.
func (m *Masks) fit(l *Layout) error {
	if m == nil {
		return nil
	}
	if len(m.Patterns) != len(l.Tensors) {
		return fmt.Errorf("model %s: masks of %d tensors, must be %d", l.Config.Name, len(m.Patterns), len(l.Tensors))
	}
	for i, p := range m.Patterns {
		t := l.Tensors[i]
		if p == nil {
			continue
		}
		if t.Kind != KindLinear {
			return fmt.Errorf("model %s: %s is masked, only linear matrices may be", l.Config.Name, t.Name)
		}
		if p.Rows != t.Rows || p.Cols != t.Cols {
			return fmt.Errorf("model %s: mask of %s is %d x %d, must be %d x %d",
				l.Config.Name, t.Name, p.Rows, p.Cols, t.Rows, t.Cols)
		}
		if err := p.check(); err != nil {
			return fmt.Errorf("model %s: mask of %s: %w", l.Config.Name, t.Name, err)
		}
	}
	return nil
}

// Sparsity counts the zeros that masks make.
type Sparsity struct {
	Zeros      int64
	Linear     int64 // weights of the six matrices of all blocks
	Parameters int64 // all parameters
}

// OfLinear is the fraction of zeros in the masked matrices, SPDF's s.
func (s Sparsity) OfLinear() float64 { return float64(s.Zeros) / float64(s.Linear) }

// Overall is the fraction of zeros in all parameters, embeddings included.
func (s Sparsity) Overall() float64 { return float64(s.Zeros) / float64(s.Parameters) }

// Sparsity returns the zeros spec makes in a model of shape c, without drawing them.
func (c Config) Sparsity(spec MaskSpec) (Sparsity, error) {
	l, err := NewLayout(c)
	if err != nil {
		return Sparsity{}, err
	}
	s := Sparsity{Linear: c.LinearParameters(), Parameters: c.Parameters()}
	if spec.dense() {
		return s, nil
	}
	for _, t := range l.Tensors {
		if t.Kind != KindLinear {
			continue
		}
		if err := spec.Validate(t.Rows, t.Cols); err != nil {
			return Sparsity{}, fmt.Errorf("model %s: %s: %w", c.Name, t.Name, err)
		}
		s.Zeros += int64(t.Rows)*int64(t.Cols) - spec.total(t.Rows, t.Cols)
	}
	return s, nil
}

// Sparsity counts the zeros of p's masks.
func (p *Params) Sparsity() Sparsity {
	c := p.Layout.Config
	s := Sparsity{Linear: c.LinearParameters(), Parameters: c.Parameters()}
	for i, t := range p.Layout.Tensors {
		if pattern := p.Masks.pattern(i); pattern != nil {
			s.Zeros += int64(t.Len() - pattern.NonZeros())
		}
	}
	return s
}
