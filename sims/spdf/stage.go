package spdf

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"cs2sim.dev/model"
	"cs2sim.dev/runtime"
	"cs2sim.dev/sims"
	"cs2sim.dev/sims/train"
)

// Kind is what a stage does.
type Kind string

const (
	Pretrain       Kind = "pretrain"
	FinetuneDense  Kind = "dense"  // with the mask dropped
	FinetuneSparse Kind = "sparse" // with the mask kept
)

// ID tells the stages of an experiment apart.
type ID struct {
	Kind     Kind    `json:"kind"`
	Sparsity float64 `json:"sparsity"` // of the pre-training
	Seed     int     `json:"seed"`
}

// String is the stage's name in messages.
func (id ID) String() string {
	name := "pre-training"
	if id.Kind != Pretrain {
		name = string(id.Kind) + " fine-tuning"
	}
	return fmt.Sprintf("%s at sparsity %.4g, seed %d", name, id.Sparsity, id.Seed)
}

// Stage is one training and what came of it.
type Stage struct {
	ID
	Key      string         `json:"key"`      // hash of all that decides it
	Complete bool           `json:"complete"` // what is below Training is of complete stages only
	Training train.Progress `json:"training"`

	Loss      float64     `json:"loss"` // of the last validation, in nats per token; the best if it stopped early
	FLOPs     float64     `json:"flops"`
	Sample    string      `json:"sample,omitempty"`    // pre-training: held-out text, continued
	Generated []Generated `json:"generated,omitempty"` // fine-tuning
	Scores    Scores      `json:"scores"`              // of Generated
	Decoding  train.Work  `json:"decoding"`            // of Sample or Generated
	Distances []Distance  `json:"distances,omitempty"` // from the pre-trained weights
}

// Generated is the text for a prompt of the test pairs.
type Generated struct {
	Prompt string `json:"prompt"`
	Text   string `json:"text"`
}

// stageInput is all that decides a stage's result.
type stageInput struct {
	Version   string
	ID        ID
	Fidelity  runtime.Fidelity
	Machine   map[string]float64
	Model     model.Config
	Precision model.Precision
	Mapping   sims.Mapping
	Data      string // of file contents
	Fraction  float64
	Tokenizer string
	Pretrain  sims.Training
	Finetune  sims.Training // zero for a pre-training
	Decode    sims.Decode   // zero for a pre-training
}

// key is a hash of a stage's input. JSON writes maps in the order of their keys.
func (e *Experiment) key(id ID) string {
	c := e.config
	in := stageInput{
		Version: sims.Version, ID: id, Fidelity: c.Fidelity, Machine: map[string]float64{},
		Model: e.shape, Precision: c.Model.Precision, Mapping: c.Mapping,
		Data: e.hash, Fraction: c.Data.TrainFraction, Tokenizer: c.Data.Tokenizer, Pretrain: c.Pretrain,
	}
	for _, p := range c.Machine.Params {
		in.Machine[p.Key] = p.Value
	}
	if id.Kind != Pretrain {
		in.Finetune, in.Decode = c.Finetune, c.Decode
	}
	data, err := json.Marshal(in)
	if err != nil {
		panic(err) // plain data; run files admit neither NaN nor infinities
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// Name is the stage in names of files.
func (id ID) Name() string { return fmt.Sprintf("s%.4f-%d-%s", id.Sparsity, id.Seed, id.Kind) }

// FileName is the stage's file in the folder points.
func (s *Stage) FileName() string { return s.Name() + "-" + s.Key + ".json" }

// chain is a pre-training and what follows from it.
type chain struct {
	pretrain ID
	finetune []ID
}

// chains lists them, all sparsities of a seed before the next seed.
func (e *Experiment) chains() (out []chain) {
	c := e.config
	for seed := c.Seed; seed < c.Seed+c.SPDF.Seeds; seed++ {
		for _, s := range c.SPDF.Sparsities {
			ch := chain{pretrain: ID{Pretrain, s, seed}}
			// Without a mask there is nothing to drop: one fine-tuning is both.
			if c.SPDF.Finetune != sims.FinetuneSparse || s == 0 {
				ch.finetune = append(ch.finetune, ID{FinetuneDense, s, seed})
			}
			if c.SPDF.Finetune != sims.FinetuneDense && s != 0 {
				ch.finetune = append(ch.finetune, ID{FinetuneSparse, s, seed})
			}
			out = append(out, ch)
		}
	}
	return out
}

// ids lists all stages, chain by chain.
func (e *Experiment) ids() (out []ID) {
	for _, c := range e.chains() {
		out = append(append(out, c.pretrain), c.finetune...)
	}
	return out
}

// Zeros is the share of weights that the mask of a stage keeps at 0.
func (id ID) Zeros() float64 { return 1 - id.density() }

// density is the share of weights a stage trains.
func (id ID) density() float64 {
	if id.Kind == FinetuneDense {
		return 1
	}
	return 1 - id.Sparsity
}

// training is the stage's part of the run file.
func (e *Experiment) training(id ID) sims.Training {
	if id.Kind == Pretrain {
		return e.config.Pretrain
	}
	return e.config.Finetune
}

// flops of so many training steps of a stage, as SPDF counts them.
func (e *Experiment) flops(id ID, steps int) float64 {
	perSequence := e.shape.ForwardFLOPs(e.shape.SequenceLength, id.density()).Training()
	return perSequence * float64(steps) * float64(e.training(id).Batch)
}

func blockName(layer int, tensor string) string { return fmt.Sprintf("h.%d.%s", layer, tensor) }
