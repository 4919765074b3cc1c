package kernels

import (
	"context"

	"cs2sim.dev/compiler"
	"cs2sim.dev/fabric"
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
	return run(ctx, l, t)
}

func run(ctx context.Context, l *compiler.Layout, t compiler.Target) (*runtime.LayoutReport, error) {
	tick, _ := ctx.Value(progressKey{}).(func(fabric.Cycle))
	return runtime.RunLayout(ctx, l, t, runtime.LayoutOptions{Progress: tick})
}

type progressKey struct{}

// WithProgress lets tick know the simulated cycle now and then while a kernel runs under the returned context.
func WithProgress(ctx context.Context, tick func(fabric.Cycle)) context.Context {
	return context.WithValue(ctx, progressKey{}, tick)
}
