package compiler

// Name is the kernel's word in tables and traces.
func (k *LayerNormBackward) Name() string { return "layernorm backward" }

// Scratch is what the kernel needs beside its tiles.
func (k *LayerNormBackward) Scratch(s *Space) Scratch { panic("K") }

// Layout is the program of the first rows PE rows of the first groups token groups.
func (k *LayerNormBackward) Layout(s *Space, groups, rows int) (*Layout, error) { panic("K") }
