package view

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cs2sim.dev/sims/trace"
)

const shown = "globalThis.cs2sim?.loadedAt"

// clean fails if the page had any error, a refusal of its policy among them.
func (b *tab) clean() {
	b.t.Helper()
	if p := b.problems(); p != "" {
		b.t.Errorf("the page's errors: %s", p)
	}
}

// TestPage drives the page in a browser.
func TestPage(t *testing.T) {
	b := launch(t)
	for _, c := range []struct {
		name string
		test func(*tab)
	}{
		{"numbers", numbers}, {"controls", controls}, {"themes", themes}, {"hostile", hostile}, {"compare", compare}, {"links", linkChoice}, {"speed", speed},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(b.tab(t)) })
	}
}

// numbers: what the page shows of a trace is what the trace says, number by number, for drawn windows.
func numbers(b *tab) {
	t := b.t
	run := small().run(t, "drawn", 1)
	b.visit(serve(t, written(t, run)), shown)
	if got := b.text("#states tbody tr:last-child td:nth-child(3)"); strings.ReplaceAll(got, ",", "") != fmt.Sprint(run.PEs()*run.Cycles) {
		t.Errorf("the table sums to %s PE-cycles, PEs x cycles is %d", got, run.PEs()*run.Cycles)
	}
	for s, n := range run.Totals() {
		row := fmt.Sprintf("#states tbody tr:nth-child(%d) ", s+1)
		if name, got := b.text(row+"th"), b.text(row+"td:nth-child(3)"); strings.ReplaceAll(got, ",", "") != fmt.Sprint(n) || strings.ReplaceAll(name, " ", "_") != trace.StateNames()[s] {
			t.Errorf("%s is %s PE-cycles on the page, %d in the trace", name, got, n)
		}
	}
	whole, fine := run, run.Fine(maxWindows) // a phase for every window of time
	run = fine.Run
	r := rand.New(rand.NewPCG(3, 3))
	for range 40 {
		first, last := window(r, run)
		measures := map[string]func([8]int64) int64{"busy": busy, "waiting": func(s [8]int64) int64 { return trace.Waiting(s) }}
		for i, name := range trace.StateNames() {
			measures["state."+name] = func(s [8]int64) int64 { return s[i] }
		}
		for id, value := range measures {
			var got []int64
			b.eval(fmt.Sprintf(`(async () => {
				const { measures } = await import("/run.js");
				const run = cs2sim.a, m = measures(run).find((m) => m.id === %q);
				return [...run.raster(%d, %d, m, new Float64Array(run.usedWidth * run.usedHeight))];
			})()`, id, first, last), &got)
			if want := raster(run, first, last, value); !slices.Equal(got, want) {
				t.Fatalf("%s in phases %d to %d: %v on the page, %v in the trace", id, first, last, got, want)
			}
		}
		x, y := r.IntN(run.Machine.Width), r.IntN(run.Machine.Height)
		var want [8]int64
		for i := first; i <= last; i++ {
			at := run.KindOf(i).At(x, y)
			for s, v := range at {
				want[s] += v
			}
		}
		var got struct {
			States           [8]int64
			Features, Tokens string
			Live             []struct {
				Name        string
				Base, Bytes int
			}
		}
		b.eval(fmt.Sprintf(`({ states: [...cs2sim.a.peStates(%d, %d, %d, %d)], features: cs2sim.a.featuresOf(%d), tokens: cs2sim.a.tokensOf(%d, %d), live: cs2sim.a.live(%d) })`,
			x, y, first, last, x, x, y, first), &got)
		live := run.Live(first)
		if got.States != want || got.Features != run.Place.FeaturesOf(x) || got.Tokens != run.Place.TokensOf(x, y) || len(got.Live) != len(live) {
			t.Errorf("PE %d,%d in phases %d to %d: %+v on the page, %v, %s, %s, %v in the trace", x, y, first, last, got, want, run.Place.FeaturesOf(x), run.Place.TokensOf(x, y), live)
		}
		for i := range live {
			if got.Live[i].Name != live[i].Name || got.Live[i].Base != live[i].Base || got.Live[i].Bytes != live[i].Bytes {
				t.Errorf("phase %d: SRAM holds %v on the page, %v in the trace", first, got.Live, live)
			}
		}
		checkWavelets(b, run, first, last)
		checkLinks(b, whole, fine, first, last, x, y)
		checkFlame(b, run, first, last)
	}
	b.clean()
}

