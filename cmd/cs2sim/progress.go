package main

import (
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// bar shows the share of the work done and the time left. On anything but a terminal it is silent.
type bar struct {
	mu    sync.Mutex
	group *mpb.Progress
	bar   *mpb.Bar
}

func newBar(w io.Writer, quiet bool) *bar {
	if quiet {
		return &bar{}
	}
	return &bar{group: mpb.New(mpb.WithOutput(w), mpb.WithWidth(40))}
}

// set is called from several goroutines.
func (b *bar) set(done, total int64) {
	if b.group == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bar == nil {
		b.bar = b.group.AddBar(total,
			mpb.BarRemoveOnComplete(),
			mpb.PrependDecorators(decor.Name("simulating "), decor.Percentage(decor.WCSyncSpace)),
			mpb.AppendDecorators(decor.AverageETA(decor.ET_STYLE_MMSS), decor.Name(" left")))
	}
	b.bar.SetCurrent(done)
}

// note prints a line, above the bar where there is a terminal.
func (b *bar) note(w io.Writer, text string) {
	text = plainText(text)
	if f, ok := w.(*os.File); ok && b.group != nil {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			fmt.Fprintln(b.group, text)
			return
		}
	}
	fmt.Fprintln(w, text)
}

// stop removes the bar, finished or not.
func (b *bar) stop() {
	if b.group == nil {
		return
	}
	if b.bar != nil {
		b.bar.Abort(true)
	}
	b.group.Wait()
}
