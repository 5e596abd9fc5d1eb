package history

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// gate stands in front of every chunk that the backup reads (failpoint gate): who comes tells the table, and waits
// until it is let through. Open, it lets everybody through at once, and tells whom.
type gate struct {
	listener net.Listener
	came     func(table string) // of an open gate

	mu      sync.Mutex
	open    bool
	waiting map[string][]net.Conn
	walked  map[string]bool // the last chunk is stored, and nobody came since
	changed chan struct{}   // closed when somebody comes
	done    sync.WaitGroup
}

func (h *run) gateAddress() string { return filepath.Join(h.folder, "gate") }

// newGate listens at an address until it is closed.
func newGate(ctx context.Context, address string, came func(table string)) (*gate, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "unix", address)
	if err != nil {
		return nil, fmt.Errorf("listen for chunks: %w", err)
	}
	g := &gate{listener: l, came: came, open: came != nil, waiting: map[string][]net.Conn{}, walked: map[string]bool{}, changed: make(chan struct{})}
	g.done.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // closed
			}
			g.done.Go(func() { g.arrive(conn) })
		}
	})
	return g, nil
}

func (g *gate) arrive(conn net.Conn) {
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		conn.Close()
		return
	}
	table := strings.TrimSuffix(line, "\n")
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open {
		if g.came != nil {
			g.came(table)
		}
		conn.Close()
		return
	}
	g.waiting[table], g.walked[table] = append(g.waiting[table], conn), false
	close(g.changed)
	g.changed = make(chan struct{})
}

// take returns somebody who waits for a chunk of the table, or what would change that nobody does: there is nothing to wait
// for where all workers wait for other tables.
func (g *gate) take(table string, workers int) (conn net.Conn, changed <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	others := 0
	for name, conns := range g.waiting {
		if name != table {
			others += len(conns)
		}
	}
	if conns := g.waiting[table]; len(conns) > 0 {
		g.waiting[table] = conns[1:]
		return conns[0], nil
	}
	if others >= workers {
		return nil, nil
	}
	return nil, g.changed
}

func (g *gate) isWalked(table string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.walked[table]
}

// How long a chunk may take to be asked for, or to be stored, before the history goes on without it; and to be asked for
// where the table was walked to its end, so that only another read of it can come.
const (
	chunkPatience = 10 * time.Second
	againPatience = time.Second
)

// let lets one chunk of the table through and waits until it is stored. It returns false where none is asked for:
// every worker waits for another table, or time is over.
func (g *gate) let(ctx context.Context, table string, workers int) (bool, error) {
	patience := chunkPatience
	if g.isWalked(table) {
		patience = againPatience
	}
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		conn, changed := g.take(table, workers)
		if conn != nil {
			return true, g.pass(conn, table)
		}
		if changed == nil {
			return false, nil
		}
		select {
		case <-changed:
		case <-limit.C:
			return false, nil
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
}

// pass answers, and waits for the other side to tell the end.
func (g *gate) pass(conn net.Conn, table string) error {
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(chunkPatience)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("\n")); err != nil {
		return nil // the backup has ended, which is told elsewhere
	}
	n, _ := conn.Read(make([]byte, 1)) // else an end, or the deadline: the chunk is stored, or waits for a lock
	g.mu.Lock()
	defer g.mu.Unlock()
	g.walked[table] = n > 0
	return nil
}

// release opens the gate for good.
func (g *gate) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open, g.came = true, nil
	for _, conns := range g.waiting {
		for _, conn := range conns {
			conn.Close()
		}
	}
	clear(g.waiting)
}

func (g *gate) close() error {
	err := g.listener.Close()
	g.release()
	g.done.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
