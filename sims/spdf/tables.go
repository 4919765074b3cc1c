package spdf

import (
	"math"

	"cs2sim.dev/compiler"
	"cs2sim.dev/runtime"
	"cs2sim.dev/sims"
	"cs2sim.dev/sims/train"
)

// Results is what results.json holds: everything tables and figures need.
type Results struct {
	Version    string           `json:"version"`
	Experiment string           `json:"experiment"`
	Seed       int              `json:"seed"`
	Fidelity   runtime.Fidelity `json:"fidelity"`
	Complete   bool             `json:"complete"`
	Note       string           `json:"note,omitempty"` // why it is not complete
	Machine    compiler.Target  `json:"machine"`
	Parameters int64            `json:"parameters"`

	Results   sims.Table `json:"results"`   // a row per fine-tuning
	Summary   sims.Table `json:"summary"`   // mean and deviation over the seeds
	Cost      sims.Table `json:"cost"`      // a row per stage
	Curves    sims.Table `json:"curves"`    // loss of every step
	Cosine    sims.Table `json:"cosine"`    // distance of every matrix
	Baselines sims.Table `json:"baselines"` // what no learning scores
	Texts     sims.Table `json:"texts"`     // generated
}

// Results makes the tables of stages, those of Run or those there are of them.
func (e *Experiment) Results(stages []Stage, note string) Results {
	c := e.config
	r := Results{
		Version: sims.Version, Experiment: c.Experiment, Seed: c.Seed, Fidelity: c.Fidelity,
		Complete: note == "", Note: note, Machine: c.Machine, Parameters: e.shape.Parameters(),
	}
	r.Results = e.resultsTable(stages)
	r.Summary = e.summaryTable(r.Results)
	r.Cost = e.costTable(stages)
	r.Curves = curvesTable(stages)
	r.Cosine = cosineTable(stages)
	r.Baselines = e.baselineTable()
	r.Texts = textsTable(stages)
	return r
}

const (
	word   = sims.Text
	number = sims.Number
)

// find returns a complete stage, or nil.
func find(stages []Stage, id ID) *Stage {
	for i := range stages {
		if stages[i].ID == id && stages[i].Complete {
			return &stages[i]
		}
	}
	return nil
}

func resultColumns() []sims.Column {
	return []sims.Column{
		{Name: "seed", Title: "seed", Kind: number, Format: "%.0f"},
		{Name: "sparsity", Title: "sparsity", Kind: number, Format: "%.4g"},
		{Name: "finetune", Title: "fine-tuning", Kind: word},
		{Name: "pretrain_loss", Title: "pre-training loss", Unit: "nats", Kind: number, Format: "%.3f"},
		{Name: "pretrain_perplexity", Title: "pre-training perplexity", Kind: number, Format: "%.2f"},
		{Name: "loss", Title: "loss", Unit: "nats", Kind: number, Format: "%.3f"},
		{Name: "perplexity", Title: "perplexity", Kind: number, Format: "%.3f"},
		{Name: "bleu", Title: "BLEU", Kind: number, Format: "%.2f"},
		{Name: "multi_bleu", Title: "multi BLEU", Kind: number, Format: "%.2f"},
		{Name: "nist", Title: "NIST", Kind: number, Format: "%.2f"},
		{Name: "rouge_l", Title: "ROUGE-L", Kind: number, Format: "%.2f"},
		{Name: "teraflops", Title: "training", Unit: "TFLOP", Kind: number, Format: "%.3f"},
		{Name: "flops_speedup", Title: "FLOPs dense over sparse", Kind: number, Format: "%.2f"},
		{Name: "cycles", Title: "training cycles", Unit: "cycles", Kind: number, Format: "%.4g"},
		{Name: "seconds", Title: "training time", Unit: "s", Kind: number, Format: "%.4f"},
		{Name: "cycles_speedup", Title: "cycles dense over sparse", Kind: number, Format: "%.2f"},
		{Name: "pe_utilization", Title: "PE utilization", Kind: number, Format: "%.3f"},
		{Name: "skipped", Title: "skipped", Unit: "steps", Kind: number, Format: "%.0f"},
	}
}

// total is FLOPs and work of a pre-training and a fine-tuning together.
func total(a, b *Stage) (flops float64, work train.Work) {
	work.Add(a.Training.Work)
	work.Add(b.Training.Work)
	return a.FLOPs + b.FLOPs, work
}

