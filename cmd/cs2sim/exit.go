package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"cs2sim.dev/sims"
)

const (
	exitOK          = 0
	exitFailure     = 1 // the simulated machine or the disk
	exitWrongInput  = 2
	exitInternal    = 3
	exitInterrupted = 130 // as shells report SIGINT
)

// failure is an error of a command's work; all other errors are a wrong command line.
type failure struct{ error }

func (f *failure) Unwrap() error { return f.error }

// interrupted is a run that Ctrl-C ended, told in our own words.
type interrupted struct{ text string }

func (i *interrupted) Error() string { return i.text }
func (i *interrupted) Unwrap() error { return context.Canceled }

// report writes the error for people and returns its exit code.
func report(w io.Writer, err error) int {
	code := exitCode(err)
	var bug *sims.InternalError
	switch {
	case err == nil:
	case errors.As(err, &bug):
		fmt.Fprintf(w, "cs2sim: internal error, please report: %v\n", bug.Value)
		if os.Getenv("CS2SIM_DEBUG") == "1" {
			w.Write(bug.Stack)
		} else {
			fmt.Fprintln(w, "cs2sim: CS2SIM_DEBUG=1 prints where it happened")
		}
	case errors.As(err, new(*failure)):
		fmt.Fprintln(w, plainText(err.Error()))
	default:
		help := "cs2sim"
		if line := (*wrongLine)(nil); errors.As(err, &line) {
			help = line.command
		}
		fmt.Fprintf(w, "cs2sim: %s; see %s --help\n", plainText(err.Error()), help)
	}
	return code
}

func exitCode(err error) int {
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, new(*sims.InternalError)):
		return exitInternal
	case !errors.As(err, new(*failure)):
		return exitWrongInput
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, new(*sims.InputError)):
		return exitWrongInput
	}
	return exitFailure
}

// panicked carries a panic to report.
func panicked(v any) error { return &failure{&sims.InternalError{Value: v, Stack: debug.Stack()}} }
