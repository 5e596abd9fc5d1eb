package cli

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/tests/program"
)

// runLimit bounds one run of tripod: nothing here takes longer than seconds.
const runLimit = 2 * time.Minute

// desk is where one test runs tripod: folders of its own for store, spool and state.
type desk struct {
	program.Program
	t      *testing.T
	folder string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, folder: t.TempDir()}
	d.Program = program.Program{Binary: binary(t), Env: []string{
		"PATH=/usr/bin:/bin", "HOME=" + filepath.Join(d.folder, "home"),
		"TRIPOD_SOURCE_PASSWORD=" + mysqltest.BackupUser.Password, "TRIPOD_TARGET_PASSWORD=" + mysqltest.RestoreUser.Password,
	}}
	// Package mutants switches rules off in the program that the tests run.
	if failpoints, set := os.LookupEnv("GO_FAILPOINTS"); set {
		d.Env = append(d.Env, "GO_FAILPOINTS="+failpoints)
	}
	return d
}

// with returns the desk with settings added to the environment.
func (d *desk) with(env ...string) *desk {
	other := *d
	other.Program = d.With(env...)
	return &other
}

func (d *desk) storeFolder() string { return filepath.Join(d.folder, "store") }

func (d *desk) store() string { return "file://" + d.storeFolder() }

// source renders the arguments of a command that talks to the source.
func (d *desk) source(command string, s *mysqltest.Server, more ...string) []string {
	return append([]string{command, "--source", s.URL(mysqltest.BackupUser), "--store", d.store(), "--instance", instance, "--spool", filepath.Join(d.folder, "spool")}, more...)
}

// restore renders the arguments of a restore.
func (d *desk) restore(target *mysqltest.Server, more ...string) []string {
	return append([]string{"restore", "--store", d.store(), "--instance", instance, "--target", target.URL(mysqltest.RestoreUser)}, more...)
}

// run executes tripod and checks what holds for every run, good or bad.
func (d *desk) run(args ...string) program.Outcome {
	d.t.Helper()
	s := d.start(args...)
	o := s.Wait()
	d.checkOutput(o)
	return o
}

// start starts tripod, to be ended by the test; it is killed at the test's end.
func (d *desk) start(args ...string) *program.Service {
	d.t.Helper()
	s, err := d.Start(d.t.Context(), args...)
	if err != nil {
		d.t.Fatal(err)
	}
	limit := time.AfterFunc(runLimit, func() { s.Kill() })
	d.t.Cleanup(func() {
		limit.Stop()
		s.Kill()
	})
	return s
}

// must executes tripod, wants exit code 0 and reads its result.
func (d *desk) must(result any, args ...string) program.Outcome {
	d.t.Helper()
	o := d.run(append(slices.Clone(args), "--json")...)
	if o.Code != 0 {
		d.t.Fatal(o)
	}
	if err := o.JSON(result); err != nil {
		d.t.Fatalf("%v\n%s", err, o)
	}
	return o
}

// works is must for runs whose result does not matter.
func (d *desk) works(args ...string) {
	d.t.Helper()
	var any struct{}
	d.must(&any, args...)
}

