package main

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/tripod-db/tripod/internal/progress"
	"github.com/tripod-db/tripod/tests/program"
)

// drawOn opens a screen on a terminal; end closes it and returns what it shows.
func drawOn(t *testing.T, width, height int) (s *screen, end func() *program.Screen) {
	t.Helper()
	master, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(master, &pty.Winsize{Rows: uint16(height), Cols: uint16(width)}); err != nil {
		t.Fatal(err)
	}
	shown := &program.Screen{Width: width, Height: height}
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		_, _ = io.Copy(shown, master) // ends with an error when the terminal is closed
	}()
	s = newScreen(terminal, func(name string) (string, bool) { return "xterm", name == "TERM" })
	if !s.canDraw {
		t.Fatal("a terminal is taken for none")
	}
	return s, func() *program.Screen {
		if err := terminal.Close(); err != nil {
			t.Error(err)
		}
		<-copied
		if err := master.Close(); err != nil {
			t.Error(err)
		}
		return shown
	}
}

// Every line of the log is there once and whole, in its order, and every phase has left one line.
func TestLogAndBarsDoNotGarbleEachOther(t *testing.T) {
	s, end := drawOn(t, 60, 24)
	board := progress.NewBoard(time.Now)
	stop := s.draw(board)
	var want []string
	for i := range 6 {
		p := board.Begin(fmt.Sprintf("phase%d", i), progress.Amount{Rows: 60})
		for range 50 {
			line := fmt.Sprintf("line %d", len(want))
			want = append(want, line)
			if _, err := fmt.Fprintln(s, line); err != nil {
				t.Fatal(err)
			}
			p.Add(progress.Amount{Rows: 1})
			p.Doing("table\x1b[2J" + line)
		}
		if i%3 > 0 {
			p.End()
		}
		if i%2 == 0 {
			<-time.After(redrawEvery)
		}
	}
	stop()
	stop()
	if _, err := fmt.Fprintln(s, "behind the end"); err != nil {
		t.Fatal(err)
	}
	shown := end()
	if err := shown.Check(); err != nil {
		t.Error(err)
	}
	var got []string
	phases := map[string]int{}
	for _, line := range shown.Lines() {
		switch {
		case regexp.MustCompile(`^line \d+$`).MatchString(line):
			got = append(got, line)
		case strings.HasPrefix(line, "phase"):
			phases[strings.Fields(line)[0]]++
		case line != "behind the end" && !strings.HasPrefix(line, "  table?[2J"):
			t.Errorf("the screen shows %q", line)
		}
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("of %d lines it shows %d:\n%s", len(want), len(got), strings.Join(shown.Lines(), "\n"))
	}
	for i := range 6 {
		if n := phases[fmt.Sprintf("phase%d", i)]; n != 1 {
			t.Errorf("phase%d is shown %d times", i, n)
		}
	}
	if t.Failed() {
		t.Log(strings.Join(shown.Lines(), "\n"))
	}
}

func TestNoBarsWithoutATerminal(t *testing.T) {
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // nothing is written
	for _, out := range []io.Writer{file, &strings.Builder{}} {
		if newScreen(out, func(string) (string, bool) { return "xterm", true }).canDraw {
			t.Errorf("%T is taken for a terminal", out)
		}
	}
}

func TestPhaseLines(t *testing.T) {
	working := progress.Snapshot{Name: "load", Done: progress.Amount{Rows: 1234567, Bytes: 5 << 20}, Total: progress.Amount{Bytes: 20 << 20}, Elapsed: 10 * time.Second}
	for width, want := range map[int]string{
		120: "load        [=========>----------------------------]  25%  30s left  1,234,567 rows  5.0 MiB  512 KiB/s",
		80:  "load        [===>-----------]  25%  30s left  1,234,567 rows  5.0 MiB  512 KiB/s",
		60:  "load         25%  30s left  1,234,567 rows  5.0 MiB",
		30:  "load         25%  30s left",
		14:  "load       ",
		4:   "loa~",
	} {
		if got := phaseLine(working, width); got != want {
			t.Errorf("%d columns:\n%q, want\n%q", width, got, want)
		}
	}
	ended := progress.Snapshot{Name: "replay", Ended: true, Done: progress.Amount{Bytes: 5 << 30}, Elapsed: 100 * time.Second}
	if got, want := phaseLine(ended, 80), "replay       done in 1m40s  5.0 GiB  51.2 MiB/s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := phaseLine(progress.Snapshot{Name: "definitions", Done: progress.Amount{Items: 3}, Total: progress.Amount{Items: 4}}, 80),
		"definitions [============================>---------]  75%  0s left  3 of 4"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestStatusSaysWhyItWaits(t *testing.T) {
	for want, s := range map[string]progress.Snapshot{
		"shop.orders":                         {Doing: "shop.orders", Waiting: "for a lock", Waited: patience / 2},
		"waits for a lock (1m0s)":             {Doing: "shop.orders", Waiting: "for a lock", Waited: time.Minute},
		"":                                    {Doing: "shop.orders", Waiting: "for a lock", Waited: time.Minute, Ended: true},
		"waits for the store, to put x (10s)": {},
	} {
		store := ""
		if want == "waits for the store, to put x (10s)" {
			store = waiting("for the store, to put x", 10*time.Second)
		}
		if got := statusText(s, store); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
