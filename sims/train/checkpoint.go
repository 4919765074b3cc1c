package train

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"

	"cs2sim.dev/model"
)

// A checkpoint is
//
//	magic    8 bytes
//	header   uint32 length, then JSON
//	arrays   float32: parameters, both moments of AdamW, and the best parameters if kept
//	crc      uint32, Castagnoli, of all before
//
// little-endian. Seeds, masks and data follow from the run whose Key the header has.
const checkpointMagic = "CS2CKPT1"

const maxHeader = 1 << 30

// checkpointHeader is all of a State but its arrays, and whose it is.
type checkpointHeader struct {
	Key   string       `json:"key"`
	Model model.Config `json:"model"`
	Best  bool         `json:"best"`
	Progress
}

// Checkpoints are the saved states of one training run: the files <Name>-<step>.ckpt of a folder.
type Checkpoints struct {
	Dir, Name string
	Key       string // hash of all that decides the run
}

// keptCheckpoints: if the newest is damaged, there is the one before.
const keptCheckpoints = 2

const checkpointSuffix = ".ckpt"

// Path is the file of the checkpoint after so many steps.
func (c Checkpoints) Path(step int) string {
	return filepath.Join(c.Dir, fmt.Sprintf("%s-%08d%s", c.Name, step, checkpointSuffix))
}

// Save writes s and removes all checkpoints but the newest two. A file appears whole or not at all.
func (c Checkpoints) Save(s *State) error {
	data, err := c.encode(s)
	if err != nil {
		return err
	}
	path := c.Path(s.Step)
	if err := renameio.WriteFile(path, data, 0o666, renameio.WithTempDir(c.Dir)); err != nil {
		return fmt.Errorf("writing checkpoint %s: %w", path, err)
	}
	return c.Prune(keptCheckpoints)
}

// Prune removes all checkpoints of the run but the newest n.
func (c Checkpoints) Prune(n int) error {
	files, err := c.Files()
	if err != nil {
		return err
	}
	for _, old := range files[min(n, len(files)):] {
		if err := os.Remove(old); err != nil {
			return fmt.Errorf("removing an old checkpoint: %w", err)
		}
	}
	return nil
}

// Files lists the checkpoints, newest first.
func (c Checkpoints) Files() ([]string, error) {
	entries, err := os.ReadDir(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("reading checkpoints: %w", err)
	}
	var files []string
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), c.Name+"-")
		if step, isFile := strings.CutSuffix(rest, checkpointSuffix); ok && isFile && len(step) == 8 && strings.Trim(step, "0123456789") == "" {
			files = append(files, filepath.Join(c.Dir, e.Name()))
		}
	}
	slices.Sort(files)
	slices.Reverse(files)
	return files, nil
}

// setAside is put behind the name of a checkpoint that is of no use to the run: it would else
// stand for a newer state than the run's own.
const setAside = ".bad"

// Newest loads the newest checkpoint that is whole and of this run, into parameters of that
// shape with their masks. Others are set aside, under their name and ".bad"; problems says what is
// wrong with them. With none left it is nil.
func (c Checkpoints) Newest(p *model.Params) (s *State, problems []error, err error) {
	files, err := c.Files()
	if err != nil {
		return nil, nil, err
	}
	for _, f := range files {
		s, err := c.Load(f, p)
		if err == nil {
			return s, problems, nil
		}
		problems = append(problems, err)
		if err := os.Rename(f, f+setAside); err != nil {
			return nil, problems, fmt.Errorf("setting a checkpoint aside: %w", err)
		}
	}
	return nil, problems, nil
}

// Load reads a checkpoint. The error names the file and what is wrong with it; p is then unchanged.
func (c Checkpoints) Load(path string, p *model.Params) (*State, error) {
	data, err := c.read(path, p)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = errors.New("there is no such file")
		}
		return nil, fmt.Errorf("checkpoint %s: %w", path, err)
	}
	s, err := c.decode(data, p)
	if err != nil {
		return nil, fmt.Errorf("checkpoint %s: %w", path, err)
	}
	return s, nil
}

// read reads a file that may be a checkpoint by its size.
func (c Checkpoints) read(path string, p *model.Params) ([]byte, error) {
	info, err := os.Stat(path)
	switch most := int64(maxHeader) + 16*int64(p.Layout.Size) + 64; {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("is not a regular file")
	case info.Size() > most:
		return nil, fmt.Errorf("has %d bytes, at most %d", info.Size(), most)
	}
	return os.ReadFile(path)
}

func castagnoli(data []byte) uint32 { return crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)) }

func (c Checkpoints) encode(s *State) ([]byte, error) {
	header, err := json.Marshal(checkpointHeader{c.Key, s.Params.Layout.Config, s.Best != nil, s.Progress})
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	var b bytes.Buffer
	b.Grow(len(header) + 16*len(s.Params.Values) + 64)
	b.WriteString(checkpointMagic)
	b.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(header))))
	b.Write(header)
	for _, array := range [][]float32{s.Params.Values, s.Adam.M, s.Adam.V, s.Best} {
		for _, v := range array {
			b.Write(binary.LittleEndian.AppendUint32(b.AvailableBuffer(), math.Float32bits(v)))
		}
	}
	b.Write(binary.LittleEndian.AppendUint32(nil, castagnoli(b.Bytes())))
	return b.Bytes(), nil
}

func (c Checkpoints) decode(data []byte, p *model.Params) (*State, error) {
	rest, ok := bytes.CutPrefix(data, []byte(checkpointMagic))
	if !ok {
		return nil, errors.New("is not a checkpoint of this version of cs2sim")
	}
	if len(rest) < 8 {
		return nil, fmt.Errorf("is cut off after %d bytes", len(data))
	}
	if sum := binary.LittleEndian.Uint32(data[len(data)-4:]); sum != castagnoli(data[:len(data)-4]) {
		return nil, fmt.Errorf("is damaged or cut off: the checksum of its %d bytes does not fit", len(data))
	}
	n := binary.LittleEndian.Uint32(rest)
	rest = rest[4 : len(rest)-4]
	if n > maxHeader || int(n) > len(rest) {
		return nil, fmt.Errorf("has a header of %d bytes, more than there are", n)
	}
	var h checkpointHeader
	if err := json.Unmarshal(rest[:n], &h); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if have, want := h.Model, p.Layout.Config; have != want {
		return nil, fmt.Errorf("is of another model: %+v, must be %+v", have, want)
	}
	if h.Key != c.Key {
		return nil, fmt.Errorf("is of another run: its key is %.16s, must be %.16s", h.Key, c.Key)
	}
	size, arrays := p.Layout.Size, 3
	if h.Best {
		arrays++
	}
	rest = rest[n:]
	if len(rest) != 4*size*arrays {
		return nil, fmt.Errorf("has %d bytes of parameters, must be %d", len(rest), 4*size*arrays)
	}
	next := func(to []float32) []float32 {
		for i := range to {
			to[i] = math.Float32frombits(binary.LittleEndian.Uint32(rest[4*i:]))
		}
		rest = rest[4*len(to):]
		return to
	}
	s := &State{Params: p, Adam: model.NewAdamState(size), Progress: h.Progress}
	next(p.Values)
	next(s.Adam.M)
	next(s.Adam.V)
	s.Adam.Steps = s.Updates
	if h.Best {
		s.Best = next(make([]float32, size))
	}
	return s, nil
}
