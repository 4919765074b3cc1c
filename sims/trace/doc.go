// Package trace says where every cycle of every PE went: which phases a run had, one after the
// other, and in each of them the cycles by state of every PE, by classes of PEs that did the same.
//
// One model, Run, is what all views are made of: the Parquet tables and their manifest in a
// result folder (Writer, Read), the pprof profile (Profile), the timeline (Timeline), and
// the figures, the terminal and the page of the other rooms. docs/trace.md has the format.
package trace