// secrets are the passwords of the tests, in every spelling in which one could slip out.
func secrets() []string {
	var out []string
	for _, password := range []string{mysqltest.BackupUser.Password, mysqltest.RestoreUser.Password, wrongPassword} {
		quoted := strconv.Quote(password)
		out = append(out, password, quoted[1:len(quoted)-1], url.QueryEscape(password), url.PathEscape(password),
			url.UserPassword("", password).String()[1:], strings.ReplaceAll(password, `'`, `''`), strings.ReplaceAll(password, `'`, `\'`))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

const wrongPassword = "wr0ng:pass/word"

// ugly is what no operator should see: a stack, a program's panic, a slip of a format string.
var ugly = regexp.MustCompile(`panic:|goroutine \d+ \[|runtime error|\.go:\d+|%!|<nil>|0x[0-9a-f]{8,}`)

// checkOutput holds for every run: neither passwords nor stack traces, on neither stream.
func (d *desk) checkOutput(o program.Outcome) {
	d.t.Helper()
	for _, stream := range []string{o.Stdout, o.Stderr} {
		for _, secret := range secrets() {
			if strings.Contains(stream, secret) {
				d.t.Errorf("the output shows a password\n%s", o)
			}
		}
		if found := ugly.FindString(stream); found != "" {
			d.t.Errorf("the output holds %q\n%s", found, o)
		}
	}
}

// refusal is how tripod has to refuse.
type refusal struct {
	code int
	kind string   // empty: any
	says []string // parts of the message
	hint []string // parts of the hint
	tell []string // of which one at least stands in message or hint
	once string   // stands in the message once: a line that says it again and again is not clear
}

// errorDocument is the "error" member of a JSON result.
type errorDocument struct {
	Error *struct {
		Code    int    `json:"code"`
		Kind    string `json:"kind"`
		Message string `json:"message"`
		Hint    string `json:"hint"`
	} `json:"error"`
}

// refused runs tripod for people and for scripts and wants the same refusal from both.
func (d *desk) refused(want refusal, args ...string) {
	d.t.Helper()
	d.refusedText(want, args...)
	d.refusedJSON(want, args...)
}

// refusedText wants one line and one hint on stderr beside the log.
func (d *desk) refusedText(want refusal, args ...string) program.Outcome {
	d.t.Helper()
	o := d.run(args...)
	var messages, hints, others []string
	for line := range strings.Lines(o.Stderr) {
		line = strings.TrimSuffix(line, "\n")
		message, isMessage := strings.CutPrefix(line, "tripod: ")
		hint, isHint := strings.CutPrefix(line, "hint: ")
		switch {
		case isMessage:
			messages = append(messages, message)
		case isHint:
			hints = append(hints, hint)
		case !isLog(line):
			others = append(others, line)
		}
	}
	complaints := want.complaints(o, strings.Join(messages, " "), strings.Join(hints, " "))
	if len(messages) != 1 || len(hints) != 1 || len(others) != 0 {
		complaints = append(complaints, fmt.Sprintf("stderr has %d lines \"tripod: ...\", %d \"hint: ...\" and %d others that are no log; want 1, 1, 0", len(messages), len(hints), len(others)))
	}
	d.complain(o, complaints)
	return o
}

// refusedJSON wants one document on stdout with the error in it, and only logs on stderr.
func (d *desk) refusedJSON(want refusal, args ...string) program.Outcome {
	d.t.Helper()
	// In front of all flags: a flag that lacks its value must not swallow it.
	o := d.run(slices.Insert(slices.Clone(args), 1, "--json")...)
	var document errorDocument
	if err := o.JSON(&document); err != nil || document.Error == nil {
		d.complain(o, []string{fmt.Sprintf("the document on stdout has no error (%v)", err)})
		return o
	}
	e := document.Error
	complaints := want.complaints(o, e.Message, e.Hint)
	for line := range strings.Lines(o.Stderr) {
		if !isLog(strings.TrimSuffix(line, "\n")) {
			complaints = append(complaints, fmt.Sprintf("with --json stderr has a line that is no log: %q", line))
		}
	}
	if e.Code != o.Code {
		complaints = append(complaints, fmt.Sprintf("the document says code %d", e.Code))
	}
	if want.kind != "" && e.Kind != want.kind {
		complaints = append(complaints, fmt.Sprintf("kind %q, want %q", e.Kind, want.kind))
	}
	if strings.ContainsAny(e.Message, "\r\n") {
		complaints = append(complaints, "the message has several lines")
	}
	d.complain(o, complaints)
	return o
}

func (d *desk) complain(o program.Outcome, complaints []string) {
	d.t.Helper()
	if len(complaints) > 0 {
		d.t.Errorf("%s\n%s", strings.Join(complaints, "\n"), o)
	}
}

// isLog tells a line of the log, below the level of errors: the error has its own line.
func isLog(line string) bool {
	return strings.HasPrefix(line, "time=") && strings.Contains(line, " level=") && !strings.Contains(line, " level=ERROR ")
}

// complaints says what is not as it has to be.
func (want refusal) complaints(o program.Outcome, message, hint string) (out []string) {
	complain := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if o.Code != want.code {
		complain("exit %d, want %d", o.Code, want.code)
	}
	for _, part := range want.says {
		if !strings.Contains(message, part) {
			complain("the message lacks %q", part)
		}
	}
	if n := strings.Count(message, want.once); want.once != "" && n > 1 {
		complain("the message says %q %d times", want.once, n)
	}
	if hint == "" {
		complain("no hint")
	}
	told := func(part string) bool { return strings.Contains(message, part) || strings.Contains(hint, part) }
	if len(want.tell) > 0 && !slices.ContainsFunc(want.tell, told) {
		complain("message and hint tell none of %q", want.tell)
	}
	for _, part := range want.hint {
		if !strings.Contains(hint, part) {
			complain("the hint lacks %q", part)
		}
	}
	return out
}

// copyFolder copies a store, so that a test may damage it.
func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(fmt.Errorf("copy %s: %w", from, err))
	}
}