// raster adds up PE by PE.
func raster(run *trace.Run, first, last int, value func([8]int64) int64) []int64 {
	w, h := run.Place.Width, run.Place.Height
	out := make([]int64, w*h)
	kinds := map[*trace.Kind][]int64{}
	for i := first; i <= last; i++ {
		k := run.KindOf(i)
		if kinds[k] == nil {
			kinds[k] = make([]int64, w*h)
			for at := range out {
				kinds[k][at] = value(k.At(at%w, at/w))
			}
		}
		for at, v := range kinds[k] {
			out[at] += v
		}
	}
	return out
}

func busy(s [8]int64) int64 { return trace.Busy(s) }

func checkWavelets(b *tab, run *trace.Run, first, last int) {
	b.t.Helper()
	want, err := run.Map(first, last, trace.QuantityWavelets)
	var got []float64
	b.eval(fmt.Sprintf(`(async () => {
		const { measures } = await import("/run.js");
		const run = cs2sim.a, { cycles } = run.window(%d, %d);
		if (!run.hasWavelets(%[1]d, %[2]d)) return null;
		return [...run.raster(%[1]d, %[2]d, measures(run).find((m) => m.id === "wavelets"), new Float64Array(run.usedWidth * run.usedHeight))].map((v) => v / cycles);
	})()`, first, last), &got)
	if (err == nil) != (got != nil) {
		b.t.Errorf("phases %d to %d: wavelets of %d PEs on the page, in the trace %v", first, last, len(got), err)
	}
	for i := range got {
		if d := got[i] - want[i]; d > 1e-9*want[i] || d < -1e-9*want[i] {
			b.t.Fatalf("phases %d to %d: wavelets %v on the page, %v in the trace", first, last, got[i], want[i])
		}
	}
}

// checkFlame holds the flame graph to the phases: a frame is as wide as all below it.
func checkFlame(b *tab, run *trace.Run, first, last int) {
	b.t.Helper()
	got := map[string]string{}
	b.eval(fmt.Sprintf(`(async () => {
		const { tree } = await import("/flame.js");
		const out = {};
		const walk = (n, path) => {
			const at = path ? path + ";" + n.name : n.name;
			out[at] = String(n.cycles);
			for (const c of n.children.values()) walk(c, at);
		};
		walk(tree(cs2sim.a, %d, %d), "");
		return out;
	})()`, first, last), &got)
	want := map[string]int64{}
	for i := first; i <= last; i++ {
		p := run.Phases[i]
		for s, n := range run.KindOf(i).Sum() {
			at := run.Experiment
			for _, name := range []string{"", p.LayerName, p.Op, p.Frame(), trace.StateNames()[s]} {
				if name != "" {
					at += ";" + name
				}
				if n > 0 {
					want[at] += n
				}
			}
		}
	}
	if len(got) != len(want) {
		b.t.Errorf("phases %d to %d: %d frames, must be %d", first, last, len(got), len(want))
	}
	for at, n := range want {
		if got[at] != fmt.Sprint(n) {
			b.t.Errorf("phases %d to %d: frame %s is %s PE-cycles, must be %d", first, last, at, got[at], n)
		}
	}
}

