package main

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"cs2sim.dev/sims"
)

// FuzzWatching: any text is a watch that prints back to it, or a wrong input.
func FuzzWatching(f *testing.F) {
	for _, s := range []string{"1,0,1,3", " 1, 0 ,1,3", "1,0,24,0", "-1,0,0,0", "1,2", "1,2,3,4,5", "a,b,c,d", "1,,2,3", "99999999999999999999,0,0,0", ","} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, w, err := watching(context.Background(), text)
		switch {
		case text == "":
			if w != nil || err != nil {
				t.Fatalf("no flag: %v, %v", w, err)
			}
		case err != nil:
			if w != nil || !errors.As(err, new(*sims.InputError)) {
				t.Fatalf("%q: %v, %v", text, w, err)
			}
		default:
			again := fmt.Sprintf("%d,%d,%d,%d", w.At.X, w.At.Y, w.Color, w.Index)
			if _, v, err := watching(context.Background(), again); err != nil || v.At != w.At || v.Color != w.Color || v.Index != w.Index {
				t.Fatalf("%q: %+v, then %+v, %v", text, w, v, err)
			}
		}
	})
}
