package sims

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// document is one file, or the command line, as settings with positions; extends not yet followed.
type document struct {
	file     string
	extends  *setting
	settings settings
	variants []variant
}

// variant is a [[variant]] table: a curve that changes a few keys.
type variant struct {
	name string
	at   Position
	set  settings
}

// maxFileBytes bounds a run or machine file: anything larger is not one.
const maxFileBytes = 1 << 20

// readSource reads a small file. The problem has no position: the caller knows who named the file.
func readSource(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", plainFileError(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return "", errors.New("is a directory, must be a TOML file")
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	switch {
	case err != nil:
		return "", plainFileError(err)
	case len(data) > maxFileBytes:
		return "", fmt.Errorf("is larger than %d bytes, must be a TOML run or machine file", maxFileBytes)
	}
	return string(data), nil
}

// readNamed reads a small file that another file names, which must be a regular one.
func readNamed(path string) (string, error) {
	if err := Regular(path); err != nil {
		return "", plainFileError(err)
	}
	return readSource(path)
}

// plainFileError drops the path, which the message gives anyway.
func plainFileError(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		err = p.Err
	}
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("there is no such file")
	}
	if err == errDirectory {
		return err
	}
	return fmt.Errorf("cannot be read: %w", err)
}

// decode turns TOML source into a tree of values and the lines of its keys.
func decode(file, source string) (tree map[string]any, lines map[string]int, bad problems) {
	tree = map[string]any{}
	if line := tooDeep(source); line > 0 {
		return nil, nil, problems{{File: file, Line: line, Want: fmt.Sprintf("tables, lists or keys are nested more than %d deep, must be those of docs/runfile.md", maxNesting)}}
	}
	if _, err := toml.Decode(source, &tree); err != nil {
		e := &InputError{File: file, Want: err.Error()}
		if p := (toml.ParseError{}); errors.As(err, &p) {
			e.Line, e.Key, e.Want = p.Position.Line, p.LastKey, "not valid TOML: "+p.Message
		}
		return nil, nil, problems{e}
	}
	return tree, scanLines(source), nil
}

// parseRunFile reads the source of a run file. Machine files it names are read too.
func parseRunFile(file, source string) (document, problems) {
	tree, lines, bad := decode(file, source)
	d := document{file: file, settings: settings{}}
	if len(bad) > 0 {
		return d, bad
	}
	if v, ok := tree["extends"]; ok {
		k := extendsKey()
		at := Position{file, lines[k.Name]}
		if path, miss := k.accept(v); miss != nil {
			bad.add(at.problem(k.Name, miss.value, "%s", miss.want))
		} else {
			d.extends = &setting{value: path, at: at}
		}
	}
	variants := tree["variant"]
	delete(tree, "extends")
	delete(tree, "variant")

	r := reader{file: file, lines: lines, bad: bad}
	d.settings = r.table(tree, "", "")
	d.variants = r.variants(variants)
	return d, r.bad
}

// parseMachineFile reads a file whose top level is the [machine] table.
func parseMachineFile(file, source string) (settings, problems) {
	tree, lines, bad := decode(file, source)
	if len(bad) > 0 {
		return nil, bad
	}
	r := reader{file: file, lines: lines}
	if v, ok := tree["file"]; ok {
		r.bad.add(Position{file, lines["file"]}.problem("file", formatValue(v), "a machine file cannot name another, must be left out"))
		delete(tree, "file")
	}
	s := r.table(tree, "", machineTable)
	return s, r.bad
}

// reader turns decoded tables into settings.
type reader struct {
	file  string
	lines map[string]int
	bad   problems
}

// table reads the keys of a decoded table. path is where the table stands in the file; keys are
// named in the schema by prefix and their path below it.
func (r *reader) table(tree map[string]any, path, prefix string) settings {
	out := settings{}
	r.walk(tree, path, prefix, out)
	if file, ok := out["machine.file"]; ok {
		delete(out, "machine.file")
		out = r.machineFile(file).over(out)
	}
	return out
}

func (r *reader) walk(tree map[string]any, path, prefix string, out settings) {
	for _, key := range sortedKeys(tree) {
		if len(r.bad) >= stopProblems {
			return
		}
		v, path, name := tree[key], join(path, key), prefix+key
		at := Position{r.file, r.lines[path]}
		if sub, ok := v.(map[string]any); ok && isTable(name) {
			r.walk(sub, path, name+".", out)
			continue
		}
		if isTable(name) {
			r.bad.add(at.problem(name, formatValue(v), "is %s, must be the table of its keys", typeName(v)))
			continue
		}
		k, err := FindKey(name)
		if err != nil {
			value := formatValue(v)
			if _, isMap := v.(map[string]any); isMap {
				value = ""
			}
			r.bad.add(at.problem(name, value, "%v", err))
			continue
		}
		if _, twice := out[name]; twice {
			r.bad.add(at.problem(name, formatValue(v), "is given twice, must be given once"))
			continue
		}
		r.set(k, v, path, at, out)
	}
}

