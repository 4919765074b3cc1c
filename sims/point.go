package sims

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
	"cs2sim.dev/runtime"
)

// Input is all that decides a point's result: two points with equal inputs are the same point.
type Input struct {
	Version   string             `json:"version"`
	Seed      int                `json:"seed"`
	Fidelity  runtime.Fidelity   `json:"fidelity"`
	Check     int                `json:"check"`
	Machine   map[string]float64 `json:"machine"`
	Rows      int                `json:"rows"`
	Cols      int                `json:"cols"`
	Tokens    int                `json:"tokens"`
	Precision model.Precision    `json:"precision"`
	Sparsity  float64            `json:"sparsity"`
	Mask      model.MaskKind     `json:"mask"`
	NMGroup   int                `json:"nm_group,omitempty"`
	Groups    int                `json:"groups"`    // -1: searched
	RunAhead  int                `json:"run_ahead"` // -1: searched
	Searched  []float64          `json:"searched_for_sparsities,omitempty"`
}

// Point is one finished simulation: enough to rebuild every table and figure it appears in.
type Point struct {
	Input   Input            `json:"input"`
	Mapping compiler.Mapping `json:"mapping"`
	Report  runtime.Report   `json:"report"`
	Columns []pe.StateCycles `json:"columns"`          // Report.Column: one used PE of every column, west to east
	Memory  []pe.Alloc       `json:"memory"`           // of every PE
	Routed  []int64          `json:"routed,omitempty"` // Report.Wavelets
	Links   *Links           `json:"links,omitempty"`  // Report.Links
	Windows Windows          `json:"windows,omitempty"`
}

// input of one sparsity of c.
func (c *Config) input(sparsity float64) Input {
	in := Input{
		Version: Version, Seed: c.Seed, Fidelity: c.Fidelity, Check: c.Check,
		Machine: map[string]float64{},
		Rows:    c.MatMul.Rows, Cols: c.MatMul.Cols, Tokens: c.MatMul.Tokens,
		Precision: c.MatMul.Precision, Sparsity: sparsity, Mask: c.MatMul.Mask,
		Groups: c.Mapping.Groups, RunAhead: c.Mapping.RunAhead,
	}
	for _, p := range c.Machine.Params {
		in.Machine[p.Key] = p.Value
	}
	if c.MatMul.Mask == model.MaskNM {
		in.NMGroup = c.MatMul.NMGroup
	}
	if c.searches() && !c.Mapping.PerSparsity {
		in.Searched = c.MatMul.Sparsities
	}
	return in
}

// Key names the point: a hash of its input. JSON writes maps in the order of their keys.
func (in Input) Key() string {
	data, err := json.Marshal(in)
	if err != nil {
		panic(err) // plain data; Load admits neither NaN nor infinities
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// FileName is the point's file in the folder points.
func (in Input) FileName() string { return fmt.Sprintf("s%.4f-%s.json", in.Sparsity, in.Key()) }

// searches tells whether the compiler has to choose anything.
func (c *Config) searches() bool {
	return c.Mapping.Groups == autoValue || c.Mapping.RunAhead == autoValue
}

// graph is the layer at one sparsity.
func (c *Config) graph(sparsity float64) (*model.Graph, error) {
	mask, err := c.maskSpec(sparsity)
	if err != nil {
		return nil, err
	}
	m := c.MatMul
	return model.MatMul("matmul", m.Tokens, m.Cols, m.Rows, mask, c.valueSeed(), m.Precision), nil
}

// searchedFor lists the sparsities whose cycles the search for a mapping weighs.
func (c *Config) searchedFor(sparsity float64) []float64 {
	if c.Mapping.PerSparsity {
		return []float64{sparsity}
	}
	return c.MatMul.Sparsities
}

// inputs are the points of a curve: the dense base of the speedup, then one per sparsity.
func (c *Curve) inputs() []Input {
	var all []Input
	for _, s := range append([]float64{0}, c.Config.MatMul.Sparsities...) {
		all = append(all, c.Config.input(s))
	}
	return all
}

// Wanted returns those points of have that the curves need.
func Wanted(curves []Curve, have map[string]Point) map[string]Point {
	wanted := map[string]Point{}
	for _, c := range curves {
		for _, in := range c.inputs() {
			if p, ok := have[in.Key()]; ok {
				wanted[in.Key()] = p
			}
		}
	}
	return wanted
}
