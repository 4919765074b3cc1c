package kernels

import (
	"context"

	"cs2sim.dev/compiler"
	"cs2sim.dev/runtime"
)

// execute builds a kernel's layout for machine t and runs it.
func execute(ctx context.Context, k interface {
	Layout(t compiler.Target) (*compiler.Layout, error)
}, t compiler.Target) (*runtime.LayoutReport, error) {
	l, err := k.Layout(t)
	if err != nil {
		return nil, err
	}
	return runtime.RunLayout(ctx, l, t, runtime.LayoutOptions{})
}
