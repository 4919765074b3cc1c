package trace

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// Any Parquet tool reads our tables; this reader reads nothing else: flat required columns of
// known names and types, plain values, data pages of version 1, zstd. What it allocates is
// bounded by what the bytes really hold, whatever they claim, so that a damaged or hostile file
// ends in an error.

// Numbers of the Parquet format.
const (
	typeInt32 = 1
	typeInt64 = 2
	typeBytes = 6

	codecZstd     = 6
	encodingPlain = 0
	pageData      = 0

	magic     = "PAR1"
	maxFooter = 1 << 18 // bytes; ours have a few thousand
	maxPage   = 1 << 26 // bytes, uncompressed
)

// table holds the columns by their place: numbers widened to 64 bits, or texts.
type table struct {
	rows  int
	ints  [][]int64
	texts [][]string
}

// readTable decodes a file that has exactly these columns.
func readTable(data []byte, columns []column, maxRows int) (*table, error) {
	meta, err := readFooter(data)
	if err != nil {
		return nil, err
	}
	if err := checkSchema(meta.at(2).items, columns); err != nil {
		return nil, err
	}
	rows := meta.at(3).number
	if rows < 0 || rows > int64(maxRows) {
		return nil, fmt.Errorf("%d rows, the manifest says %d", rows, maxRows)
	}
	t := &table{rows: int(rows), ints: make([][]int64, len(columns)), texts: make([][]string, len(columns))}
	unzip, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderMaxMemory(maxPage))
	if err != nil {
		return nil, err
	}
	defer unzip.Close()
	for _, group := range meta.at(4).items {
		chunks := group.at(1).items
		if len(chunks) != len(columns) {
			return nil, fmt.Errorf("a row group of %d columns, must be %d", len(chunks), len(columns))
		}
		for i, chunk := range chunks {
			r := chunkReader{t: t, column: i, kind: columns[i].kind, unzip: unzip, left: group.at(3).number}
			if err := r.read(data, chunk.at(3)); err != nil {
				return nil, fmt.Errorf("column %s: %w", columns[i].name, err)
			}
		}
	}
	for i, c := range columns {
		if n := len(t.ints[i]) + len(t.texts[i]); n != t.rows {
			return nil, fmt.Errorf("column %s has %d values for %d rows", c.name, n, t.rows)
		}
	}
	return t, nil
}

func readFooter(data []byte) (node, error) {
	n := len(data)
	if n < 12 || string(data[:4]) != magic || string(data[n-4:]) != magic {
		return node{}, errors.New("is not a whole Parquet file")
	}
	size := int64(binary.LittleEndian.Uint32(data[n-8:]))
	if size > maxFooter || size > int64(n-12) {
		return node{}, fmt.Errorf("its description has %d bytes, more than a trace needs", size)
	}
	meta, _, err := readStruct(data[n-8-int(size) : n-8])
	return meta, err
}

func checkSchema(schema []node, columns []column) error {
	if len(schema) != len(columns)+1 {
		return fmt.Errorf("%d columns, must be %d", len(schema)-1, len(columns))
	}
	for i, c := range columns {
		s := schema[i+1]
		if got := string(s.at(4).bytes); got != c.name {
			return fmt.Errorf("column %d is %q, must be %s", i, got, c.name)
		}
		if s.at(1).number != c.kind || s.at(3).number != 0 || s.at(5).number != 0 {
			return fmt.Errorf("column %s is not of the type it must be", c.name)
		}
	}
	return nil
}

// chunkReader decodes one column of one row group.
type chunkReader struct {
	t      *table
	column int
	kind   int64
	unzip  *zstd.Decoder
	left   int64 // values of the row group still to come
}

func (r *chunkReader) read(data []byte, meta node) error {
	offset, size := meta.at(9).number, meta.at(7).number
	end := int64(len(data)) - 8
	switch {
	case r.left < 0 || r.left > int64(r.t.rows-r.have()):
		return errors.New("more values than rows")
	case meta.at(4).number != codecZstd:
		return fmt.Errorf("codec %d, must be zstd", meta.at(4).number)
	case offset < 4 || size < 0 || offset > end || size > end-offset:
		return fmt.Errorf("lies in bytes %d to %d of %d", offset, offset+size, len(data))
	}
	rest := data[offset : offset+size]
	for r.left > 0 {
		head, body, err := readStruct(rest)
		if err != nil {
			return err
		}
		if rest, err = r.page(head, body); err != nil {
			return err
		}
	}
	return nil
}

func (r *chunkReader) have() int { return len(r.t.ints[r.column]) + len(r.t.texts[r.column]) }

// page decodes one page and returns what follows it.
func (r *chunkReader) page(head node, body []byte) ([]byte, error) {
	large, small, page := head.at(2).number, head.at(3).number, head.at(5)
	n := page.at(1).number
	switch {
	case head.at(1).number != pageData || page.at(2).number != encodingPlain:
		return nil, errors.New("a page that is not plain data")
	case n < 1 || n > r.left:
		return nil, fmt.Errorf("a page of %d values where %d are left", n, r.left)
	case small < 0 || small > int64(len(body)) || large < 0 || large > min(maxPage, r.most(n)):
		return nil, fmt.Errorf("a page of %d bytes, %d uncompressed, for %d values", small, large, n)
	}
	plain, err := r.unzip.DecodeAll(body[:small], make([]byte, 0, large))
	if err != nil {
		return nil, err
	}
	if int64(len(plain)) != large {
		return nil, fmt.Errorf("a page of %d bytes, not %d", len(plain), large)
	}
	r.left -= n
	return body[small:], r.values(plain, int(n))
}

// most is the most bytes n values can take.
func (r *chunkReader) most(n int64) int64 {
	switch r.kind {
	case typeInt32:
		return 4 * n
	case typeInt64:
		return 8 * n
	}
	return (4 + maxName) * n
}

func (r *chunkReader) values(plain []byte, n int) error {
	if r.kind == typeBytes {
		return r.strings(plain, n)
	}
	size := int(r.most(1))
	if len(plain) != n*size {
		return fmt.Errorf("%d bytes for %d values", len(plain), n)
	}
	out := r.t.ints[r.column]
	for i := range n {
		if r.kind == typeInt32 {
			out = append(out, int64(int32(binary.LittleEndian.Uint32(plain[4*i:]))))
		} else {
			out = append(out, int64(binary.LittleEndian.Uint64(plain[8*i:])))
		}
	}
	r.t.ints[r.column] = out
	return nil
}

func (r *chunkReader) strings(plain []byte, n int) error {
	known := map[string]string{} // names repeat from row to row
	for range n {
		if len(plain) < 4 {
			return errors.New("a text is cut off")
		}
		size := binary.LittleEndian.Uint32(plain)
		plain = plain[4:]
		if size > maxName || int(size) > len(plain) {
			return fmt.Errorf("a text of %d bytes, at most %d", size, maxName)
		}
		s, ok := known[string(plain[:size])]
		if !ok {
			s = string(plain[:size])
			known[s] = s
		}
		r.t.texts[r.column] = append(r.t.texts[r.column], s)
		plain = plain[size:]
	}
	if len(plain) > 0 {
		return errors.New("bytes are left over")
	}
	return nil
}