func (e *Experiment) resultsTable(stages []Stage) sims.Table {
	t := sims.Table{Name: "results", Title: "SPDF of " + e.title(), Columns: resultColumns()}
	for _, c := range e.chains() {
		pre := find(stages, c.pretrain)
		for _, id := range c.finetune {
			fine := find(stages, id)
			if pre == nil || fine == nil {
				continue
			}
			flops, work := total(pre, fine)
			flopsUp, cyclesUp := math.NaN(), math.NaN()
			dense0, dense1 := find(stages, ID{Pretrain, 0, id.Seed}), find(stages, ID{FinetuneDense, 0, id.Seed})
			if dense0 != nil && dense1 != nil {
				f, w := total(dense0, dense1)
				flopsUp, cyclesUp = f/flops, ratio(w.Cycles, work.Cycles)
			}
			t.Rows = append(t.Rows, []any{
				float64(id.Seed), id.Sparsity, string(id.Kind),
				pre.Loss, math.Exp(pre.Loss), fine.Loss, math.Exp(fine.Loss),
				fine.Scores.BLEU, fine.Scores.MultiBLEU, fine.Scores.NIST, fine.Scores.ROUGEL,
				flops / 1e12, flopsUp,
				float64(work.Cycles), e.config.Machine.Seconds(cycles(work)), cyclesUp, work.Utilization(),
				float64(pre.Training.Skipped() + fine.Training.Skipped()),
			})
		}
	}
	return t
}

// ratio is NaN where there is nothing to divide by.
func ratio(a, b int64) float64 {
	if b == 0 {
		return math.NaN()
	}
	return float64(a) / float64(b)
}

// costTable has what each stage cost on the machine, and what its parts cost.
func (e *Experiment) costTable(stages []Stage) sims.Table {
	t := sims.Table{Name: "cost", Title: "Cost of the stages", Columns: []sims.Column{
		{Name: "seed", Title: "seed", Kind: number, Format: "%.0f"},
		{Name: "sparsity", Title: "sparsity", Kind: number, Format: "%.4g"},
		{Name: "stage", Title: "stage", Kind: word},
		{Name: "steps", Title: "steps", Kind: number, Format: "%.0f"},
		{Name: "teraflops", Title: "training", Unit: "TFLOP", Kind: number, Format: "%.3f"},
		{Name: "flops_ratio", Title: "FLOPs over dense", Kind: number, Format: "%.3f"},
		{Name: "cycles", Title: "training cycles", Unit: "cycles", Kind: number, Format: "%.4g"},
		{Name: "cycles_ratio", Title: "cycles over dense", Kind: number, Format: "%.3f"},
		{Name: "cycles_per_step", Title: "cycles per step", Unit: "cycles", Kind: number, Format: "%.0f"},
		{Name: "seconds", Title: "training time", Unit: "s", Kind: number, Format: "%.4f"},
		{Name: "pe_utilization", Title: "PE utilization", Kind: number, Format: "%.3f"},
		{Name: "fmacs", Title: "FMACs", Kind: number, Format: "%.4g"},
		{Name: "validation_cycles", Title: "validation cycles", Unit: "cycles", Kind: number, Format: "%.4g"},
		{Name: "generation_cycles", Title: "generation cycles", Unit: "cycles", Kind: number, Format: "%.4g"},
	}}
	for _, id := range e.ids() {
		s := find(stages, id)
		if s == nil {
			continue
		}
		w, kind := s.Training.Work, id.Kind
		flops, times := math.NaN(), math.NaN()
		if kind == FinetuneSparse {
			kind = FinetuneDense // without a mask they are the same
		}
		if dense := find(stages, ID{kind, 0, id.Seed}); dense != nil {
			flops = s.FLOPs / dense.FLOPs
			times = ratio(w.Cycles, dense.Training.Work.Cycles)
		}
		t.Rows = append(t.Rows, []any{
			float64(id.Seed), id.Sparsity, string(id.Kind), float64(s.Training.Step), s.FLOPs / 1e12, flops,
			float64(w.Cycles), times, float64(w.Cycles) / float64(s.Training.Step),
			e.config.Machine.Seconds(cycles(w)), w.Utilization(), float64(w.FMACs),
			float64(s.Training.Validating.Cycles), float64(s.Decoding.Cycles),
		})
	}
	return t
}

