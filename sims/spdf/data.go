package spdf

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"cs2sim.dev/model"
	"cs2sim.dev/model/text"
	"cs2sim.dev/sims"
	"cs2sim.dev/sims/train"
)

// Experiment is a run file with all it names read and checked.
type Experiment struct {
	Curve     sims.Curve
	Tokenizer *text.Tokenizer
	Baselines []Baseline

	config *sims.Config
	shape  model.Config
	start  *model.Params // weights to begin with; nil: GPT-2's initialisation
	hash   string        // of the contents of all files
	text   *text.Stream
	pairs  *text.PairSet
	test   []text.Group
	prompt []int32 // beginning of the held-out text, for a person to read on

	textValidation, pairValidation []model.Batch
}

// Prepare reads what the curve's run file names. An error is a *sims.InputError.
func Prepare(c sims.Curve) (*Experiment, error) {
	e := &Experiment{Curve: c}
	e.config, e.shape = &e.Curve.Config, c.Config.Model.Shape
	sum := sha256.New()
	for _, f := range []struct{ key, path string }{
		{"data.text", e.config.Data.Text}, {"data.pairs", e.config.Data.Pairs}, {"data.test_pairs", e.config.Data.TestPairs},
		{"data.encoder", e.config.Data.Encoder}, {"data.merges", e.config.Data.Merges}, {"model.weights", e.config.Model.Weights},
	} {
		if err := hashFile(sum, f.path); err != nil {
			return nil, c.Problem(f.key, strconv.Quote(f.path), "%v", err)
		}
	}
	e.hash = hex.EncodeToString(sum.Sum(nil)[:16])
	if err := e.read(); err != nil {
		return nil, err
	}
	return e, e.readWeights()
}

// hashFile adds the contents of a file, and that there is none.
func hashFile(w io.Writer, path string) error {
	if path == "" {
		_, err := io.WriteString(w, "none\n")
		return err
	}
	err := sims.Regular(path)
	if errors.Is(err, os.ErrNotExist) {
		return errors.New("there is no such file")
	}
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	_, err = io.WriteString(w, hex.EncodeToString(h.Sum(nil))+"\n")
	return err
}

// read makes token streams and pair sets.
func (e *Experiment) read() error {
	d := &e.config.Data
	corpus, err := text.ReadText(d.Text)
	if err != nil {
		return e.Curve.Problem("data.text", "", "%v", err)
	}
	training, valid, err := text.SplitText(corpus, d.TrainFraction)
	if err != nil {
		return e.Curve.Problem("data.text", "", "%s: %v", d.Text, err)
	}
	pairs, err := readPairs(d.Pairs)
	if err != nil {
		return e.Curve.Problem("data.pairs", "", "%v", err)
	}
	test, err := readPairs(d.TestPairs)
	if err != nil {
		return e.Curve.Problem("data.test_pairs", "", "%v", err)
	}
	learn, check := splitPairs(pairs, d.TrainFraction)
	if len(learn) == 0 || len(check) == 0 {
		return e.Curve.Problem("data.train_fraction", strconv.FormatFloat(d.TrainFraction, 'g', -1, 64), "leaves no prompt of %s to train on, or none to validate with", d.Pairs)
	}
	if err := e.tokenize(training, learn); err != nil {
		return err
	}
	if err := e.streams(training, valid); err != nil {
		return err
	}
	return e.pairSets(learn, check, test)
}

// readPairs reads by the form that the name's ending tells.
func readPairs(path string) ([]text.Pair, error) {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".csv":
		return text.ReadE2E(path, true)
	case ".json":
		return text.ReadDART(path)
	}
	return text.ReadPairs(path)
}

// splitPairs holds out the last prompts with all their completions.
func splitPairs(pairs []text.Pair, fraction float64) (learn, check []text.Pair) {
	groups := text.GroupPairs(pairs)
	kept := map[string]bool{}
	for _, g := range groups[:int(float64(len(groups))*fraction)] {
		kept[g.Prompt] = true
	}
	for _, p := range pairs {
		if kept[p.Prompt] {
			learn = append(learn, p)
		} else {
			check = append(check, p)
		}
	}
	return learn, check
}

