package mutants

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"
)

// module is the import path in front of every failpoint's name.
const module = "github.com/tripod-db/tripod/"

// testLimit bounds one run of one test.
const testLimit = 5 * time.Minute

// outputKept is how many lines of a surprising run's output are printed.
const outputKept = 30

// Verdict is what the two runs of a mutant's test showed.
type Verdict string

// The verdicts.
const (
	Caught   Verdict = "caught"       // passes, and fails with the failpoint
	Survived Verdict = "SURVIVED"     // passes with the failpoint too
	Broken   Verdict = "FAILS ANYWAY" // fails without the failpoint
	NoTest   Verdict = "NO SUCH TEST" // nothing was run
	NoPoint  Verdict = "NO SUCH FAILPOINT"
)

// Outcome is a mutant with its verdict.
type Outcome struct {
	Mutant
	Plain, Mutated time.Duration // of the two runs
	Verdict        Verdict
	Output         string // of the run that decided
}

// Bench builds and runs tests with failpoints, in the module's folder.
type Bench struct {
	Module  string // folder of go.mod
	overlay string
	points  map[string]bool
	folder  string // of the test binaries
	built   map[string]string
}

// NewBench makes the overlay with the failpoints. Close removes what it makes.
func NewBench(ctx context.Context, moduleFolder string) (*Bench, error) {
	b := &Bench{Module: moduleFolder, points: map[string]bool{}, built: map[string]string{}}
	list, err := b.goCommand(ctx, "run", "./scripts/failpoints", "-list")
	if err != nil {
		return nil, err
	}
	for name := range strings.FieldsSeq(list) {
		b.points[strings.TrimPrefix(name, module)] = true
	}
	overlay, err := b.goCommand(ctx, "run", "./scripts/failpoints")
	if err != nil {
		return nil, err
	}
	b.overlay = strings.TrimSpace(overlay)
	if b.folder, err = os.MkdirTemp("", "tripod-mutants-"); err != nil {
		return nil, fmt.Errorf("make a folder for the tests: %w", err)
	}
	return b, nil
}

// Close removes the test binaries.
func (b *Bench) Close() error { return os.RemoveAll(b.folder) }

func (b *Bench) goCommand(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = b.Module
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, lastLines(errs.String()))
	}
	return string(out), nil
}

// binary builds the tests of a package once.
func (b *Bench) binary(ctx context.Context, pkg string) (string, error) {
	if path, done := b.built[pkg]; done {
		return path, nil
	}
	path := filepath.Join(b.folder, strings.ReplaceAll(pkg, "/", "-")+".test")
	if _, err := b.goCommand(ctx, "test", "-c", "-overlay="+b.overlay, "-o", path, "./"+pkg); err != nil {
		return "", err
	}
	b.built[pkg] = path
	return path, nil
}

// Try runs the mutant's test without and with its failpoint. The error is of the bench; what
// the tests say is the verdict.
func (b *Bench) Try(ctx context.Context, m Mutant) (Outcome, error) {
	o := Outcome{Mutant: m}
	if !b.points[m.Failpoint] {
		o.Verdict = NoPoint
		return o, nil
	}
	path, err := b.binary(ctx, m.Package)
	if err != nil {
		return o, err
	}
	plain, err := b.test(ctx, path, m, "")
	if err != nil {
		return o, err
	}
	o.Plain, o.Output = plain.took, plain.output
	switch {
	case !plain.ran:
		o.Verdict = NoTest
		return o, nil
	case !plain.passed:
		o.Verdict = Broken
		return o, nil
	}
	mutated, err := b.test(ctx, path, m, "GO_FAILPOINTS="+module+m.Failpoint+"=return(true)")
	if err != nil {
		return o, err
	}
	o.Mutated, o.Output = mutated.took, mutated.output
	o.Verdict = Caught
	if mutated.passed {
		o.Verdict = Survived
	}
	return o, nil
}

