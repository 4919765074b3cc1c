package main

import (
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"cs2sim.dev/sims"
)

// overrides are the flags that change keys of the run file.
type overrides struct {
	seed     int
	fidelity string
	check    int
	set      []string
	given    func(string) bool
}

func (o *overrides) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntVar(&o.seed, "seed", 0, "seed of masks and values, `N`, in place of the run file's")
	f.StringVar(&o.fidelity, "fidelity", "", "`ENGINE` in place of the run file's: stream or wavelet")
	f.StringArrayVar(&o.set, "set", nil, "set any key of the run file, `KEY=VALUE`; may be repeated")
	o.given = func(name string) bool { return f.Changed(name) }
	cmd.RegisterFlagCompletionFunc("fidelity", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return []string{"stream", "wavelet"}, cobra.ShellCompDirectiveNoFileComp
	})
	cmd.RegisterFlagCompletionFunc("set", completeKeys)
}

// checkFlag is for commands that simulate.
func (o *overrides) checkFlag(cmd *cobra.Command) {
	cmd.Flags().IntVar(&o.check, "check", 0, "compare `N` random output entries per point with the reference")
}

// load reads the run file and lays the flags over it.
func (o *overrides) load(path string) (sims.Source, error) {
	s, err := sims.Load(path)
	if err != nil {
		return s, err
	}
	for _, f := range []struct{ flag, value string }{
		{"seed", strconv.Itoa(o.seed)}, {"fidelity", o.fidelity}, {"check", strconv.Itoa(o.check)},
	} {
		if !o.given(f.flag) {
			continue
		}
		if s, err = s.Set("--"+f.flag, f.flag, f.value); err != nil {
			return s, err
		}
	}
	for _, text := range o.set {
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			return s, &sims.InputError{File: "--set", Value: strconv.Quote(text), Want: "must be KEY=VALUE, such as matmul.tokens=1000"}
		}
		if s, err = s.Set("--set", strings.TrimSpace(key), value); err != nil {
			return s, err
		}
	}
	return s, nil
}

// output is where the results go and how points are simulated.
type output struct {
	dir       string
	resume    bool
	threads   int
	json      bool
	noFigures bool
	noTrace   bool // of a run; a sweep has none
}

// flags takes what follows the run file's name in that of the default folder.
func (o *output) flags(cmd *cobra.Command, suffix string) {
	f := cmd.Flags()
	f.StringVar(&o.dir, "out", "", "output `DIR`; default runs/<name of the run file>"+suffix)
	f.BoolVar(&o.resume, "resume", false, "keep finished points of an earlier, interrupted run and do only the rest")
	f.IntVar(&o.threads, "threads", 0, "`N` points simulated at a time; 0: one per processor")
	f.BoolVar(&o.json, "json", false, "print the results as JSON and nothing else")
	f.BoolVar(&o.noFigures, "no-figures", false, "draw no figures")
	cmd.MarkFlagDirname("out")
}

func (o *output) check() error {
	if o.threads < 0 {
		return &sims.InputError{File: "--threads", Value: strconv.Itoa(o.threads), Want: "must be 0 or more"}
	}
	return nil
}

// defaultDir is runs/<name of the run file>.
func defaultDir(file, suffix string) string {
	name := filepath.Base(file)
	return filepath.Join("runs", strings.TrimSuffix(name, filepath.Ext(name))+suffix)
}

// completeKeys offers the keys of a run file before the equals sign.
func completeKeys(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	var keys []string
	for _, k := range sims.Schema() {
		if strings.HasPrefix(k.Name, typed) {
			keys = append(keys, k.Name+"=")
		}
	}
	return keys, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
}

// completeRunFile offers TOML files for the first argument.
func completeRunFile(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{"toml"}, cobra.ShellCompDirectiveFilterFileExt
}

// oneFile accepts exactly one argument, the run file.
func oneFile(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return &sims.InputError{Want: cmd.CommandPath() + " takes one argument, " + what + "; " + strconv.Itoa(len(args)) + " given"}
		}
		return nil
	}
}