func (e *Experiment) tokenize(training string, pairs []text.Pair) (err error) {
	vocabulary := e.shape.Vocabulary
	switch d := &e.config.Data; d.Tokenizer {
	case sims.TokenBytes:
		e.Tokenizer = text.Bytes()
	case sims.TokenGPT2:
		if e.Tokenizer, err = text.LoadGPT2(d.Encoder, d.Merges); err != nil {
			return e.Curve.Problem("data.encoder", "", "%v", err)
		}
	default:
		var sample strings.Builder
		sample.WriteString(training)
		for _, p := range pairs {
			sample.WriteString("\n" + p.Prompt + "\n " + p.Completion)
		}
		if e.Tokenizer, err = text.Train(sample.String(), vocabulary); err != nil {
			return e.Curve.Problem("model.vocabulary", strconv.Itoa(vocabulary), "%v", err)
		}
	}
	if n := e.Tokenizer.Size(); n > vocabulary {
		return e.Curve.Problem("model.vocabulary", strconv.Itoa(vocabulary), "is less than the %d tokens of tokenizer %q", n, e.config.Data.Tokenizer)
	}
	return nil
}

func (e *Experiment) streams(training, valid string) error {
	length, vocabulary := e.shape.SequenceLength, e.shape.Vocabulary
	wrong := func(part string, err error) error {
		return e.Curve.Problem("data.text", "", "%s, the part to %s: %v", e.config.Data.Text, part, err)
	}
	var err error
	if e.text, err = text.NewStream(e.Tokenizer.Encode(training), length, vocabulary); err != nil {
		return wrong("train on", err)
	}
	held := e.Tokenizer.Encode(valid)
	stream, err := text.NewStream(held, length, vocabulary)
	if err != nil {
		return wrong("validate with", err)
	}
	t := e.config.Pretrain
	e.textValidation = train.TextValidation(stream, t.Batch, t.ValidateBatches)
	e.prompt = held[:min(promptTokens, length/2+1)]
	return nil
}

// promptTokens of held-out text begin the sample of a pre-trained model.
const promptTokens = 12

func (e *Experiment) pairSets(learn, check, test []text.Pair) error {
	length := e.shape.SequenceLength
	var err error
	if e.pairs, err = text.NewPairSet(e.Tokenizer, learn, length); err != nil {
		return e.Curve.Problem("data.pairs", "", "%v (model.sequence_length)", err)
	}
	held, err := text.NewPairSet(e.Tokenizer, check, length)
	if err != nil {
		return e.Curve.Problem("data.pairs", "", "%v (model.sequence_length)", err)
	}
	t := e.config.Finetune
	e.pairValidation = train.PairValidation(held, t.Batch, t.ValidateBatches)
	e.test = text.GroupPairs(test)
	if limit := e.config.Decode.Limit; limit > 0 {
		e.test = e.test[:min(limit, len(e.test))]
	}
	for _, g := range e.test {
		if n := len(text.PromptIDs(e.Tokenizer, g.Prompt)); n > length {
			return e.Curve.Problem("data.test_pairs", "", "%s: prompt %q has %d tokens with its separator, must be at most model.sequence_length %d",
				e.config.Data.TestPairs, g.Prompt, n, length)
		}
	}
	e.Baselines, err = baselines(learn, e.test)
	return err
}

// readWeights reads the weights to begin with, if any.
func (e *Experiment) readWeights() error {
	path := e.config.Model.Weights
	if path == "" {
		return nil
	}
	p, err := model.ReadHFWeights(path, e.shape)
	if err == nil {
		err = p.CheckFinite()
	}
	if err != nil {
		return e.Curve.Problem("model.weights", "", "%v", err)
	}
	e.start = p
	return nil
}