// set checks one value and stores it.
func (r *reader) set(k Key, v any, path string, at Position, out settings) {
	value, miss := k.accept(v)
	element := func(i int) (Position, bool) {
		line, ok := r.lines[fmt.Sprintf("%s[%d]", path, i)]
		return Position{r.file, line}, ok
	}
	if miss != nil {
		if p, ok := element(miss.index); ok {
			at = p
		}
		r.bad.add(at.problem(k.Name, miss.value, "%s", miss.want))
		return
	}
	if k.Type == Path && k.field != nil && value != "" {
		value = relativeTo(r.file, value.(string))
	}
	s := setting{value: value, at: at}
	if list, ok := v.([]any); ok && k.isList() {
		s.items = map[int]Position{}
		for i := range list {
			if p, ok := element(i); ok {
				s.items[i] = p
			}
		}
	}
	out[k.Name] = s
}

func (r *reader) machineFile(named setting) settings {
	path := relativeTo(r.file, named.value.(string))
	source, err := readNamed(path)
	if err != nil {
		r.bad.add(named.at.problem("machine.file", tomlString(named.value.(string)), "%v", err))
		return settings{}
	}
	s, bad := parseMachineFile(path, source)
	r.bad = append(r.bad, bad...)
	return s
}

func (r *reader) variants(v any) (out []variant) {
	tables, ok := v.([]map[string]any)
	if list, isList := v.([]any); isList { // variant = [{...}, {...}]
		ok = true
		for _, e := range list {
			t, isTable := e.(map[string]any)
			ok = ok && isTable
			tables = append(tables, t)
		}
	}
	if v == nil {
		return nil
	}
	if !ok {
		r.bad.add(Position{r.file, r.lines["variant"]}.problem("variant", formatValue(v), "is %s, must be [[variant]] tables with name and set", typeName(v)))
		return nil
	}
	for i, t := range tables {
		if len(r.bad) >= stopProblems {
			break
		}
		path := fmt.Sprintf("variant[%d]", i)
		if one, ok := r.variant(t, path); ok {
			if slices.ContainsFunc(out, func(o variant) bool { return o.name == one.name }) {
				r.bad.add(one.at.problem("variant.name", tomlString(one.name), "is used twice, must be unlike all others"))
			}
			out = append(out, one)
		}
	}
	return out
}

func (r *reader) variant(t map[string]any, path string) (variant, bool) {
	line := func(key string) Position {
		if n, ok := r.lines[path+"."+key]; ok {
			return Position{r.file, n}
		}
		return Position{r.file, r.lines[path]}
	}
	for _, key := range sortedKeys(t) {
		if key != "name" && key != "set" {
			r.bad.add(line(key).problem("variant."+key, formatValue(t[key]), "unknown key%s", didYouMean("variant."+key, []string{"variant.name", "variant.set"})))
		}
	}
	v := variant{at: line("name")}
	var ok bool
	if v.name, ok = t["name"].(string); !ok || !printable(v.name) {
		value := ""
		if t["name"] != nil {
			value = formatValue(t["name"])
		}
		r.bad.add(line("name").problem("variant.name", value, "must be a printable string that names the curve"))
		return v, false
	}
	if v.name == baseName {
		r.bad.add(line("name").problem("variant.name", tomlString(v.name), "is the name of the run itself, must be another"))
	}
	set, ok := t["set"].(map[string]any)
	if !ok || len(set) == 0 {
		value := ""
		if t["set"] != nil {
			value = formatValue(t["set"])
		}
		r.bad.add(line("set").problem("variant.set", value, `must be a table of at least one key, such as { "mapping.groups" = 1 }`))
		return v, false
	}
	v.set = r.table(set, path+".set", "")
	return v, true
}

// baseName is the curve of the run file's own keys.
const baseName = "base"

func printable(s string) bool {
	const longest = 60
	for _, r := range s {
		if r < ' ' || r == 0x7f || r == '\ufffd' {
			return false
		}
	}
	return strings.TrimSpace(s) != "" && len(s) <= longest
}

// isTable tells whether some key lies below name.
func isTable(name string) bool {
	return slices.ContainsFunc(keyNames(), func(k string) bool { return strings.HasPrefix(k, name+".") })
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// relativeTo resolves a path that a file names.
func relativeTo(file, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(file), path)
}
