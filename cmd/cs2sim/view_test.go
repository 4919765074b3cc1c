package main

import (
	"bufio"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// views ARGS ... starts cs2sim view, fetches the page from the address it prints, sends SIGINT, and
// wants it to end as one that did its work.
func views(ts *testscript.TestScript, _ bool, args []string) {
	path := ""
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if p := filepath.Join(dir, "cs2sim"); path == "" && isFile(p) {
			path = p
		}
	}
	cmd := exec.Command(path, append([]string{"view"}, args...)...)
	cmd.Dir = ts.MkAbs(".")
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	stuck := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
	defer stuck.Stop()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		cmd.Process.Kill()
		ts.Fatalf("it prints no address: %v", err)
	}
	for _, page := range []string{"", "api/traces"} {
		answer, err := http.Get(strings.TrimSpace(line) + page)
		if err != nil {
			cmd.Process.Kill()
			ts.Fatalf("%v", err)
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(text), "cs2sim") {
			cmd.Process.Kill()
			ts.Fatalf("%s answers %d: %.200s", line, answer.StatusCode, text)
		}
	}
	ts.Check(cmd.Process.Signal(syscall.SIGINT))
	checkCode(ts, "0", cmd.Wait())
}
