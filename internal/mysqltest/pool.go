package mysqltest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// servers is the pool of the test binary. Without [Main] it keeps nothing.
var servers pool

// pool keeps servers that run between the tests of a package. A server belongs to one test at a time.
type pool struct {
	mu   sync.Mutex
	open bool
	idle map[string][]*pooled
}

// pooled is a server with what it was like when it was new.
type pooled struct {
	*Server
	key       string
	variables map[string]string
}

// Main runs the tests of a package, keeps the servers of [Source] and [Target] between them, ends the servers, and fails
// the package when a goroutine is left. Call it from TestMain; it ends the process.
func Main(m *testing.M, options ...goleak.Option) {
	goleak.VerifyTestMain(keeper{tests: m}, options...)
}

// keeper is a test run with the pool around it.
type keeper struct{ tests *testing.M }

// Run implements goleak.TestingM.
func (k keeper) Run() int {
	servers.mu.Lock()
	servers.open = true
	servers.mu.Unlock()
	code := k.tests.Run()
	if err := servers.close(context.Background()); err != nil {
		fmt.Println("mysqltest: stop the servers that were kept:", err)
		return max(code, 1)
	}
	return code
}

// close stops the servers that are kept, and keeps none from now on.
func (p *pool) close(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, servers := range p.idle {
		for _, server := range servers {
			errs = append(errs, server.Stop(ctx))
		}
	}
	p.idle, p.open = nil, false
	return errors.Join(errs...)
}

// take returns a server with these options: one that is kept, else a new one.
func (p *pool) take(ctx context.Context, o Options) (*pooled, error) {
	key := fmt.Sprintf("%+v", o)
	p.mu.Lock()
	if kept := p.idle[key]; len(kept) > 0 {
		server := kept[len(kept)-1]
		p.idle[key] = kept[:len(kept)-1]
		p.mu.Unlock()
		return server, nil
	}
	p.mu.Unlock()

	install, err := Find(o.Kind)
	if err != nil {
		return nil, err
	}
	server, err := install.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	variables, err := server.globals(ctx)
	if err != nil {
		return nil, errors.Join(err, server.Stop(ctx))
	}
	return &pooled{Server: server, key: key, variables: variables}, nil
}

// put takes a server back. One that is not as it was, or not wanted any more, is stopped.
func (p *pool) put(ctx context.Context, server *pooled, passed bool) error {
	p.mu.Lock()
	open := p.open
	p.mu.Unlock()
	if !open || !passed || !server.Alive() || !server.reusable(ctx) {
		return server.Stop(ctx)
	}
	if err := server.Reset(ctx); err != nil {
		return errors.Join(err, server.Stop(ctx))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.idle == nil {
		p.idle = make(map[string][]*pooled)
	}
	p.idle[server.key] = append(p.idle[server.key], server)
	return nil
}

// reusable reports whether no global variable was changed: a test that set one, or restarted the server with other
// options, leaves a server that no other test asked for.
func (s *pooled) reusable(ctx context.Context) bool {
	now, err := s.globals(ctx)
	return err == nil && maps.Equal(now, s.variables)
}
