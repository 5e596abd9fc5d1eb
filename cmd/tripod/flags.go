package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// byteSize is a flag in bytes: a number with an optional unit B, KB, MB, GB, TB (powers of
// 1000) or KiB, MiB, GiB, TiB (powers of 1024).
type byteSize int64

const (
	kibibyte = 1 << 10
	mebibyte = 1 << 20
	gibibyte = 1 << 30
)

// defaultMemory is promise 8's bound.
const defaultMemory = byteSize(512 * mebibyte)

var byteUnits = []struct {
	suffix string
	factor float64
}{
	{"KiB", kibibyte}, {"MiB", mebibyte}, {"GiB", gibibyte}, {"TiB", 1 << 40},
	{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12},
	{"K", kibibyte}, {"M", mebibyte}, {"G", gibibyte}, {"B", 1}, {"", 1},
}

// Set reads the flag's text.
func (b *byteSize) Set(s string) error {
	for _, u := range byteUnits {
		digits, ok := strings.CutSuffix(strings.ToLower(s), strings.ToLower(u.suffix))
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
		if err != nil || n <= 0 || n*u.factor > math.MaxInt64/2 || math.IsNaN(n) {
			break
		}
		*b = byteSize(n * u.factor)
		return nil
	}
	return fmt.Errorf("%q is no size; write 512MiB, 16MB or 1000000", s)
}

// String prints the size in the largest unit that leaves no fraction.
func (b *byteSize) String() string {
	v := int64(*b)
	for _, u := range []struct {
		suffix string
		factor int64
	}{{"GiB", gibibyte}, {"MiB", mebibyte}, {"KiB", kibibyte}} {
		if v >= u.factor && v%u.factor == 0 {
			return strconv.FormatInt(v/u.factor, 10) + u.suffix
		}
	}
	return strconv.FormatInt(v, 10)
}

// Type names the flag's type in help.
func (b *byteSize) Type() string { return "bytes" }

// perSecond is a flag in bytes per second, written as byteSize, with or without "/s"; zero is
// no bound and cannot be given.
type perSecond byteSize

// Set reads the flag's text.
func (p *perSecond) Set(s string) error {
	if err := (*byteSize)(p).Set(strings.TrimSuffix(s, "/s")); err != nil {
		return fmt.Errorf("%q is no bandwidth; write 10MiB, or 10MiB/s", s)
	}
	return nil
}

// String prints the bound, nothing where there is none.
func (p *perSecond) String() string {
	if *p == 0 {
		return ""
	}
	return (*byteSize)(p).String() + "/s"
}

// Type names the flag's type in help.
func (p *perSecond) Type() string { return "bytes per second" }

// nameList is a flag of names separated by commas; a comma inside backticks belongs to a name.
// Given again, it adds to what was given before.
type nameList []string

// Set reads the flag's text.
func (l *nameList) Set(s string) error {
	quoted := false
	start := 0
	var names []string
	for i := 0; i <= len(s); i++ {
		switch {
		case i == len(s) || s[i] == ',' && !quoted:
			name := strings.TrimSpace(s[start:i])
			if name == "" {
				return fmt.Errorf("%q holds an empty name", s)
			}
			names = append(names, name)
			start = i + 1
		case s[i] == '`':
			quoted = !quoted
		}
	}
	if quoted {
		return fmt.Errorf("%q has a backtick without an end", s)
	}
	*l = append(*l, names...)
	return nil
}

// String prints the names as they may be given again.
func (l *nameList) String() string { return strings.Join(*l, ",") }

// Type names the flag's type in help.
func (l *nameList) Type() string { return "names" }

func flagNames(cmd *cobra.Command) []string {
	var names []string
	add := func(f *pflag.Flag) { names = append(names, f.Name) }
	cmd.Flags().VisitAll(add)
	cmd.InheritedFlags().VisitAll(add)
	return names
}

// exitStatus is the EXIT STATUS section of a command's help.
const exitStatus = `
EXIT STATUS
  0    done
  1    failed (password, host, grant, unfit source, disk full, newer format, target not empty)
  2    wrong usage
  10   no such store, instance or backup
  11   another archiver holds the lease
  12   the archive has a hole, or the stop point lies outside what can be recovered
  13   a difference was found, or an object is altered or missing
  130  interrupted`
