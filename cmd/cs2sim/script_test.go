package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cs2sim": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":      exits,
			"interrupt":  interruptRun,
			"killed":     killedRun,
			"same":       sameFolder,
			"views":      views,
			"unwritable": unwritable,
			"none":       none,
			"one":        one,
			"plant":      plant,
			"rmglob":     removeAll,
		},
	})
}

// exits CODE COMMAND ... runs a command that must end with that exit code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ...")
	}
	checkCode(ts, args[0], ts.Exec(args[1], args[2:]...))
}

func checkCode(ts *testscript.TestScript, want string, err error) {
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(got) != want {
		ts.Fatalf("exit code is %d, must be %s", got, want)
	}
}

// interrupt DIR N COMMAND ... sends SIGINT when N points are finished in DIR; the exit code must be 130.
func interruptRun(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: interrupt DIR N COMMAND ...")
	}
	points, err := strconv.Atoi(args[1])
	ts.Check(err)
	cmd := startUntil(ts, filepath.Join(args[0], "points", "s*.json"), points, args[2:])
	ts.Check(cmd.Process.Signal(syscall.SIGINT))
	checkCode(ts, "130", cmd.Wait())
}

// killed GLOB N COMMAND ... ends the command when N files match; there is no time to clean up.
func killedRun(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: killed GLOB N COMMAND ...")
	}
	files, err := strconv.Atoi(args[1])
	ts.Check(err)
	cmd := startUntil(ts, args[0], files, args[2:])
	ts.Check(cmd.Process.Kill())
	if err := cmd.Wait(); err == nil {
		ts.Fatalf("the command ended before it was killed")
	}
}

// startUntil starts a command and waits until so many files match.
func startUntil(ts *testscript.TestScript, glob string, files int, args []string) *exec.Cmd {
	path := ""
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if p := filepath.Join(dir, args[0]); path == "" && isFile(p) {
			path = p
		}
	}
	cmd := exec.Command(path, args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Stdout, cmd.Stderr = ts.Stdout(), ts.Stderr()
	ts.Check(cmd.Start())
	deadline := time.Now().Add(60 * time.Second)
	for {
		found, _ := filepath.Glob(ts.MkAbs(glob))
		if len(found) >= files {
			return cmd
		}
		if time.Now().After(deadline) {
			cmd.Process.Kill()
			ts.Fatalf("%d files match %s after a minute, must be %d", len(found), glob, files)
		}
		time.Sleep(time.Millisecond)
	}
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// same A B compares two folders, names and bytes; with ! they must differ.
func sameFolder(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: [!] same A B")
	}
	a, b := contents(ts, args[0]), contents(ts, args[1])
	var differ []string
	for name, data := range a {
		if other, ok := b[name]; !ok || !bytes.Equal(data, other) {
			differ = append(differ, name)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			differ = append(differ, name)
		}
	}
	if len(a) == 0 || neg != (len(differ) > 0) {
		ts.Fatalf("%d files, these differ: %s", len(a), strings.Join(differ, ", "))
	}
}

func contents(ts *testscript.TestScript, dir string) map[string][]byte {
	files := map[string][]byte{}
	root := ts.MkAbs(dir)
	ts.Check(filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(root, path)
		files[name], err = os.ReadFile(path)
		return err
	}))
	return files
}

// unwritable VAR sets VAR to a folder in which the user, root too, cannot make a file.
func unwritable(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: unwritable VAR")
	}
	dir := "/proc"
	if os.Geteuid() != 0 {
		dir = ts.MkAbs("locked")
		ts.Check(os.Mkdir(dir, 0o555))
	}
	ts.Setenv(args[0], dir)
}

// none GLOB fails if a file matches.
func none(ts *testscript.TestScript, _ bool, args []string) {
	for _, pattern := range args {
		found, err := filepath.Glob(ts.MkAbs(pattern))
		ts.Check(err)
		if len(found) > 0 {
			ts.Fatalf("there must be no %s", strings.Join(found, ", "))
		}
	}
}

// one GLOB fails unless one file matches.
func one(ts *testscript.TestScript, _ bool, args []string) {
	for _, pattern := range args {
		onlyFile(ts, pattern)
	}
}

func onlyFile(ts *testscript.TestScript, pattern string) string {
	found, err := filepath.Glob(ts.MkAbs(pattern))
	ts.Check(err)
	if len(found) != 1 {
		ts.Fatalf("%d files match %s, must be one", len(found), pattern)
	}
	return found[0]
}

// plant FILE GLOB STEP copies a file to where a run that has a checkpoint that matches looks for
// that of another step.
func plant(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: plant FILE GLOB STEP")
	}
	found, err := filepath.Glob(ts.MkAbs(args[1]))
	ts.Check(err)
	if len(found) == 0 {
		ts.Fatalf("no file matches %s", args[1])
	}
	data, err := os.ReadFile(onlyFile(ts, args[0]))
	ts.Check(err)
	name := found[0][:strings.LastIndex(found[0], "-")+1] + args[2] + ".ckpt"
	ts.Check(os.WriteFile(name, data, 0o666))
}

// rmglob GLOB removes the files that match.
func removeAll(ts *testscript.TestScript, _ bool, args []string) {
	for _, pattern := range args {
		found, err := filepath.Glob(ts.MkAbs(pattern))
		ts.Check(err)
		for _, path := range found {
			ts.Check(os.Remove(path))
		}
	}
}
