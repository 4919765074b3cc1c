package spdf

import (
	"fmt"
	"math"
	"strings"

	"cs2sim.dev/fabric"
	"cs2sim.dev/sims"
	"cs2sim.dev/sims/train"
)

func cycles(w train.Work) fabric.Cycle { return fabric.Cycle(w.Cycles) }

// title names model, parameters and machine.
func (e *Experiment) title() string {
	c := e.shape
	return fmt.Sprintf("a GPT of %d blocks, width %d, %d tokens (%s parameters) on %s",
		c.Layers, c.DModel, c.Vocabulary, thousands(c.Parameters()), e.config.Machine.Name)
}

func thousands(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// summarized are the columns of the results whose mean and deviation over seeds are shown.
func summarized() []string {
	return []string{"pretrain_loss", "pretrain_perplexity", "loss", "perplexity", "bleu", "multi_bleu", "nist", "rouge_l",
		"teraflops", "flops_speedup", "cycles", "seconds", "cycles_speedup", "pe_utilization"}
}

const deviationSuffix = "_std"

// summaryTable is the paper's tables 1 and 2 with our values: a row per sparsity and fine-tuning,
// mean and standard deviation (n-1) over the seeds, which is NaN for one seed.
func (e *Experiment) summaryTable(results sims.Table) sims.Table {
	t := sims.Table{Name: "summary", Title: results.Title, Columns: []sims.Column{
		{Name: "sparsity", Title: "sparsity", Kind: number, Format: "%.4g"},
		{Name: "finetune", Title: "fine-tuning", Kind: word},
		{Name: "seeds", Title: "seeds", Kind: number, Format: "%.0f"},
	}}
	at := map[string]int{}
	for i, c := range results.Columns {
		at[c.Name] = i
	}
	for _, name := range summarized() {
		c := results.Columns[at[name]]
		deviation := c
		deviation.Name, deviation.Title = c.Name+deviationSuffix, "±"
		deviation.Unit = ""
		t.Columns = append(t.Columns, c, deviation)
	}
	for _, s := range e.config.SPDF.Sparsities {
		for _, kind := range []Kind{FinetuneDense, FinetuneSparse} {
			var rows [][]any
			for _, row := range results.Rows {
				if row[at["sparsity"]] == s && row[at["finetune"]] == string(kind) {
					rows = append(rows, row)
				}
			}
			if len(rows) == 0 {
				continue
			}
			out := []any{s, string(kind), float64(len(rows))}
			for _, name := range summarized() {
				mean, deviation := meanDeviation(rows, at[name])
				out = append(out, mean, deviation)
			}
			t.Rows = append(t.Rows, out)
		}
	}
	return t
}

func meanDeviation(rows [][]any, column int) (mean, deviation float64) {
	n := float64(len(rows))
	for _, row := range rows {
		mean += row[column].(float64) / n
	}
	for _, row := range rows {
		d := row[column].(float64) - mean
		deviation += float64(d*d) / (n - 1) // 0/0: NaN for one row
	}
	return mean, math.Sqrt(deviation)
}

// Head is the part of the summary that a person reads first.
func (r Results) Head() sims.Table {
	names := []string{"sparsity", "finetune"}
	several := false
	for _, row := range r.Summary.Rows {
		several = several || row[2] != 1.0
	}
	for _, name := range []string{"pretrain_loss", "loss", "perplexity", "bleu", "nist", "rouge_l", "teraflops", "flops_speedup", "seconds", "cycles_speedup", "pe_utilization"} {
		names = append(names, name)
		if several && (name == "bleu" || name == "loss" || name == "pretrain_loss") {
			names = append(names, name+deviationSuffix)
		}
	}
	return r.Summary.Select(names...)
}

// Log tells what was trained, in words; without times, so that it is the same every time.
func (e *Experiment) Log(stages []Stage, note string) string {
	var b strings.Builder
	c := e.config
	fmt.Fprintf(&b, "cs2sim %s: SPDF of %s, seed %d, %s\n", sims.Version, e.title(), c.Seed, c.Fidelity)
	fmt.Fprintf(&b, "text: %d tokens to train on; %d pairs, %d of them cut; %d prompts to score\n", e.text.Len(), e.pairs.Len(), e.pairs.Truncated(), len(e.test))
	for _, s := range stages {
		p := s.Training
		fmt.Fprintf(&b, "\n%v\n", s.ID)
		if !s.Complete {
			fmt.Fprintf(&b, "  not finished: %d steps done\n", p.Step)
			continue
		}
		fmt.Fprintf(&b, "  %d steps, %d updates, loss %.4f at first, %.4f validated\n", p.Step, p.Updates, p.Steps[0].Loss, s.Loss)
		if p.Stopped {
			fmt.Fprintf(&b, "  stopped early: best validation after step %d\n", p.BestStep)
		}
		for i, r := range p.Steps {
			if r.Skipped {
				fmt.Fprintf(&b, "  step %d skipped: a gradient overflows fp16 at loss scale %.0f\n", i, r.LossScale)
			}
		}
		fmt.Fprintf(&b, "  %.4g FLOPs; %d micro-batches, %d cycles, utilization %.3f of the PEs in use\n", s.FLOPs, p.Work.MicroBatches, p.Work.Cycles, p.Work.Utilization())
		if s.Sample != "" {
			fmt.Fprintf(&b, "  sample: %q\n", s.Sample)
		} else {
			fmt.Fprintf(&b, "  BLEU %.2f, multi-bleu %.2f, NIST %.3f, ROUGE-L %.2f\n", s.Scores.BLEU, s.Scores.MultiBLEU, s.Scores.NIST, s.Scores.ROUGEL)
			for _, g := range s.Generated[:min(3, len(s.Generated))] {
				fmt.Fprintf(&b, "  %s\n    %s\n", g.Prompt, g.Text)
			}
		}
	}
	for _, one := range e.Baselines {
		fmt.Fprintf(&b, "\nwithout learning, %s: BLEU %.2f, NIST %.3f, ROUGE-L %.2f\n", one.Name, one.Scores.BLEU, one.Scores.NIST, one.Scores.ROUGEL)
	}
	if note != "" {
		fmt.Fprintf(&b, "\n%s\n", note)
	}
	return b.String()
}
