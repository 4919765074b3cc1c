package compiler

// Name is the kernel's word in tables and traces.
func (k *EmbedBackward) Name() string { return "embedding backward" }

// Scratch is what the kernel needs beside its tiles.
func (k *EmbedBackward) Scratch(s *Space) Scratch { panic("K") }

// Layout is the program of the first rows PE rows of the first groups token groups.
func (k *EmbedBackward) Layout(s *Space, groups, rows int) (*Layout, error) { panic("K") }
