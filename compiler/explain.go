package compiler

import "io"

func (p *Program) Explain(w io.Writer) error { return nil }
