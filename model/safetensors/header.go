package safetensors

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// DType is the number type of a stored tensor.
type DType string

const (
	F32  DType = "F32"
	F16  DType = "F16"
	BF16 DType = "BF16"
)

// size is the bytes of one element, 0 if d is not one that is read.
func (d DType) size() int64 {
	switch d {
	case F32:
		return 4
	case F16, BF16:
		return 2
	}
	return 0
}

const (
	lengthBytes    = 8
	maxHeaderBytes = 100_000_000 // the format's own limit
	maxDimensions  = 8           // more than any model has; the format sets none
)

// Info describes one tensor of a file.
type Info struct {
	Name       string
	DType      DType
	Shape      []int // empty: a scalar
	Start, End int64 // bytes, from the first byte after the header
}

// Len is the number of elements.
func (i Info) Len() int {
	n := 1
	for _, d := range i.Shape {
		n *= d
	}
	return n
}

// entry is a tensor of the JSON header. Pointers tell absent keys.
type entry struct {
	DType   *string  `json:"dtype"`
	Shape   *[]int64 `json:"shape"`
	Offsets *[]int64 `json:"data_offsets"`
}

// parseHeader reads the JSON header of a file with data bytes after it.
// encoding/json would let a repeated name win silently, so names are walked.
func parseHeader(text []byte, data int64) ([]Info, map[string]string, error) {
	if len(text) == 0 || text[0] != '{' {
		return nil, nil, fmt.Errorf("header must begin with {, this is not a safetensors file")
	}
	var infos []Info
	var metadata map[string]string
	seen := map[string]bool{}
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return nil, nil, fmt.Errorf("header: %w", err)
	}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, nil, fmt.Errorf("header: %w", err)
		}
		name, _ := token.(string) // a key of an object is a string
		if seen[name] {
			return nil, nil, fmt.Errorf("tensor %q: named twice in the header", name)
		}
		seen[name] = true
		if name == "__metadata__" {
			if err := d.Decode(&metadata); err != nil {
				return nil, nil, fmt.Errorf("header: __metadata__ must hold strings: %w", err)
			}
			continue
		}
		var e entry
		if err := d.Decode(&e); err != nil {
			return nil, nil, fmt.Errorf("tensor %q: header: %w", name, err)
		}
		info, err := e.info(name, data)
		if err != nil {
			return nil, nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		infos = append(infos, info)
	}
	if _, err := d.Token(); err != nil {
		return nil, nil, fmt.Errorf("header: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, nil, fmt.Errorf("header: text after the closing }, only spaces may follow")
	}
	slices.SortStableFunc(infos, func(a, b Info) int {
		if a.Start != b.Start {
			return int(min(1, max(-1, a.Start-b.Start)))
		}
		return int(min(1, max(-1, a.End-b.End))) // an empty tensor before the one it touches
	})
	return infos, metadata, checkTiling(infos, data)
}

func (e entry) info(name string, data int64) (Info, error) {
	switch {
	case e.DType == nil:
		return Info{}, fmt.Errorf("dtype is missing, must be %s, %s or %s", F32, F16, BF16)
	case e.Shape == nil:
		return Info{}, fmt.Errorf("shape is missing, must be a list of dimensions")
	case e.Offsets == nil:
		return Info{}, fmt.Errorf("data_offsets is missing, must be [start, end]")
	}
	dtype, shape, offsets := DType(*e.DType), *e.Shape, *e.Offsets
	if dtype.size() == 0 {
		return Info{}, fmt.Errorf("dtype is %q, must be %s, %s or %s", dtype, F32, F16, BF16)
	}
	if len(shape) > maxDimensions {
		return Info{}, fmt.Errorf("shape has %d dimensions, must have at most %d", len(shape), maxDimensions)
	}
	if len(offsets) != 2 || offsets[0] < 0 || offsets[1] < offsets[0] || offsets[1] > data {
		return Info{}, fmt.Errorf("data_offsets is %v, must be [start, end] within the %d bytes of data: truncated or damaged",
			offsets, data)
	}
	info := Info{Name: name, DType: dtype, Start: offsets[0], End: offsets[1]}
	want := dtype.size()
	if slices.Contains(shape, 0) {
		want = 0
	}
	for _, n := range shape {
		if n < 0 || n > 0 && want > data/n { // also keeps the product from overflowing
			return Info{}, fmt.Errorf("shape %v of %s does not fit the %d bytes of data", shape, dtype, data)
		}
		want *= n
		info.Shape = append(info.Shape, int(n))
	}
	if want != info.End-info.Start {
		return Info{}, fmt.Errorf("shape %v of %s takes %d bytes, data_offsets %v hold %d",
			shape, dtype, want, offsets, info.End-info.Start)
	}
	return info, nil
}

// checkTiling reports the first hole or overlap of infos, sorted by start, in data
// bytes.
func checkTiling(infos []Info, data int64) error {
	var end int64
	before := "the header"
	for _, i := range infos {
		if i.Start < end {
			return fmt.Errorf("tensor %q: starts at byte %d, overlaps %s, which ends at %d", i.Name, i.Start, before, end)
		}
		if i.Start > end {
			return fmt.Errorf("tensor %q: starts at byte %d, leaves a hole after %s, which ends at %d", i.Name, i.Start, before, end)
		}
		end, before = i.End, fmt.Sprintf("%q", i.Name)
	}
	if end != data {
		return fmt.Errorf("%d bytes of data after the last tensor, there must be none", data-end)
	}
	return nil
}