// controls: pointer and keys do what they say.
func controls(b *tab) {
	t := b.t
	run := small().run(t, "drawn", 1)
	b.visit(serve(t, written(t, run)), shown)
	fine := run.Fine(maxWindows)
	state := func() (s struct {
		First, Last int
		Pinned      *struct{ X, Y int }
		Zoom        float64
		Measure     string
	}) {
		b.eval(`({ first: cs2sim.first, last: cs2sim.last, pinned: cs2sim.pinned, zoom: cs2sim.view.zoom, measure: cs2sim.measure.id })`, &s)
		return s
	}
	if s := state(); s.First != 0 || s.Last != len(fine.Phases)-1 || s.Pinned != nil || s.Measure != "busy" {
		t.Errorf("begins with %+v", s)
	}
	// The middle of PE 3,2 on the map.
	var at struct{ X, Y float64 }
	b.eval(`(() => {
		const m = cs2sim.maps.a, box = m.canvas.getBoundingClientRect(), mid = m.middle(), s = m.scale();
		return { x: box.x + mid.x + (3.5 - cs2sim.view.x) * s, y: box.y + mid.y + (2.5 - cs2sim.view.y) * s };
	})()`, &at)
	b.mouse("mouseMoved", at.X, at.Y)
	b.frame()
	if got := b.text("#pe-title"); got != "PE 3,2" {
		t.Errorf("hovering over 3,2 shows %q", got)
	}
	for _, want := range []string{"0, column 3 of 6", run.Place.FeaturesOf(3), run.Place.TokensOf(3, 2)} {
		if got := b.text("#facts"); !strings.Contains(got, want) {
			t.Errorf("hovering over 3,2 does not show %q: %s", want, got)
		}
	}
	b.click(at.X, at.Y)
	b.mouse("mouseMoved", 2, 2)
	b.frame()
	if s := state(); s.Pinned == nil || s.Pinned.X != 3 || s.Pinned.Y != 2 {
		t.Errorf("a click on 3,2 pins %+v", s.Pinned)
	}
	for _, k := range []string{"ArrowRight", "ArrowDown", "ArrowDown", "ArrowLeft", "ArrowUp", "ArrowDown"} {
		b.key(k)
	}
	if s := state(); s.Pinned.X != 3 || s.Pinned.Y != 4 {
		t.Errorf("the arrows go to %+v", s.Pinned)
	}
	if got := b.text("#said"); !strings.HasPrefix(got, "PE 3, 4: busy ") {
		t.Errorf("it says %q", got)
	}
	b.key("+")
	b.key("+")
	if s := state(); s.Zoom < 2 {
		t.Errorf("+ zooms to %v", s.Zoom)
	}
	b.key("0")
	if s := state(); s.Zoom != 1 {
		t.Errorf("0 zooms to %v", s.Zoom)
	}
	b.key("1")
	b.key("]")
	b.key("]")
	b.key("[")
	b.key("}")
	if s := state(); s.First != 1 || s.Last != 2 {
		t.Errorf("the window is %d to %d", s.First, s.Last)
	}
	b.key("s")
	if s := state(); s.Measure != "waiting" {
		t.Errorf("s shows %s", s.Measure)
	}
	b.key("Escape")
	if s := state(); s.Pinned != nil {
		t.Errorf("Esc keeps %+v", s.Pinned)
	}
	// The first linear kernel, phase 3, is cut: w takes one of its windows, the brackets go on by windows.
	b.eval(`cs2sim.wholeKernels(3), cs2sim.flush()`, nil)
	if s := state(); s.First != fine.First[3] || s.Last != fine.First[4]-1 || s.First == s.Last {
		t.Errorf("kernel 3 is %d to %d, must be %d to %d", s.First, s.Last, fine.First[3], fine.First[4]-1)
	}
	b.key("w")
	b.key("]")
	b.key("}")
	if s := state(); s.First != fine.First[3]+1 || s.Last != fine.First[3]+2 {
		t.Errorf("two windows of kernel 3 are %d to %d, must begin at %d", s.First, s.Last, fine.First[3]+1)
	}
	if got, want := b.text("#window"), fmt.Sprintf("phase 3, windows 1 to 2 of %d, h.0.attn.q, ", fine.First[4]-fine.First[3]); !strings.HasPrefix(got, want) {
		t.Errorf("it says %q, must begin with %q", got, want)
	}
	b.key("1")
	if s := state(); s.First != fine.First[3] || s.Last != fine.First[4]-1 {
		t.Errorf("1 takes %d to %d, must be %d to %d", s.First, s.Last, fine.First[3], fine.First[4]-1)
	}
	b.key("3")
	// A brush over the right half of the timeline.
	var box struct{ X, Y, Width, Height float64 }
	b.eval(`document.getElementById("timeline").getBoundingClientRect().toJSON()`, &box)
	b.mouse("mouseMoved", box.X+74+(box.Width-74)/2, box.Y+40)
	b.mouse("mousePressed", box.X+74+(box.Width-74)/2, box.Y+40)
	b.mouse("mouseMoved", box.X+box.Width-2, box.Y+40)
	b.mouse("mouseReleased", box.X+box.Width-2, box.Y+40)
	b.frame()
	if s := state(); s.First < len(fine.Phases)/4 || s.First > 3*len(fine.Phases)/4 || s.Last != len(fine.Phases)-1 {
		t.Errorf("the brush takes phases %d to %d of %d", s.First, s.Last, len(fine.Phases))
	}
	// Every control has a name, for those who do not see it.
	var nameless []string
	b.eval(`[...document.querySelectorAll("button, select, input, canvas[tabindex], canvas[role]")].filter((e) =>
		!(e.getAttribute("aria-label") || e.textContent.trim() || e.labels?.length)).map((e) => e.outerHTML)`, &nameless)
	if len(nameless) > 0 {
		t.Errorf("controls without a name: %v", nameless)
	}
	b.clean()
}

