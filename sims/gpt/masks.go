package gpt

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"cs2sim.dev/model"
	"cs2sim.dev/sims"
)

// Masks says where the zeros of a model are. Plain data: what it draws depends on nothing else.
type Masks struct {
	Sparsity     float64        `json:"sparsity"` // of the six matrices of all blocks together
	Kind         model.MaskKind `json:"kind,omitempty"`
	NMGroup      int            `json:"nm_group,omitempty"`
	BlockRows    int            `json:"block_rows,omitempty"`
	BlockCols    int            `json:"block_cols,omitempty"`
	Distribution string         `json:"distribution,omitempty"`
	Matrices     []float64      `json:"matrix_densities,omitempty"` // relative
	Layers       []float64      `json:"layer_densities,omitempty"`  // relative
	Seed         uint64         `json:"seed,omitempty"`
	File         string         `json:"file,omitempty"` // hash of the file whose zeros they are; all else but Sparsity is empty

	given []*model.Mask // of every tensor, from that file
}

// masksOf are those of a run at a sparsity; a dense model has none, whatever the run says.
func masksOf(c *sims.Config, sparsity float64) Masks {
	if sparsity == 0 {
		return Masks{}
	}
	g := c.GPT
	m := Masks{
		Sparsity: sparsity, Kind: g.Mask, Distribution: g.Distribution,
		Matrices: g.MatrixDensities, Layers: g.LayerDensities, Seed: c.MaskSeed(),
	}
	switch g.Mask {
	case model.MaskNM:
		m.NMGroup = g.NMGroup
	case model.MaskBlock:
		m.BlockRows, m.BlockCols = g.BlockRows, g.BlockCols
	}
	return m
}

// Specs is the mask of every tensor of l; those without a kind are dense.
func (m Masks) Specs(l *model.Layout) ([]model.MaskSpec, error) {
	specs := make([]model.MaskSpec, len(l.Tensors))
	if m.Sparsity == 0 {
		return specs, nil
	}
	density, err := m.densities(l)
	if err != nil {
		return nil, err
	}
	for i, t := range l.Tensors {
		if t.Kind != model.KindLinear || density[i] == 1 {
			continue
		}
		s := model.MaskSpec{Kind: m.Kind, Sparsity: 1 - density[i], BlockRows: m.BlockRows, BlockCols: m.BlockCols, Seed: m.Seed}
		if m.Kind == model.MaskNM {
			s.N, s.M, s.Sparsity = int(math.Round(density[i]*float64(m.NMGroup))), m.NMGroup, 0
		}
		if err := s.Validate(t.Rows, t.Cols); err != nil {
			return nil, fmt.Errorf("%s: %w", t.Name, err)
		}
		specs[i] = model.TensorMask(s, t.Name)
	}
	return specs, nil
}

// draw is the mask of every tensor, nil where dense.
func (m Masks) draw(l *model.Layout) ([]*model.Mask, error) {
	if m.given != nil {
		return m.given, nil
	}
	specs, err := m.Specs(l)
	if err != nil {
		return nil, err
	}
	masks := make([]*model.Mask, len(l.Tensors))
	for i, t := range l.Tensors {
		if specs[i].Kind == "" {
			continue
		}
		if masks[i], err = model.NewMask(t.Rows, t.Cols, specs[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	return masks, nil
}

// densities of all tensors: proportional to their relative densities but at most 1, so that the
// sparsity of all masked matrices together is the one asked for.
func (m Masks) densities(l *model.Layout) ([]float64, error) {
	type matrix struct {
		tensor   int
		relative float64
		size     float64
	}
	density := make([]float64, len(l.Tensors))
	var all []matrix
	left := 0.0
	for i, t := range l.Tensors {
		density[i] = 1
		if t.Kind != model.KindLinear {
			continue
		}
		r, err := m.relative(t)
		if err != nil {
			return nil, err
		}
		all = append(all, matrix{i, r, float64(t.Len())})
		left += float64(t.Len()) * (1 - m.Sparsity)
	}
	if m.uniform() {
		for _, x := range all {
			density[x.tensor] = 1 - m.Sparsity
		}
		return density, nil
	}
	// Those that would be more than dense are dense, densest first; the rest share what is left.
	slices.SortStableFunc(all, func(a, b matrix) int { return cmp.Compare(b.relative, a.relative) })
	for len(all) > 0 {
		weight := 0.0
		for _, x := range all {
			weight += x.relative * x.size
		}
		if all[0].relative*left < weight {
			for _, x := range all {
				density[x.tensor] = x.relative * left / weight
			}
			break
		}
		left -= all[0].size
		all = all[1:]
	}
	return density, nil
}

func (m Masks) uniform() bool {
	return m.Distribution != sims.DistributionErdosRenyi && len(m.Matrices) == 0 && len(m.Layers) == 0
}

// matrices of a block in the order of Masks.Matrices.
func matrices() []string {
	return []string{"attn.q", "attn.k", "attn.v", "attn.proj", "mlp.fc", "mlp.proj"}
}

// relative is the density of a matrix beside others.
func (m Masks) relative(t model.Tensor) (float64, error) {
	layer, name, err := blockOf(t.Name)
	if err != nil {
		return 0, err
	}
	r := 1.0
	if m.Distribution == sims.DistributionErdosRenyi {
		r = float64(t.Rows+t.Cols) / float64(t.Rows) / float64(t.Cols) // Mocanu et al. 2018
	}
	if len(m.Matrices) > 0 {
		r *= m.Matrices[slices.Index(matrices(), name)]
	}
	if len(m.Layers) > 0 {
		r *= m.Layers[layer]
	}
	return r, nil
}

// blockOf splits h.3.mlp.fc.w into 3 and mlp.fc.
func blockOf(name string) (layer int, matrix string, err error) {
	rest, ok := strings.CutPrefix(name, "h.")
	number, rest, dotted := strings.Cut(rest, ".")
	if _, err := fmt.Sscan(number, &layer); err != nil || !ok || !dotted {
		return 0, "", fmt.Errorf("%s is no matrix of a block", name)
	}
	matrix = strings.TrimSuffix(rest, ".w")
	if !slices.Contains(matrices(), matrix) {
		return 0, "", fmt.Errorf("%s is no matrix of a block, those are %s", name, strings.Join(matrices(), ", "))
	}
	return layer, matrix, nil
}

// String names the masks in tables.
func (m Masks) String() string {
	if m.Sparsity == 0 {
		return "dense"
	}
	text := fmt.Sprintf("%.4g %%", 100*m.Sparsity)
	if m.File != "" {
		return text + " of a file"
	}
	switch m.Kind {
	case model.MaskNM:
		text += fmt.Sprintf(" %d:%d", int(math.Round((1-m.Sparsity)*float64(m.NMGroup))), m.NMGroup)
	case model.MaskBlock:
		text += fmt.Sprintf(" blocks %d x %d", m.BlockRows, m.BlockCols)
	case model.MaskRowBalanced:
		text += " row-balanced"
	}
	if m.Distribution == sims.DistributionErdosRenyi {
		text += ", Erdos-Renyi"
	}
	if len(m.Matrices) > 0 {
		text += ", by matrix"
	}
	if len(m.Layers) > 0 {
		text += ", by block"
	}
	return text
}
