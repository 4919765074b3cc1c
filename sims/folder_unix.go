//go:build unix

package sims

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// What the system says when a path is wrong.
const (
	errNotDir      = unix.ENOTDIR
	errReadOnly    = unix.EROFS
	errNameTooLong = unix.ENAMETOOLONG
)

var errLocked = errors.New("locked")

// lockFolder locks the folder itself, so that no lock file is left and a killed process holds
// nothing. File systems that have no locks are used without.
func lockFolder(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		f.Close()
		return nil, errLocked
	}
	return f, nil
}
