package mysqltest

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// readyPoll is how often a starting server is asked whether it answers.
const readyPoll = 15 * time.Millisecond

// startLimit bounds the start of a server when the context does not: crash recovery of a small server takes seconds.
const startLimit = 2 * time.Minute

// idleConnections is how many connections of root are kept open between statements.
const idleConnections = 2

// ErrStopped is returned for a server that was removed by [Server.Stop].
var ErrStopped = errors.New("the server was stopped and removed")

// Server is a MySQL server of its own: process, data directory and port. Its methods may be called from several
// goroutines; those that start or end the process wait for each other.
type Server struct {
	install Install
	options Options
	home    *home
	port    *port
	root    *sql.DB

	mu      sync.Mutex
	process *process
	stopped bool
}

// Start starts a server on a fresh data directory and returns when it answers. ctx bounds the start only; the server
// runs until [Server.Stop], or until this process ends.
func (i Install) Start(ctx context.Context, o Options) (*Server, error) {
	template, err := i.template(ctx, o.InitArgs)
	if err != nil {
		return nil, err
	}
	return i.startFrom(ctx, o, template)
}

// startFrom starts a server on a copy of the data directory from, whose server must be down.
func (i Install) startFrom(ctx context.Context, o Options, from string) (_ *Server, err error) {
	s := &Server{install: i, options: o}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.remove())
		}
	}()
	if s.home, err = newHome(o.Dir); err != nil {
		return nil, err
	}
	if err := copyTree(from, s.home.data()); err != nil {
		return nil, err
	}
	if s.port = (&port{number: o.Port}); o.Port == 0 {
		if s.port, err = reservePort(ctx); err != nil {
			return nil, err
		}
	}
	s.root = sql.OpenDB(s.connector(Root, ""))
	s.root.SetMaxIdleConns(idleConnections)
	if err := s.launch(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// launch starts the process and waits until it answers. A server that does not is killed again.
func (s *Server) launch(ctx context.Context) error {
	args := s.install.serverArgs(s.home.path, s.Socket(), s.Port(), s.options)
	p, err := startProcess(filepath.Join(s.home.path, errorLog), s.install.Mysqld, args...)
	if err != nil {
		return err
	}
	if err := s.awaitReady(ctx, p); err != nil {
		return errors.Join(err, p.signal(syscall.SIGKILL), s.awaitEnd(context.WithoutCancel(ctx), p))
	}
	s.process = p
	return nil
}

// awaitReady returns when the server answers a query.
func (s *Server) awaitReady(ctx context.Context, p *process) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	for {
		err := s.root.PingContext(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("start %s: the server ended at once (%w); its log ends with:\n%s", s.install.Mysqld, p.err, s.home.errorTail())
		case <-ctx.Done():
			return fmt.Errorf("start %s: %w (%w); its log ends with:\n%s", s.install.Mysqld, ctx.Err(), err, s.home.errorTail())
		case <-tick.C:
		}
	}
}

// awaitEnd returns when the process has ended, however it did.
func (s *Server) awaitEnd(ctx context.Context, p *process) error {
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the end of mysqld (process %d): %w; its log ends with:\n%s", p.cmd.Process.Pid, ctx.Err(), s.home.errorTail())
	}
}

// Shutdown ends the server cleanly and keeps its data: [Server.Restart] brings it back. A server that is down already is no
// error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end(ctx, syscall.SIGTERM)
}

// Kill ends the server as a crash does (signal 9) and returns when it is gone. Its data stays: [Server.Restart] brings
// it back through crash recovery.
func (s *Server) Kill() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end(context.Background(), syscall.SIGKILL)
}

// end sends sig to the process and waits for its end.
func (s *Server) end(ctx context.Context, sig syscall.Signal) error {
	if s.process == nil {
		return nil
	}
	if sig == syscall.SIGTERM {
		s.endScheduler(ctx)
		// A clean shutdown waits two seconds for clients that do not go, our idle connections among them.
		s.root.SetMaxIdleConns(-1)
		s.root.SetMaxIdleConns(idleConnections)
	}
	if err := s.process.signal(sig); err != nil {
		return err
	}
	if err := s.awaitEnd(ctx, s.process); err != nil {
		return err
	}
	s.process = nil
	return nil
}

// schedulerLimit bounds endScheduler: a server that has no connection left, or does not answer, is ended without.
const schedulerLimit = time.Second

// endScheduler ends the event scheduler before a shutdown. With a binlog dump connected, MySQL waits up to eight seconds there
// for all other threads to end before it ends the dump and the scheduler, which is one of them. A start begins it again.
func (s *Server) endScheduler(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, schedulerLimit)
	defer cancel()
	_, _ = s.root.ExecContext(ctx, "SET GLOBAL event_scheduler = OFF") // what fails costs the eight seconds and nothing else
}

// Restart ends the server cleanly if it runs, and starts it again on the same data, port and socket. extraArgs are added
// to the options for this and all later starts.
func (s *Server) Restart(ctx context.Context, extraArgs ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return ErrStopped
	}
	if err := s.end(ctx, syscall.SIGTERM); err != nil {
		return err
	}
	s.options.ExtraArgs = append(append([]string(nil), s.options.ExtraArgs...), extraArgs...)
	return s.launch(ctx)
}

// Stop ends the server for good and removes its folder. Nothing of it is kept, so it is killed rather than shut down.
// A second call does nothing.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil
	}
	if err := s.end(ctx, syscall.SIGKILL); err != nil {
		return err
	}
	s.stopped = true
	return s.remove()
}

// remove gives back everything but the process.
func (s *Server) remove() error {
	var errs []error
	if s.root != nil {
		_ = s.root.Close() // says only that the server is gone already
	}
	if s.home != nil {
		errs = append(errs, s.home.remove())
	}
	if s.port != nil {
		errs = append(errs, s.port.release())
	}
	return errors.Join(errs...)
}

// Alive reports whether the server's process runs.
func (s *Server) Alive() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process != nil && s.process.alive()
}

// Install returns the programs that the server was started from.
func (s *Server) Install() Install { return s.install }

// PID returns the process id of the server, 0 when it is down.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return 0
	}
	return s.process.cmd.Process.Pid
}

// Port returns the TCP port on 127.0.0.1. It stays the same through kill and restart.
func (s *Server) Port() int { return s.port.number }

// Addr returns 127.0.0.1:port.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port())) }

// Socket returns the path of the Unix socket.
func (s *Server) Socket() string { return s.home.socket() }

// DataDir returns the data directory.
func (s *Server) DataDir() string { return s.home.data() }

// ErrorLog returns the path of the error log.
func (s *Server) ErrorLog() string { return filepath.Join(s.home.path, errorLog) }

// BinlogFiles returns the absolute paths of the server's binlog files, oldest first. It reads the index file, so it works
// while the server is down too.
func (s *Server) BinlogFiles() ([]string, error) {
	index, err := os.Open(filepath.Join(s.DataDir(), binlogBase+".index"))
	if err != nil {
		return nil, fmt.Errorf("list binlog files: %w", err)
	}
	defer index.Close() //nolint:errcheck // only read
	var files []string
	for lines := bufio.NewScanner(index); ; {
		if !lines.Scan() {
			if err := lines.Err(); err != nil {
				return nil, fmt.Errorf("list binlog files: %w", err)
			}
			return files, nil
		}
		if name := strings.TrimSpace(lines.Text()); name != "" {
			files = append(files, filepath.Join(s.DataDir(), filepath.Base(name)))
		}
	}
}
