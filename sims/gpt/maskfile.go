package gpt

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"cs2sim.dev/model"
)

// masksOfFile are the zeros of the six matrices of every block in the weights of a GPT-2 of shape c.
func masksOfFile(path string, c model.Config) (Masks, error) {
	p, err := model.ReadHFWeights(path, c)
	if err != nil {
		return Masks{}, err
	}
	m := Masks{given: make([]*model.Mask, len(p.Layout.Tensors))}
	zeros := int64(0)
	for i, t := range p.Layout.Tensors {
		if t.Kind != model.KindLinear {
			continue
		}
		pattern := model.PatternOf(p.Layout.View(p.Values, i), t.Rows, t.Cols)
		if pattern.NonZeros() < t.Len() {
			m.given[i] = pattern.Mask()
			zeros += int64(t.Len() - pattern.NonZeros())
		}
	}
	if zeros == 0 {
		return Masks{}, fmt.Errorf("%s has no zeros in the matrices of its blocks, must have some to be a mask", path)
	}
	m.Sparsity = float64(zeros) / float64(c.LinearParameters())
	m.File, err = hashOf(path)
	return m, err
}

func hashOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}
