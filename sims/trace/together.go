package trace

import (
	"sync"
	"sync/atomic"
)

// together does jobs 0 to n-1, some of them at a time: they take memory. A panic of one is the caller's.
func together(n int, do func(i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	panics := make([]any, n)
	for range min(n, 4) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				func() {
					defer func() { panics[i] = recover() }()
					do(i)
				}()
			}
		})
	}
	all.Wait()
	for _, v := range panics {
		if v != nil {
			panic(v)
		}
	}
}

// firstError does jobs together, all of them, and returns the error of the first that has one.
func firstError(jobs ...func() error) error {
	errs := make([]error, len(jobs))
	together(len(jobs), func(i int) { errs[i] = jobs[i]() })
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
