//go:build !unix

package sims

import (
	"errors"
	"os"
)

// These do not occur here; nothing equals them.
var (
	errNotDir      = errors.New("not a directory")
	errReadOnly    = errors.New("read-only file system")
	errNameTooLong = errors.New("name too long")
	errLocked      = errors.New("locked")
)

// lockFolder does not lock: two processes must not share a folder.
func lockFolder(dir string) (*os.File, error) { return os.Open(dir) }
