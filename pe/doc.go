// Package pe is one core: SRAM, tensor instructions on descriptors, tasks triggered by
// wavelets, and microthreads that share one datapath cycle by cycle.
//
// What an instruction means is in exec.go, what it costs in cost.go, and when it runs in pe.go;
// ahead.go saves deciding what is certain.
package pe
