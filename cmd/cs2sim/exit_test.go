package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"cs2sim.dev/runtime"
	"cs2sim.dev/sims"
)

func TestExitCodes(t *testing.T) {
	at := func(err error) error { return &sims.PointError{Curve: "base", Sparsity: 0.5, Err: err} }
	for _, c := range []struct {
		name string
		err  error
		code int
		text string
	}{
		{"done", nil, 0, ""},
		{"wrong command line", errors.New("unknown flag: --x"), 2, "cs2sim: unknown flag: --x; see cs2sim --help\n"},
		{"wrong input", &failure{&sims.InputError{File: "a.toml", Line: 3, Key: "seed", Value: "-1", Want: "w"}}, 2, "a.toml:3: seed: value -1: w\n"},
		{"layer does not fit", &failure{at(&sims.InputError{File: "a.toml", Want: "w"})}, 2, "a.toml: w (sparsity 0.5)\n"},
		{"failing machine", &failure{at(&runtime.Fault{Kind: "deadlock", Cycle: 7, Reason: "why"})}, 1, "deadlock at cycle 7: why (sparsity 0.5)\n"},
		{"failing disk", &failure{errors.New("writing x: no space left on device")}, 1, "writing x: no space left on device\n"},
		{"interrupted", &failure{&interrupted{"interrupted: told"}}, 130, "interrupted: told\n"},
		{"interrupted early", &failure{fmt.Errorf("x: %w", context.Canceled)}, 130, "x: context canceled\n"},
		{"our bug", &failure{&sims.InternalError{Value: "bug", Stack: []byte("stack")}}, 3, "cs2sim: internal error, please report: bug\ncs2sim: CS2SIM_DEBUG=1 prints where it happened\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("CS2SIM_DEBUG", "")
			var out bytes.Buffer
			if code := report(&out, c.err); code != c.code || out.String() != c.text {
				t.Errorf("code %d, text %q; want %d, %q", code, out.String(), c.code, c.text)
			}
		})
	}
}

func TestDebugPrintsTheStack(t *testing.T) {
	t.Setenv("CS2SIM_DEBUG", "1")
	var out bytes.Buffer
	if code := report(&out, panicked("bug")); code != 3 || !strings.Contains(out.String(), "exit_test.go") {
		t.Errorf("code %d, text %q", code, out.String())
	}
}
