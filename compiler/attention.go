package compiler

// Name is the kernel's word in tables and traces.
func (k *Attention) Name() string { return "attention" }

// Scratch is what the kernel needs beside its tiles.
func (k *Attention) Scratch(s *Space) Scratch { panic("K") }

// Layout is the program of the first rows PE rows of the first groups token groups.
func (k *Attention) Layout(s *Space, groups, rows int) (*Layout, error) { panic("K") }
