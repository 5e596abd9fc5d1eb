package source_test

import (
	"context"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/server"
)

// relay is one address behind which several servers answer: a name that moves, or a balancer.
type relay struct {
	listener net.Listener
	work     sync.WaitGroup

	mu     sync.Mutex
	target func(n int) string // of the n-th connection
	count  int
	conns  []net.Conn
}

func newRelay(t *testing.T, target func(n int) string) *relay {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: listener, target: target}
	r.work.Go(r.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		r.move(target)
		r.work.Wait()
	})
	return r
}

// move leads new connections elsewhere and cuts the old ones.
func (r *relay) move(target func(n int) string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.target = target
	for _, c := range r.conns {
		_ = c.Close()
	}
	r.conns = nil
}

func (r *relay) accept() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.mu.Lock()
		backend, err := new(net.Dialer).DialContext(context.Background(), "tcp4", r.target(r.count))
		r.count++
		if err != nil {
			_ = client.Close()
			r.mu.Unlock()
			continue
		}
		r.conns = append(r.conns, client, backend)
		r.mu.Unlock()
		pipe := func(to, from net.Conn) {
			_, _ = io.Copy(to, from) // ends when either side does
			_ = to.Close()
			_ = from.Close()
		}
		r.work.Go(func() { pipe(client, backend) })
		r.work.Go(func() { pipe(backend, client) })
	}
}

// address is the relay's, for an account that both servers have.
func (r *relay) address(t *testing.T, u mysqltest.User) server.Address {
	t.Helper()
	host, port, err := net.SplitHostPort(r.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	return server.Address{Host: host, Port: uint16(n), User: u.Name, Password: server.NewSecret(u.Password)}
}

func to(s *mysqltest.Server) func(int) string { return func(int) string { return s.Addr() } }

// openAddress opens a source by its address until the test ends.
func openAddress(t *testing.T, a server.Address) *server.Server {
	t.Helper()
	srv, err := server.Open(t.Context(), a, server.Source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	return srv
}
