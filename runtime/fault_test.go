package runtime

import (
	"context"
	"errors"
	"strings"
	"testing"

	"cs2sim.dev/compiler"
	"cs2sim.dev/model"
	"cs2sim.dev/pe"
)

func faultProgram(t *testing.T) (*compiler.Program, *model.Mask) {
	m := machine(t, fields{{"width", 4}, {"height", 2}})
	p := compile(t, model.MatMul("m", 16, 8, 8, model.MaskSpec{Kind: model.MaskUnstructured}, 1, model.Mixed), m, compiler.Options{Groups: 1, RunAhead: 2})
	mask, err := model.NewMask(8, 8, p.Node.Mask)
	if err != nil {
		t.Fatal(err)
	}
	return p, mask
}

func runFault(t *testing.T, p *compiler.Program, mask *model.Mask) *Fault {
	t.Helper()
	e, err := newWaveletEngine(p, mask)
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.run(context.Background(), nil)
	var f *Fault
	if !errors.As(err, &f) {
		t.Fatalf("error %v, want a fault", err)
	}
	return f
}

// TestDeadlockNamesWhoWaits: if no column begins the ring, everybody waits for a partial sum.
func TestDeadlockNamesWhoWaits(t *testing.T) {
	p, mask := faultProgram(t)
	for r := range p.Roles {
		start, add := p.TaskFor(r, compiler.CommandStart), p.TaskFor(r, compiler.CommandAdd)
		start.Code = add.Code
	}
	f := runFault(t, p, mask)
	if f.Kind != "deadlock" || len(f.PEs) != 8 {
		t.Fatalf("%s fault with %d waiting PEs, want a deadlock of 8", f.Kind, len(f.PEs))
	}
	for _, w := range f.PEs {
		if w.State != pe.WaitPsum || w.Since <= 0 || w.Since > f.Cycle {
			t.Errorf("PE %v in %s since %d, want waiting for partial sums since before cycle %d", w.At, w.State.Name(), w.Since, f.Cycle)
		}
	}
	if len(f.Queues) == 0 {
		t.Error("no buffer named, though weights are stuck behind the ring")
	}
	for _, want := range []string{"deadlock at cycle", "PE (0,0) in wait_partial_sums since cycle", "wavelets of color 0 at (0,0)", "and 2 more PEs"} {
		if !strings.Contains(f.Error(), want) {
			t.Errorf("text lacks %q:\n%v", want, f)
		}
	}
}

// TestLeftoversAreAFault: PEs that end with wavelets still on their way did not run the program.
func TestLeftoversAreAFault(t *testing.T) {
	p, mask := faultProgram(t)
	for r := range p.Roles {
		store := p.TaskFor(r, compiler.CommandStore)
		store.Code = []pe.Instr{{Op: pe.Set, D: 3}} // takes no partial sums
	}
	f := runFault(t, p, mask)
	if !strings.Contains(f.Reason, "wavelets are left") && !strings.Contains(f.Reason, "nothing moves") {
		t.Errorf("reason %q", f.Reason)
	}
	if len(f.Queues) == 0 {
		t.Error("no buffer named")
	}
}

// TestWildAddressIsAFault: an operand out of SRAM at run time stops the machine, with its place.
func TestWildAddressIsAFault(t *testing.T) {
	p, mask := faultProgram(t)
	for r := range p.Roles {
		p.Roles[r].Tasks[0].Code[0].A.Scale = 1 << 20
	}
	f := runFault(t, p, mask)
	if f.Kind != "pe" || !strings.Contains(f.Error(), "SRAM in use ends at") || !strings.Contains(f.Error(), "PE (") {
		t.Errorf("fault %v", f)
	}
}

// TestUnroutedIsRefused: a color nobody receives is found before the run.
func TestUnroutedIsRefused(t *testing.T) {
	p, mask := faultProgram(t)
	p.Routes = p.Routes[:len(p.Routes)-1]
	if _, err := newWaveletEngine(p, mask); err == nil || !strings.Contains(err.Error(), "color") {
		t.Errorf("error %v, want one that names the color", err)
	}
}

func TestCancelled(t *testing.T) {
	p, _ := faultProgram(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, f := range []Fidelity{Stream, Wavelet} {
		if _, err := Run(ctx, p, Options{Fidelity: f}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v, want context.Canceled", f, err)
		}
	}
	if _, err := Run(context.Background(), p, Options{Fidelity: "exact"}); err == nil || !strings.Contains(err.Error(), `"exact"; known: stream, wavelet`) {
		t.Errorf("unknown fidelity: %v", err)
	}
}
