package sims

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"cs2sim.dev/pe"
	"cs2sim.dev/runtime"
)

// Windows are Report.Windows of a finished point. In its file they are one text: numbers of variable length,
// deflated; written out they would be a hundred times all that is beside them.
type Windows []runtime.Window

const maxPointWindows = 1 << 24 // bytes, inflated: four times those of a wafer

// MarshalJSON writes the text.
func (w Windows) MarshalJSON() ([]byte, error) {
	var b []byte
	cells := 0
	if len(w) > 0 {
		cells = len(w[0].Cells)
	}
	b = binary.AppendUvarint(b, uint64(len(w)))
	b = binary.AppendUvarint(b, uint64(cells))
	for i := range w {
		b = binary.AppendVarint(b, w[i].Cycles)
		b = binary.AppendVarint(b, w[i].Skew)
		for _, c := range w[i].Cells {
			for _, n := range c {
				b = binary.AppendVarint(b, n)
			}
		}
	}
	var out bytes.Buffer
	zip, err := flate.NewWriter(&out, flate.DefaultCompression)
	if err == nil {
		_, err = zip.Write(b)
	}
	if err == nil {
		err = zip.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("windows of a point: %w", err)
	}
	return json.Marshal(out.Bytes())
}

// UnmarshalJSON reads it, whatever it holds.
func (w *Windows) UnmarshalJSON(data []byte) error {
	var packed []byte
	if err := json.Unmarshal(data, &packed); err != nil {
		return err
	}
	plain, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), maxPointWindows))
	if err != nil {
		return fmt.Errorf("windows of a point: %w", err)
	}
	r := bytes.NewReader(plain)
	short := errors.New("windows of a point: cut off")
	windows, err := binary.ReadUvarint(r)
	if err != nil {
		return short
	}
	cells, err := binary.ReadUvarint(r)
	if err != nil {
		return short
	}
	// A number is a byte at least.
	if left := uint64(r.Len()); windows > left/2 || cells > left/uint64(pe.NumStates) || windows*(2+cells*uint64(pe.NumStates)) > left {
		return short
	}
	all := make(Windows, windows)
	for i := range all {
		one := runtime.Window{Cells: make([]pe.StateCycles, cells)}
		numbers := []*int64{&one.Cycles, &one.Skew}
		for c := range one.Cells {
			for s := range one.Cells[c] {
				numbers = append(numbers, &one.Cells[c][s])
			}
		}
		for _, n := range numbers {
			if *n, err = binary.ReadVarint(r); err != nil {
				return short
			}
		}
		all[i] = one
	}
	if r.Len() > 0 {
		return errors.New("windows of a point: bytes are left over")
	}
	*w = all
	return nil
}
