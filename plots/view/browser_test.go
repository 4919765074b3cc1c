package view

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// browser is a headless Chromium, driven over a pipe with its own protocol
// (chromedevtools.github.io/devtools-protocol): JSON messages, each closed by a zero byte.
type browser struct {
	to io.Writer

	mu      sync.Mutex
	next    int
	waiting map[int]chan reply
	errors  map[string][]string // of the page in a session: exceptions, console errors, refusals of the policy
}

// tab is one page in it.
type tab struct {
	t       *testing.T
	b       *browser
	session string
}

type reply struct {
	Result json.RawMessage
	Err    error
}

// deadline is for one call; a loaded machine takes its time.
const deadline = 60 * time.Second

// chromium finds the program, or skips the test.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium here: the page is not tested in a browser (Debian: apt-get install chromium)")
	return ""
}

// launch starts one.
func launch(t *testing.T) *browser {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser takes seconds")
	}
	path := chromium(t)
	profile, err := os.MkdirTemp("", "cs2sim-view-")
	if err != nil {
		t.Fatal(err)
	}
	in, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	from, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
		"--no-proxy-server", "--disable-background-networking", "--disable-extensions", "--remote-debugging-pipe", "--user-data-dir="+profile, "about:blank")
	cmd.ExtraFiles = []*os.File{in, out} // 3 and 4, as the flag wants
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in.Close()
	out.Close()
	b := &browser{to: to, waiting: map[int]chan reply{}, errors: map[string][]string{}}
	go b.listen(from)
	t.Cleanup(func() {
		b.send("", "Browser.close", nil, nil) // which ends its children too
		to.Close()
		ended := time.AfterFunc(10*time.Second, func() { cmd.Process.Kill() })
		cmd.Wait()
		ended.Stop()
		os.RemoveAll(profile)
	})
	return b
}

// tab opens an empty page.
func (b *browser) tab(t *testing.T) *tab {
	t.Helper()
	p := &tab{t: t, b: b}
	var target struct{ TargetID string }
	p.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	t.Cleanup(func() { b.send("", "Target.closeTarget", map[string]any{"targetId": target.TargetID}, nil) })
	var attached struct{ SessionID string }
	p.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	p.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		p.call(domain+".enable", nil, nil)
	}
	p.size(1366, 650)
	return p
}

func (b *browser) listen(from io.ReadCloser) {
	defer from.Close()
	r := bufio.NewReaderSize(from, 1<<20)
	for {
		text, err := r.ReadBytes(0)
		if err != nil {
			break
		}
		var m struct {
			ID        int
			SessionID string
			Method    string
			Params    json.RawMessage
			Result    json.RawMessage
			Error     *struct{ Message string }
		}
		if json.Unmarshal(text[:len(text)-1], &m) != nil {
			continue
		}
		b.mu.Lock()
		if c, ok := b.waiting[m.ID]; ok && m.ID > 0 {
			delete(b.waiting, m.ID)
			rep := reply{Result: m.Result}
			if m.Error != nil {
				rep.Err = errors.New(m.Error.Message)
			}
			c <- rep
		}
		if m.Method == "Runtime.exceptionThrown" || m.Method == "Log.entryAdded" {
			b.errors[m.SessionID] = append(b.errors[m.SessionID], string(m.Params))
		}
		b.mu.Unlock()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, c := range b.waiting {
		delete(b.waiting, id)
		c <- reply{Err: errors.New("the browser ended")}
	}
}

// send calls a method and decodes what it returns.
func (b *browser) send(session, method string, params, result any) error {
	m := map[string]any{"method": method}
	if params != nil {
		m["params"] = params
	}
	if session != "" {
		m["sessionId"] = session
	}
	b.mu.Lock()
	b.next++
	id, c := b.next, make(chan reply, 1)
	b.waiting[id] = c
	m["id"] = id
	text, err := json.Marshal(m)
	if err == nil {
		_, err = b.to.Write(append(text, 0))
	}
	b.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case r := <-c:
		if r.Err != nil || result == nil {
			return r.Err
		}
		return json.Unmarshal(r.Result, result)
	case <-time.After(deadline):
		return fmt.Errorf("no answer in %v", deadline)
	}
}

func (p *tab) call(method string, params, result any) {
	p.t.Helper()
	if err := p.b.send(p.session, method, params, result); err != nil {
		p.t.Fatalf("%s: %v", method, err)
	}
}

func (p *tab) size(width, height int) {
	p.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}, nil)
}

// prefers sets the colour scheme that the user's system has.
func (p *tab) prefers(scheme string) {
	p.call("Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]any{"name": "prefers-color-scheme", "value": scheme}}}, nil)
}

// visit opens an address and waits until the condition, in JavaScript, is true.
func (p *tab) visit(url, until string) {
	p.t.Helper()
	p.call("Page.navigate", map[string]any{"url": url}, nil)
	p.wait(until)
}

func (p *tab) wait(until string) {
	p.t.Helper()
	end := time.Now().Add(deadline)
	for {
		var done bool
		p.eval(`Boolean(`+until+`)`, &done)
		if done {
			return
		}
		if time.Now().After(end) {
			var text string
			p.eval(`document.body?.innerText ?? ""`, &text)
			p.t.Fatalf("not in %v: %s\nthe page says: %s\nits errors: %s", deadline, until, text, p.problems())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// eval runs an expression, or awaits it.
func (p *tab) eval(expression string, out any) {
	p.t.Helper()
	var r struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct{ Exception struct{ Description string } }
	}
	p.call("Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true}, &r)
	if r.ExceptionDetails != nil {
		p.t.Fatalf("%s: %s", expression, r.ExceptionDetails.Exception.Description)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(r.Result.Value, out); err != nil {
		p.t.Fatalf("%s gives %s: %v", expression, r.Result.Value, err)
	}
}

func (p *tab) text(selector string) string {
	p.t.Helper()
	var text string
	p.eval(fmt.Sprintf(`document.querySelector(%q).innerText`, selector), &text)
	return text
}

// key presses one, and waits for the frame that shows what it did.
func (p *tab) key(key string) {
	p.t.Helper()
	params := map[string]any{"type": "keyDown", "key": key}
	if len(key) == 1 {
		params["text"] = key
	}
	p.call("Input.dispatchKeyEvent", params, nil)
	params["type"] = "keyUp"
	delete(params, "text")
	p.call("Input.dispatchKeyEvent", params, nil)
	p.frame()
}

func (p *tab) frame() {
	p.t.Helper()
	p.eval(`new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))`, nil)
}

// mouse sends an event at a place of the page.
func (p *tab) mouse(kind string, x, y float64) {
	p.t.Helper()
	button := "left"
	if kind == "mouseMoved" {
		button = "none"
	}
	p.call("Input.dispatchMouseEvent", map[string]any{"type": kind, "x": x, "y": y, "button": button, "clickCount": 1}, nil)
}

func (p *tab) click(x, y float64) {
	p.t.Helper()
	p.mouse("mouseMoved", x, y)
	p.mouse("mousePressed", x, y)
	p.mouse("mouseReleased", x, y)
	p.frame()
}

// picture is what the page shows, as PNG.
func (p *tab) picture() []byte {
	p.t.Helper()
	var r struct{ Data string }
	p.call("Page.captureScreenshot", map[string]any{"format": "png"}, &r)
	data, err := base64.StdEncoding.DecodeString(r.Data)
	if err != nil {
		p.t.Fatal(err)
	}
	return data
}

func (p *tab) problems() string {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	return strings.Join(p.b.errors[p.session], "\n")
}
