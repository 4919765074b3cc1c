// Package view shows the traces of one or two result folders as a page in the browser: the wafer
// as a map, kernels over time, a flame graph, one PE's life, and the difference of two runs.
//
// The server only reads the traces and hands their classes of PEs to the page, a run as one block of
// arrays; the page, plain modules under page, adds them up for the window of time and the states that
// the user looks at. It answers only on the loopback, only to pages of its own, and opens
// no file but those of the traces.
package view