// testRun is one run of one test.
type testRun struct {
	ran, passed bool
	took        time.Duration
	output      string
}

// test runs one test of a test binary. A run that neither passes nor reports the test as
// failed (it was killed, or could not start) is an error.
func (b *Bench) test(ctx context.Context, path string, m Mutant, setting string) (testRun, error) {
	parts := strings.Split(m.Test, "/")
	cmd := exec.CommandContext(ctx, path, "-test.v", "-test.count=1", "-test.timeout="+testLimit.String(), "-test.run=^"+strings.Join(parts, "$/^")+"$")
	cmd.Dir = filepath.Join(b.Module, m.Package)
	// Tests of the program build it: with failpoints too.
	cmd.Env = append(os.Environ(), "GO_FAILPOINTS=", "GOFLAGS='-overlay="+b.overlay+"'")
	if setting != "" {
		cmd.Env = append(cmd.Env, setting)
	}
	began := time.Now()
	out, err := cmd.CombinedOutput()
	r := testRun{took: time.Since(began), output: string(out)}
	failed := strings.Contains(r.output, "--- FAIL: "+parts[0])
	r.passed = err == nil && !failed && strings.Contains(r.output, "--- PASS: "+m.Test+" ")
	r.ran = strings.Contains(r.output, "=== RUN   "+m.Test+"\n")
	if err != nil && !failed {
		return r, fmt.Errorf("run %s of %s: %w\n%s", m.Test, m.Package, err, lastLines(r.output))
	}
	return r, nil
}

// Run tries every mutant, or those of one failpoint, prints the table, and fails unless all are caught and, where all
// are tried, no rule is without a mutant.
func Run(ctx context.Context, moduleFolder, only string, out io.Writer) (err error) {
	b, err := NewBench(ctx, moduleFolder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	var outcomes []Outcome
	for _, m := range Table {
		if only != "" && only != m.Failpoint {
			continue
		}
		o, err := b.Try(ctx, m)
		if err != nil {
			return err
		}
		outcomes = append(outcomes, o)
	}
	rules := Rules
	if only != "" {
		rules = nil
		if len(outcomes) == 0 {
			return fmt.Errorf("there is no mutant %s", only)
		}
	}
	return report(out, outcomes, rules)
}

func report(out io.Writer, outcomes []Outcome, rules []string) error {
	lines := []string{"rule off\tfailpoint\ttest\tseconds without\twith\t\n"}
	caught := map[string]bool{}
	var lost []Outcome
	for _, o := range outcomes {
		lines = append(lines, fmt.Sprintf("%s\t%s\t%s %s\t%.1f\t%.1f\t%s\n", o.Rule, o.Failpoint, o.Package, o.Test, o.Plain.Seconds(), o.Mutated.Seconds(), o.Verdict))
		if o.Verdict == Caught {
			caught[o.Rule] = true
		} else {
			lost = append(lost, o)
		}
	}
	w := tabwriter.NewWriter(out, 2, 8, 2, ' ', 0)
	_, err := io.WriteString(w, strings.Join(lines, ""))
	if err = errors.Join(err, w.Flush()); err != nil {
		return fmt.Errorf("print the table: %w", err)
	}
	var errs []error
	for _, o := range lost {
		errs = append(errs, fmt.Errorf("%s, %s of %s: %s\n%s", o.Failpoint, o.Test, o.Package, o.Verdict, lastLines(o.Output)))
	}
	for _, rule := range rules {
		if !caught[rule] {
			errs = append(errs, fmt.Errorf("no test was seen to fail with rule %s off", rule))
		}
	}
	return errors.Join(errs...)
}

// lastLines returns the end of a test's output, without what servers logged.
func lastLines(s string) string {
	var lines []string
	for line := range strings.Lines(s) {
		if !strings.Contains(line, "] [MY-") {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	return strings.Join(lines[max(0, len(lines)-outputKept):], "\n")
}
