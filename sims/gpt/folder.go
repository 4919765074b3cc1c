package gpt

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"cs2sim.dev/sims"
)

// pointsName is where a run's folder keeps finished points.
const pointsName = "points"

// FileName is the step's file among the finished points.
func (s *Step) FileName() string { return fmt.Sprintf("s%.4f-%s.json", 1-s.Density, s.Key) }

// SaveStep keeps a finished step in a run's folder.
func SaveStep(f *sims.Folder, s *Step) error {
	data, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("step of %s: %w", s.Model, err)
	}
	return f.Write(filepath.Join(pointsName, s.FileName()), append(data, '\n'))
}

// Steps reads the finished steps of a run's folder by their keys. A file that is not a whole step is passed
// over and its step simulated again.
func Steps(f *sims.Folder) (map[string]*Step, error) {
	dir := filepath.Join(f.Dir, pointsName)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("reading finished points: %w", err)
	}
	found := map[string]*Step{}
	for _, e := range entries {
		data, err := sims.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			continue
		}
		s := &Step{}
		if json.Unmarshal(data, s) == nil && s.whole() && s.FileName() == e.Name() {
			found[s.Key] = s
		}
	}
	return found, nil
}

// ReadResults reads results.json of a gpt run's folder. ok is false for another experiment.
func ReadResults(dir string) (r Results, ok bool, err error) {
	path := filepath.Join(dir, "results.json")
	data, err := sims.ReadFile(path)
	if err != nil {
		return r, false, nil // sims.ReadResults says what is wrong
	}
	var head struct{ Experiment string }
	if json.Unmarshal(data, &head) != nil || head.Experiment != sims.ExperimentGPT {
		return r, false, nil
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, true, &sims.InputError{File: path, Want: "not the results of a run: " + err.Error()}
	}
	return r, true, nil
}
