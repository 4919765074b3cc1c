package sims

import (
	"fmt"
	"strconv"
	"strings"

	"cs2sim.dev/compiler"
)

// Machine is a preset ("" is the default) with fields changed by KEY=VALUE, as the flags --preset and
// --set give them. Keys are those of a run file's [machine] table. The error is of *InputErrors.
func Machine(preset string, set []string) (compiler.Target, error) {
	c := Defaults()
	s := Source{settings: settings{"experiment": {value: c.Experiment}}}
	var err error
	if preset != "" {
		if s, err = s.Set("--preset", "machine.preset", preset); err != nil {
			return c.Machine, err
		}
	}
	for _, text := range set {
		key, value, ok := strings.Cut(text, "=")
		key = strings.TrimSpace(key)
		if !ok || !strings.HasPrefix(key, machineTable) {
			return c.Machine, &InputError{File: "--set", Value: strconv.Quote(text), Want: "must be machine.KEY=VALUE, such as machine.hop_cycles=2"}
		}
		if s, err = s.Set("--set", key, value); err != nil {
			return c.Machine, err
		}
	}
	base, err := s.Base()
	return base.Config.Machine, err
}

// machineText is the machine with its changes, as a heading has it.
func machineText(t compiler.Target) string {
	text := t.Name
	for _, p := range overridden(t) {
		text += fmt.Sprintf(", machine.%s=%.10g", p.Key, p.Value)
	}
	return text
}

// overridden lists the fields of t that differ from its preset, in the table's order.
func overridden(t compiler.Target) (changed []compiler.Param) {
	for _, p := range t.Params {
		if p.Mark == compiler.Overridden {
			changed = append(changed, p)
		}
	}
	return changed
}
