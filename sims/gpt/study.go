package gpt

import (
	"fmt"
	"math"
	"slices"

	"cs2sim.dev/model"
	"cs2sim.dev/sims"
)

// Case is one row of the results: a phase of the training of one model.
type Case struct {
	Curve    string // of the run file
	Model    model.Config
	Sparsity float64
	Task     string // "" for pre-training, or the key of a task
	Systems  int
	Batch    int     // sequences of an update, over all systems
	Total    float64 // sequences of the whole phase
	Job      Job
	Listed   bool // a dense base that the run file does not list is not in the results
	Probe    *Probe
	Weak     bool // one of weak scaling: the batch has grown with the systems

	config *sims.Config
	curve  *sims.Curve
}

// Phase is the case's word in tables.
func (c *Case) Phase() string {
	if c.Task == "" {
		return "pretrain"
	}
	return "finetune-" + c.Task
}

// Length is the tokens of a sequence.
func (c *Case) Length() int { return c.Job.Model.SequenceLength }

// Updates is how many the phase takes: the factor between what is simulated and the whole phase.
func (c *Case) Updates() float64 { return math.Ceil(c.Total / float64(c.Batch)) }

// FLOPs of the whole phase as the paper counts them. Fine-tuning is dense.
func (c *Case) FLOPs() float64 {
	density := 1.0
	if c.Task == "" {
		density = 1 - c.Sparsity
	}
	return c.Total * c.Model.ForwardFLOPs(c.Length(), density).Training()
}

// Cases of the curves of a run, in the order of the results: model, systems, sparsity, phase. The
// error is an *InputError about the mask file.
func Cases(curves []sims.Curve) (all []Case, err error) {
	for i := range curves {
		more, err := casesOf(&curves[i])
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return all, nil
}

// masksOfRun are those of a model at every sparsity of a run, dense first where it is not listed,
// the mask file last.
func masksOfRun(curve *sims.Curve, m model.Config) (all []Masks, denseListed bool, err error) {
	c := &curve.Config
	denseListed = slices.Contains(c.GPT.Sparsities, 0)
	if !denseListed {
		all = append(all, Masks{})
	}
	for _, s := range c.GPT.Sparsities {
		all = append(all, masksOf(c, s))
	}
	if path := c.GPT.MaskFile; path != "" {
		given, err := masksOfFile(path, m)
		if err != nil {
			return nil, false, curve.Problem("gpt.mask_file", fmt.Sprintf("%q", path), "%v", err)
		}
		all = append(all, given)
	}
	return all, denseListed, nil
}

func casesOf(curve *sims.Curve) (all []Case, err error) {
	c := &curve.Config
	for _, m := range c.Shapes() {
		masks, dense, err := masksOfRun(curve, m)
		if err != nil {
			return nil, err
		}
		for _, systems := range c.GPT.Systems {
			for _, mask := range masks {
				s := mask.Sparsity
				one := Case{Curve: curve.Name, Model: m, Sparsity: s, Systems: systems, Listed: dense || s > 0, config: c, curve: curve}
				pretrain := one
				pretrain.Batch = batchOf(c, m)
				pretrain.Total = tokensOf(c, m) / float64(m.SequenceLength)
				pretrain.Job = one.job(m, mask, pretrain.Batch)
				all = append(all, pretrain)
				for _, name := range c.GPT.Finetune {
					tune := one
					tune.Task, tune.Total = name, taskOf(name).sequences
					if tune.Batch = sims.Searched(c.GPT.FinetuneBatch); tune.Batch == 0 {
						tune.Batch = pretrain.Batch
					}
					short := m
					short.SequenceLength = c.GPT.FinetuneLength
					tune.Job = one.job(short, Masks{}, tune.Batch)
					all = append(all, tune)
				}
			}
		}
	}
	return all, nil
}

// job is what a system has to do of an update.
func (c *Case) job(m model.Config, masks Masks, batch int) Job {
	g := c.config
	return Job{
		Model: m, Machine: g.Machine, Precision: g.Model.Precision, Masks: masks, Sequences: ceilDiv(batch, c.Systems), Systems: c.Systems,
		Mapping: Mapping{
			Columns: sims.Searched(g.Mapping.Columns), ColumnsPerHead: sims.Searched(g.Mapping.ColumnsPerHead), Tokens: sims.Searched(g.Mapping.TokensPerPE),
			Chunks: sims.Searched(g.GPT.Chunks),
		},
	}
}

// Outcome is a case with what came of it; Update is nil where its step is not finished.
type Outcome struct {
	Case
	Update *Update
}

// Outcomes joins cases and finished steps, by Job.Key.
func Outcomes(cases []Case, steps map[string]*Step) []Outcome {
	var all []Outcome
	for _, c := range cases {
		o := Outcome{Case: c}
		if s, ok := steps[c.Job.Key()]; ok {
			o.Update = newUpdate(s, c.Job.Machine, c.Batch, c.Systems)
		}
		all = append(all, o)
	}
	return all
}

// Seconds of the whole phase, NaN if it is not finished.
func (o *Outcome) Seconds() float64 {
	if o.Update == nil {
		return math.NaN()
	}
	return o.Updates() * o.Update.Seconds
}

// FLOPUtilization is the FLOPs of an update, as the paper counts them, over those the datapaths of
// all systems could do in its time in the run's precision.
func (o *Outcome) FLOPUtilization() float64 {
	flops := o.FLOPs() / o.Total * float64(o.Batch)
	peak := Peak(o.Job.Machine, string(o.Job.Precision)) * float64(o.Systems)
	return flops / (peak * o.Update.Seconds)
}

// find returns the outcome of the same curve, model and systems at a sparsity and task, nil if it
// is not there or not finished.
func find(all []Outcome, like *Outcome, sparsity float64, task string) *Outcome {
	for i := range all {
		o := &all[i]
		if o.Curve == like.Curve && o.Model.Name == like.Model.Name && o.Systems == like.Systems && o.Sparsity == sparsity && o.Task == task && o.Update != nil {
			return o
		}
	}
	return nil
}
