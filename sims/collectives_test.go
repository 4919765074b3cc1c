package sims

import (
	"context"
	"errors"
	"strings"
	"testing"

	"cs2sim.dev/compiler"
	"github.com/google/go-cmp/cmp"
)

func TestCollectiveTables(t *testing.T) {
	m, err := compiler.Preset("wse2")
	if err != nil {
		t.Fatal(err)
	}
	g := CollectiveGrid{PEs: []int{7, 12}, Elements: []int{1, 10}, MaxHops: 600}
	tables, err := CollectiveTables(context.Background(), m, g, nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, table := range tables {
		names = append(names, table.Name)
		want := 4
		if table.Name == "reduce_star" { // 12 PEs x 10 elements: 660 hops
			want = 3
		}
		if len(table.Rows) != want {
			t.Errorf("%s: %d rows, want %d", table.Name, len(table.Rows), want)
		}
	}
	if got, want := strings.Join(names, " "), "reduce_chain reduce_star reduce_tree reduce_two_phase broadcast allreduce_ring allreduce_reduce_broadcast reduce_2d broadcast_2d"; got != want {
		t.Errorf("tables %s, want %s", got, want)
	}
	if diff := cmp.Diff([]any{"chain", 12.0, 10.0, 10 + 6*11.0 + 61, 10 + 6*11.0 + 61}, tables[0].Rows[3]); diff != "" {
		t.Errorf("chain reduce (-want +got):\n%s", diff)
	}
	if got := string(tables[4].CSV()); !strings.HasPrefix(got, "algorithm,pes,elements,cycles,closed_form\nbroadcast,7,1,73,73\n") {
		t.Errorf("broadcast as CSV:\n%s", got)
	}
	if _, err := CollectiveTables(context.Background(), m, CollectiveGrid{PEs: []int{0}, Elements: []int{1}}, nil); err == nil {
		t.Error("0 PEs accepted")
	}
	stopped, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := CollectiveTables(stopped, m, g, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
}

// TestCollectiveTablesInterrupted: what was finished stays.
func TestCollectiveTablesInterrupted(t *testing.T) {
	m, err := compiler.Preset("wse2")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	tables, err := CollectiveTables(ctx, m, CollectiveGrid{PEs: []int{7}, Elements: []int{10}}, func(done, _ int) {
		if done == 2 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || len(tables) != 2 || len(tables[1].Rows) != 1 {
		t.Errorf("%d tables, error %v, want the two that were finished", len(tables), err)
	}
	small, err := m.With("sram_bytes", 4096)
	if err != nil {
		t.Fatal(err)
	}
	var in *InputError
	if _, err := CollectiveTables(context.Background(), small, DefaultCollectives(), nil); !errors.As(err, &in) || in.File != "machine.sram_bytes" {
		t.Errorf("a PE of 4 KB: %v", err)
	}
}

func TestRectangle(t *testing.T) {
	for p, want := range map[int][2]int{1: {1, 1}, 7: {7, 1}, 12: {4, 3}, 64: {8, 8}, 512: {32, 16}} {
		if w, h := rectangle(p); w != want[0] || h != want[1] {
			t.Errorf("%d PEs: %d x %d, want %v", p, w, h, want)
		}
	}
}
