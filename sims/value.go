package sims

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxList bounds a list of numbers.
const maxList = 1000

// misfit says why a value does not fit its key.
type misfit struct {
	value string // the part that does not fit
	index int    // of the list element at fault, or -1
	want  string
}

// accept turns a decoded TOML value into the key's own Go type: string, bool, int, float64,
// []float64, []int or []string.
func (k Key) accept(v any) (any, *misfit) {
	no := func(format string, a ...any) (any, *misfit) {
		return nil, &misfit{formatValue(v), -1, fmt.Sprintf(format, a...)}
	}
	switch k.Type {
	case Word:
		s, ok := v.(string)
		switch {
		case !ok:
			return no("is %s, must be %s", typeName(v), k.Range())
		case !slices.Contains(k.Words, s):
			if n := nearest(s, k.Words); n != "" {
				return no("must be %s; did you mean %q?", k.Range(), n)
			}
			return no("must be %s", k.Range())
		}
		return s, nil
	case Path:
		if s, ok := v.(string); ok && (s != "" || k.field != nil) {
			return s, nil
		}
		return no("must be the path of a file")
	case Flag:
		if b, ok := v.(bool); ok {
			return b, nil
		}
		return no("is %s, must be true or false", typeName(v))
	case Auto:
		if v == "auto" {
			return autoValue, nil
		}
	case Reals:
		return k.acceptList(v)
	case Wholes:
		return k.acceptWholes(v)
	case Words:
		return k.acceptWords(v)
	}
	n, ok := number(v)
	switch {
	case !ok:
		return no("is %s, must be %s", typeName(v), k.Range())
	case !k.inRange(n):
		return no("is out of range, must be %s", k.Range())
	case k.Type == Real:
		return n, nil
	case n != math.Trunc(n):
		return no("has a fraction, must be %s", k.Range())
	}
	return int(n), nil
}

func (k Key) acceptList(v any) (any, *misfit) {
	list, ok := v.([]any)
	if !ok || len(list) == 0 && !k.Repeat || len(list) > maxList {
		return nil, &misfit{formatValue(v), -1, fmt.Sprintf("must be a list of 1 to %d numbers, each %s", maxList, k.interval())}
	}
	var out []float64
	for i, e := range list {
		n, ok := number(e)
		switch {
		case !ok:
			return nil, &misfit{formatValue(e), i, "is " + typeName(e) + ", must be a number, " + k.interval()}
		case !k.inRange(n):
			return nil, &misfit{formatValue(e), i, "is out of range, must be " + k.interval()}
		case slices.Contains(out, n) && !k.Repeat:
			return nil, &misfit{formatValue(e), i, "is listed twice, must be given once"}
		}
		out = append(out, n+0) // + 0 turns -0 into 0
	}
	return out, nil
}

func (k Key) acceptWholes(v any) (any, *misfit) {
	list, miss := k.acceptList(v)
	if miss != nil {
		return nil, miss
	}
	var out []int
	for i, n := range list.([]float64) {
		if n != math.Trunc(n) {
			return nil, &misfit{formatValue(n), i, "has a fraction, must be a whole number, " + k.interval()}
		}
		out = append(out, int(n))
	}
	return out, nil
}

func (k Key) acceptWords(v any) (any, *misfit) {
	list, ok := v.([]any)
	if !ok {
		return nil, &misfit{formatValue(v), -1, "is " + typeName(v) + ", must be " + k.Range()}
	}
	one := Key{Name: k.Name, Type: Word, Words: k.Words}
	out := []string{}
	for i, e := range list {
		word, miss := one.accept(e)
		if miss != nil {
			miss.index = i
			return nil, miss
		}
		if slices.Contains(out, word.(string)) {
			return nil, &misfit{formatValue(e), i, "is listed twice, must be given once"}
		}
		out = append(out, word.(string))
	}
	return out, nil
}

func number(v any) (float64, bool) {
	switch n := v.(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

// parseValue reads the value of a --set or --vary flag: a word, number, or list a,b,c. Words may be
// quoted and lists bracketed, as in a run file.
func (k Key) parseValue(text string) any {
	one := func(s string) any {
		s = strings.TrimSpace(s)
		if k.Type == Word || k.Type == Words || k.Type == Path {
			return unquoted(s)
		}
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n
		}
		if n, err := strconv.ParseFloat(s, 64); err == nil {
			return n
		}
		if b, err := strconv.ParseBool(s); err == nil && k.Type == Flag {
			return b
		}
		return unquoted(s)
	}
	if !k.isList() {
		return one(text)
	}
	text = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(text), "["), "]")
	list := []any{}
	if text == "" {
		return list
	}
	for s := range strings.SplitSeq(text, ",") {
		list = append(list, one(s))
	}
	return list
}

// unquoted takes the quotes off a TOML string without escapes.
func unquoted(s string) string {
	if n := len(s); n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] {
		return s[1 : n-1]
	}
	return s
}

func (k Key) isList() bool { return k.Type == Reals || k.Type == Wholes || k.Type == Words }

func typeName(v any) string {
	switch v.(type) {
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case int64, int:
		return "a whole number"
	case float64:
		return "a number"
	case []any, []float64, []int, []string, []map[string]any:
		return "a list"
	case map[string]any:
		return "a table"
	case time.Time:
		return "a date or time"
	}
	return fmt.Sprintf("a %T", v)
}

// maxShown bounds a value in a message.
const maxShown = 80

// formatValue writes a value as TOML, for messages: long ones are cut.
func formatValue(v any) string {
	text := tomlValue(v)
	if len(text) <= maxShown {
		return text
	}
	cut := maxShown
	for cut > 0 && text[cut]&0xC0 == 0x80 { // not inside a UTF-8 sequence
		cut--
	}
	return text[:cut] + "..."
}

// tomlValue writes a value as TOML; it reads back as the same value.
func tomlValue(v any) string {
	switch n := v.(type) {
	case string:
		return tomlString(n)
	case float64:
		return tomlFloat(n)
	case []float64:
		return tomlList(n)
	case []int:
		return tomlList(n)
	case []string:
		return tomlList(n)
	case []any:
		return tomlList(n)
	case map[string]any, []map[string]any:
		return "{...}"
	case time.Time:
		return n.Format(time.RFC3339Nano)
	}
	return fmt.Sprint(v)
}

func tomlList[T any](list []T) string {
	parts := make([]string, 0, min(len(list), maxList))
	for _, e := range list[:min(len(list), maxList)] {
		parts = append(parts, tomlValue(e))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// tomlString writes a basic string with the escapes that TOML has.
func tomlString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// tomlFloat keeps every bit and stays a float in TOML.
func tomlFloat(v float64) string {
	switch {
	case math.IsNaN(v):
		return "nan"
	case math.IsInf(v, 0):
		return strings.ToLower(strings.TrimPrefix(fmt.Sprint(v), "+"))
	}
	text := strconv.FormatFloat(v, 'g', -1, 64)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return text
}

// formatNumber is for people: 1048576 rather than 1.048576e+06, but 1e+12, and no ".0".
func formatNumber(v float64) string {
	plain, short := strconv.FormatFloat(v, 'f', -1, 64), strconv.FormatFloat(v, 'g', -1, 64)
	if v == math.Trunc(v) && (math.Abs(v) < 1e7 || len(plain) <= len(short)) {
		return plain
	}
	return short
}
