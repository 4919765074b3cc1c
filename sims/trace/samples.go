package trace

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/google/pprof/profile"
)

// A profile has hundreds of thousands of samples of a few stacks and labels. The pprof library encodes all else,
// and of each set of labels the first sample; the others are put behind that in the same wire format, where
// fields of a message may come in any order. It would take ten times as long for them.

// samples are those the library does not encode.
type samples struct{ all []sample }

type sample struct {
	leaf           uint64
	callers        *callers
	labels         *labelSet
	cycles, energy int64
}

// callers are the frames below a leaf, and their encoding.
type callers struct {
	of    []*profile.Location
	bytes []byte
}

// labelSet is the labels of some samples, and their encoding.
type labelSet struct {
	text  map[string][]string
	known bool // a sample of the library's has them
	bytes []byte
}

func (b *profileBuilder) add(leaf *profile.Location, under *callers, labels *labelSet, cycles, energy int64) {
	if !labels.known {
		labels.known = true
		b.p.Sample = append(b.p.Sample, &profile.Sample{
			Location: append([]*profile.Location{leaf}, under.of...), Value: []int64{cycles, energy}, Label: labels.text,
		})
		return
	}
	b.rest.all = append(b.rest.all, sample{leaf.ID, under, labels, cycles, energy})
}

// Tags of profile.proto, field number and wire type.
const (
	tagSample = 2<<3 | 2
	tagString = 6<<3 | 2

	tagLocations = 1<<3 | 2 // of a sample; packed
	tagValues    = 2<<3 | 2
	tagLabel     = 3<<3 | 2

	tagKey = 1 << 3 // of a label
	tagStr = 2 << 3
)

// encode puts the samples behind an encoded profile that has their locations and strings.
func (s *samples) encode(out *bytes.Buffer) error {
	index, err := stringTable(out.Bytes())
	if err != nil {
		return err
	}
	var message, part, head []byte
	for i := range s.all {
		one := &s.all[i]
		if one.callers.bytes == nil {
			for _, l := range one.callers.of {
				one.callers.bytes = binary.AppendUvarint(one.callers.bytes, l.ID)
			}
		}
		if one.labels.bytes == nil {
			if one.labels.bytes, err = one.labels.encode(index); err != nil {
				return err
			}
		}
		part = append(binary.AppendUvarint(part[:0], one.leaf), one.callers.bytes...)
		message = append(binary.AppendUvarint(append(message[:0], tagLocations), uint64(len(part))), part...)
		part = binary.AppendUvarint(binary.AppendUvarint(part[:0], uint64(one.cycles)), uint64(one.energy))
		message = append(binary.AppendUvarint(append(message, tagValues), uint64(len(part))), part...)
		message = append(message, one.labels.bytes...)
		head = binary.AppendUvarint(append(head[:0], tagSample), uint64(len(message)))
		out.Write(head)
		out.Write(message)
	}
	return nil
}

func (l *labelSet) encode(index map[string]uint64) (out []byte, err error) {
	for _, key := range []string{"columns", "rows", "run", "sparsity"} {
		for _, text := range l.text[key] {
			k, ok := index[key]
			v, also := index[text]
			if !ok || !also {
				return nil, errors.New("a label is not in the string table")
			}
			one := binary.AppendUvarint(append(binary.AppendUvarint([]byte{tagKey}, k), tagStr), v)
			out = append(binary.AppendUvarint(append(out, tagLabel), uint64(len(one))), one...)
		}
	}
	return out, nil
}

// stringTable is the places of an encoded profile's strings.
func stringTable(data []byte) (map[string]uint64, error) {
	index := map[string]uint64{}
	next := func() uint64 {
		v, n := binary.Uvarint(data)
		if n <= 0 {
			data = nil
			return 0
		}
		data = data[n:]
		return v
	}
	for len(data) > 0 {
		tag := next()
		n := next() // length or number
		switch tag & 7 {
		case 0:
		case 2:
			if n > uint64(len(data)) {
				return nil, errors.New("a field is cut")
			}
			if tag == tagString {
				index[string(data[:n])] = uint64(len(index))
			}
			data = data[n:]
		default:
			return nil, errors.New("an unknown field")
		}
	}
	return index, nil
}
