//go:build !amd64

package vec

func detect() Impl { return Generic }

func (i Impl) denseTile(m arithmetic, a *denseTile)   { a.generic(m, i.tile().rows) }
func (i Impl) sparseTile(m arithmetic, a *sparseTile) { a.generic(m) }
func (i Impl) dotTile(_ arithmetic, a *dotTile)       { a.generic(i.tile().lanes) }
func (i Impl) mixTile(_ arithmetic, a *mixTile)       { a.generic(i.tile().mix) }
func (i Impl) transpose(*transposeTile)               { panic("vec: no vector kernels") }
func (i Impl) mapVectors(op elementOp, a *mapArgs)    { op.generic(a.dst, a.a, a.b, a.s) }
