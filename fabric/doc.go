// Package fabric is the wafer's wires and clock: a mesh of routers that move wavelets by
// color along static routes. It knows no arithmetic.
//
// Timing, in cycles (Luczynski et al., HPDC 2024, except as marked in the machine presets):
//
//	a wavelet a PE writes in cycle t is at its own router in t + 1 + RampCycles
//	a router forwards a head wavelet in the cycle it is there, if every output is free
//	to a neighbouring router takes HopCycles, to the own PE RampCycles
//	a link (router x port) carries one wavelet per cycle, all colors together
//	a buffer slot freed in cycle t is seen free by its feeder in t + 1
//
// Multicast is all or nothing: a wavelet leaves when all outputs of its route have room.
// Nothing within one cycle depends on the order in which routers are stepped.
//
// A mesh is stepped router by router, those that have something to do (StepRouter, Agenda), or if it is busy cycle by
// cycle, 64 routers at a time (Lanes). What happens is the same.
package fabric
