package sims

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// maxResultBytes bounds what a run leaves in one file of its folder: results, points.
const maxResultBytes = 1 << 30

var (
	errNotRegular = errors.New("is not a regular file") // a pipe or a device, which may never come to an end
	errDirectory  = errors.New("is a directory, must be a file")
)

// Regular is the error of a path at which there is no regular file.
func Regular(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return errDirectory
	case !info.Mode().IsRegular():
		return errNotRegular
	}
	return nil
}

// ReadFile reads a regular file that is not larger than the results of any run.
func ReadFile(path string) ([]byte, error) { return readAtMost(path, maxResultBytes) }

func readAtMost(path string, most int64) ([]byte, error) {
	if err := Regular(path); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		err = fmt.Errorf("is larger than %d bytes", most)
	}
	return data, err
}
