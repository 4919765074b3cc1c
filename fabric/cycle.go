package fabric

// Cycle is a point in time, or a span of it, in clock cycles of the wafer.
type Cycle int64
