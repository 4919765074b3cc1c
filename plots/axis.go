package plots

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Tick is a labelled position on an axis. A label may hold line breaks.
type Tick struct {
	Value float64
	Label string
}

// axis maps values to 0..1 and says where its ticks are.
type axis struct {
	lo, hi float64
	log    bool
	ticks  []Tick
}

func (a axis) norm(v float64) float64 {
	if a.log {
		return math.Log(v/a.lo) / math.Log(a.hi/a.lo)
	}
	return (v - a.lo) / (a.hi - a.lo)
}

// tightAxis keeps to the data, with a little air at both ends.
func tightAxis(lo, hi float64, log bool, ticks []Tick) axis {
	for _, t := range ticks {
		lo, hi = min(lo, t.Value), max(hi, t.Value)
	}
	lo, hi = widen(lo, hi, log)
	const air = 0.025
	a := axis{lo: lo - air*(hi-lo), hi: hi + air*(hi-lo), log: log, ticks: ticks}
	if log {
		pad := math.Pow(hi/lo, air)
		a.lo, a.hi = lo/pad, hi*pad
	}
	if len(ticks) == 0 {
		a.ticks = within(ticksFor(lo, hi, log, 10), a.lo, a.hi)
	}
	return a
}

// roundAxis extends the range to ticks at both ends.
func roundAxis(lo, hi float64, log bool) axis {
	lo, hi = widen(lo, hi, log)
	ticks := ticksFor(lo, hi, log, 8)
	// The outermost ticks lie outside the data or on its ends: drop those that are not needed.
	for len(ticks) > 2 && ticks[1].Value <= lo {
		ticks = ticks[1:]
	}
	for len(ticks) > 2 && ticks[len(ticks)-2].Value >= hi {
		ticks = ticks[:len(ticks)-1]
	}
	return axis{lo: min(lo, ticks[0].Value), hi: max(hi, ticks[len(ticks)-1].Value), log: log, ticks: ticks}
}

// widen gives a range without extent some.
func widen(lo, hi float64, log bool) (float64, float64) {
	size := max(math.Abs(lo), math.Abs(hi))
	if span := hi - lo; span > 1e-9*size && span > 1/largest {
		return lo, hi
	}
	if log {
		return lo / 2, hi * 2
	}
	if size <= 1/largest {
		return -1, 1
	}
	return lo - size/10, hi + size/10
}

func within(ticks []Tick, lo, hi float64) []Tick {
	var kept []Tick
	for _, t := range ticks {
		if t.Value >= lo && t.Value <= hi {
			kept = append(kept, t)
		}
	}
	return kept
}

// ticksFor covers lo..hi with about limit round values, the first at or below lo, the last at or above hi.
func ticksFor(lo, hi float64, log bool, limit int) []Tick {
	if log && hi/lo >= 3 {
		return logTicks(lo, hi, limit)
	}
	step := roundStep((hi - lo) / float64(limit))
	first, last := math.Floor(lo/step+1e-9), math.Ceil(hi/step-1e-9)
	if log && first < 1 {
		first = 1 // the range starts below one step: zero has no place on this axis
	}
	var ticks []Tick
	for i := first; i <= last; i++ {
		ticks = append(ticks, Tick{Value: i * step})
	}
	for i, t := range ticks {
		ticks[i].Label = tickLabel(t.Value, step, max(math.Abs(lo), math.Abs(hi)))
	}
	return ticks
}

// roundStep is the smallest of 1, 2, 5 times a power of ten that is at least v.
func roundStep(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if v <= m*power*(1+1e-9) {
			return m * power
		}
	}
	return 10 * power
}

func logTicks(lo, hi float64, limit int) []Tick {
	first, last := int(math.Floor(math.Log10(lo)+1e-9)), int(math.Ceil(math.Log10(hi)-1e-9))
	decades := last - first
	mantissas := []float64{1}
	if decades <= 2 {
		mantissas = []float64{1, 2, 5}
	}
	every := max(1, (decades+limit-1)/limit)
	magnitude := hi
	if lo < 1e-3 {
		magnitude = lo // one notation for the whole axis
	}
	var ticks []Tick
	for e := first; ; e += every {
		for _, m := range mantissas {
			v := m * math.Pow10(e)
			ticks = append(ticks, Tick{v, tickLabel(v, v, magnitude)})
			if v >= hi*(1-1e-9) {
				return ticks
			}
		}
	}
}

// tickLabel writes v with the digits that a step needs: 0.25, 40, 25,000; or 1.5e7 on an axis whose largest
// magnitude is a million and more, or under a thousandth. (Liberation lacks some superscripts for 10⁷.)
func tickLabel(v, step, magnitude float64) string {
	if math.Abs(v) < step/1e6 {
		return "0"
	}
	decade := func(v float64) int { return int(math.Floor(math.Log10(math.Abs(v)) + 1e-9)) }
	if magnitude < 1e6 && magnitude >= 1e-3 {
		decimals := min(max(0, -decade(step)), 12)
		return groupDigits(strconv.FormatFloat(v, 'f', decimals, 64))
	}
	digits := min(max(0, decade(v)-decade(step)), 12)
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'e', digits, 64), "e")
	if strings.Contains(mantissa, ".") {
		mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
	}
	power, _ := strconv.Atoi(exponent) // FormatFloat writes a sign and digits
	return strings.ReplaceAll(fmt.Sprintf("%se%d", mantissa, power), "-", "−")
}

// groupDigits puts commas into five digits and more before the point, and a true minus sign.
func groupDigits(s string) string {
	sign := ""
	if rest, negative := strings.CutPrefix(s, "-"); negative {
		s, sign = rest, "−"
	}
	whole, fraction, _ := strings.Cut(s, ".")
	if len(whole) > 4 {
		for i := len(whole) - 3; i > 0; i -= 3 {
			whole = whole[:i] + "," + whole[i:]
		}
	}
	if fraction != "" {
		whole += "." + fraction
	}
	return sign + whole
}
