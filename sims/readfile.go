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
	_, err := regularSize(path)
	return err
}

func regularSize(path string) (int64, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return 0, err
	case info.IsDir():
		return 0, errDirectory
	case !info.Mode().IsRegular():
		return 0, errNotRegular
	}
	return info.Size(), nil
}

// ReadFile reads a regular file that is not larger than the results of any run.
func ReadFile(path string) ([]byte, error) { return readAtMost(path, maxResultBytes) }

func readAtMost(path string, most int64) ([]byte, error) {
	size, err := regularSize(path)
	if err != nil {
		return nil, err
	}
	larger := fmt.Errorf("is larger than %d bytes", most)
	if size > most {
		return nil, larger
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1)) // a size is not always the truth
	if err == nil && int64(len(data)) > most {
		err = larger
	}
	return data, err
}
