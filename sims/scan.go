package sims

import (
	"strconv"
	"strings"
)

// scanLines finds the line of every key, table and list element in TOML source that is known to be
// valid: the decoder tells values but not where they stood. Paths are joined by dots with the index
// of list elements and of repeated tables in brackets: "matmul.sparsities[3]", "variant[0].set".
// Any input is survived; what is found in invalid source means nothing.
func scanLines(source string) map[string]int {
	s := scanner{text: strings.TrimPrefix(source, "\ufeff"), line: 1, lines: map[string]int{}, repeated: map[string]int{}}
	s.document()
	return s.lines
}

type scanner struct {
	text     string
	pos      int
	line     int
	lines    map[string]int
	repeated map[string]int // [[tables]] seen so far, by path
}

// maxNesting is far beyond any run file.
const maxNesting = 200

// tooDeep is the line on which lists, tables or the parts of a key are nested deeper than maxNesting, 0 if nowhere. The decoder
// takes time and memory that grow with the square of the depth, so it is not given such source.
func tooDeep(source string) int {
	s := scanner{text: source, line: 1}
	for depth, parts := 0, 0; s.pos < len(s.text); {
		switch s.peek() {
		case '"', '\'':
			s.quoted()
			continue
		case '#':
			s.restOfLine()
			continue
		case '[', '{':
			depth, parts = depth+1, 0
		case ']', '}':
			depth, parts = max(0, depth-1), 0
		case '\n', ',', '=':
			parts = 0
		case '.':
			parts++
		}
		if depth > maxNesting || parts > maxNesting {
			return s.line
		}
		s.step()
	}
	return 0
}

func (s *scanner) document() {
	table := ""
	for {
		s.space(true)
		switch {
		case s.pos >= len(s.text):
			return
		case s.accept("[["):
			s.space(false)
			table = s.path(s.key(), true)
			s.mark(table)
			s.restOfLine()
		case s.accept("["):
			s.space(false)
			table = s.path(s.key(), false)
			s.mark(table)
			s.restOfLine()
		default:
			start := s.pos
			s.pair(table, 0)
			if s.pos == start {
				s.pos++ // not TOML; go on
			}
		}
	}
}

// pair reads key = value.
func (s *scanner) pair(table string, depth int) {
	path := table
	for _, part := range s.key() {
		path = join(path, part)
		s.mark(path)
	}
	s.space(false)
	if s.accept("=") {
		s.space(false)
		s.value(path, depth)
	}
}

// value skips a value, recording the keys and elements inside it.
func (s *scanner) value(path string, depth int) {
	switch {
	case depth > maxNesting:
		s.pos = len(s.text)
	case s.accept("["):
		for i := 0; ; {
			s.space(true)
			switch {
			case s.pos >= len(s.text) || s.accept("]"):
				return
			case s.accept(","):
				i++
			default:
				start := s.pos
				element := path + "[" + strconv.Itoa(i) + "]"
				s.mark(element)
				s.value(element, depth+1)
				if s.pos == start {
					s.pos++
				}
			}
		}
	case s.accept("{"):
		for {
			s.space(true)
			if s.pos >= len(s.text) || s.accept("}") {
				return
			}
			start := s.pos
			if !s.accept(",") {
				s.pair(path, depth+1)
			}
			if s.pos == start {
				s.pos++
			}
		}
	case s.peek() == '"' || s.peek() == '\'':
		s.quoted()
	default:
		for s.pos < len(s.text) && !strings.ContainsRune(",]}#\n", rune(s.peek())) {
			s.pos++
		}
	}
}

// key reads a dotted key.
func (s *scanner) key() (parts []string) {
	for {
		if c := s.peek(); c == '"' || c == '\'' {
			parts = append(parts, s.quoted())
		} else {
			start := s.pos
			for s.pos < len(s.text) && !strings.ContainsRune(" \t\r\n.=]#,}", rune(s.peek())) {
				s.pos++
			}
			parts = append(parts, s.text[start:s.pos])
		}
		s.space(false)
		if !s.accept(".") {
			return parts
		}
		s.space(false)
	}
}

// quoted reads a string of any of the four kinds and returns its value, or its source if that
// cannot be told.
func (s *scanner) quoted() string {
	quote := s.text[s.pos : s.pos+1]
	start := s.pos
	if triple := strings.Repeat(quote, 3); s.accept(triple) {
		for s.pos < len(s.text) && !strings.HasPrefix(s.text[s.pos:], triple) {
			if quote == `"` && s.peek() == '\\' {
				s.step()
			}
			s.step()
		}
		s.accept(triple)
		for range 2 { // the string may itself end in one or two quotes
			s.accept(quote)
		}
		return s.text[start:s.pos]
	}
	s.pos++
	for s.pos < len(s.text) && s.peek() != quote[0] && s.peek() != '\n' {
		if quote == `"` && s.peek() == '\\' {
			s.step()
		}
		s.step()
	}
	body := s.text[start+1 : s.pos]
	s.accept(quote)
	if quote == `"` {
		if value, err := strconv.Unquote(`"` + body + `"`); err == nil {
			return value
		}
	}
	return body
}

// path resolves the name of a table against the repeated tables before it.
func (s *scanner) path(parts []string, repeat bool) string {
	path := ""
	for i, part := range parts {
		path = join(path, part)
		if repeat && i == len(parts)-1 {
			s.repeated[path]++
		}
		if n := s.repeated[path]; n > 0 {
			path += "[" + strconv.Itoa(n-1) + "]"
		}
	}
	return path
}

func join(table, key string) string {
	if table == "" {
		return key
	}
	return table + "." + key
}

// mark records the first line of a path.
func (s *scanner) mark(path string) {
	if _, seen := s.lines[path]; !seen {
		s.lines[path] = s.line
	}
}

func (s *scanner) peek() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

func (s *scanner) accept(token string) bool {
	if !strings.HasPrefix(s.text[s.pos:], token) {
		return false
	}
	s.pos += len(token)
	return true
}

// step moves one byte on, counting lines.
func (s *scanner) step() {
	if s.pos < len(s.text) {
		if s.text[s.pos] == '\n' {
			s.line++
		}
		s.pos++
	}
}

// space skips blanks, and line ends and comments too if asked.
func (s *scanner) space(lines bool) {
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; {
		case c == ' ' || c == '\t' || c == '\r':
			s.pos++
		case lines && c == '\n':
			s.step()
		case lines && c == '#':
			s.restOfLine()
		default:
			return
		}
	}
}

func (s *scanner) restOfLine() {
	for s.pos < len(s.text) && s.text[s.pos] != '\n' {
		s.pos++
	}
}
