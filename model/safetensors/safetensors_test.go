package safetensors

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// file builds a file by hand.
func file(header string, data int) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	out = append(out, header...)
	for i := range data {
		out = append(out, byte(i))
	}
	return out
}

func parse(raw []byte) (*File, error) { return Parse("f", bytes.NewReader(raw), int64(len(raw))) }

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var tensors []Tensor
		names := rapid.SliceOfNDistinct(rapid.String(), 0, 5, rapid.ID[string]).
			Filter(func(n []string) bool { return !slices.Contains(n, "__metadata__") }).Draw(t, "names")
		for _, name := range names {
			name = strings.ToValidUTF8(name, "?")
			shape := rapid.SliceOfN(rapid.IntRange(0, 4), 0, 3).Draw(t, "shape")
			n := 1
			for _, s := range shape {
				n *= s
			}
			// Half-precision integers: exact in every type.
			values := rapid.SliceOfN(rapid.Map(rapid.IntRange(-256, 256), func(i int) float32 { return float32(i) }), n, n).Draw(t, "values")
			tensors = append(tensors, Tensor{name, shape, values})
		}
		d := rapid.SampledFrom([]DType{F32, F16, BF16}).Draw(t, "dtype")
		metadata := map[string]string{"format": "pt", "a": "b"}
		var out, again bytes.Buffer
		if err := Write(&out, tensors, d, metadata); err != nil {
			t.Fatal(err)
		}
		if err := Write(&again, tensors, d, metadata); err != nil || !bytes.Equal(out.Bytes(), again.Bytes()) {
			t.Fatal("the same tensors give other bytes")
		}
		f, err := parse(out.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(metadata, f.Metadata); diff != "" {
			t.Fatal(diff)
		}
		if len(f.Tensors) != len(tensors) {
			t.Fatalf("%d tensors, wrote %d", len(f.Tensors), len(tensors))
		}
		for _, want := range tensors {
			got, err := f.Read(want.Name)
			if err != nil {
				t.Fatal(err)
			}
			info, _ := f.Find(want.Name)
			if !slices.Equal(got, want.Values) || !slices.Equal(info.Shape, want.Shape) {
				t.Fatalf("%q is %v of shape %v, wrote %v of shape %v", want.Name, got, info.Shape, want.Values, want.Shape)
			}
		}
	})
}

func TestDTypes(t *testing.T) {
	raw := file(`{"h":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"b":{"dtype":"BF16","shape":[],"data_offsets":[4,6]}}   `, 0)
	raw = append(raw, 0x00, 0x3c, 0x01, 0x00, 0x80, 0xbf) // 1, 2^-24; -1
	f, err := parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]float32{"h": {1, 0x1p-24}, "b": {-1}} {
		if got, err := f.Read(name); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s is %v, %v; want %v", name, got, err, want)
		}
	}
	// Rounding to nearest even, and what does not fit.
	for _, c := range []struct {
		d    DType
		v    float32
		bits uint32
		ok   bool
	}{
		{BF16, 1 + 0x1p-8, 0x3f80, true}, {BF16, 1 + 3*0x1p-8, 0x3f82, true}, {BF16, math.MaxFloat32, 0, false},
		{F16, 1 + 0x1p-11, 0x3c00, true}, {F16, 65504, 0x7bff, true}, {F16, 65520, 0, false},
		{BF16, float32(math.NaN()), 0, false}, {F16, float32(math.NaN()), 0, false}, {F32, float32(math.Inf(-1)), 0, false},
	} {
		if bits, ok := encode(c.d, c.v); ok != c.ok || ok && bits != c.bits {
			t.Errorf("%v in %s is %#x, %v; want %#x, %v", c.v, c.d, bits, ok, c.bits, c.ok)
		}
	}
}

