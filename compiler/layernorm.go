package compiler

// Name is the kernel's word in tables and traces.
func (k *LayerNorm) Name() string { return "layernorm" }

// Scratch is what the kernel needs beside its tiles.
func (k *LayerNorm) Scratch(s *Space) Scratch { panic("K") }

// Layout is the program of the first rows PE rows of the first groups token groups.
func (k *LayerNorm) Layout(s *Space, groups, rows int) (*Layout, error) { panic("K") }
