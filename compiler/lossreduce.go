package compiler

// Name is the kernel's word in tables and traces.
func (k *LossReduce) Name() string { return "loss reduce" }

// Scratch is what the kernel needs beside its tiles.
func (k *LossReduce) Scratch(s *Space) Scratch { panic("K") }

// Layout is the program of the first rows PE rows of the first groups token groups.
func (k *LossReduce) Layout(s *Space, groups, rows int) (*Layout, error) { panic("K") }
