package sims

import (
	"bytes"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
)

// marker begins every resolved run file, and so tells a folder of ours from any other.
const marker = "# cs2sim resolved run file"

// WriteRunFile writes the curves of a run as one run file with every key and its value: it resolves
// to the same curves, whatever the first file extended. The first curve is the run itself. Paths
// are written relative to dir, the folder the file will lie in.
func WriteRunFile(dir string, curves []Curve) []byte {
	base := &curves[0].Config
	value := func(k Key, c *Config) any {
		if path, ok := k.Value(c).(string); ok && k.Type == Path && path != "" {
			return relativeFrom(dir, path)
		}
		return k.Value(c)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s, cs2sim %s\n", marker, Version)
	table := ""
	for _, k := range Schema() {
		if !k.Of(base.Experiment) {
			continue
		}
		t, name, found := strings.Cut(k.Name, ".")
		if !found {
			t, name = "", k.Name
		}
		if t != table {
			fmt.Fprintf(&b, "\n[%s]\n", t)
			table = t
		}
		fmt.Fprintf(&b, "%s = %s\n", name, tomlValue(value(k, base)))
	}
	for _, c := range curves[1:] {
		var set []string
		for _, k := range Schema() {
			if v := value(k, &c.Config); !reflect.DeepEqual(v, value(k, base)) {
				set = append(set, tomlString(k.Name)+" = "+tomlValue(v))
			}
		}
		if len(set) == 0 { // the variant changes nothing, but a set must not be empty
			set = []string{`"seed" = ` + tomlValue(base.Seed)}
		}
		fmt.Fprintf(&b, "\n[[variant]]\nname = %s\nset = { %s }\n", tomlString(c.Name), strings.Join(set, ", "))
	}
	return b.Bytes()
}

// relativeFrom is path as seen from a folder; both are relative to the working directory or absolute.
func relativeFrom(dir, path string) string {
	from, err := filepath.Abs(dir)
	if err != nil {
		return path
	}
	to, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(from, to); err == nil {
		return rel
	}
	return to
}
