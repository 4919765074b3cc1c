package safetensors

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/x448/float16"
)

// File is an open safetensors file.
type File struct {
	Name     string // for errors
	Tensors  []Info // in the order of their bytes
	Metadata map[string]string

	r     io.ReaderAt
	data  int64 // offset of the first byte after the header
	index map[string]int
}

// Open reads the header of the file at path. The caller closes the closer.
func Open(path string) (*File, io.Closer, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: not a regular file", path)
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	s, err := Parse(path, f, info.Size())
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return s, f, nil
}

// Parse reads the header of size bytes of r. name is the file's, for errors.
func Parse(name string, r io.ReaderAt, size int64) (*File, error) {
	if size < lengthBytes {
		return nil, fmt.Errorf("%s: %d bytes, a safetensors file has at least %d: truncated", name, size, lengthBytes)
	}
	var length [lengthBytes]byte
	if err := readAt(r, length[:], 0); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > maxHeaderBytes {
		return nil, fmt.Errorf("%s: header length is %d, must be at most %d: not a safetensors file", name, n, maxHeaderBytes)
	}
	if int64(n) > size-lengthBytes {
		return nil, fmt.Errorf("%s: header length is %d, only %d bytes follow: truncated", name, n, size-lengthBytes)
	}
	text := make([]byte, n)
	if err := readAt(r, text, lengthBytes); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	f := &File{Name: name, r: r, data: lengthBytes + int64(n), index: map[string]int{}}
	var err error
	if f.Tensors, f.Metadata, err = parseHeader(text, size-f.data); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for i, t := range f.Tensors {
		f.index[t.Name] = i
	}
	return f, nil
}

// readAt fills p from r at offset.
func readAt(r io.ReaderAt, p []byte, offset int64) error {
	_, err := io.ReadFull(io.NewSectionReader(r, offset, int64(len(p))), p)
	return err
}

// Find returns the tensor of a name.
func (f *File) Find(name string) (Info, bool) {
	i, ok := f.index[name]
	if !ok {
		return Info{}, false
	}
	return f.Tensors[i], true
}

// Read returns the elements of a tensor. One that is not a finite number is an
// error.
func (f *File) Read(name string) ([]float32, error) {
	t, ok := f.Find(name)
	if !ok {
		return nil, fmt.Errorf("%s: tensor %q is missing", f.Name, name)
	}
	raw := make([]byte, t.End-t.Start) // at most the size of the file
	if err := readAt(f.r, raw, f.data+t.Start); err != nil {
		return nil, fmt.Errorf("%s: tensor %q: %w", f.Name, name, err)
	}
	values := make([]float32, t.Len())
	for i := range values {
		v := decode(t.DType, raw, i)
		if v-v != 0 {
			return nil, fmt.Errorf("%s: tensor %q: element %v is %v, must be finite", f.Name, name, position(t.Shape, i), v)
		}
		values[i] = v
	}
	return values, nil
}

func decode(d DType, raw []byte, i int) float32 {
	switch d {
	case F16:
		return float16.Frombits(binary.LittleEndian.Uint16(raw[2*i:])).Float32()
	case BF16:
		return math.Float32frombits(uint32(binary.LittleEndian.Uint16(raw[2*i:])) << 16)
	}
	return math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
}

// position is the index of element i along every dimension.
func position(shape []int, i int) []int {
	at := make([]int, len(shape))
	for d := len(shape) - 1; d >= 0; d-- {
		at[d] = i % shape[d]
		i /= shape[d]
	}
	return at
}
