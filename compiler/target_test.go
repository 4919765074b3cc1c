package compiler

import (
	"strings"
	"testing"
)

// TestPresets: every machine builds, and every number has its unit, mark, source and range.
func TestPresets(t *testing.T) {
	for _, name := range PresetNames() {
		m, err := Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, p := range m.Params {
			if p.Unit == "" || p.Source == "" || (p.Mark != Stated && p.Mark != Derived && p.Mark != Assumed && p.Mark != Calibrated) {
				t.Errorf("%s: %s lacks unit, source or mark: %+v", name, p.Key, p)
			}
			if p.Value < p.Min || p.Value > p.Max {
				t.Errorf("%s: %s is %v, outside %v to %v", name, p.Key, p.Value, p.Min, p.Max)
			}
		}
	}
	if _, err := Preset("wse9"); err == nil || !strings.Contains(err.Error(), "known: wse1, wse2, wse3") {
		t.Errorf("unknown preset: %v", err)
	}
}

func TestOverride(t *testing.T) {
	m := target(t)
	n, err := m.With("clock_hz", 0.85e9)
	if err != nil || n.Get("clock_hz") != 0.85e9 || m.Get("clock_hz") != 1.1e9 {
		t.Errorf("override: %v, new %v, old %v", err, n.Get("clock_hz"), m.Get("clock_hz"))
	}
	for _, c := range []struct {
		key   string
		value float64
		want  string
	}{
		{"clock", 1, "unknown machine field \"clock\"; known: width"},
		{"io_bits_per_second", 0, "io_bits_per_second is 0, must be"},
		{"microthreads", 2.5, "whole number"},
		{"microthreads", 32, "1 to 31"},
	} {
		if _, err := m.With(c.key, c.value); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s = %v: error %v, want %q", c.key, c.value, err, c.want)
		}
	}
}

// TestIORate: 12 x 100 GbE at 1.1 GHz are 34 wavelets a cycle.
func TestIORate(t *testing.T) {
	if r := target(t).IORate(); r < 34 || r > 34.1 {
		t.Errorf("%v wavelets per cycle, want 34", r)
	}
}
