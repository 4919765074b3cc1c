package compiler

import (
	"fmt"

	"cs2sim.dev/model"
)

// Options steer the mapping search.
type Options struct {
	Groups    int       // token groups; 0 searches
	RunAhead  int       // output rows beyond the pending ring; -1 takes the most that fits
	Densities []float64 // the objective is the geometric mean of the estimated cycles at these; empty: the graph's own
}

// Error is a graph that cannot be compiled; Pass says where it was found out.
type Error struct {
	Pass string
	Err  error
}

func (e *Error) Error() string { return "compile: " + e.Pass + ": " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// pass is one step from graph to program.
type pass struct {
	name string
	run  func(*Program, Options) error
	why  string // why it stands here
}

func passes() []pass {
	return []pass{
		{"map", mapTokens, "groups, tokens per PE and run-ahead fix every size below"},
		{"place", place, "homes of features; routes need the ring"},
		{"memory", planMemory, "addresses before code"},
		{"route", route, "colors before code"},
		{"emit", emit, "code needs addresses and colors"},
	}
}

// Compile lowers the linear layer of g onto t. Errors are *Error; one that wraps
// *pe.OutOfMemory says how many bytes are missing where.
func Compile(g *model.Graph, t Target, o Options) (*Program, error) {
	if err := g.Validate(); err != nil {
		return nil, &Error{"graph", err}
	}
	if err := t.Validate(); err != nil {
		return nil, &Error{"machine", err}
	}
	if len(g.Nodes) != 1 {
		return nil, &Error{"lower", fmt.Errorf("graph %s has %d nodes; one linear layer is compiled at a time", g.Name, len(g.Nodes))}
	}
	p := &Program{Node: g.Nodes[0], Tokens: g.Tokens, Target: t}
	p.Output = formatsOf(p.Node.Precision).y
	p.Densities = o.Densities
	if len(p.Densities) == 0 {
		p.Densities = []float64{1 - p.Node.Mask.Sparsity}
	}
	for _, ps := range passes() {
		if err := ps.run(p, o); err != nil {
			return nil, &Error{ps.name, err}
		}
		if err := Verify(p, ps.name); err != nil {
			panic(fmt.Sprintf("compiler: after pass %s: %v", ps.name, err))
		}
	}
	return p, nil
}
