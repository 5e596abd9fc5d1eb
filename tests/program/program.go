package program

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Program is tripod with the environment that it is started in.
type Program struct {
	Binary string
	Env    []string // the whole environment, NAME=value
	// UID is the user that tripod runs as, where tests run as root; 0 for the tests' own.
	UID uint32
	// WatchPeak has [Outcome] tell the most memory: to ask for it all the time takes as much as many a run itself.
	WatchPeak bool
}

// With returns the program with settings added to its environment; later ones win.
func (p Program) With(env ...string) Program {
	p.Env = append(append([]string(nil), p.Env...), env...)
	return p
}

// Outcome is how one run ended.
type Outcome struct {
	Args   []string
	Code   int
	Stdout string
	Stderr string
	Took   time.Duration
	// Peak is the most memory, in bytes, that the process had resident; 0 where the system does not tell, and without
	// [Program.WatchPeak].
	Peak int64
}

// String tells the run as an operator would, for failures of tests.
func (o Outcome) String() string {
	return fmt.Sprintf("tripod %s: exit %d after %s\nstdout: %s\nstderr: %s", strings.Join(o.Args, " "), o.Code, o.Took.Round(time.Millisecond), o.Stdout, lastLines(o.Stderr, 25))
}

// JSON reads what has to be the only thing on stdout: one document and a newline.
func (o Outcome) JSON(into any) error {
	decoder := json.NewDecoder(strings.NewReader(o.Stdout))
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("read the document on stdout: %w: %q", err, o.Stdout)
	}
	if rest := o.Stdout[decoder.InputOffset():]; rest != "\n" {
		return fmt.Errorf("behind the document on stdout comes %q instead of a newline", rest)
	}
	return nil
}

func (p Program) command(ctx context.Context, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, p.Binary, args...)
	cmd.Env = p.Env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if p.UID != 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: p.UID, Gid: p.UID}
	}
	return cmd
}

// Run executes tripod to its end; whatever exit code it has is no error.
func (p Program) Run(ctx context.Context, args ...string) (Outcome, error) {
	s, err := p.Start(ctx, args...)
	if err != nil {
		return Outcome{}, err
	}
	o := s.Wait()
	if ctx.Err() != nil {
		return o, fmt.Errorf("%w: %s", context.Cause(ctx), o)
	}
	return o, nil
}

// Must executes tripod with --json, wants exit code 0, and reads its result.
func (p Program) Must(ctx context.Context, result any, args ...string) (Outcome, error) {
	o, err := p.Run(ctx, append(args[:len(args):len(args)], "--json")...)
	if err != nil {
		return o, err
	}
	if o.Code != 0 {
		return o, errors.New(o.String())
	}
	return o, o.JSON(result)
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// Service is a tripod that runs beside the test.
type Service struct {
	cmd      *exec.Cmd
	args     []string
	out, err bytes.Buffer
	began    time.Time
	ended    chan struct{}
	took     time.Duration
	watched  chan struct{} // closed when peak is known
	peak     int64
}

// Start starts tripod; it is killed when ctx ends. The caller waits for it or kills it.
func (p Program) Start(ctx context.Context, args ...string) (*Service, error) {
	return p.startWith(ctx, nil, args...)
}

// startWith is Start with standard error on a terminal, if there is one: then Outcome has none.
func (p Program) startWith(ctx context.Context, terminal *os.File, args ...string) (*Service, error) {
	s := &Service{cmd: p.command(ctx, args), args: args, ended: make(chan struct{}), watched: make(chan struct{}), began: time.Now()}
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.err
	if terminal != nil {
		s.cmd.Stderr = terminal
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start tripod %s: %w", strings.Join(args, " "), err)
	}
	go func() {
		defer close(s.ended)
		_ = s.cmd.Wait() // the exit code tells
		s.took = time.Since(s.began)
	}()
	if p.WatchPeak {
		go s.watchPeak()
	} else {
		close(s.watched)
	}
	return s, nil
}

// PID returns the process's id.
func (s *Service) PID() int { return s.cmd.Process.Pid }

// Ended is closed when the process has ended.
func (s *Service) Ended() <-chan struct{} { return s.ended }

// Running tells whether the process has not ended.
func (s *Service) Running() bool {
	select {
	case <-s.ended:
		return false
	default:
		return true
	}
}

// Signal sends a signal; a process that has ended already is no error.
func (s *Service) Signal(sig syscall.Signal) error {
	if err := s.cmd.Process.Signal(sig); err != nil && s.Running() {
		return fmt.Errorf("send %v to tripod: %w", sig, err)
	}
	return nil
}

// Wait returns when the process has ended. A process that a signal killed has code -1.
func (s *Service) Wait() Outcome {
	<-s.ended
	<-s.watched
	return Outcome{Args: s.args, Code: s.cmd.ProcessState.ExitCode(), Stdout: s.out.String(), Stderr: s.err.String(), Took: s.took, Peak: s.peak}
}

// Kill ends the process by SIGKILL, if it still runs, and returns how it ended.
func (s *Service) Kill() Outcome {
	_ = s.cmd.Process.Kill() // the wait tells whether it had ended by itself
	return s.Wait()
}
