package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"cs2sim.dev/sims"
)

// wrongLine is a wrong command line, and the command whose help says what is right.
type wrongLine struct {
	command string
	text    string
}

func (w *wrongLine) Error() string { return w.text }

// worded puts an error of the command line's reader into our words; errors of a command's work stay.
func worded(cmd *cobra.Command, err error) error {
	if err == nil || errors.As(err, new(*failure)) {
		return err
	}
	text := err.Error()
	var value *pflag.InvalidValueError
	if errors.As(err, &value) {
		want := "must be a whole number"
		if value.GetFlag().Value.Type() == "bool" {
			want = "must be true or false, as --" + value.GetFlag().Name + "=false"
		}
		text = (&sims.InputError{File: "--" + value.GetFlag().Name, Value: strconv.Quote(value.GetValue()), Want: want}).Error()
	}
	if unknown, near, ok := strings.Cut(text, "\n\nDid you mean this?\n\t"); ok {
		text = unknown + ": did you mean " + strings.Join(strings.Fields(near), " or ") + "?"
	}
	if group, _, ok := strings.Cut(text, "] are set none of the others can be"); ok {
		names := strings.Fields(strings.TrimPrefix(group, "if any flags in the group ["))
		text = fmt.Sprintf("--%s exclude each other", strings.Join(names, " and --"))
	}
	return &wrongLine{cmd.CommandPath(), text}
}
