package program

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shell is a program of a few lines in the place of tripod.
func shell(t *testing.T, script string) Program {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return Program{Binary: path, Env: []string{"PATH=/bin:/usr/bin", "A=1"}}
}

func TestRunTellsHowItEnded(t *testing.T) {
	o, err := shell(t, `echo "$A $1"; echo remark >&2; exit 7`).With("A=2").Run(t.Context(), "x")
	if err != nil || o.Code != 7 || o.Stdout != "2 x\n" || o.Stderr != "remark\n" {
		t.Errorf("%v, %v", o, err)
	}
	if _, err := shell(t, "exit 1").Must(t.Context(), &struct{}{}); err == nil {
		t.Error("exit 1 is taken for success")
	}
	s, err := shell(t, "exec sleep 60").Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !s.Running() {
		t.Error("it does not run")
	}
	if err := s.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if o := s.Kill(); o.Code != -1 {
		t.Errorf("a killed program has code %d", o.Code)
	}
}

func TestJSONWantsOneDocumentAndANewline(t *testing.T) {
	for stdout, good := range map[string]bool{
		`{"a":1}` + "\n":                true,
		"{\n  \"a\": 1\n}\n":            true,
		`{"a":1}`:                       false,
		`{"a":1}` + "\n\n":              false,
		`{"a":1}` + "\n" + `{"a":1}`:    false,
		"progress\n" + `{"a":1}` + "\n": false,
		"":                              false,
	} {
		var into struct{ A int }
		if err := (Outcome{Stdout: stdout}).JSON(&into); (err == nil) != good {
			t.Errorf("%s: %v", strings.ReplaceAll(stdout, "\n", "|"), err)
		}
	}
}

func TestScreenShowsWhatIsNotClearedAway(t *testing.T) {
	s := &Screen{Width: 8, Height: 3}
	for _, text := range []string{"one\ntwo\nthr", "ee\n", "\x1b[2", "A\x1b[Jlog\nZwei\xc3", "\xbc\n", "x\ry\n"} {
		if _, err := s.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(s.Lines(), "|"); got != "one|log|Zweiü|y" {
		t.Errorf("it shows %q", got)
	}
	if err := s.Check(); err != nil || len(s.Frames()) != 6 {
		t.Errorf("%v, %d frames", err, len(s.Frames()))
	}
	if _, err := s.Write([]byte("\x1b[31m123456789")); err != nil || s.Check() == nil {
		t.Errorf("a colour and a long line are fine (%v)", err)
	}
}
