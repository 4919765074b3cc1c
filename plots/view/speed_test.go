package view

import (
	"math/big"
	"slices"

	"cs2sim.dev/sims/trace"
)

// speed: a trace of a training step of GPT-3 XL on the whole wafer is shown within two seconds, and
// the slider, dragged over it, keeps up. Limits leave room for a loaded machine; the log has the figures.
func speed(b *tab) {
	t := b.t
	run := wafer().run(t, "wafer", 1)
	cells, windows := 0, 0
	for i := range run.Kinds {
		cells += len(run.Kinds[i].Cells)
		windows += len(run.Kinds[i].Cells) * len(run.Kinds[i].Windows)
	}
	at := serve(t, written(t, run))
	b.visit(at, shown)
	var loaded float64
	b.eval(`cs2sim.loadedAt`, &loaded)
	t.Logf("%d phases, %d kinds, %d cells, %d more in windows, a message of %d bytes: shown after %.0f ms", len(run.Phases), len(run.Kinds), cells, windows, len(encode(run)), loaded)
	if loaded > 2000 {
		t.Errorf("shown after %.0f ms, must be 2000", loaded)
	}
	for _, drag := range []struct{ name, setup string }{
		{"one kernel", `cs2sim.setWindow(0, 0)`},
		{"a quarter of the run", `cs2sim.setWindow(0, cs2sim.a.phases >> 2)`},
		{"one kernel with a PE pinned", `cs2sim.pin({ x: 100, y: 100 }), cs2sim.setWindow(0, 0)`},
	} {
		var frames []float64
		var took float64
		b.eval(drag.setup, nil)
		b.frame()
		b.eval(`(async () => {
			const slider = document.getElementById("slider"), size = cs2sim.last - cs2sim.first;
			cs2sim.frames.length = 0;
			globalThis.began = performance.now();
			for (let i = 0; i < 60; i++) {
				slider.value = Math.round((cs2sim.a.phases - 1 - size) * i / 59);
				slider.dispatchEvent(new Event("input"));
				await new Promise(requestAnimationFrame);
			}
			globalThis.took = performance.now() - began;
			return cs2sim.frames;
		})()`, &frames)
		b.eval(`took`, &took)
		slices.Sort(frames)
		if len(frames) < 55 {
			t.Fatalf("%d frames of 60", len(frames))
		}
		median, worst := frames[len(frames)/2], frames[len(frames)*95/100]
		t.Logf("slider over %s: %.1f ms per frame in the median, %.1f ms at 95 %%; %.0f frames a second", drag.name, median, worst, 1000*float64(len(frames))/took)
		if median > 50 || worst > 200 {
			t.Errorf("slider over %s: %.1f ms per frame in the median, %.1f at 95 %%, must be 50 and 200", drag.name, median, worst)
		}
	}
	// The map of the whole wafer adds up to the trace's total.
	var sum string
	b.eval(`(() => {
		cs2sim.setWindow(0, cs2sim.a.phases - 1);
		cs2sim.flush();
		let sum = 0n;
		for (const v of cs2sim.values.a.values) sum += BigInt(v);
		return String(sum);
	})()`, &sum)
	want := new(big.Int)
	for _, v := range run.Raster(0, len(run.Phases)-1, trace.Busy) {
		want.Add(want, big.NewInt(v))
	}
	total := int64(0)
	for i, n := range run.Totals() {
		one := [8]int64{}
		one[i] = 1
		total += busy(one) * n
	}
	if sum != want.String() || want.Int64() != total {
		t.Errorf("the map sums to %s busy cycles, the trace's to %v, its totals to %d", sum, want, total)
	}
	b.clean()
}
