package train_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cs2sim.dev/model"
	"cs2sim.dev/sims/train"
)

func savedState(t *testing.T, c train.Checkpoints, steps ...int) *train.State {
	t.Helper()
	s := train.NewState(newParams(t, 0.5), model.Mixed)
	for _, step := range steps {
		s.Step = step
		s.Params.Values[0] = float32(step)
		if err := c.Save(s); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func list(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestCheckpointsKeepTwo: and a damaged newest one falls back to the one before.
func TestCheckpointsKeepTwo(t *testing.T) {
	c := train.Checkpoints{Dir: t.TempDir(), Name: "a", Key: "k"}
	savedState(t, c, 5, 10, 15)
	if names := list(t, c.Dir); !slices.Equal(names, []string{"a-00000010.ckpt", "a-00000015.ckpt"}) {
		t.Fatal(names)
	}
	newest := filepath.Join(c.Dir, "a-00000015.ckpt")
	whole, err := os.ReadFile(newest)
	if err != nil {
		t.Fatal(err)
	}
	flipped := slices.Clone(whole)
	flipped[len(flipped)/2] ^= 1
	for _, broken := range [][]byte{nil, whole[:4], whole[:11], whole[:len(whole)/2], whole[:len(whole)-1], flipped, append(slices.Clone(whole), 0)} {
		if err := os.WriteFile(newest, broken, 0o666); err != nil {
			t.Fatal(err)
		}
		p := newParams(t, 0.5)
		s, problems, err := c.Newest(p)
		if err != nil || s == nil || s.Step != 10 || p.Values[0] != 10 {
			t.Fatalf("%d bytes: %v, %v", len(broken), s, err)
		}
		if _, err := os.Stat(newest + ".bad"); err != nil {
			t.Errorf("%d bytes: not set aside: %v", len(broken), err)
		}
		if len(problems) != 1 || !strings.Contains(problems[0].Error(), newest) {
			t.Errorf("%d bytes: %v", len(broken), problems)
		}
	}
}

func TestForeignCheckpoint(t *testing.T) {
	c := train.Checkpoints{Dir: t.TempDir(), Name: "a", Key: "k"}
	savedState(t, c, 5)
	p := newParams(t, 0.5)
	before := slices.Clone(p.Values)
	other := c
	other.Key = "another"
	s, problems, err := other.Newest(p)
	if err != nil || s != nil || len(problems) != 1 || !strings.Contains(problems[0].Error(), "is of another run") {
		t.Errorf("%v, %v, %v", s, problems, err)
	}
	if err := os.Rename(filepath.Join(c.Dir, "a-00000005.ckpt.bad"), filepath.Join(c.Dir, "a-00000005.ckpt")); err != nil {
		t.Error(err)
	}
	big := shape
	big.Layers = 2
	q, err := model.NewParams(big)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Load(filepath.Join(c.Dir, "a-00000005.ckpt"), q); err == nil || !strings.Contains(err.Error(), "is of another model") {
		t.Error(err)
	}
	if _, err := c.Load(filepath.Join(c.Dir, "b.ckpt"), p); err == nil || !strings.Contains(err.Error(), "there is no such file") {
		t.Error(err)
	}
	if !slices.Equal(p.Values, before) {
		t.Error("a refused checkpoint changed the parameters")
	}
}

// TestHugeCheckpoint: a file far beyond any checkpoint of the model is refused, not read into memory.
func TestHugeCheckpoint(t *testing.T) {
	c := train.Checkpoints{Dir: t.TempDir(), Name: "a", Key: "k"}
	savedState(t, c, 5, 10)
	if err := os.Truncate(filepath.Join(c.Dir, "a-00000010.ckpt"), 1<<40); err != nil { // without blocks on the disk
		t.Skip("no sparse files")
	}
	s, problems, err := c.Newest(newParams(t, 0.5))
	if err != nil || s == nil || s.Step != 5 || len(problems) != 1 || !strings.Contains(problems[0].Error(), "at most") {
		t.Errorf("%v, %v, %v", s, problems, err)
	}
}

func FuzzCheckpoint(f *testing.F) {
	c := train.Checkpoints{Dir: f.TempDir(), Name: "a", Key: "k"}
	p, err := model.InitParams(shape, 7)
	if err != nil {
		f.Fatal(err)
	}
	if err := c.Save(train.NewState(p, model.Mixed)); err != nil {
		f.Fatal(err)
	}
	path := filepath.Join(c.Dir, "a-00000000.ckpt")
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:100])
	f.Add([]byte("CS2CKPT1\xff\xff\xff\xff0000"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Load(path, p); err == nil && !slices.Equal(data, whole) && len(data) < len(whole)/2 {
			t.Error("half a checkpoint loads")
		}
	})
}
