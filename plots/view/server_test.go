package view

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cs2sim.dev/sims/trace"
)

// serve answers for folders until the test ends, and says where.
func serve(t *testing.T, dirs ...string) string {
	t.Helper()
	s, err := Open(dirs...)
	if err != nil {
		t.Fatal(err)
	}
	l, err := Listen(0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("serving ends with %v", err)
		}
	})
	return "http://" + l.Addr().String() + "/"
}

func get(t testing.TB, url string, change func(*http.Request)) *http.Response {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	answer, err := http.DefaultTransport.RoundTrip(r) // no redirects
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func body(t testing.TB, r *http.Response) []byte {
	t.Helper()
	defer r.Body.Close()
	data, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestHosts: only this machine's own names with our port are answered, and only our own page.
func TestHosts(t *testing.T) {
	at := serve(t, written(t, small().run(t, "drawn", 1)))
	port := strings.TrimSuffix(at[strings.LastIndex(at, ":")+1:], "/")
	for _, c := range []struct {
		host string
		code int
	}{
		{"localhost:" + port, 200}, {"127.0.0.1:" + port, 200},
		{"localhost", 403}, {"localhost:1", 403}, {"evil.example:" + port, 403}, {"127.0.0.1.evil.example:" + port, 403},
		{"localhost.evil.example:" + port, 403}, {"0.0.0.0:" + port, 403}, {"127.0.0.1:" + port + ":1", 403}, {"[::1]:" + port, 403}, {"evil.example", 403},
	} {
		for _, path := range []string{"", "main.js", "api/traces", "api/run?folder=0&read=1&run=0"} {
			r := get(t, at+path, func(r *http.Request) { r.Host = c.host })
			text := body(t, r)
			if r.StatusCode != c.code || c.code != 200 && len(text) > 100 {
				t.Errorf("host %s, /%s: %d, must be %d: %.80s", c.host, path, r.StatusCode, c.code, text)
			}
		}
	}
	for site, code := range map[string]int{"same-origin": 200, "none": 200, "cross-site": 403, "same-site": 403} {
		r := get(t, at+"api/traces", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", site) })
		if body(t, r); r.StatusCode != code {
			t.Errorf("a page of %s: %d, must be %d", site, r.StatusCode, code)
		}
	}
	r := get(t, at, func(r *http.Request) { r.Method = http.MethodPost })
	if body(t, r); r.StatusCode != 405 {
		t.Errorf("POST: %d", r.StatusCode)
	}
	if !strings.HasPrefix(at, "http://127.0.0.1:") {
		t.Errorf("listens at %s", at)
	}
}

// TestPaths: nothing is answered but the page and its calls, and nothing may run that is not ours.
func TestPaths(t *testing.T) {
	dir := written(t, small().run(t, "drawn", 1))
	at := serve(t, dir)
	for path, code := range map[string]int{
		"": 200, "main.js": 200, "style.css": 200, "icon.svg": 200, "api/traces": 200, "api/run?folder=0&read=1&run=0": 200,
		"trace/manifest.json": 404, "profile.pb.gz": 404, "page/main.js": 404, "server.go": 404, "api/": 404, "api/other": 404,
		"..%2ftrace%2fmanifest.json": 404, "%2e%2e/%2e%2e/etc/passwd": 404, "..%5c..%5cetc": 404, "//etc/passwd": 307, "index.html%00": 404,
		"api/run": 400, "api/run?folder=1&read=1&run=0": 400, "api/run?folder=0&read=1&run=1": 400, "api/run?folder=-1&read=1&run=0": 400,
		"api/run?folder=0&read=2&run=0": 409, "api/run?folder=../..&read=1&run=0": 400, "api/run?folder=0&read=1&run=99999999999999999999": 400,
	} {
		r := get(t, at+path, func(r *http.Request) { r.URL.Opaque, r.URL.RawQuery = strings.TrimPrefix(at, "http:")+path, "" })
		text := body(t, r)
		if r.StatusCode != code {
			t.Errorf("/%s: %d, must be %d: %.100s", path, r.StatusCode, code, text)
		}
		if h := r.Header.Get("Content-Security-Policy"); !strings.Contains(h, "default-src 'none'") || strings.Contains(h, "unsafe") {
			t.Errorf("/%s: policy %q", path, h)
		}
		if r.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("/%s may be taken for what it is not", path)
		}
	}
	err := filepath.WalkDir("page", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, bad := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "http://", "https://", " onclick=", "<style", "style=\""} {
			if strings.Contains(strings.ReplaceAll(string(text), "http://www.w3.org/2000/svg", ""), bad) {
				t.Errorf("%s has %q", path, bad)
			}
		}
		if n := strings.Count(string(text), "\n"); n > 500 {
			t.Errorf("%s has %d lines: more than one idea", path, n)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestHostile: a trace that is bad from the start is not opened; one that turns bad, or grows,
// is told as it is.
func TestHostile(t *testing.T) {
	if _, err := Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "holds no trace") {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "absent")); err == nil {
		t.Error("a folder that is not there is opened")
	}
	one, two := small().run(t, "one", 1), small().run(t, "two", 2)
	dir := written(t, one)
	at := serve(t, dir)
	listing := func() (int, string) {
		r := get(t, at+"api/traces", nil)
		return r.StatusCode, string(body(t, r))
	}
	if code, text := listing(); code != 200 || !strings.Contains(text, `"read":1`) || strings.Contains(text, "two") {
		t.Errorf("%d %s", code, text)
	}
	if err := trace.Write(dir, "test", one, two); err != nil {
		t.Fatal(err)
	}
	if code, text := listing(); code != 200 || !strings.Contains(text, `"read":2`) || !strings.Contains(text, "two") {
		t.Errorf("a trace that grew: %d %s", code, text)
	}
	manifest := filepath.Join(dir, trace.Folder, trace.ManifestFile)
	good, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	for change, reason := range map[string]string{
		`"name": "one"=>"name": "<script>alert(1)</script>"`: `holds`,
		`"cycles": =>"cycles": 9`:                            `cycles`,
		`"cells": =>"cells": 9`:                              `the manifest says`,
		`"cells": =>"cells": 99999999`:                       `at most`,
		`"width": 15=>"width": 1000000000`:                   `4096`,
		`{=>`:                                                `is not the manifest`,
	} {
		old, new, _ := strings.Cut(change, "=>")
		if err := os.WriteFile(manifest, []byte(strings.Replace(string(good), old, new, 1)), 0o666); err != nil {
			t.Fatal(err)
		}
		code, text := listing()
		var answer struct{ Error string }
		if err := json.Unmarshal([]byte(text), &answer); err != nil || code != 500 || !strings.Contains(answer.Error, reason) {
			t.Errorf("%s: %d %s", change, code, text)
		}
		if strings.ContainsAny(text, "<>") {
			t.Errorf("%s: the answer holds markup: %s", change, text)
		}
		r := get(t, at+"api/run?folder=0&read=2&run=0", nil)
		if body(t, r); r.StatusCode != 500 {
			t.Errorf("%s: run: %d", change, r.StatusCode)
		}
	}
	if err := os.WriteFile(manifest, good, 0o666); err != nil {
		t.Fatal(err)
	}
	if code, text := listing(); code != 200 {
		t.Errorf("a trace that is good again: %d %s", code, text)
	}
}

// TestEnd: the server ends with its context, whoever is connected.
func TestEnd(t *testing.T) {
	s, err := Open(written(t, small().run(t, "drawn", 1)))
	if err != nil {
		t.Fatal(err)
	}
	l, err := Listen(0)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	body(t, get(t, "http://"+l.Addr().String()+"/", nil))
	stop()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("goes on after the end of its context")
	}
	if _, err := Listen(l.Addr().(*net.TCPAddr).Port); err != nil {
		t.Errorf("its port is not free again: %v", err)
	}
}

// FuzzCalls: any call with any parameters is answered or refused.
func FuzzCalls(f *testing.F) {
	s, err := Open(written(f, small().run(f, "drawn", 1)))
	if err != nil {
		f.Fatal(err)
	}
	h := s.Handler()
	for _, seed := range []string{"folder=0&read=1&run=0", "folder=1&read=1&run=0", "folder=0&read=0&run=-1", "folder=%00&run=a&read=1e9", "", ";;&&==%"} {
		f.Add("/api/run", seed)
	}
	f.Add("/api/traces", "x")
	f.Add("/../main.js", "")
	f.Add("/\xa3", "0")
	f.Fuzz(func(t *testing.T, path, query string) {
		r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: path, RawQuery: query}, Host: "localhost", Header: http.Header{}}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		switch w.Code {
		case 200, 206, 301, 304, 307, 308, 400, 404, 409, 416:
		default:
			t.Errorf("%q?%q: %d %s", path, query, w.Code, w.Body)
		}
		if w.Code == 200 && strings.HasPrefix(path, "/api/run") {
			decode(t, w.Body.Bytes())
		}
	})
}
