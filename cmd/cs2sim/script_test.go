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
	checkCode(ts, "130", signalRun(ts, args, "points/s*.json", syscall.SIGINT))
}

// killed DIR N COMMAND ... ends it when N runs are in DIR's trace; there is no time to clean up.
func killedRun(ts *testscript.TestScript, _ bool, args []string) {
	if signalRun(ts, args, "trace/profile-*.pb.gz", syscall.SIGKILL) == nil {
		ts.Fatalf("it was not killed")
	}
}

// signalRun starts COMMAND and sends it a signal when N files of a pattern are in DIR.
func signalRun(ts *testscript.TestScript, args []string, pattern string, signal os.Signal) error {
	if len(args) < 3 {
		ts.Fatalf("usage: interrupt DIR N COMMAND ...")
	}
	files, err := strconv.Atoi(args[1])
	ts.Check(err)
	path := ""
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if p := filepath.Join(dir, args[2]); path == "" && isFile(p) {
			path = p
		}
	}
	cmd := exec.Command(path, args[3:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Stdout, cmd.Stderr = ts.Stdout(), ts.Stderr()
	ts.Check(cmd.Start())
	deadline := time.Now().Add(20 * time.Second)
	for {
		found, _ := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), pattern))
		if len(found) >= files {
			break
		}
		if time.Now().After(deadline) {
			cmd.Process.Kill()
			ts.Fatalf("%d files %s after 20 s, must be %d", len(found), pattern, files)
		}
		time.Sleep(time.Millisecond)
	}
	ts.Check(cmd.Process.Signal(signal))
	return cmd.Wait()
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
