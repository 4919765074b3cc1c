package trace

import (
	"encoding/binary"
	"errors"
)

// Parquet describes itself in Thrift's compact protocol. This reader takes nothing on trust: no
// count is believed beyond the bytes that are left, no nesting beyond what Parquet has.

// node is one value: a number, bytes, a list, or a struct whose fields are in order of their id.
type node struct {
	number int64
	bytes  []byte
	items  []node
	fields []field
}

type field struct {
	id    int64
	value node
}

var errThrift = errors.New("damaged description")

const maxNesting = 12

type thrift struct{ rest []byte }

// structure reads one struct and what is left after it.
func readStruct(data []byte) (node, []byte, error) {
	t := thrift{data}
	n, err := t.structure(maxNesting)
	return n, t.rest, err
}

func (t *thrift) byte() (byte, error) {
	if len(t.rest) == 0 {
		return 0, errThrift
	}
	b := t.rest[0]
	t.rest = t.rest[1:]
	return b, nil
}

func (t *thrift) uvarint() (uint64, error) {
	v, n := binary.Uvarint(t.rest)
	if n <= 0 {
		return 0, errThrift
	}
	t.rest = t.rest[n:]
	return v, nil
}

func (t *thrift) varint() (int64, error) {
	v, err := t.uvarint()
	return int64(v>>1) ^ -int64(v&1), err
}

func (t *thrift) structure(depth int) (n node, err error) {
	if depth == 0 {
		return n, errThrift
	}
	id := int64(0)
	for {
		head, err := t.byte()
		if err != nil {
			return n, err
		}
		kind := head & 15
		if kind == 0 {
			return n, nil
		}
		if delta := int64(head >> 4); delta > 0 {
			id += delta
		} else if id, err = t.varint(); err != nil {
			return n, err
		}
		var v node
		switch kind {
		case 1: // true, in the head itself
			v.number = 1
		case 2:
		default:
			if v, err = t.value(kind, depth-1); err != nil {
				return n, err
			}
		}
		n.fields = append(n.fields, field{id, v})
	}
}

func (t *thrift) value(kind byte, depth int) (n node, err error) {
	if depth == 0 {
		return n, errThrift
	}
	switch kind {
	case 1, 2, 3: // in a list a boolean takes a byte
		b, err := t.byte()
		return node{number: int64(b)}, err
	case 4, 5, 6:
		n.number, err = t.varint()
		return n, err
	case 7:
		_, err = t.take(8)
		return n, err
	case 8:
		size, err := t.uvarint()
		if err != nil {
			return n, err
		}
		n.bytes, err = t.take(size)
		return n, err
	case 9, 10:
		return t.list(depth)
	case 12:
		return t.structure(depth)
	}
	return n, errThrift
}

func (t *thrift) take(n uint64) ([]byte, error) {
	if n > uint64(len(t.rest)) {
		return nil, errThrift
	}
	b := t.rest[:n]
	t.rest = t.rest[n:]
	return b, nil
}

func (t *thrift) list(depth int) (n node, err error) {
	head, err := t.byte()
	if err != nil {
		return n, err
	}
	count := uint64(head >> 4)
	if count == 15 {
		if count, err = t.uvarint(); err != nil {
			return n, err
		}
	}
	if count > uint64(len(t.rest)) { // no element takes less than a byte
		return n, errThrift
	}
	for range count {
		v, err := t.value(head&15, depth-1)
		if err != nil {
			return n, err
		}
		n.items = append(n.items, v)
	}
	return n, nil
}

// at is the value of a field, zero if it is absent.
func (n node) at(id int64) node {
	for _, f := range n.fields {
		if f.id == id {
			return f.value
		}
	}
	return node{}
}
