package view

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var (
	shotFolders = flag.String("shot", "", "folders to take a picture of, separated by commas")
	shotFile    = flag.String("shot-file", "view.png", "where it goes")
	shotScript  = flag.String("shot-script", "", "JavaScript that sets the page up")
	shotHeight  = flag.Int("shot-height", 700, "pixels")
	shotScheme  = flag.String("shot-scheme", "light", "light or dark")
)

// TestShot takes the picture for the documents: make view-picture.
func TestShot(t *testing.T) {
	if *shotFolders == "" {
		t.Skip("no -shot")
	}
	b := launch(t).tab(t)
	b.size(1366, *shotHeight)
	b.prefers(*shotScheme)
	b.visit(serve(t, strings.Split(*shotFolders, ",")...), "globalThis.cs2sim?.loadedAt")
	if *shotScript != "" {
		b.eval("(async () => { "+*shotScript+" })()", nil)
	}
	b.frame()
	if p := b.problems(); p != "" {
		t.Error(p)
	}
	if err := os.WriteFile(*shotFile, b.picture(), 0o666); err != nil {
		t.Fatal(err)
	}
}
