package pages

import "syscall"

// advise asks for huge pages. A kernel that has none says no, and nothing is lost.
func advise(b []byte) { _ = syscall.Madvise(b, syscall.MADV_HUGEPAGE) }
