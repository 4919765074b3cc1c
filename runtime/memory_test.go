package runtime

import (
	goruntime "runtime"
	"testing"

	"cs2sim.dev/fabric"
)

// allocated is how many bytes f takes from the heap, freed or not.
func allocated(f func()) int64 {
	var before, after goruntime.MemStats
	goruntime.ReadMemStats(&before)
	f()
	goruntime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// TestMemoryOfLiveWavelets: memory is that of PEs and buffers; a hundred times the wavelets and cycles
// take no more of it.
func TestMemoryOfLiveWavelets(t *testing.T) {
	stream := func(n int) func() {
		l := scaler(t, 8, 0, nil)
		i := 0
		l.In[0].Next = func() (fabric.Wavelet, bool) {
			i++
			return fabric.Wavelet{Control: i == n, Data: fabric.Pack(3, 1)}, i <= n
		}
		return func() { runLayout(t, l, LayoutOptions{}) }
	}
	stream(100)() // what is allocated once per process
	few, many := allocated(stream(300)), allocated(stream(30000))
	t.Logf("%d bytes for 300 wavelets, %d for 30,000", few, many)
	if many > few+32<<10 {
		t.Errorf("%d bytes for 300 wavelets, %d for 30,000", few, many)
	}
}

// TestMemoryPerPE: twice the PEs, twice the memory, and little per PE beside its SRAM.
func TestMemoryPerPE(t *testing.T) {
	column := func(height int) int64 {
		l := scaler(t, height, 0, []fabric.Wavelet{{Control: true, Data: fabric.Pack(3, 0)}})
		return allocated(func() { runLayout(t, l, LayoutOptions{}) })
	}
	column(10)
	small, large := column(100), column(400)
	perPE := float64(large-small) / 300
	t.Logf("%.0f bytes per PE", perPE)
	if perPE > 8<<10 {
		t.Errorf("%.0f bytes per PE without SRAM, must be at most 8 KiB", perPE)
	}
	if float64(large) > 4.4*float64(small) {
		t.Errorf("%d bytes for 100 PEs, %d for 400", small, large)
	}
}
