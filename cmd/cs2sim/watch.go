package main

import (
	"context"
	"strconv"
	"strings"

	"cs2sim.dev/runtime"
	"cs2sim.dev/sims"
)

// watching makes the watch that the flag asks for, none if it is "".
func watching(ctx context.Context, flag string) (context.Context, *runtime.Watch, error) {
	if flag == "" {
		return ctx, nil, nil
	}
	wrong := func(want string) error {
		return &sims.InputError{File: "--watch", Value: strconv.Quote(flag), Want: want}
	}
	var n []int
	for _, part := range strings.Split(flag, ",") {
		v, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil {
			return ctx, nil, wrong("must be X,Y,COLOR,INDEX, four whole numbers")
		}
		n = append(n, v)
	}
	if len(n) != 4 {
		return ctx, nil, wrong("must be X,Y,COLOR,INDEX, four whole numbers")
	}
	w, err := runtime.NewWatch(n[0], n[1], n[2], n[3])
	if err != nil {
		return ctx, nil, wrong(err.Error())
	}
	return runtime.WithWatch(ctx, w), w, nil
}

// found is an error of the flag if the wavelet never came.
func found(w *runtime.Watch, flag string) error {
	if err := w.Found(); err != nil {
		return &sims.InputError{File: "--watch", Value: strconv.Quote(flag), Want: err.Error()}
	}
	return nil
}

// watchPoint follows one wavelet through the only point of a run.
func (c *console) watchPoint(ctx context.Context, s sims.Source, flag string) error {
	curve, err := s.Base()
	if err != nil {
		return err
	}
	wrong := func(want string) error {
		return &sims.InputError{File: "--watch", Value: strconv.Quote(flag), Want: want}
	}
	if curve.Config.Experiment != sims.ExperimentMatMul {
		return wrong("is for run files of experiment matmul; this one's is " + curve.Config.Experiment)
	}
	if curve.Config.Fidelity != runtime.Wavelet {
		return wrong("the stream engine has no wavelets, must go with --fidelity wavelet")
	}
	if n := len(curve.Config.MatMul.Sparsities); n != 1 {
		return wrong("must go with one sparsity, such as --set matmul.sparsities=0.9; there are " + strconv.Itoa(n))
	}
	ctx, w, err := watching(ctx, flag)
	if err != nil {
		return err
	}
	if err := curve.Run(ctx, curve.Config.MatMul.Sparsities[0]); err != nil {
		return c.died(w, err)
	}
	if err := found(w, flag); err != nil {
		return err
	}
	return c.print(w.Life())
}
