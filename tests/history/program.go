package history

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

// program runs tripod as a user would: the built binary, with its passwords in the environment.
type program struct {
	binary string
	env    []string
	cost   *cost
}

// outcome is how one run of tripod ended.
type outcome struct {
	code   int
	stdout []byte
	stderr string
	took   time.Duration
}

func (p program) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, p.binary, args...)
	cmd.Env = append(os.Environ(), p.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// run executes tripod to its end; an exit code is no error here.
func (p program) run(ctx context.Context, args ...string) (outcome, error) {
	cmd := p.command(ctx, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	began := time.Now()
	err := cmd.Run()
	p.cost.ended("tripod "+args[0], cmd.ProcessState)
	p.cost.took("tripod "+args[0], time.Since(began))
	o := outcome{stdout: out.Bytes(), stderr: errs.String(), took: time.Since(began)}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		o.code = exit.ExitCode()
		err = nil
	}
	if err != nil {
		return o, fmt.Errorf("run tripod %s: %w", args[0], err)
	}
	return o, nil
}

// must executes tripod, wants exit code 0 and reads its JSON result.
func (p program) must(ctx context.Context, result any, args ...string) (outcome, error) {
	o, err := p.run(ctx, append(args, "--json")...)
	if err != nil {
		return o, err
	}
	if o.code != 0 {
		return o, fmt.Errorf("tripod %s: exit %d: %s\n%s", strings.Join(args, " "), o.code, o.stdout, lastLines(o.stderr, 25))
	}
	if err := json.Unmarshal(o.stdout, result); err != nil {
		return o, fmt.Errorf("tripod %s: read its JSON %q: %w", args[0], o.stdout, err)
	}
	return o, nil
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// service is a tripod that runs beside the history.
type service struct {
	cmd  *exec.Cmd
	logs *bytes.Buffer
	done chan error
}

func (p program) start(ctx context.Context, args ...string) (*service, error) {
	s := &service{cmd: p.command(ctx, args...), logs: &bytes.Buffer{}, done: make(chan error, 1)}
	s.cmd.Stdout, s.cmd.Stderr = s.logs, s.logs
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start tripod %s: %w", args[0], err)
	}
	go func() {
		err := s.cmd.Wait()
		p.cost.ended("tripod "+args[0], s.cmd.ProcessState)
		s.done <- err
	}()
	return s, nil
}

// interrupt ends the service as a user would, and wants the exit code of an interruption.
func (s *service) interrupt() error {
	if err := s.cmd.Process.Signal(syscall.SIGINT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("interrupt tripod: %w", err)
	}
	err := <-s.done
	if code := s.cmd.ProcessState.ExitCode(); code != 130 {
		return fmt.Errorf("an interrupted tripod ended with %d (%w):\n%s", code, err, lastLines(s.logs.String(), 25))
	}
	return nil
}

// kill ends the service by SIGKILL and waits for its end.
func (s *service) kill() {
	_ = s.cmd.Process.Kill() // it may have ended by itself: the wait tells
	<-s.done                 //nolint:errcheck // of SIGKILL, or of an end before it, which ended() has told
}

// ended tells whether the service ended by itself.
func (s *service) ended() (bool, string) {
	select {
	case err := <-s.done:
		s.done <- err
		return true, fmt.Sprintf("%v:\n%s", err, lastLines(s.logs.String(), 25))
	default:
		return false, ""
	}
}
