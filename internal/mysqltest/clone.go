package mysqltest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// CloneOptions say how a clone differs from its origin.
type CloneOptions struct {
	// SameIdentity keeps server_uuid: the clone then claims to be its origin, as a restored disk snapshot does.
	SameIdentity bool
	// ExtraArgs are added to the origin's options.
	ExtraArgs []string
}

// Clone starts another server on a copy of this one's data, binlog files included. If this one runs it is shut down for
// the copy and started again.
func (s *Server) Clone(ctx context.Context, o CloneOptions) (*Server, error) {
	clone, err := s.clone(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("clone a server: %w", err)
	}
	return clone, nil
}

func (s *Server) clone(ctx context.Context, o CloneOptions) (*Server, error) {
	wasUp := s.Alive()
	if err := s.Shutdown(ctx); err != nil {
		return nil, err
	}
	options := s.options
	options.Port = 0
	options.ExtraArgs = append(append([]string(nil), options.ExtraArgs...), o.ExtraArgs...)
	clone, err := s.cloneDown(ctx, options, o.SameIdentity)
	if wasUp {
		if restartErr := s.Restart(ctx); restartErr != nil {
			err = errors.Join(err, restartErr)
		}
	}
	if err != nil && clone != nil {
		return nil, errors.Join(err, clone.Stop(ctx))
	}
	return clone, err
}

// cloneDown starts a server on a copy of the data of s, which is down.
func (s *Server) cloneDown(ctx context.Context, o Options, sameIdentity bool) (*Server, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil, ErrStopped
	}
	if sameIdentity {
		return s.install.startFrom(ctx, o, s.DataDir())
	}
	if !exists(filepath.Join(s.DataDir(), "auto.cnf")) { // MariaDB: its identity is the server's id, which is its port
		return s.install.startFrom(ctx, o, s.DataDir())
	}
	// auto.cnf holds server_uuid: a server without it makes itself a new one.
	identity := filepath.Join(s.DataDir(), "auto.cnf")
	aside := filepath.Join(s.home.path, "auto.cnf")
	if err := os.Rename(identity, aside); err != nil {
		return nil, fmt.Errorf("leave the identity out: %w", err)
	}
	clone, err := s.install.startFrom(ctx, o, s.DataDir())
	if backErr := os.Rename(aside, identity); backErr != nil {
		err = errors.Join(err, fmt.Errorf("put the identity back: %w", backErr))
	}
	return clone, err
}
