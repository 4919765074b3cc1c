package view

import (
	"context"
	"testing"
)

// serve answers for folders until the test ends, and says where.
func serve(t *testing.T, dirs ...string) string {
	t.Helper()
	s, err := Open(dirs...)
	if err != nil {
		t.Fatal(err)
	}
	l, err := Listen(0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("serving ends with %v", err)
		}
	})
	return "http://" + l.Addr().String() + "/"
}
