package model

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cs2sim.dev/model/safetensors"
)

// writeHF writes tensors to a file of dir.
func writeHF(t *testing.T, tensors []safetensors.Tensor) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.safetensors")
	var out bytes.Buffer
	if err := safetensors.Write(&out, tensors, safetensors.F32, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func tinyHF() []safetensors.Tensor {
	var tensors []safetensors.Tensor
	for _, h := range hfTensors(tinyConfig()) {
		tensors = append(tensors, safetensors.Tensor{Name: h.name, Shape: h.shape, Values: counterValues(h, 0.5)})
	}
	return tensors
}

func TestHFWeightsRoundTrip(t *testing.T) {
	c := tinyConfig()
	p, err := ReadHFWeights(writeHF(t, tinyHF()), c)
	if err != nil {
		t.Fatal(err)
	}
	// c_attn is [C][3C]: its element (k, C+j) is ours (j, k) of the keys.
	const C, j, k = 12, 5, 7
	attn := counterValues(hfTensor{"h.1.attn.c_attn.weight", []int{C, 3 * C}, []string{"h.1.attn.q.w"}, true}, 0.5)
	if got, want := p.Layout.ViewOf(p.Values, "h.1.attn.k.w")[j*C+k], attn[k*3*C+C+j]; got != want {
		t.Errorf("key weight (%d, %d) is %v, want %v", j, k, got, want)
	}
	for _, d := range []safetensors.DType{safetensors.F32, safetensors.F16, safetensors.BF16} {
		var out bytes.Buffer
		if err := WriteHFWeights(&out, p, d); err != nil {
			t.Fatal(err)
		}
		f, err := safetensors.Parse("memory", bytes.NewReader(out.Bytes()), int64(out.Len()))
		if err != nil {
			t.Fatal(err)
		}
		q, err := readHFWeights(f, c)
		if err != nil {
			t.Fatal(err)
		}
		e := map[safetensors.DType]float64{safetensors.F32: 0, safetensors.F16: 0x1p-11, safetensors.BF16: 0x1p-8}[d]
		if got := relative(q.Values, p.Values); !(got <= e) {
			t.Errorf("%s: written and read is off by %v, at most %v", d, got, e)
		}
		if d == safetensors.F32 && !slices.Equal(q.Values, p.Values) {
			t.Error("F32 does not keep every bit")
		}
	}
}

func TestHFWeightsTolerates(t *testing.T) {
	tensors := tinyHF()
	for i := range tensors {
		tensors[i].Name = "transformer." + tensors[i].Name
	}
	head := tensors[0]
	head.Name = "lm_head.weight"
	tensors = append(tensors, head,
		safetensors.Tensor{Name: "transformer.h.0.attn.bias", Shape: []int{1, 1, 2, 2}, Values: make([]float32, 4)},
		safetensors.Tensor{Name: "transformer.h.1.attn.masked_bias", Values: []float32{-1e4}})
	p, err := ReadHFWeights(writeHF(t, tensors), tinyConfig())
	if err != nil {
		t.Fatal(err)
	}
	plain, err := ReadHFWeights(writeHF(t, tinyHF()), tinyConfig())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(p.Values, plain.Values) {
		t.Error("prefix and buffers change the weights")
	}
}

func TestHFWeightsErrors(t *testing.T) {
	c := tinyConfig()
	for want, change := range map[string]func([]safetensors.Tensor) []safetensors.Tensor{
		`tensor "h.1.mlp.c_fc.bias" is missing, must be there with shape [40]`: func(s []safetensors.Tensor) []safetensors.Tensor {
			return slices.DeleteFunc(s, func(t safetensors.Tensor) bool { return t.Name == "h.1.mlp.c_fc.bias" })
		},
		`tensor "wpe.weight" has shape [12 9], must be [9 12]`: func(s []safetensors.Tensor) []safetensors.Tensor {
			s[1].Shape = []int{12, 9}
			return s
		},
		`tensor "h.2.ln_1.weight" is not a parameter of a GPT-2 of 2 blocks`: func(s []safetensors.Tensor) []safetensors.Tensor {
			return append(s, safetensors.Tensor{Name: "h.2.ln_1.weight", Shape: []int{1}, Values: []float32{1}})
		},
		`tensor "h.2.attn.bias" is not a parameter`: func(s []safetensors.Tensor) []safetensors.Tensor {
			return append(s, safetensors.Tensor{Name: "h.2.attn.bias", Shape: []int{1}, Values: []float32{1}})
		},
		`"wte.weight" and "transformer.wte.weight" are the same parameter`: func(s []safetensors.Tensor) []safetensors.Tensor {
			twice := s[0]
			twice.Name = "transformer.wte.weight"
			return append(s, twice)
		},
		`tensor "lm_head.weight" differs from "wte.weight"`: func(s []safetensors.Tensor) []safetensors.Tensor {
			return append(s, safetensors.Tensor{Name: "lm_head.weight", Shape: s[0].Shape, Values: make([]float32, len(s[0].Values))})
		},
		`tensor "lm_head.weight" has shape [12 23], must be [23 12]`: func(s []safetensors.Tensor) []safetensors.Tensor {
			return append(s, safetensors.Tensor{Name: "lm_head.weight", Shape: []int{12, 23}, Values: s[0].Values})
		},
		`3 tensors, a model of 2 blocks has at least 24`: func(s []safetensors.Tensor) []safetensors.Tensor { return s[:3] },
	} {
		path := writeHF(t, change(tinyHF()))
		_, err := ReadHFWeights(path, c)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%v, must say %q and the file", err, want)
		}
	}
	if _, err := ReadHFWeights(filepath.Join(t.TempDir(), "none"), c); err == nil {
		t.Error("a file that is not there is read")
	}
	if _, err := ReadHFWeights(t.TempDir(), c); err == nil {
		t.Error("a directory is read")
	}
	// One byte short, and one NaN.
	var out bytes.Buffer
	p, err := InitParams(c, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteHFWeights(&out, p, safetensors.F32); err != nil {
		t.Fatal(err)
	}
	text := out.Bytes()
	if _, err := safetensors.Parse("short", bytes.NewReader(text), int64(len(text)-1)); err == nil || !strings.Contains(err.Error(), "truncated") {
		t.Errorf("a truncated file: %v", err)
	}
	copy(text[len(text)-4:], "\x00\x00\xc0\x7f")
	f, err := safetensors.Parse("nan", bytes.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := readHFWeights(f, c); err == nil || !strings.Contains(err.Error(), `nan: tensor "ln_f.bias": element [11] is NaN`) {
		t.Errorf("NaN: %v", err)
	}
	p.Values[0] = 1e6
	if err := WriteHFWeights(&out, p, safetensors.F16); err == nil || !strings.Contains(err.Error(), "wte.weight") {
		t.Errorf("a weight of 1e6 in F16: %v", err)
	}
}
