package stream_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/stream"
	"github.com/tripod-db/tripod/internal/mysqltest"
)

// writer writes transactions of random size, with rotations, until stop is called. Errors are
// ignored: the server goes away and comes back.
func writer(t testing.TB, s *mysqltest.Server) (stop func()) {
	t.Helper()
	mysqltest.Exec(t, s, "CREATE SCHEMA w", "CREATE TABLE w.t (id INT PRIMARY KEY AUTO_INCREMENT, b LONGBLOB)")
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			if err := write(ctx, s.Root(), i); err != nil {
				continue
			}
		}
	})
	return func() { cancel(); work.Wait() }
}

func write(ctx context.Context, db *sql.DB, i int) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if i%100 == 99 {
		_, err := conn.ExecContext(ctx, "FLUSH BINARY LOGS")
		return err
	}
	compression := []string{"ON", "OFF"}[rand.IntN(2)]
	if _, err := conn.ExecContext(ctx, "SET SESSION binlog_transaction_compression = "+compression); err != nil {
		return err
	}
	values := fmt.Sprintf("(REPEAT(UUID(), %d))", rand.IntN(3000))
	_, err = conn.ExecContext(ctx, "INSERT INTO w.t (b) VALUES "+values)
	return err
}

// disturb runs fault every now and then beside a follower, then compares what came with the files.
func disturb(t *testing.T, s *mysqltest.Server, cfg stream.Config, times int, fault func(i int)) {
	t.Helper()
	start := firstFile(t, s)
	stop := writer(t, s)
	f := follow(t, cfg, start)
	r := newReceived()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	var (
		mu    sync.Mutex
		until binlog.Position
		moved = make(chan struct{}, 1)
		ended = make(chan error, 1)
	)
	go func() {
		ended <- r.follow(ctx, f, func() (binlog.Position, bool) {
			select {
			case moved <- struct{}{}:
			default:
			}
			mu.Lock()
			defer mu.Unlock()
			return until, !until.IsZero()
		})
	}()
	for i := range times {
		for range 20 { // let some events pass between two faults
			select {
			case <-moved:
			case <-ctx.Done():
				t.Fatal("the stream stands still")
			}
		}
		fault(i)
	}
	stop()
	p := end(t, s)
	mu.Lock()
	until = p
	mu.Unlock()
	mysqltest.Exec(t, s, "FLUSH BINARY LOGS") // a last event, at or behind which the follower looks at until
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	r.compareReached(t, s, p)
}

// compareReached is compare without what follows p in p's file.
func (r *received) compareReached(t *testing.T, s *mysqltest.Server, p binlog.Position) {
	t.Helper()
	if b := r.files[p.File]; b != nil && r.last.File == p.File {
		f := follow(t, stream.Config{Address: backupAddress(t, s)}, stream.Resume{Position: binlog.Position{File: p.File}})
		whole := untilEnd(t, s, f)
		r.files[p.File] = whole.files[p.File]
	}
	r.compare(t, s)
}

func TestFollowerSurvivesCutConnections(t *testing.T) {
	s := mysqltest.Source(t)
	u, err := s.CreateBackupUser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	proxy := mysqltest.Through(t, s)
	disturb(t, s, stream.Config{Address: address(t, proxy.URL(u), u)}, 15, func(int) { proxy.Cut() })
}

// logged tells that a line was logged.
type logged chan struct{}

func (l logged) Write(p []byte) (int, error) {
	select {
	case l <- struct{}{}:
	default:
	}
	return len(p), nil
}

func TestFollowerNoticesADeadConnection(t *testing.T) {
	s := mysqltest.Source(t)
	u, err := s.CreateBackupUser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	proxy := mysqltest.Through(t, s)
	lost := make(logged, 1)
	cfg := stream.Config{Address: address(t, proxy.URL(u), u), Heartbeat: 30 * time.Millisecond, Log: slog.New(slog.NewTextHandler(lost, nil))}
	f := follow(t, cfg, firstFile(t, s))
	r := untilEnd(t, s, f)
	proxy.Stall()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	mysqltest.Exec(t, s, "CREATE SCHEMA late")
	stop, ended := end(t, s), make(chan error, 1)
	go func() { ended <- r.follow(ctx, f, func() (binlog.Position, bool) { return stop, true }) }()
	select {
	case <-lost: // by silence alone: the proxy keeps the connection open
	case err := <-ended:
		t.Fatalf("ended before the silence was noticed: %v", err)
	}
	proxy.Cut()
	proxy.Resume()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	r.compare(t, s)
}

func TestFollowerSurvivesRestartsOfTheSource(t *testing.T) {
	s := mysqltest.Source(t)
	disturb(t, s, stream.Config{Address: backupAddress(t, s)}, 4, func(i int) {
		if i%2 == 0 {
			if err := s.Kill(); err != nil {
				t.Error(err)
			}
		}
		if err := s.Restart(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestResetIsAnotherHistory(t *testing.T) {
	s := mysqltest.Source(t)
	mysqltest.Exec(t, s, "CREATE SCHEMA a", "CREATE TABLE a.t (id INT PRIMARY KEY)", "INSERT INTO a.t VALUES (1)")
	cfg := stream.Config{Address: backupAddress(t, s)}
	start := firstFile(t, s)
	f := follow(t, cfg, start)
	r := untilEnd(t, s, f)
	before, last := f.Marks()
	resume := stream.Resume{
		Position: binlog.Position{File: r.last.File, Pos: before.Offset}, State: before.State,
		Held: last.Offset, Sum: f.Chain().Sum(),
	}
	// The same statements give events of the same sizes: positions fit, contents do not (fact 13.9).
	mysqltest.Exec(t, s, "RESET BINARY LOGS AND GTIDS", "DROP SCHEMA a", "RESET BINARY LOGS AND GTIDS",
		"CREATE SCHEMA a", "CREATE TABLE a.t (id INT PRIMARY KEY)", "INSERT INTO a.t VALUES (2)", "INSERT INTO a.t VALUES (3)")

	// The connection that lived through it hears heartbeats for ever; it has to be told.
	f.Reconnect()
	_, err := nextUntilError(t.Context(), f)
	wantError(t, err, stream.ErrIdentity)
	f, err = stream.Follow(t.Context(), cfg, resume)
	if err == nil {
		defer f.Close() //nolint:errcheck // says nothing
		_, err = nextUntilError(t.Context(), f)
	}
	wantError(t, err, stream.ErrIdentity)
}
