package archive_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
)

func newMariaDBSite(t testing.TB) *site {
	t.Helper()
	return newSite(t, mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011, Relaxed: true}))
}

func (s *site) isMariaDB() bool { return s.source.Install().Kind == mysqltest.MariaDB1011 }

// mariadbTimeline waits for the first timeline of the archive: its name comes from the file with which that begins.
func (s *site) mariadbTimeline(t testing.TB) (first binlog.Timeline) {
	t.Helper()
	prefix := fmt.Sprintf("m%d-", s.source.Port()) // which is the server id of servers of tests
	mysqltest.Eventually(t, func() bool {
		timelines, err := s.catalog().Timelines(t.Context(), instance)
		if err != nil {
			t.Fatal(err)
		}
		if len(timelines) == 0 {
			return false
		}
		if first = timelines[0]; !strings.HasPrefix(string(first), prefix) {
			t.Fatalf("timeline %s of server %d", first, s.source.Port())
		}
		return true
	}, "a timeline")
	return first
}

// loadMariaDB writes what MariaDB logs in its own ways until stop is called. Errors are ignored: the source
// goes away and comes back.
func loadMariaDB(t testing.TB, s *mysqltest.Server) (stop func()) {
	t.Helper()
	mysqltest.Exec(t, s, "CREATE SCHEMA w", "CREATE TABLE w.t (id INT PRIMARY KEY AUTO_INCREMENT, b LONGTEXT)", "CREATE TABLE w.m (id INT) ENGINE=Aria", "CREATE SEQUENCE w.s",
		// Nobody can read its rows (package event); they are archived all the same.
		"SET GLOBAL mysql56_temporal_format=OFF", "CREATE TABLE w.old (id INT, v TIME(3))", "SET GLOBAL mysql56_temporal_format=ON", "INSERT INTO w.old VALUES (1, '01:02:03.456')")
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	for writer := range 2 {
		work.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				statement := fmt.Sprintf("INSERT INTO w.t (b) VALUES (REPEAT(UUID(), %d))", i%90)
				switch i % 12 {
				case 0:
					statement = "BEGIN; INSERT INTO w.t (b) SELECT b FROM w.t LIMIT 40; INSERT INTO w.m VALUES (1); SAVEPOINT a; DELETE FROM w.t LIMIT 3; COMMIT"
				case 3:
					statement = fmt.Sprintf("XA START 'x%d', 'b', %d; INSERT INTO w.t (b) VALUES ('xa'); XA END 'x%[1]d', 'b', %[2]d; XA PREPARE 'x%[1]d', 'b', %[2]d; XA COMMIT 'x%[1]d', 'b', %[2]d", writer, i)
				case 5:
					statement = "DO NEXTVAL(w.s)"
				case 7:
					statement = fmt.Sprintf("CREATE OR REPLACE TABLE w.c%d AS SELECT * FROM w.t LIMIT 5; SET SESSION binlog_alter_two_phase=1; ALTER TABLE w.c%[1]d ADD COLUMN x INT", writer)
				case 9:
					statement = "SET STATEMENT binlog_format=STATEMENT FOR UPDATE w.t SET b = CONCAT(b, 'x') WHERE id = 1"
				case 10:
					statement = "SET SESSION gtid_domain_id=7; INSERT INTO w.t (b) VALUES ('another domain'); SET SESSION gtid_domain_id=0"
				case 11:
					statement = "FLUSH BINARY LOGS"
				}
				_, _ = s.Root().ExecContext(context.WithoutCancel(ctx), statement)
			}
		})
	}
	return func() { cancel(); work.Wait() }
}

// awaitFiles waits until a running archiver has something of so many files.
func (r *running) awaitFiles(t testing.TB, s *site, n int) {
	t.Helper()
	timeline := s.timeline(t)
	mysqltest.Eventually(t, func() bool {
		select {
		case <-r.ended:
			t.Fatalf("the archiver ended: %v", r.err)
		default:
		}
		files, err := s.catalog().Files(t.Context(), instance, timeline)
		if err != nil {
			t.Fatal(err)
		}
		return len(files) >= n
	}, fmt.Sprintf("%d files in the archive", n))
}

// TestMariaDBFilesEqualTheSources: GTIDs, Gtid_list, Binlog_checkpoint and Annotate_rows events, compressed ones, with
// and without checksums, over a killed archiver, a killed source and a source that is shut down.
func TestMariaDBFilesEqualTheSources(t *testing.T) {
	s := newMariaDBSite(t)
	stop := loadMariaDB(t, s.source)
	r := s.start(t, s.config(t))
	r.awaitFiles(t, s, 3)
	mysqltest.Exec(t, s.source, "SET GLOBAL binlog_checksum=NONE", "SET GLOBAL log_bin_compress=ON", "SET GLOBAL log_bin_compress_min_len=10")
	r.awaitFiles(t, s, 6)
	mysqltest.Exec(t, s.source, "SET GLOBAL binlog_checksum=CRC32")
	r.awaitFiles(t, s, 8)
	if err := s.source.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := s.source.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.awaitFiles(t, s, 10)
	r.stop(t)
	for range 3 {
		cmd := s.startChild(t)
		before := s.head(t, s.timeline(t)).End
		mysqltest.Eventually(t, func() bool { return s.head(t, s.timeline(t)).End != before }, "progress of the archive")
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed
	}
	stop()
	if err := s.source.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.source.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	result := s.untilIdle(t, nil)
	if names := s.compareFiles(t, s.timeline(t)); len(names) < 10 {
		t.Errorf("only files %v were archived", names)
	}
	if holes := s.holes(t); len(holes) > 0 {
		t.Errorf("holes %+v", holes)
	}
	entries := s.readAll(t)
	s.executedEqualsTheSources(t, result.End)
	for n := range entries[1:] {
		if entries[n+1].GTID.IsZero() || entries[n+1].Kind == 0 {
			t.Fatalf("entry %+v", entries[n+1])
		}
	}
	t.Run("stop points", func(t *testing.T) { s.mariadbStopPoints(t, entries, result.End) })
}

