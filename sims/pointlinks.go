package sims

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"fmt"
	"io"

	"cs2sim.dev/fabric"
	"cs2sim.dev/runtime"
)

// Links are Report.Links of a finished point. In its file they are one text, JSON deflated: classes of links repeat
// each other's numbers.
type Links runtime.LinkTable

const (
	maxPointLinks = 1 << 16 // classes; a mesh of the wavelet engine of which more are not alike keeps sums
	maxLinksText  = 1 << 26 // bytes, inflated: some 400 a class, twice over
)

// pointLinks are the links that a point keeps; nil of none.
func pointLinks(t *runtime.LinkTable) *Links {
	if t != nil && len(t.Classes) > maxPointLinks {
		t = t.Coarse()
	}
	return (*Links)(t)
}

// MarshalJSON writes the text.
func (l *Links) MarshalJSON() ([]byte, error) {
	plain, err := json.Marshal((*runtime.LinkTable)(l))
	if err != nil {
		return nil, fmt.Errorf("links of a point: %w", err)
	}
	var out bytes.Buffer
	zip, err := flate.NewWriter(&out, flate.DefaultCompression)
	if err == nil {
		_, err = zip.Write(plain)
	}
	if err == nil {
		err = zip.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("links of a point: %w", err)
	}
	return json.Marshal(out.Bytes())
}

// UnmarshalJSON reads it, whatever it holds; a trace made of it checks the numbers.
func (l *Links) UnmarshalJSON(data []byte) error {
	var packed []byte
	if err := json.Unmarshal(data, &packed); err != nil {
		return err
	}
	plain, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), maxLinksText))
	if err != nil {
		return fmt.Errorf("links of a point: %w", err)
	}
	var t runtime.LinkTable
	if err := json.Unmarshal(plain, &t); err != nil {
		return fmt.Errorf("links of a point: %w", err)
	}
	for _, c := range t.Classes {
		if c.Direction >= fabric.NumDirections {
			return fmt.Errorf("links of a point: direction %d, must be below %d", c.Direction, fabric.NumDirections)
		}
	}
	*l = Links(t)
	return nil
}
