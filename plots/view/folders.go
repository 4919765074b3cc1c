package view

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"cs2sim.dev/sims/trace"
)

// folder is a result folder and its trace as read last.
type folder struct {
	dir string

	mu    sync.Mutex
	trace *trace.Trace // nil if it could not be read
	err   error
	reads int // how often it was read: which trace a run's number is of
	of    stamp
}

// stamp tells one manifest from the next: it is written last, whole.
type stamp struct {
	size int64
	time time.Time
}

// read gives the trace and which one it is, and reads it again if there is a new manifest: a run
// that is going on adds to it.
func (f *folder) read() (*trace.Trace, int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var now stamp
	if info, err := os.Stat(filepath.Join(f.dir, trace.Folder, trace.ManifestFile)); err == nil {
		now = stamp{info.Size(), info.ModTime()}
	}
	if f.reads == 0 || now != f.of {
		f.trace, f.err = trace.Read(f.dir)
		f.of = now
		f.reads++
	}
	return f.trace, f.reads, f.err
}

// listed is a folder as the page's choice of runs shows it.
type listed struct {
	Dir       string      `json:"dir"`
	Read      int         `json:"read"`
	Simulator string      `json:"simulator"`
	Complete  bool        `json:"complete"`
	Runs      []listedRun `json:"runs"`
}

type listedRun struct {
	Name   string `json:"name"`
	Cycles int64  `json:"cycles"`
}

// traces lists the runs of all folders.
func (s *Server) traces(w http.ResponseWriter, _ *http.Request) {
	list := []listed{}
	for _, f := range s.folders {
		t, reads, err := f.read()
		if err != nil {
			refuse(w, http.StatusInternalServerError, "%v", err)
			return
		}
		l := listed{Dir: f.dir, Read: reads, Simulator: t.Simulator, Complete: t.Complete, Runs: []listedRun{}}
		for _, r := range t.Runs {
			l.Runs = append(l.Runs, listedRun{r.Name, r.Cycles})
		}
		list = append(list, l)
	}
	answer(w, http.StatusOK, list)
}

// run sends one run: /api/run?folder=0&read=1&run=0.
func (s *Server) run(w http.ResponseWriter, r *http.Request) {
	number := func(name string, below int) (int, error) {
		text := r.URL.Query().Get(name)
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n >= below {
			return 0, fmt.Errorf("%s is %.40q, must be 0 to %d", name, text, below-1)
		}
		return n, nil
	}
	i, err := number("folder", len(s.folders))
	if err != nil {
		refuse(w, http.StatusBadRequest, "%v", err)
		return
	}
	t, reads, err := s.folders[i].read()
	if err != nil {
		refuse(w, http.StatusInternalServerError, "%v", err)
		return
	}
	if of, err := number("read", 1<<31); err != nil || of != reads {
		refuse(w, http.StatusConflict, "the trace in %s has changed; reload the page", s.folders[i].dir)
		return
	}
	n, err := number("run", len(t.Runs))
	if err != nil {
		refuse(w, http.StatusBadRequest, "%v", err)
		return
	}
	data := encode(t.Runs[n])
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.Write(data)
}
