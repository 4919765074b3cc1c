package fabric

import "fmt"

// NumColors is the number of virtual channels the wavelet's 5-bit color field can name on the machine (S Hot Chips 34).
const NumColors = 24

// Config fixes the wires: geometry, latencies and buffers. It is plain data; NewMesh checks it once.
type Config struct {
	Width, Height int // PEs
	HopCycles     int // router to neighbouring router
	RampCycles    int // router to its PE, and back
	BufferDepth   int // wavelets per color and router input port
	QueueWords    int // wavelets in a PE input queue
}

// Validate reports the first impossible value.
func (c Config) Validate() error {
	for _, v := range []struct {
		key      string
		got      int
		min, max int
	}{
		{"width", c.Width, 1, 1 << 14},
		{"height", c.Height, 1, 1 << 14},
		{"hop_cycles", c.HopCycles, 1, 64},
		{"ramp_cycles", c.RampCycles, 1, 64},
		{"buffer_depth", c.BufferDepth, 1, 64},
		{"queue_words", c.QueueWords, 1, 64},
	} {
		if v.got < v.min || v.got > v.max {
			return fmt.Errorf("fabric: %s is %d, must be %d to %d", v.key, v.got, v.min, v.max)
		}
	}
	return nil
}
