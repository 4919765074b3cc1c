package main

import (
	"context"
	"strconv"
	"strings"

	"cs2sim.dev/fabric"
	"cs2sim.dev/runtime"
	"cs2sim.dev/sims"
)

// watching makes the watch that the flag asks for, none if it is "".
func watching(ctx context.Context, flag string) (context.Context, *runtime.Watch, error) {
	if flag == "" {
		return ctx, nil, nil
	}
	var n []int
	for _, part := range strings.Split(flag, ",") {
		if v, err := strconv.Atoi(strings.TrimSpace(part)); err == nil && v >= 0 {
			n = append(n, v)
		}
	}
	if len(n) != 4 || strings.Count(flag, ",") != 3 || n[2] >= fabric.NumColors {
		return ctx, nil, &sims.InputError{File: "--watch", Value: strconv.Quote(flag),
			Want: "must be X,Y,COLOR,INDEX: four whole numbers, the color below " + strconv.Itoa(fabric.NumColors)}
	}
	w := &runtime.Watch{At: fabric.Coord{X: n[0], Y: n[1]}, Color: fabric.Color(n[2]), Index: n[3]}
	return runtime.WithWatch(ctx, w), w, nil
}

// found is an error of the flag if the wavelet never came.
func found(w *runtime.Watch, flag string) error {
	if err := w.Found(); err != nil {
		return &sims.InputError{File: "--watch", Value: strconv.Quote(flag), Want: err.Error()}
	}
	return nil
}
