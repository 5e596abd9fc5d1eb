package mysqltest

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Source returns a server to back up: GTIDs on, as durable as MySQL's defaults. See [Take].
func Source(t testing.TB) *Server {
	t.Helper()
	return Take(t, Options{GTID: true})
}

// Target returns a server to restore into: LOAD DATA LOCAL allowed, functions and triggers trusted, without fsyncs.
// See [Take].
func Target(t testing.TB) *Server {
	t.Helper()
	return Take(t, Options{GTID: true, Relaxed: true, LocalInfile: true, TrustFunctionCreators: true})
}

// Take returns a server that belongs to the test until it ends, and fails the test when there is none. It is as new: a
// fresh one, or one that an earlier test of the package left (see [Main]) after [Server.Reset]. The test may kill and
// restart it and change what it wants. The end of the server's log is printed when the test has failed.
func Take(t testing.TB, o Options) *Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	server, err := servers.take(ctx, o)
	if err != nil {
		t.Fatalf("take a test server: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of the server at %s:\n%s", server.Addr(), server.home.errorTail())
		}
		// The context of the test is over here.
		ctx, cancel := context.WithTimeout(context.Background(), startLimit)
		defer cancel()
		if err := servers.put(ctx, server, !t.Failed()); err != nil {
			t.Errorf("give a test server back: %v", err)
		}
	})
	return server.Server
}

// Exec runs statements as root on one connection and fails the test on the first error.
func Exec(t testing.TB, s *Server, statements ...string) {
	t.Helper()
	if err := s.Exec(t.Context(), statements...); err != nil {
		t.Fatal(err)
	}
}

// Purge purges the binlog files before the named one. The server keeps files, with a warning at most, that a dump thread reads or that
// a MariaDB's crash recovery needs, and a dump thread is there for a while after its client has gone: it is asked until they are gone.
func Purge(t testing.TB, s *Server, to string) {
	t.Helper()
	Eventually(t, func() bool {
		Exec(t, s, "PURGE BINARY LOGS TO '"+to+"'")
		files, err := s.BinlogFiles()
		if err != nil {
			t.Fatal(err)
		}
		return filepath.Base(files[0]) == to
	}, "the purge of what is before "+to)
}

// Eventually waits until condition is true and fails the test when it is not within a minute. describe says what was
// waited for.
func Eventually(t testing.TB, condition func() bool, describe string) {
	t.Helper()
	EventuallyWithin(t, time.Minute, condition, describe)
}

// EventuallyWithin is [Eventually] with another limit.
func EventuallyWithin(t testing.TB, limit time.Duration, condition func() bool, describe string) {
	t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-deadline.C:
			t.Fatalf("not within %v: %s", limit, describe)
		case <-tick.C:
		}
	}
}

// IsError reports whether err is, or wraps, the server's error of this number.
func IsError(err error, number uint16) bool {
	var server *mysql.MySQLError
	return errors.As(err, &server) && server.Number == number
}
