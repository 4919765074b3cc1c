// Package sims holds the experiments: run file -> Config -> points -> tables -> run folder.
//
// Reading order: schema.go lists every key of a run file; Load (document.go) reads a file with the
// position of every key; Resolve (config.go) turns settings into a Config; Simulate (simulate.go)
// compiles and runs the points of some curves; results.go makes tables of them; Folder (folder.go)
// keeps it all on disk.
//
// Wrong input is an *InputError that names file, line, key, value and what would be right.
package sims

// Version is part of every point's identity: raise it when the same run file gives other results,
// so that --resume does not mix them.
const Version = "0.1.0"
