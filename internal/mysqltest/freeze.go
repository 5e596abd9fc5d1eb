package mysqltest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Freeze stops the server's execution as a machine under a paused hypervisor does: connections stay open, nothing
// answers. It returns when all threads stand still. [Server.Thaw] ends it.
func (s *Server) Freeze(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return errors.New("freeze: the server is down")
	}
	if err := s.process.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	// The signal is delivered to one thread after the other.
	for {
		stopped, err := allStopped(s.process.cmd.Process.Pid)
		if err != nil || stopped {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("freeze: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// Thaw lets a frozen server go on.
func (s *Server) Thaw() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return errors.New("thaw: the server is down")
	}
	return s.process.signal(syscall.SIGCONT)
}

// allStopped reports whether every thread of a process is in state T.
func allStopped(pid int) (bool, error) {
	threads := filepath.Join("/proc", strconv.Itoa(pid), "task")
	entries, err := os.ReadDir(threads)
	if err != nil {
		return false, fmt.Errorf("look at the threads of process %d: %w", pid, err)
	}
	for _, entry := range entries {
		stat, err := os.ReadFile(filepath.Join(threads, entry.Name(), "stat"))
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // the thread has ended meanwhile
		}
		if err != nil {
			return false, fmt.Errorf("look at the threads of process %d: %w", pid, err)
		}
		// 1234 (name) S ...: the name may hold anything, the last parenthesis ends it.
		text := string(stat)
		if after := text[strings.LastIndexByte(text, ')')+1:]; !strings.HasPrefix(after, " T") {
			return false, nil
		}
	}
	return true, nil
}