// themes: the page follows the system's colours, and its own switch.
func themes(b *tab) {
	t := b.t
	at := serve(t, written(t, small().run(t, "drawn", 1)))
	paper := func() (color string) {
		b.eval(`getComputedStyle(document.body).backgroundColor`, &color)
		return color
	}
	b.prefers("dark")
	b.visit(at, shown)
	dark := paper()
	b.key("t")
	light := paper()
	if dark != "rgb(14, 17, 22)" || light != "rgb(243, 244, 246)" {
		t.Errorf("dark is %s, light %s", dark, light)
	}
	for _, size := range [][2]int{{1366, 650}, {1920, 1000}} {
		b.size(size[0], size[1])
		b.frame()
		var over []string
		b.eval(`[...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 || (e.matches(".bar") && e.scrollWidth > e.clientWidth + 1))
			.map((e) => e.id || e.className || e.tagName).concat(document.documentElement.scrollHeight > innerHeight ? ["height"] : [])`, &over)
		if len(over) > 0 {
			t.Errorf("at %v these do not fit: %v", size, over)
		}
	}
	b.clean()
}

// hostile: a name with a script is shown as text, by the browser too, and a broken trace as its reason.
func hostile(b *tab) {
	t := b.t
	dir := written(t, small().run(t, "one", 1))
	at := serve(t, dir)
	b.visit(at, shown)
	manifest := filepath.Join(dir, trace.Folder, trace.ManifestFile)
	good, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	const script = `<img src=x onerror='globalThis.pwned=1'><script>globalThis.pwned=1</script>`
	quoted, err := json.Marshal(script)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(manifest, []byte(strings.Replace(string(good), `"one"`, string(quoted), 1)), 0o666); err != nil {
		t.Fatal(err)
	}
	b.visit(at, `document.getElementById("error") && !document.getElementById("error").hidden`)
	if got := b.text("#error"); !strings.Contains(got, "<img src=x") {
		t.Errorf("the page says %q", got)
	}
	check := func(what string) {
		t.Helper()
		var ran bool
		b.eval(`globalThis.pwned === 1 || document.querySelectorAll("script").length !== 1 || document.querySelectorAll("img").length !== 1`, &ran)
		if ran {
			t.Errorf("%s: markup of the trace is in the page", what)
		}
	}
	check("the reader's message")
	// Were the reader ever to let such a name pass, the page would still show it as text.
	if err := os.WriteFile(manifest, good, 0o666); err != nil {
		t.Fatal(err)
	}
	b.visit(at, shown)
	b.eval(fmt.Sprintf(`(() => {
		const bad = %s, head = cs2sim.a.head;
		head.names = head.names.map(() => bad);
		head.experiment = head.machine.name = cs2sim.a.name = head.name = bad;
		cs2sim.setWindow(1, 1);
		cs2sim.pin({ x: 1, y: 1 });
		cs2sim.flush();
		cs2sim.pin(null);
		cs2sim.flush();
	})()`, quoted), nil)
	b.frame()
	if got := b.text("#facts") + b.text("#window") + b.text("#memory"); strings.Count(got, "<img src=x") < 2 {
		t.Errorf("the page shows %q", got)
	}
	check("names of a trace")
}

// compare: two folders stand side by side, with the difference.
func compare(b *tab) {
	t := b.t
	one, two := small().run(t, "dense", 1), small().run(t, "sparse", 2)
	b.visit(serve(t, written(t, one), written(t, two)), shown)
	var got []float64
	b.eval(`[...cs2sim.values.d.values]`, &got)
	x, y := one.Raster(0, len(one.Phases)-1, trace.Busy), two.Raster(0, len(two.Phases)-1, trace.Busy)
	if len(got) != len(x) {
		t.Fatalf("a difference of %d PEs, must be %d", len(got), len(x))
	}
	for i := range got {
		want := 100 * (float64(y[i])/float64(two.Cycles) - float64(x[i])/float64(one.Cycles))
		if d := got[i] - want; d > 1e-9 || d < -1e-9 {
			t.Fatalf("PE %d: difference is %v, must be %v", i, got[i], want)
		}
	}
	// A part of a kernel is compared with the same part of it, though the two are not cut at the same cycles.
	fine := one.Fine(maxWindows)
	var other struct{ First, Last int }
	b.eval(fmt.Sprintf(`cs2sim.setWindow(%d, %d), ({ first: cs2sim.firstB, last: cs2sim.lastB })`, fine.First[3]+4, fine.First[3]+6), &other)
	if second := two.Fine(maxWindows); other.First < second.First[3]+3 || other.Last >= second.First[4]-2 || other.Last < other.First {
		t.Errorf("windows 4 to 6 of phase 3 stand beside %d to %d of the second run, whose phase 3 begins with %d", other.First, other.Last, second.First[3])
	}
	b.clean()
}
