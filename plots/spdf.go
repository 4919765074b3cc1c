package plots

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"cs2sim.dev/sims"
	"cs2sim.dev/sims/spdf"
)

// cells gives the text of a column of words.
func cells(t sims.Table, name string) ([]string, error) {
	at := slices.IndexFunc(t.Columns, func(c sims.Column) bool { return c.Name == name && c.Kind == sims.Text })
	if at < 0 {
		return nil, fmt.Errorf("table %q has no column %q of words", t.Name, name)
	}
	out := make([]string, len(t.Rows))
	for i, row := range t.Rows {
		if at >= len(row) {
			return nil, fmt.Errorf("table %q, row %d: %d cells for %d columns", t.Name, i, len(row), len(t.Columns))
		}
		word, ok := row[at].(string)
		if !ok {
			return nil, fmt.Errorf("table %q: column %q holds %v, want a text", t.Name, name, row[at])
		}
		out[i] = word
	}
	return out, nil
}

// spdfRows is a table taken apart by its columns.
type spdfRows struct {
	words   map[string][]string
	numbers map[string][]float64
}

func spdfColumns(t sims.Table, words, values []string) (spdfRows, error) {
	r := spdfRows{map[string][]string{}, map[string][]float64{}}
	var err error
	for _, name := range words {
		if r.words[name], err = cells(t, name); err != nil {
			return r, err
		}
	}
	for _, name := range values {
		if _, r.numbers[name], err = numbers(t, name, t.Rows); err != nil {
			return r, err
		}
	}
	return r, nil
}

