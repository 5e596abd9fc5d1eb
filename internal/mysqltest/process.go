package mysqltest

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// process is one run of mysqld.
type process struct {
	cmd *exec.Cmd
	// done is closed when the process has ended; err is set by then.
	done chan struct{}
	err  error
}

// startProcess starts a program whose output goes to output, and which is killed when this process dies.
func startProcess(output, program string, args ...string) (*process, error) {
	log, err := os.OpenFile(output, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	defer log.Close() //nolint:errcheck // the child has its own descriptor of it

	cmd := exec.Command(program, args...) //nolint:noctx // its life ends with Stop or Kill, not with the context of Start
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Pdeathsig: syscall.SIGKILL,
		// A Ctrl-C at the terminal is for us; we end the server when we end.
		Setpgid: true,
	}
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go p.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	return p, nil
}

// run starts the process and waits for its end. Linux sends the death signal when the *thread* that forked ends, and
// Go may end threads at any time: so this goroutine keeps its thread for as long as the process lives.
func (p *process) run(started chan<- error) {
	defer close(p.done)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := p.cmd.Start(); err != nil {
		p.err = err
		started <- err
		return
	}
	started <- nil
	p.err = p.cmd.Wait()
}

// alive reports whether the process has not ended.
func (p *process) alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// signal sends sig; a process that has ended is no error.
func (p *process) signal(sig syscall.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil && p.alive() {
		return fmt.Errorf("send %v to process %d: %w", sig, p.cmd.Process.Pid, err)
	}
	return nil
}
