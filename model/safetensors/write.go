package safetensors

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/x448/float16"
)

// Tensor is one to be written.
type Tensor struct {
	Name   string
	Shape  []int
	Values []float32
}

// Write writes tensors in their order as elements of type d, rounded to nearest even,
// and metadata, which may be nil. The same arguments give the same bytes. A value
// that is not finite, or overflows d, is an error before anything is written.
func Write(w io.Writer, tensors []Tensor, d DType, metadata map[string]string) error {
	if d.size() == 0 {
		return fmt.Errorf("dtype is %q, must be %s, %s or %s", d, F32, F16, BF16)
	}
	header, err := header(tensors, d, metadata)
	if err != nil {
		return err
	}
	for _, t := range tensors {
		for i, v := range t.Values {
			if _, ok := encode(d, v); !ok {
				return fmt.Errorf("tensor %q: element %v is %v, must be finite in %s", t.Name, position(t.Shape, i), v, d)
			}
		}
	}
	out := bufio.NewWriterSize(w, 1<<16)
	var word [lengthBytes]byte
	binary.LittleEndian.PutUint64(word[:], uint64(len(header)))
	out.Write(word[:]) // bufio keeps the first error for Flush
	out.Write(header)
	for _, t := range tensors {
		for _, v := range t.Values {
			bits, _ := encode(d, v)
			binary.LittleEndian.PutUint32(word[:], bits)
			out.Write(word[:d.size()])
		}
	}
	return out.Flush()
}

// encode is v as d in the low bits; ok tells whether that is finite.
func encode(d DType, v float32) (bits uint32, ok bool) {
	if v-v != 0 {
		return 0, false
	}
	switch d {
	case F16:
		h := float16.Fromfloat32(v)
		return uint32(h.Bits()), h.IsFinite()
	case BF16:
		b := math.Float32bits(v)
		b = (b + 0x7fff + b>>16&1) >> 16 // nearest even; carries into the exponent as it should
		return b, b&0x7f80 != 0x7f80
	}
	return math.Float32bits(v), true
}

// header is the JSON header, padded so that the data is aligned to 8 bytes.
func header(tensors []Tensor, d DType, metadata map[string]string) ([]byte, error) {
	var text bytes.Buffer
	text.WriteByte('{')
	field := func(name string, value any) error {
		key, err := json.Marshal(name)
		if err != nil {
			return err
		}
		body, err := json.Marshal(value) // sorts the keys of a map
		if err != nil {
			return err
		}
		if text.Len() > 1 {
			text.WriteByte(',')
		}
		text.Write(key)
		text.WriteByte(':')
		text.Write(body)
		return nil
	}
	if metadata != nil {
		if err := field("__metadata__", metadata); err != nil {
			return nil, err
		}
	}
	var end int64
	seen := map[string]bool{"__metadata__": true}
	for _, t := range tensors {
		if seen[t.Name] {
			return nil, fmt.Errorf("tensor %q: named twice", t.Name)
		}
		seen[t.Name] = true
		n := int64(1)
		for _, s := range t.Shape {
			n *= int64(s)
		}
		if n != int64(len(t.Values)) {
			return nil, fmt.Errorf("tensor %q: %d values, shape %v takes %d", t.Name, len(t.Values), t.Shape, n)
		}
		start := end
		end += n * d.size()
		dtype, shape, offsets := string(d), make([]int64, len(t.Shape)), []int64{start, end}
		for i, s := range t.Shape {
			shape[i] = int64(s)
		}
		if err := field(t.Name, entry{&dtype, &shape, &offsets}); err != nil {
			return nil, err
		}
	}
	text.WriteByte('}')
	text.WriteString(strings.Repeat(" ", (8-text.Len()%8)%8))
	if text.Len() > maxHeaderBytes {
		return nil, fmt.Errorf("header takes %d bytes, must take at most %d", text.Len(), maxHeaderBytes)
	}
	return text.Bytes(), nil
}