// curvesTable has the loss of every step, and of validations. Unfinished stages are there too.
func curvesTable(stages []Stage) sims.Table {
	t := sims.Table{Name: "curves", Title: "Loss over training steps", Columns: []sims.Column{
		{Name: "seed", Title: "seed", Kind: number},
		{Name: "sparsity", Title: "sparsity", Kind: number},
		{Name: "stage", Title: "stage", Kind: word},
		{Name: "step", Title: "step", Kind: number},
		{Name: "loss", Title: "loss", Unit: "nats", Kind: number},
		{Name: "validation_loss", Title: "validation loss", Unit: "nats", Kind: number},
		{Name: "learning_rate", Title: "learning rate", Kind: number},
		{Name: "grad_norm", Title: "gradient norm", Kind: number},
		{Name: "loss_scale", Title: "loss scale", Kind: number},
	}}
	for _, s := range stages {
		row := func(step int, loss, valid, rate, norm, scale float64) {
			t.Rows = append(t.Rows, []any{float64(s.Seed), s.Sparsity, string(s.Kind), float64(step), loss, valid, rate, norm, scale})
		}
		valid := s.Training.Validations
		nan := math.NaN()
		if len(valid) > 0 && valid[0].Step == 0 {
			row(0, nan, valid[0].Loss, nan, nan, nan)
			valid = valid[1:]
		}
		for i, r := range s.Training.Steps {
			v, norm := nan, r.GradNorm
			if len(valid) > 0 && valid[0].Step == i+1 {
				v, valid = valid[0].Loss, valid[1:]
			}
			if r.Skipped {
				norm = nan
			}
			row(i+1, r.Loss, v, r.Rate, norm, r.LossScale)
		}
	}
	return t
}

func cosineTable(stages []Stage) sims.Table {
	t := sims.Table{Name: "cosine", Title: "Cosine distance between pre-trained and fine-tuned weights", Columns: []sims.Column{
		{Name: "seed", Title: "seed", Kind: number},
		{Name: "sparsity", Title: "sparsity", Kind: number},
		{Name: "finetune", Title: "fine-tuning", Kind: word},
		{Name: "module", Title: "module", Kind: word},
		{Name: "layer", Title: "layer", Kind: number},
		{Name: "cosine_distance", Title: "cosine distance", Kind: number},
	}}
	for _, s := range stages {
		for _, d := range s.Distances {
			t.Rows = append(t.Rows, []any{float64(s.Seed), s.Sparsity, string(s.Kind), d.Module, float64(d.Layer), d.Cosine})
		}
	}
	return t
}

func (e *Experiment) baselineTable() sims.Table {
	t := sims.Table{Name: "baselines", Title: "Scores without learning", Columns: []sims.Column{
		{Name: "baseline", Title: "baseline", Kind: word},
		{Name: "bleu", Title: "BLEU", Kind: number, Format: "%.2f"},
		{Name: "multi_bleu", Title: "multi BLEU", Kind: number, Format: "%.2f"},
		{Name: "nist", Title: "NIST", Kind: number, Format: "%.2f"},
		{Name: "rouge_l", Title: "ROUGE-L", Kind: number, Format: "%.2f"},
	}}
	for _, b := range e.Baselines {
		t.Rows = append(t.Rows, []any{b.Name, b.Scores.BLEU, b.Scores.MultiBLEU, b.Scores.NIST, b.Scores.ROUGEL})
	}
	return t
}

func textsTable(stages []Stage) sims.Table {
	t := sims.Table{Name: "texts", Title: "Generated texts", Columns: []sims.Column{
		{Name: "seed", Title: "seed", Kind: number},
		{Name: "sparsity", Title: "sparsity", Kind: number},
		{Name: "stage", Title: "stage", Kind: word},
		{Name: "prompt", Title: "prompt", Kind: word},
		{Name: "text", Title: "text", Kind: word},
	}}
	for _, s := range stages {
		if s.Sample != "" {
			t.Rows = append(t.Rows, []any{float64(s.Seed), s.Sparsity, string(s.Kind), "", s.Sample})
		}
		for _, g := range s.Generated {
			t.Rows = append(t.Rows, []any{float64(s.Seed), s.Sparsity, string(s.Kind), g.Prompt, g.Text})
		}
	}
	return t
}
