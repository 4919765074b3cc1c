package spdf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"cs2sim.dev/model"
	"cs2sim.dev/model/safetensors"
	"cs2sim.dev/sims"
	"cs2sim.dev/sims/train"
)

// Kept reads the stages of this experiment that are finished in a folder of points, by key. A file
// that is not a whole stage of this version and run is passed over and trained again.
func (e *Experiment) Kept(dir string) (map[string]Stage, error) {
	found := map[string]Stage{}
	for _, id := range e.ids() {
		want := Stage{ID: id, Key: e.key(id)}
		data, err := sims.ReadFile(filepath.Join(dir, want.FileName()))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading a finished stage: %w", err)
		}
		var s Stage
		if json.Unmarshal(data, &s) == nil && s.Complete && s.ID == id && s.Key == want.Key && s.Training.Step == len(s.Training.Steps) {
			found[s.Key] = s
		}
	}
	return found, nil
}

// checkpoints of the stage in a folder of points.
func (s *Stage) checkpoints(dir string) train.Checkpoints {
	return train.Checkpoints{Dir: dir, Name: s.Name() + "-" + s.Key, Key: s.Key}
}

// LastCheckpoint is the file of a finished pre-training's weights, from which fine-tunings begin.
func (s *Stage) LastCheckpoint() string {
	return filepath.Base(s.checkpoints("").Path(s.Training.Step))
}

// Checkpoints lists the names of this experiment's checkpoints in a folder of points.
func (e *Experiment) Checkpoints(dir string) (names []string, err error) {
	for _, id := range e.ids() {
		s := Stage{ID: id, Key: e.key(id)}
		files, err := s.checkpoints(dir).Files()
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			names = append(names, filepath.Base(f))
		}
	}
	return names, nil
}

// Traceable lists the stages of the first seed, whose steps are traced, and which of them are finished or have
// a checkpoint in a folder of points.
func (e *Experiment) Traceable(dir string, have map[string]Stage) (ids []ID, begun map[ID]bool, err error) {
	begun = map[ID]bool{}
	for _, id := range e.ids() {
		if id.Seed != e.config.Seed {
			continue
		}
		ids = append(ids, id)
		s := Stage{ID: id, Key: e.key(id)}
		if _, ok := have[s.Key]; ok {
			begun[id] = true
			continue
		}
		files, err := s.checkpoints(dir).Files()
		if err != nil {
			return nil, nil, err
		}
		begun[id] = len(files) > 0
	}
	return ids, begun, nil
}

// File is a result, ready to be written.
type File struct {
	Name string
	Data []byte
}

// ModelFiles are the model's config.json and the tokenizer's two files as HuggingFace's tools read them.
func (e *Experiment) ModelFiles() ([]File, error) {
	var config bytes.Buffer
	if err := model.WriteHFConfig(&config, e.shape); err != nil {
		return nil, err
	}
	files := []File{{"config.json", config.Bytes()}}
	if e.config.Data.Tokenizer == sims.TokenBytes {
		return files, nil // has no such files: a token is a byte
	}
	var encoder, merges bytes.Buffer
	if err := e.Tokenizer.WriteGPT2(&encoder, &merges); err != nil {
		return nil, err
	}
	return append(files, File{"encoder.json", encoder.Bytes()}, File{"vocab.bpe", merges.Bytes()}), nil
}

// WeightsFile is the weights of a finished stage as a GPT-2's safetensors, fp32.
func WeightsFile(id ID, p *model.Params) (File, error) {
	var b bytes.Buffer
	err := model.WriteHFWeights(&b, p, safetensors.F32)
	return File{id.WeightsName(), b.Bytes()}, err
}

// WeightsName is that file's name.
func (id ID) WeightsName() string { return "weights-" + id.Name() + ".safetensors" }

// ReadResults reads results.json of an experiment's folder.
func ReadResults(dir string) (Results, error) {
	path := filepath.Join(dir, "results.json")
	data, err := sims.ReadFile(path)
	if err != nil {
		return Results{}, err
	}
	var r Results
	if err := json.Unmarshal(data, &r); err != nil {
		return Results{}, &sims.InputError{File: path, Want: "not the results of a run: " + err.Error()}
	}
	return r, nil
}
