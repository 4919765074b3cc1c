package main

import (
	"io"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkStudy is pre-training of GPT-3 XL at three sparsities as the command does it: plans, simulated steps,
// tables, figures and traces.
func BenchmarkStudy(b *testing.B) {
	dir := b.TempDir()
	file := filepath.Join(dir, "study.toml")
	study := "experiment = \"gpt\"\n[gpt]\nmodels = [\"gpt3-xl\"]\nsparsities = [0.0, 0.5, 0.75]\nfinetune = []\n"
	if err := os.WriteFile(file, []byte(study), 0o644); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if code := execute([]string{"run", file, "--out", filepath.Join(dir, "out")}, io.Discard, io.Discard); code != 0 {
			b.Fatalf("exit code %d", code)
		}
	}
}
