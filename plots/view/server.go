package view

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"
)

//go:embed page
var page embed.FS

// Server answers for the traces of a few folders.
type Server struct {
	folders []*folder
	port    int // 0: any
}

// Open reads the traces of the folders. The error of a folder that holds none names it.
func Open(dirs ...string) (*Server, error) {
	s := &Server{}
	for _, dir := range dirs {
		f := &folder{dir: dir}
		if _, _, err := f.read(); err != nil {
			return nil, err
		}
		s.folders = append(s.folders, f)
	}
	return s, nil
}

// Listen takes a port of the loopback; 0 is any free one.
func Listen(port int) (net.Listener, error) {
	return net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}

// Serve answers until the context ends.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	s.port = l.Addr().(*net.TCPAddr).Port
	server := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 1 << 16,
		ErrorLog: log.New(discard{}, "", 0), // a browser that hangs up is no news
	}
	stopped := make(chan struct{})
	end := context.AfterFunc(ctx, func() {
		server.Close() // what is under way can be asked for again
		close(stopped)
	})
	err := server.Serve(l)
	if !end() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

// Handler answers for the page and its data; Serve uses it.
func (s *Server) Handler() http.Handler {
	files, err := fs.Sub(page, "page")
	if err != nil {
		panic(err) // the folder is in the program
	}
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServerFS(files))
	mux.HandleFunc("/api/traces", s.traces)
	mux.HandleFunc("/api/run", s.run)
	mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusNotFound, "no such call") })
	return s.guard(mux)
}

// policy lets the page run its own modules and styles and talk to its own server, nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// guard refuses whoever is not a page of this server: a name that was bound to the loopback by
// another site's DNS says so in Host, another site's page in Sec-Fetch-Site.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		site := r.Header.Get("Sec-Fetch-Site")
		switch {
		case !s.ours(r.Host):
			refuse(w, http.StatusForbidden, "this server answers to localhost only")
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			h.Set("Allow", "GET, HEAD")
			refuse(w, http.StatusMethodNotAllowed, "GET and HEAD only")
		case site != "" && site != "same-origin" && site != "none" && r.URL.Path != "/":
			refuse(w, http.StatusForbidden, "this server answers to its own page only")
		case !utf8.ValidString(r.URL.Path):
			refuse(w, http.StatusNotFound, "no such file")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// ours tells whether a Host header names the loopback and our port.
func (s *Server) ours(host string) bool {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = host, "80"
	}
	if s.port != 0 && port != strconv.Itoa(s.port) {
		return false
	}
	return name == "localhost" || name == "127.0.0.1"
}

// refuse answers with a reason. Reasons are JSON: no browser takes it for markup.
func refuse(w http.ResponseWriter, code int, format string, args ...any) {
	answer(w, code, struct {
		Error string `json:"error"`
	}{fmt.Sprintf(format, args...)})
}

func answer(w http.ResponseWriter, code int, value any) {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err) // plain structs always encode
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	w.Write(data)
}