// firsts keeps the first of equal values.
func firsts[T comparable](values []T) (out []T) {
	for _, v := range values {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// stageNames are the stages of each loss figure and how their curves are called.
func stageNames(kind spdf.Kind) map[string]string {
	if kind == spdf.Pretrain {
		return map[string]string{string(spdf.Pretrain): ""}
	}
	return map[string]string{string(spdf.FinetuneDense): ", dense", string(spdf.FinetuneSparse): ", sparse"}
}

// SPDFLoss draws training and validation loss over steps, a curve per sparsity, of pre-training
// or, for any other kind, of both ways of fine-tuning. Of several seeds the first is drawn.
func SPDFLoss(curves sims.Table, kind spdf.Kind) (LineChart, error) {
	fail := func(err error) (LineChart, error) { return LineChart{}, fmt.Errorf("loss figure: %w", err) }
	r, err := spdfColumns(curves, []string{"stage"}, []string{"seed", "sparsity", "step", "loss", "validation_loss"})
	if err != nil {
		return fail(err)
	}
	chart := LineChart{Title: "Fine-tuning loss", XLabel: "Training step", YLabel: "Loss (nats per token of the completion)", LogY: true}
	if kind == spdf.Pretrain {
		chart.Title, chart.YLabel, chart.LogY = "Pre-training loss", "Loss (nats per token)", false
	}
	names := stageNames(kind)
	var seed float64
	var curve []string // of each row; "": not drawn
	for i, stage := range r.words["stage"] {
		suffix, ok := names[stage]
		if i == 0 {
			seed = r.numbers["seed"][0]
		}
		if !ok || r.numbers["seed"][i] != seed {
			curve = append(curve, "")
			continue
		}
		curve = append(curve, percentLabel(r.numbers["sparsity"][i])+suffix)
	}
	chart.Subtitle = fmt.Sprintf("By weight sparsity; lines: training, running mean; marks: validation. Seed %.0f", seed)
	for _, name := range firsts(curve) {
		if name == "" {
			continue
		}
		training, valid := Series{Name: name, Style: LineStyle{Thin: true, Stroke: Solid}}, Series{Name: name + ", validation", Style: LineStyle{Stroke: NoLine, Paired: true}}
		for i := range curve {
			if curve[i] != name {
				continue
			}
			step := r.numbers["step"][i]
			if v := r.numbers["loss"][i]; !math.IsNaN(v) {
				training.X, training.Y = append(training.X, step), append(training.Y, v)
			}
			if v := r.numbers["validation_loss"][i]; !math.IsNaN(v) {
				valid.X, valid.Y = append(valid.X, step), append(valid.Y, v)
			}
		}
		training.Y = runningMean(training.Y)
		if len(training.X) > 0 {
			chart.Series = append(chart.Series, training)
		}
		if len(training.X) > 0 && len(valid.X) > 0 {
			chart.Series = append(chart.Series, valid)
		}
	}
	if len(chart.Series) == 0 {
		return fail(fmt.Errorf("table %q has no steps of it", curves.Name))
	}
	return chart, nil
}

// runningMean is over a fiftieth of all values, those before included.
func runningMean(values []float64) []float64 {
	width := max(1, len(values)/50)
	out := make([]float64, len(values))
	sum := 0.0
	for i, v := range values {
		sum += v
		if i >= width {
			sum -= values[i-width]
		}
		out[i] = sum / float64(min(i+1, width))
	}
	return out
}

// SPDFScores draws BLEU over the sparsity of pre-training for dense and sparse fine-tuning, with the
// deviation over seeds: SPDF's figure 2. Baselines are drawn as levels.
func SPDFScores(summary, baselines sims.Table) (LineChart, error) {
	fail := func(err error) (LineChart, error) { return LineChart{}, fmt.Errorf("score figure: %w", err) }
	r, err := spdfColumns(summary, []string{"finetune"}, []string{"sparsity", "seeds", "bleu", "bleu_std"})
	if err != nil {
		return fail(err)
	}
	levels, err := spdfColumns(baselines, []string{"baseline"}, []string{"bleu"})
	if err != nil {
		return fail(err)
	}
	if len(summary.Rows) == 0 {
		return fail(fmt.Errorf("table %q has no rows", summary.Name))
	}
	sparsity := r.numbers["sparsity"]
	chart := LineChart{
		Title:    "Dense and sparse fine-tuning after sparse pre-training",
		Subtitle: "One seed",
		XLabel:   "Weight sparsity of pre-training", YLabel: "BLEU",
	}
	if n := slices.Max(r.numbers["seeds"]); n > 1 {
		chart.Subtitle = fmt.Sprintf("Mean and standard deviation of %.0f seeds", n)
	}
	for _, s := range firsts(sparsity) {
		chart.XTicks = append(chart.XTicks, Tick{s, percentLabel(s)})
	}
	for _, kind := range []spdf.Kind{spdf.FinetuneDense, spdf.FinetuneSparse} {
		s := Series{Name: string(kind) + " fine-tuning", Style: LineStyle{Marker: true}}
		for i := range sparsity {
			// Without a mask there is nothing to drop: one fine-tuning is both.
			if r.words["finetune"][i] == string(kind) || sparsity[i] == 0 {
				s.X, s.Y, s.Err = append(s.X, sparsity[i]), append(s.Y, r.numbers["bleu"][i]), append(s.Err, r.numbers["bleu_std"][i])
			}
		}
		if slices.Contains(r.words["finetune"], string(kind)) {
			chart.Series = append(chart.Series, s)
		}
	}
	ends := []float64{slices.Min(sparsity), slices.Max(sparsity)}
	for i, name := range levels.words["baseline"] {
		b := levels.numbers["bleu"][i]
		chart.Series = append(chart.Series, Series{Name: name, X: ends, Y: []float64{b, b}, Style: LineStyle{Thin: true, Muted: true}})
	}
	return chart, nil
}

// SPDFDistances draws the cosine distance between pre-trained and fine-tuned weights, modules over
// layers, mean over the seeds, at one sparsity: a panel of SPDF's figures 3 and 4. All panels of a table have
// one colour scale.
func SPDFDistances(cosine sims.Table, sparsity float64, kind spdf.Kind) (HeatMap, error) {
	fail := func(err error) (HeatMap, error) { return HeatMap{}, fmt.Errorf("distance figure: %w", err) }
	r, err := spdfColumns(cosine, []string{"finetune", "module"}, []string{"sparsity", "layer", "cosine_distance"})
	if err != nil {
		return fail(err)
	}
	modules, layers := firsts(r.words["module"]), firsts(r.numbers["layer"])
	sum, count := make([]float64, len(modules)*len(layers)), make([]float64, len(modules)*len(layers))
	top := 0.0
	for i, d := range r.numbers["cosine_distance"] {
		top = max(top, d)
		if r.numbers["sparsity"][i] != sparsity || r.words["finetune"][i] != string(kind) {
			continue
		}
		at := slices.Index(modules, r.words["module"][i])*len(layers) + slices.Index(layers, r.numbers["layer"][i])
		sum[at] += d
		count[at]++
	}
	if !(slices.Max(append(count, 0)) > 0) {
		return fail(fmt.Errorf("table %q has no rows of sparsity %v and %s fine-tuning", cosine.Name, sparsity, kind))
	}
	h := HeatMap{
		Title:    "Cosine distance of weights, pre-trained to fine-tuned",
		Subtitle: fmt.Sprintf("%s weight sparsity in pre-training, %s fine-tuning", percentLabel(sparsity), kind),
		XLabel:   "Layer", YLabel: "Module", ValueLabel: "1 − cos",
		Width: len(layers), Height: len(modules), Max: top, YNames: modules,
		At: func(x, y int) float64 { return sum[y*len(layers)+x] / count[y*len(layers)+x] },
	}
	for _, l := range layers {
		h.XNames = append(h.XNames, strconv.FormatFloat(l, 'f', -1, 64))
	}
	return h, nil
}
