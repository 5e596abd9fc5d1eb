package dumper

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/source"
	"github.com/tripod-db/tripod/dumper/bases"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
)

// TestW5ResetDuringTheBackup: behind a RESET that leaves the file its number, positions of the
// new history look like those of the old one.
func TestW5ResetDuringTheBackup(t *testing.T) {
	for _, c := range []struct {
		name  string
		gtid  bool
		chunk int
	}{{"gtid", true, 3}, {"file", false, 3}, {"at the end", true, 10}} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, mysqltest.Options{GTID: c.gtid, Relaxed: true})
			s.exec(append([]string{"RESET BINARY LOGS AND GTIDS", "CREATE DATABASE d"}, fill("d.t", 95)...)...)
			s.atChunk("d.t", c.chunk, func() {
				s.exec("RESET BINARY LOGS AND GTIDS", "INSERT INTO d.t VALUES (1000,'another history')")
			})
			began := time.Now()
			_, err := s.tryBackUp(t.Context(), inChunks)
			wantOtherHistory(t, err)
			if ids, err := s.catalog.Backups(t.Context(), instanceName); err != nil || len(ids) != 0 {
				t.Errorf("backups %v, %v", ids, err)
			}
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("it took %v to tell", took)
			}
		})
	}
}

func wantOtherHistory(t *testing.T, err error) {
	t.Helper()
	f := fault.Of(err)
	if f == nil || f.Code != fault.CodeFailed || f.Kind != fault.KindSource || !strings.Contains(f.Hint, "--new-timeline") {
		t.Errorf("error %v: want a fault of the source with the way out", err)
	}
}

// TestW5ProofOfTheHistory: a log that has grown longer than it was is told by its bytes alone.
func TestW5ProofOfTheHistory(t *testing.T) {
	s := newSite(t, mysqltest.Options{Relaxed: true})
	s.exec("RESET BINARY LOGS AND GTIDS", "CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)")
	w := s.watchToTheEnd()
	if err := w.prove(t.Context(), time.Minute); err != nil {
		t.Fatalf("the history that was read: %v", err)
	}
	s.exec("CREATE DATABASE later", "FLUSH BINARY LOGS")
	if err := w.prove(t.Context(), time.Minute); err != nil {
		t.Fatalf("a log that went on: %v", err)
	}
	s.exec("RESET BINARY LOGS AND GTIDS", "DROP DATABASE d", "DROP DATABASE later", "CREATE DATABASE e", "CREATE TABLE e.t (id INT PRIMARY KEY)", "CREATE DATABASE f")
	wantOtherHistory(t, w.prove(t.Context(), time.Minute))
}

// watchToTheEnd returns a watch that has read the source's only file, and has been ended.
func (s *site) watchToTheEnd() *watch {
	s.t.Helper()
	cfg := s.config()
	start := binlog.Position{Timeline: "here", File: "binlog.000001", Pos: binlog.FirstOffset}
	resolver := source.NewResolver(start)
	w, err := openWatch(s.t.Context(), cfg, start, resolver)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := w.close(); err != nil {
			s.t.Error(err)
		}
	})
	end := start
	status := strings.Fields(answer(s.t, s.source.Root(), "SELECT JSON_UNQUOTE(JSON_EXTRACT(LOCAL, '$.binary_log_position')) FROM performance_schema.log_status"))
	if end.Pos, err = strconv.ParseUint(status[0], 10, 64); err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(s.t.Context())
	ended := make(chan error, 1)
	unknown := func() (binlog.Position, bool) { return binlog.Position{}, false }
	go func() {
		ended <- w.run(ctx, newBoard(time.Minute, &lag{}, bases.New(bases.Config{First: bases.Mark{High: start, Low: unknown}})))
	}()
	err = resolver.AwaitPassed(s.t.Context(), end)
	cancel()
	if ran := <-ended; err != nil || !errors.Is(ran, context.Canceled) {
		s.t.Fatal(err, ran)
	}
	return w
}
