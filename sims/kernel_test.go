package sims

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
)

// FuzzKernelArgs: any text for any parameter is a value that prints back, or a wrong input that names the flag.
func FuzzKernelArgs(f *testing.F) {
	for _, s := range []string{"0", "1", "751", "+7", "007", "-3", "chain", "two-phase", "true", "1e3", "", "99999999999999999999", "０"} {
		f.Add(s, uint8(0), uint8(1))
	}
	m := Defaults().Machine
	f.Fuzz(func(t *testing.T, text string, kernel, param uint8) {
		all := Kernels()
		k := all[int(kernel)%len(all)]
		p := k.Params[int(param)%len(k.Params)]
		a, err := k.Args(map[string]string{p.Name: text}, m)
		if err != nil {
			if !errors.As(err, new(*InputError)) || !strings.Contains(err.Error(), "--") {
				t.Fatalf("%s --%s %q: %v", k.Name, p.Name, text, err)
			}
			return
		}
		if n, err := strconv.Atoi(text); err == nil {
			text = strconv.Itoa(n)
		}
		if a.Word(p.Name) != text || !strings.HasPrefix(a.String(), k.Name) {
			t.Fatalf("%s --%s %q reads as %q: %v", k.Name, p.Name, text, a.Word(p.Name), a)
		}
	})
}

// TestMachine: preset, then fields; errors name the flag.
func TestMachine(t *testing.T) {
	m, err := Machine("wse3", []string{"machine.hop_cycles=1", "machine.hop_cycles=3"})
	if err != nil || m.Name != "wse3" || m.Get("hop_cycles") != 3 || len(overridden(m)) != 1 {
		t.Errorf("%+v, %v", m, err)
	}
	for want, c := range map[string]struct{ preset, set string }{
		"--preset: machine.preset":                                   {"wse9", "machine.hop_cycles=1"},
		"--set: machine.hop_cycles: value 0: is out of range":        {"", "machine.hop_cycles=0"},
		`--set: value "matmul.rows=5": must be machine.KEY=VALUE`:    {"", "matmul.rows=5"},
		`--set: value "machine.hop_cycles": must be machine.KEY=VAL`: {"", "machine.hop_cycles"},
	} {
		if _, err := Machine(c.preset, []string{c.set}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// TestRefusalInterrupted: the search for what would fit ends with its context.
func TestRefusalInterrupted(t *testing.T) {
	k, _ := FindKernel("stencil")
	m, err := Machine("", nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := k.Args(map[string]string{"nz": "100000"}, m)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := RunKernel(ctx, a, m, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
}

// TestKernelProgress: an estimate never reaches its end before the run does.
func TestKernelProgress(t *testing.T) {
	k, _ := FindKernel("gemm")
	m, err := Machine("", nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := k.Args(map[string]string{"n": "60", "mesh": "6"}, m)
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	if _, err := RunKernel(context.Background(), a, m, func(done, total int64) {
		calls++
		if done < 0 || done >= total {
			t.Errorf("%d of %d done", done, total)
		}
	}); err != nil || calls < 2 {
		t.Errorf("%d calls, error %v", calls, err)
	}
}
