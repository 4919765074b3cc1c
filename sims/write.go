package sims

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
)

// marker begins every resolved run file, and so tells a folder of ours from any other.
const marker = "# cs2sim resolved run file"

// WriteRunFile writes the curves of a run as one run file with every key and its value: it resolves
// to the same curves, whatever the first file extended. The first curve is the run itself.
func WriteRunFile(curves []Curve) []byte {
	base := &curves[0].Config
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s, cs2sim %s\n", marker, Version)
	table := ""
	for _, k := range Schema() {
		t, name, found := strings.Cut(k.Name, ".")
		if !found {
			t, name = "", k.Name
		}
		if t != table {
			fmt.Fprintf(&b, "\n[%s]\n", t)
			table = t
		}
		fmt.Fprintf(&b, "%s = %s\n", name, tomlValue(k.Value(base)))
	}
	for _, c := range curves[1:] {
		var set []string
		for _, k := range Schema() {
			if v := k.Value(&c.Config); !reflect.DeepEqual(v, k.Value(base)) {
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
