package mysqltest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"testing"
)

// Proxy is a TCP relay on 127.0.0.1 in front of a server: the network between tripod and the server, to be cut.
type Proxy struct {
	listener net.Listener
	target   string
	work     sync.WaitGroup

	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	refuse bool
	closed bool
	// stalled is closed by Resume; nil while bytes flow.
	stalled chan struct{}
}

// NewProxy starts a relay to addr, host:port. [Proxy.Close] ends it.
func NewProxy(ctx context.Context, addr string) (*Proxy, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start a proxy to %s: %w", addr, err)
	}
	p := &Proxy{listener: listener, target: addr, conns: make(map[net.Conn]struct{})}
	p.work.Go(p.accept)
	return p, nil
}

// Through returns a relay to s that is closed when the test ends.
func Through(t testing.TB, s *Server) *Proxy {
	t.Helper()
	p, err := NewProxy(t.Context(), s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// Addr returns 127.0.0.1:port of the relay.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// URL is [Server.URL] by way of the relay.
func (p *Proxy) URL(u User) string {
	return (&url.URL{Scheme: "mysql", User: url.User(u.Name), Host: p.Addr(), Path: "/"}).String()
}

// Cut closes all connections. New ones are relayed.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut()
}

func (p *Proxy) cut() {
	for conn := range p.conns {
		_ = conn.Close() // ends the relay; what it says is of no use
	}
}

// Refuse cuts all connections, and every new one at once, until [Proxy.Resume].
func (p *Proxy) Refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = true
	p.cut()
}

// Stall keeps connections open but lets no byte through, as a firewall that forgets connections does, until
// [Proxy.Resume].
func (p *Proxy) Stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stalled == nil {
		p.stalled = make(chan struct{})
	}
}

// Resume ends [Proxy.Refuse] and [Proxy.Stall].
func (p *Proxy) Resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = false
	p.resume()
}

func (p *Proxy) resume() {
	if p.stalled != nil {
		close(p.stalled)
		p.stalled = nil
	}
}

// Close cuts everything and waits for the relay's end.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	_ = p.listener.Close() // ends accept
	p.cut()
	p.resume()
	p.mu.Unlock()
	p.work.Wait()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		p.work.Go(func() { p.relay(client) })
	}
}

// keep takes a connection into the set of those that are cut, or says that it may not live.
func (p *Proxy) keep(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuse || p.closed {
		return false
	}
	p.conns[conn] = struct{}{}
	return true
}

func (p *Proxy) forget(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
	_ = conn.Close()
}

// relay passes bytes between a client and the server until one of them ends, then ends both.
func (p *Proxy) relay(client net.Conn) {
	defer p.forget(client)
	if !p.keep(client) {
		return
	}
	server, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", p.target)
	if err != nil {
		return
	}
	defer p.forget(server)
	if !p.keep(server) {
		return
	}
	var up sync.WaitGroup
	up.Go(func() { p.copy(server, client) })
	p.copy(client, server)
	up.Wait()
}

// copy passes bytes one way and cuts both ends when it is over.
func (p *Proxy) copy(to, from net.Conn) {
	defer p.forget(from)
	defer p.forget(to)
	block := make([]byte, 64<<10)
	for {
		n, err := from.Read(block)
		p.awaitFlow()
		if n > 0 {
			if _, err := to.Write(block[:n]); err != nil {
				return
			}
		}
		if err != nil { // the end and a cut alike: the other side learns it from the end of its own connection
			return
		}
	}
}

// awaitFlow returns when bytes may pass.
func (p *Proxy) awaitFlow() {
	p.mu.Lock()
	stalled := p.stalled
	p.mu.Unlock()
	if stalled != nil {
		<-stalled
	}
}