// executedEqualsTheSources: the archive's set ends, in each domain, with the source's last GTID.
func (s *site) executedEqualsTheSources(t *testing.T, end binlog.Point) {
	t.Helper()
	var executed string
	if err := s.source.Root().QueryRowContext(t.Context(), "SELECT @@gtid_binlog_pos").Scan(&executed); err != nil {
		t.Fatal(err)
	}
	set := mustSet(t, end.GTIDSet)
	for last := range strings.SplitSeq(executed, ",") { // one of each domain
		g, ok := mustSet(t, last).Single()
		if !ok || !set.Contains(g) {
			t.Errorf("the archive has %s, the source %s", set, executed)
		}
		if g.GNO++; set.Contains(g) {
			t.Errorf("the archive has %s, the source only %s", set, executed)
		}
	}
}

// mariadbStopPoints resolves stop points of every kind at random entries.
func (s *site) mariadbStopPoints(t *testing.T, entries []*event.Entry, end binlog.Point) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	resolves := func(stop binlog.StopPoint, want binlog.Position) {
		t.Helper()
		if got, err := s.resolve(t, stop); err != nil || got.Position != want {
			t.Errorf("%s resolved to %s, want %s: %v", stop, got, want, err)
		}
	}
	for range 5 { // each reads files of thousands of transactions
		n := random.IntN(len(entries))
		e := entries[n]
		resolves(binlog.StopPoint{Kind: binlog.StopGTID, GTIDs: mustSet(t, e.GTID.String())}, e.End)
		resolves(binlog.StopPoint{Kind: binlog.StopBeforeGTID, GTIDs: mustSet(t, e.GTID.String())}, e.Start)
		behind := e.End
		if n+1 < len(entries) && entries[n+1].Start.File == e.End.File {
			behind = entries[n+1].Start // past a Binlog_checkpoint event, perhaps
		}
		resolves(binlog.StopPoint{Kind: binlog.StopPosition, Position: e.End}, behind)
		inside := e.End
		inside.Pos--
		resolves(binlog.StopPoint{Kind: binlog.StopPosition, Position: inside}, e.Start)
		other := entries[random.IntN(len(entries))]
		later := e.End
		if e.End.Before(other.End) {
			later = other.End
		}
		resolves(binlog.StopPoint{Kind: binlog.StopGTID, GTIDs: mustSet(t, e.GTID.String()+","+other.GTID.String())}, later)
		// The header's time, in whole seconds, is the commit time. What MariaDB logs when it is started again, to undo a
		// CREATE TABLE that a crash cut off ("generated by ddl recovery"), has none.
		at := commitOf(e)
		if at == 0 {
			continue
		}
		want := end.Position
		if first := firstLater(entries, at); first >= 0 {
			want = entries[first].Start
		}
		resolves(binlog.StopPoint{Kind: binlog.StopTime, Time: at}, want)
	}
	last := entries[len(entries)-1].GTID
	last.GNO++
	_, err := s.resolve(t, binlog.StopPoint{Kind: binlog.StopGTID, GTIDs: mustSet(t, last.String())})
	wantFault(t, err, fault.CodeRange, fault.KindRange)
	_, err = s.resolve(t, binlog.StopPoint{Kind: binlog.StopBeforeGTID, GTIDs: mustSet(t, "8-1-1")})
	wantFault(t, err, fault.CodeRange, fault.KindRange)
}

// TestLargestRowsOfMariaDB: of what log_bin_compress or the attribute COMPRESSED has compressed the archive notes the length that it has
// without.
func TestLargestRowsOfMariaDB(t *testing.T) {
	s := newMariaDBSite(t)
	mysqltest.Exec(t, s.source, "CREATE SCHEMA w", "SET GLOBAL log_bin_compress=ON", "CREATE TABLE w.plain (id INT PRIMARY KEY, b LONGBLOB)", "CREATE TABLE w.compressed (id INT PRIMARY KEY, b LONGBLOB COMPRESSED)",
		"INSERT INTO w.plain VALUES (1, REPEAT('x', 700000))", "DELETE FROM w.plain", "INSERT INTO w.compressed VALUES (1, REPEAT('x', 700000))", "SET GLOBAL log_bin_compress=OFF")
	s.untilIdle(t, func(c *archive.Config) { c.FromOldest = true })
	largest := map[string][2]uint64{}
	timeline := s.mariadbTimeline(t)
	files, err := s.catalog().Files(t.Context(), instance, timeline)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		_, headers := s.archivedFile(t, timeline, file)
		for _, h := range headers {
			for _, touched := range h.Content.Tables {
				of := largest[touched.Name.Name]
				largest[touched.Name.Name] = [2]uint64{max(of[0], touched.Largest), max(of[1], touched.LargestDelete)}
				if !touched.Unpacked {
					t.Errorf("%+v", touched)
				}
			}
		}
	}
	if of := largest["plain"]; of[0] < 700000 || of[0] > 701000 || of[1] < 700000 || of[1] > 701000 {
		t.Errorf("of log_bin_compress: %v", of)
	}
	if of := largest["compressed"]; of[0] < 700000 || of[0] > 720000 {
		t.Errorf("of a COMPRESSED column: %v", of)
	}
}
