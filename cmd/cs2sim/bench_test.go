//go:build unix

package main

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// BenchmarkStudy is pre-training of GPT-3 XL, dense and at three sparsities, as the command does it: plans and
// simulated steps alone, with the trace, with figures too. cpu-s/op is of all threads, user and system; trace-%
// is what the trace adds to that of the steps.
func BenchmarkStudy(b *testing.B) {
	for _, study := range []struct{ name, sparsities string }{{"dense", "0.0"}, {"sparse", "0.0, 0.5, 0.75"}} {
		plain := 0.0 // CPU seconds
		for _, with := range []struct {
			name  string
			flags []string
		}{{"steps", []string{"--no-figures", "--no-trace"}}, {"trace", []string{"--no-figures"}}, {"figures", nil}} {
			b.Run(study.name+"/"+with.name, func(b *testing.B) {
				dir := b.TempDir()
				file, out := filepath.Join(dir, "study.toml"), filepath.Join(dir, "out")
				text := "experiment = \"gpt\"\n[gpt]\nmodels = [\"gpt3-xl\"]\nsparsities = [" + study.sparsities + "]\nfinetune = []\n"
				if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
					b.Fatal(err)
				}
				before := cpuSeconds(b)
				for b.Loop() {
					if code := execute(append([]string{"run", file, "--out", out}, with.flags...), io.Discard, io.Discard); code != 0 {
						b.Fatalf("exit code %d", code)
					}
				}
				cpu := (cpuSeconds(b) - before) / float64(b.N)
				b.ReportMetric(cpu, "cpu-s/op")
				switch with.name {
				case "steps":
					plain = cpu
				case "trace":
					if plain > 0 { // else -bench picked the trace alone
						b.ReportMetric(100*(cpu/plain-1), "trace-%")
					}
					b.ReportMetric(megabytes(b, out), "trace-MB")
				}
			})
		}
	}
}

// cpuSeconds is what the process has used so far.
func cpuSeconds(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// megabytes is the size of the trace in a run's folder.
func megabytes(b *testing.B, dir string) float64 {
	size := int64(0)
	for _, pattern := range []string{"trace/*", "profile.pb.gz", "timeline.json.gz"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			b.Fatal(err)
		}
		for _, f := range files {
			info, err := os.Stat(f)
			if err != nil {
				b.Fatal(err)
			}
			size += info.Size()
		}
	}
	return float64(size) / 1e6
}