func TestParseErrors(t *testing.T) {
	const one = `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`
	with := func(old, new string) []byte { return file(strings.Replace(one, old, new, 1), 8) }
	long := file(one, 8)
	binary.LittleEndian.PutUint64(long, 1<<40)
	beyond := file(one, 8)
	binary.LittleEndian.PutUint64(beyond, 1000)
	for _, c := range []struct {
		raw  []byte
		want string
	}{
		{nil, "0 bytes, a safetensors file has at least 8"},
		{long, "header length is 1099511627776, must be at most"},
		{beyond, "header length is 1000, only 62 bytes follow: truncated"},
		{file("", 0), "must begin with {"},
		{file("PK..", 0), "must begin with {"},
		{file(one[:30], 8), "header"},
		{file(one+"x", 8), "header"},
		{file(one+"{}", 8), "text after the closing }"},
		{file(one, 7), `tensor "a": data_offsets is [0 8], must be [start, end] within the 7 bytes`},
		{file(one, 9), "1 bytes of data after the last tensor"},
		{with(`"F32"`, `"I64"`), `tensor "a": dtype is "I64", must be F32, F16 or BF16`},
		{with(`"dtype":"F32",`, ``), "dtype is missing"},
		{with(`"shape":[2],`, ``), "shape is missing"},
		{with(`,"data_offsets":[0,8]`, ``), "data_offsets is missing"},
		{with(`[2]`, `[-2]`), `tensor "a": shape [-2] of F32 does not fit`},
		{with(`[2]`, `[4294967296,4294967296]`), "does not fit the 8 bytes"},
		{with(`[2]`, `[0,9223372036854775807,9223372036854775807]`), "takes 0 bytes"},
		{with(`[2]`, `[1]`), "takes 4 bytes, data_offsets [0 8] hold 8"},
		{with(`[2]`, `[1,1,1,1,1,1,1,1,2]`), "9 dimensions"},
		{with(`[2]`, `[2.5]`), `tensor "a": header`},
		{with(`[0,8]`, `[8,0]`), "must be [start, end]"},
		{with(`[0,8]`, `[0,8,8]`), "must be [start, end]"},
		{with(`[0,8]`, `[-4,4]`), "must be [start, end]"},
		{with(`}}`, `},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`), `tensor "a": named twice`},
		{with(`}}`, `},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`), `tensor "b": starts at byte 4, overlaps "a", which ends at 8`},
		{file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8), "leaves a hole after the header"},
		{with(`}}`, `},"__metadata__":{"a":1}}`), "__metadata__ must hold strings"},
	} {
		_, err := parse(c.raw)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "f: ") {
			t.Errorf("%.80q: %v, must say %q", c.raw, err, c.want)
		}
	}
	f, err := parse(file(one, 8))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Read("b"); err == nil || !strings.Contains(err.Error(), `"b" is missing`) {
		t.Errorf("%v", err)
	}
}

func TestWriteErrors(t *testing.T) {
	for want, write := range map[string]func() error{
		`dtype is "F8"`: func() error { return Write(&bytes.Buffer{}, nil, "F8", nil) },
		`"a": 1 values, shape [2] takes 2`: func() error {
			return Write(&bytes.Buffer{}, []Tensor{{"a", []int{2}, []float32{1}}}, F32, nil)
		},
		`"a": named twice`: func() error {
			return Write(&bytes.Buffer{}, []Tensor{{"a", []int{0}, nil}, {"a", []int{0}, nil}}, F32, nil)
		},
		`"a": element [1 0] is NaN`: func() error {
			return Write(&bytes.Buffer{}, []Tensor{{"a", []int{2, 1}, []float32{1, float32(math.NaN())}}}, F32, nil)
		},
	} {
		if err := write(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, must say %q", err, want)
		}
	}
}

// FuzzParse: no input panics, allocates beyond its own size, or parses into tensors
// that cannot be written back.
func FuzzParse(f *testing.F) {
	f.Add(file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8))
	f.Add(file(`{"__metadata__":{"format":"pt"},"b":{"dtype":"BF16","shape":[1,2],"data_offsets":[0,4]},"c":{"dtype":"F16","shape":[],"data_offsets":[4,6]}}`, 6))
	f.Add(file(`{"a":{"dtype":"F32","shape":[0,9223372036854775807],"data_offsets":[0,0]}}`, 0))
	f.Add(file(`{}`, 0))
	f.Add([]byte{255, 255, 255, 255, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, raw []byte) {
		file, err := parse(raw)
		if err != nil {
			return
		}
		var tensors []Tensor
		for _, info := range file.Tensors {
			values, err := file.Read(info.Name)
			if err != nil {
				return // a number that is not finite
			}
			tensors = append(tensors, Tensor{info.Name, info.Shape, values})
		}
		var out bytes.Buffer
		if err := Write(&out, tensors, F32, file.Metadata); err != nil {
			t.Fatal(err)
		}
		again, err := parse(out.Bytes())
		if err != nil || len(again.Tensors) != len(tensors) {
			t.Fatalf("%d tensors become %v", len(tensors), err)
		}
	})
}
