package dumper

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// keyless makes a table without a key: some rows are equal.
func keyless(n int) []string {
	statements := []string{"CREATE DATABASE d", "CREATE TABLE d.log (a INT, b VARCHAR(50), UNIQUE KEY nullable (a, b))", "CREATE TABLE d.plain (a INT)"}
	for i := range n {
		statements = append(statements, fmt.Sprintf("INSERT INTO d.log VALUES (%d, NULL)", i%3), fmt.Sprintf("INSERT INTO d.plain VALUES (%d)", i%2))
	}
	return statements
}

// writes runs a statement again and again until stop is called, every pause.
func (s *site) writes(pause time.Duration, statement string) (stop func()) {
	ctx, cancel := context.WithCancel(s.t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		tick := time.NewTicker(pause)
		defer tick.Stop()
		for {
			if _, err := s.source.Root().ExecContext(ctx, statement); err != nil && ctx.Err() == nil {
				s.t.Errorf("%s: %v", statement, err)
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
	return func() { cancel(); group.Wait() }
}

// TestR5KeylessTableBetweenWrites: a table without a key is read whole in a window that none
// of its row events lies in, beside writes of it and of others.
func TestR5KeylessTableBetweenWrites(t *testing.T) {
	for _, c := range []struct {
		name   string
		gtid   bool
		grants string
	}{{"gtid", true, ""}, {"barrier", false, ""}, {"log_status", false, "GRANT BACKUP_ADMIN ON *.* TO tripod_backup"}} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, mysqltest.Options{GTID: c.gtid, Relaxed: true})
			s.exec(keyless(40)...)
			if c.grants != "" {
				s.exec(c.grants)
			}
			stop := s.writes(300*time.Millisecond, "UPDATE d.log SET b=UUID() LIMIT 1")
			stopOther := s.writes(5*time.Millisecond, "INSERT INTO d.plain VALUES (7)")
			_, m := s.backUp(func(c *Config) { c.SnapshotTries = 1000; c.Tables = []string{"d.log"} })
			stop()
			stopOther()
			n := baseOf(t, m, "d.log")
			if n.Class != "snapshot" || n.RowCount != 40 {
				t.Errorf("class %s with %d rows, want snapshot with 40", n.Class, n.RowCount)
			}
			if lines := s.lines(m, "d.log"); len(lines) != 40 {
				t.Errorf("%d lines", len(lines))
			}
		})
	}
}

func TestR5KeylessTableThatIsNeverQuiet(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec(keyless(3)...)
	mysqltest.FailpointCall(t, "dumper/inSnapshotWindow", func(n schema.Name) {
		if n.Name == "plain" {
			s.exec("INSERT INTO d.plain VALUES (7)")
		}
	})
	_, err := s.tryBackUp(t.Context(), func(c *Config) { c.SnapshotTries = 2 })
	if f := fault.Of(err); f == nil || f.Kind != fault.KindKeyless || f.Code != fault.CodeFailed ||
		!strings.Contains(f.Hint, "--keyless-missing") || !strings.Contains(err.Error(), "d.plain") {
		t.Fatalf("error %v: want one of kind keyless that names d.plain", err)
	}
	r, m := s.backUp(func(c *Config) { c.SnapshotTries, c.KeylessMissing = 2, true })
	if len(r.NotBackedUp) != 1 || r.NotBackedUp[0].Name.String() != "d.plain" || len(m.NotBackedUp) != 1 {
		t.Errorf("not backed up are %+v, want d.plain", r.NotBackedUp)
	}
	if n := baseOf(t, m, "d.plain"); n.Base != catalog.BaseOutside {
		t.Errorf("the table that is missing has base %s", n.Base)
	}
}

// TestLongReadLetsGo: the read of a table without a key may take long, but not with somebody
// waiting behind it (promise 1).
func TestLongReadLetsGo(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec("CREATE DATABASE d", "CREATE TABLE d.t (a LONGBLOB)")
	for range 15 { // more than buffers hold; it need not go through the archive
		s.exec("SET sql_log_bin=0", "INSERT INTO d.t VALUES (RANDOM_BYTES(1024)), (REPEAT('x', 1000000))")
	}
	var once sync.Once
	var altered <-chan error
	s.gate.before(func(ctx context.Context, key string) {
		if strings.HasSuffix(key, "/d/t/00000001.tsv.zst") {
			once.Do(func() { // an ALTER comes while the store takes its time
				began := time.Now()
				altered = run(t, s.source, "ALTER TABLE d.t ADD COLUMN b INT")
				<-ctx.Done()
				if took := time.Since(began); took > DefaultMaxHold {
					t.Errorf("the read was given up %v after the ALTER had come", took)
				}
			})
		}
	})
	_, m := s.backUp(func(c *Config) {
		c.tuning = tuning{firstRows: 10, mostRows: 10, chunkText: 2 << 20}
		c.Compression = "zstd"
	})
	if altered == nil {
		t.Fatal("the table was not read in several objects")
	}
	if err := <-altered; err != nil {
		t.Error(err)
	}
	if n := baseOf(t, m, "d.t"); n.RowCount != 30 || len(n.Columns) != 2 {
		t.Errorf("%d rows of columns %v", n.RowCount, n.Columns)
	}
	if !strings.Contains(s.log.String(), "waited behind the read") {
		t.Error("the read was not given up: the test proves nothing")
	}
	target := mysqltest.Target(t)
	s.load(target, m)
	s.equal(target, "d")
}
