package mysqltest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/gofrs/flock"
)

// Free ports are taken below the range (32768 and up on Linux) from which the kernel serves outgoing connections: a
// server that is down for a restart would lose a port of that range to anybody's connection.
const (
	firstPort = 20000
	lastPort  = 31999
)

// port is a TCP port that belongs to one server until it is released, also while the server is down.
type port struct {
	number int
	lock   *flock.Flock
}

// reservePort takes a free port, out of the way of every other process of this user that uses this package.
func reservePort(ctx context.Context) (*port, error) {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("tripod-ports-%d", os.Getuid()))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("reserve a port: %w", err)
	}
	var last error
	for range 200 {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("reserve a port: %w", err)
		}
		number := firstPort + rand.IntN(lastPort-firstPort+1)
		lock := flock.New(filepath.Join(dir, strconv.Itoa(number)))
		mine, err := lock.TryLock()
		if err != nil || !mine {
			last = err
			continue
		}
		if last = probePort(ctx, number); last == nil {
			return &port{number: number, lock: lock}, nil
		}
		if err := lock.Close(); err != nil {
			return nil, fmt.Errorf("reserve a port: %w", err)
		}
	}
	return nil, fmt.Errorf("reserve a port: 200 of %d..%d are taken: %w", firstPort, lastPort, errors.Join(last))
}

// probePort reports whether a server could listen on the port.
func probePort(ctx context.Context, number int) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(number)))
	if err != nil {
		return err
	}
	return listener.Close()
}

func (p *port) release() error {
	if p.lock == nil {
		return nil
	}
	return p.lock.Close()
}
