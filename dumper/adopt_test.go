package dumper

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
	"github.com/tripod-db/tripod/storage/chunk"
)

// killedAt makes a backup that is killed when chunk n of a table has been read and is not stored:
// behind that moment nothing of it reaches the store. It returns its id.
func (s *site) killedAt(table string, n int, change ...func(*Config)) (id string) {
	s.t.Helper()
	mysqltest.Failpoint(s.t, "dumper/journalOften", "return")
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	reached := false
	s.atChunk(table, n, func() {
		reached = true
		key := ""
		if n > 1 {
			key = chunkKey(table, n-1)
		}
		mysqltest.Eventually(s.t, func() bool {
			id = s.unfinished()
			return key == "" || s.journaled(id, key)
		}, "the journal has the chunk before")
		s.gate.kill(true)
		cancel()
	})
	_, err := s.tryDying(ctx, append([]func(*Config){inChunks}, change...)...)
	s.gate.before(nil)
	s.gate.kill(false)
	if err == nil || !reached {
		s.t.Fatalf("the backup was not killed: %v", err)
	}
	s.endLease()
	return id
}

// endLease says that the lease's holder has ended: of a process that was killed its spool would.
func (s *site) endLease() {
	s.t.Helper()
	lease, held, err := s.catalog.LatestLease(s.t.Context(), instanceName)
	if err != nil || !held {
		s.t.Fatalf("the lease of the killed backup: %v", err)
	}
	if err := s.catalog.PutBeat(s.t.Context(), instanceName, catalog.Beat{Epoch: lease.Epoch, Ended: true}); err != nil {
		s.t.Fatal(err)
	}
}

func chunkKey(table string, n int) string {
	name, below, _ := strings.Cut(table, ".")
	return catalog.ChunkKey(schema.Name{Schema: name, Name: below}, uint64(n), chunk.Zstd)
}

func (s *site) journaled(id, key string) bool {
	parts, err := s.catalog.Journal(s.t.Context(), instanceName, id)
	if err != nil {
		s.t.Error(err)
		return true
	}
	return slices.ContainsFunc(parts, func(p catalog.JournalPart) bool {
		return slices.ContainsFunc(p.Entries, func(e catalog.JournalEntry) bool { return e.Chunk != nil && e.Chunk.Key == key })
	})
}

// shopOfThree has a table that is read whole before d.t, d.t itself, one behind it, and one without a key.
func (s *site) shopOfThree() {
	s.t.Helper()
	s.exec(append(append(append([]string{"CREATE DATABASE d"}, fill("d.a", 25)...), fill("d.t", 95)...), fill("d.z", 15)...)...)
	s.exec("CREATE TABLE d.log (a INT, b VARCHAR(10))", "INSERT INTO d.log VALUES (1, 'x'), (1, 'x'), (NULL, NULL)",
		"CREATE TABLE d.empty (id INT PRIMARY KEY)", "ANALYZE TABLE d.a, d.t, d.z, d.log, d.empty")
}

// TestKilledBackupIsGoneOnWith: the next backup takes what was finished, goes on behind the last
// chunk of the table that was being read, and is the killed run's: floor, id, windows.
func TestKilledBackupIsGoneOnWith(t *testing.T) {
	for _, gtid := range []bool{true, false} {
		t.Run(fmt.Sprintf("gtid=%v", gtid), func(t *testing.T) {
			s := newSite(t, mysqltest.Options{GTID: gtid, Relaxed: true})
			s.shopOfThree()
			id := s.killedAt("d.t", 6)
			intent, err := s.catalog.Intent(t.Context(), instanceName, id)
			if err != nil {
				t.Fatal(err)
			}
			s.exec("CREATE DATABASE meanwhile", "FLUSH BINARY LOGS")
			read := 0
			s.gate.before(func(_ context.Context, key string) {
				if strings.Contains(key, "/data/d/t/") {
					read++
				}
			})
			r, m := s.backUp(inChunks)
			if r.BackupID != id || m.Started != intent.Started {
				t.Errorf("backup %s begun %v goes on with %s, begun %v", r.BackupID, m.Started, id, intent.Started)
			}
			if want := 5; r.Adopted.Chunks < want || r.Adopted.Rows < 50 || r.Adopted.Tables < 1 || read != 5 {
				t.Errorf("adopted %+v, and %d chunks of d.t were stored again, want the 5 that were missing", r.Adopted, read)
			}
			n := baseOf(t, m, "d.t")
			if n.RowCount != 95 || len(n.ReadAgain) > 0 || len(n.Chunks) != 10 {
				t.Errorf("d.t: %d rows in %d chunks, read again %+v", n.RowCount, len(n.Chunks), n.ReadAgain)
			}
			for i := 1; i < len(n.Chunks); i++ {
				if !slices.Equal(n.Chunks[i].After, n.Chunks[i-1].UpTo) {
					t.Errorf("chunk %d is behind %v, the one before ends at %v", i, n.Chunks[i].After, n.Chunks[i-1].UpTo)
				}
			}
			between := statementAt(t, s, "CREATE DATABASE meanwhile")
			if !n.Statements.Low.Before(between) || !between.Before(n.Statements.High) || gtid && !n.Rows.Low.AtOrBefore(n.Chunks[0].T0) {
				t.Errorf("the windows %+v, %+v do not reach from the killed run to this one", n.Statements, n.Rows)
			}
			if m.Floor.Position.Before(intent.Floor.Position) || !m.Floor.Position.Before(between) {
				t.Errorf("floor is %s, the killed run began at %s", m.Floor, intent.Floor)
			}
			target := mysqltest.Target(t)
			s.load(target, m)
			s.equal(target, "d")
			s.clean(id, m)
		})
	}
}

// statementAt returns where a statement begins in the source's log.
func statementAt(t *testing.T, s *site, text string) binlog.Position {
	t.Helper()
	for _, log := range eachText(t, s, "SHOW BINARY LOGS") {
		for _, event := range eachText(t, s, "SHOW BINLOG EVENTS IN '"+log[0]+"'") {
			if !strings.Contains(event[5], text) {
				continue
			}
			at := binlog.Position{Timeline: binlog.Timeline(s.srv.Facts().ServerUUID), File: log[0]}
			if _, err := fmt.Sscan(event[1], &at.Pos); err != nil {
				t.Fatal(err)
			}
			return at
		}
	}
	t.Fatalf("%q is not in the log", text)
	return binlog.Position{}
}

// eachText runs a query and returns its rows as text.
func eachText(t *testing.T, s *site, query string) [][]string {
	t.Helper()
	conn, err := s.srv.RawConn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rows, err := conn.Rows(t.Context(), query)
	if err := errors.Join(err, conn.Close()); err != nil {
		t.Fatal(err)
	}
	return rows
}

// clean: no journal is left beside a manifest, and no chunk or definition that it does not name.
func (s *site) clean(id string, m *catalog.Manifest) {
	s.t.Helper()
	if parts, err := s.catalog.Journal(s.t.Context(), instanceName, id); err != nil || len(parts) > 0 {
		s.t.Errorf("%d parts of the journal are left, %v", len(parts), err)
	}
	sizes, err := s.catalog.ChunkSizes(s.t.Context(), instanceName, id)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, n := range m.Names {
		for _, c := range n.Chunks {
			if sizes[c.Key] != int64(c.BytesStored) {
				s.t.Errorf("%s has %d bytes, the manifest says %d", c.Key, sizes[c.Key], c.BytesStored)
			}
			delete(sizes, c.Key)
		}
	}
	if len(sizes) > 0 {
		s.t.Errorf("chunks that no manifest names: %v", sizes)
	}
	for object, err := range s.gate.List(s.t.Context(), catalog.BackupKey(instanceName, id, "schema/"), "") {
		if err != nil {
			s.t.Fatal(err)
		}
		names := func(o catalog.SchemaObject) bool { return catalog.BackupKey(instanceName, id, o.Key) == object.Key }
		if !slices.ContainsFunc(m.SchemaObjects(), names) {
			s.t.Errorf("a definition that no manifest names: %s", object.Key)
		}
	}
}

// TestKilledTwice: what two runs have finished counts for the third.
func TestKilledTwice(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.shopOfThree()
	id := s.killedAt("d.t", 4)
	if again := s.killedAt("d.t", 2+readsOfRun); again != id {
		t.Fatalf("the second run is %s, the first %s", again, id)
	}
	r, m := s.backUp(inChunks)
	n := baseOf(t, m, "d.t")
	if r.BackupID != id || r.Adopted.Chunks < 4 || n.RowCount != 95 || len(n.Chunks) != 10 {
		t.Errorf("backup %s of %s, adopted %+v; d.t has %d rows in %d chunks", r.BackupID, id, r.Adopted, n.RowCount, len(n.Chunks))
	}
	target := mysqltest.Target(t)
	s.load(target, m)
	s.equal(target, "d")
	s.clean(id, m)
}

// TestStatementsBetweenTheRuns: the rules look at all that was logged since the killed run's floor.
func TestStatementsBetweenTheRuns(t *testing.T) {
	for _, c := range []struct {
		name       string
		statements []string
	}{
		{"none", nil},
		{"add column", []string{"ALTER TABLE d.t ADD COLUMN w INT NOT NULL DEFAULT 7 FIRST"}},
		{"there and back", []string{"ALTER TABLE d.t ADD COLUMN w INT", "UPDATE d.t SET v='changed'", "ALTER TABLE d.t DROP COLUMN w"}},
		{"definition only", []string{"ALTER TABLE d.t COMMENT 'changed'", "CREATE INDEX i ON d.t (v)"}},
		{"another key", []string{"ALTER TABLE d.t DROP PRIMARY KEY, ADD PRIMARY KEY (v)"}},
		{"truncate", []string{"TRUNCATE TABLE d.t", "INSERT INTO d.t VALUES (5,'new')"}},
		{"swap", []string{"CREATE TABLE d.ghost LIKE d.t", "INSERT INTO d.ghost SELECT id+100, 'copy' FROM d.t", "RENAME TABLE d.t TO d.old, d.ghost TO d.t"}},
		{"swap with a whole one", []string{"RENAME TABLE d.a TO d.x, d.t TO d.a, d.x TO d.t"}},
		{"drop", []string{"DROP TABLE d.t"}},
		{"drop and create", []string{"DROP TABLE d.t", "CREATE TABLE d.t (other INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1),(2)"}},
		{"drop the schema", []string{"DROP DATABASE d", "CREATE DATABASE d", "CREATE TABLE d.t (c VARCHAR(5))", "INSERT INTO d.t VALUES ('é')"}},
		{"statement format", []string{"SET SESSION binlog_format=STATEMENT", "UPDATE d.t SET v=CONCAT(v,' changed')"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
			s.shopOfThree()
			id := s.killedAt("d.t", 6)
			s.exec(c.statements...)
			r, m := s.backUp(inChunks)
			if r.BackupID != id {
				t.Errorf("the backup %s did not go on with %s", r.BackupID, id)
			}
			if len(c.statements) == 0 && r.Adopted.Chunks == 0 {
				t.Error("nothing was adopted")
			}
			s.clean(id, m)
			if !strings.HasPrefix(c.name, "swap") && !strings.HasPrefix(c.name, "drop") && c.name != "definition only" { // there the log makes what comes
				target := mysqltest.Target(t)
				s.load(target, m)
				s.equal(target, "d")
			}
		})
	}
}

// TestNothingIsAdopted: what cannot be gone on with is left alone, with the reason in the log, and
// the backup is made anew.
func TestNothingIsAdopted(t *testing.T) {
	for _, c := range []struct {
		name, says string
		before     func(s *site, id string)
		change     func(*Config)
	}{
		{"fresh", "", nil, func(c *Config) { c.Fresh = true }},
		{"another selection", "another selection", nil, func(c *Config) { c.Exclude = []string{"d.z"} }},
		{"another compression", "compressed by zstd", nil, func(c *Config) { c.Compression = chunk.Gzip }},
		{"a day old", "more than a day ago", func(s *site, id string) {
			i, err := s.catalog.Intent(s.t.Context(), instanceName, id)
			if err != nil {
				s.t.Fatal(err)
			}
			i.Renewed = binlog.TimeOf(time.Now().Add(-25 * time.Hour))
			if err := s.catalog.PutIntent(s.t.Context(), i); err != nil {
				s.t.Fatal(err)
			}
		}, nil},
		{"a hole", "hole", func(s *site, id string) {
			s.exec("FLUSH BINARY LOGS", "CREATE DATABASE lost", "FLUSH BINARY LOGS")
			mysqltest.Purge(s.t, s.source, s.lastFile())
			s.archiveAll()
		}, nil},
		{"purged and not archived", "not in the archive", func(s *site, id string) {
			s.exec("FLUSH BINARY LOGS", "CREATE DATABASE lost", "FLUSH BINARY LOGS")
			mysqltest.Purge(s.t, s.source, s.lastFile())
		}, nil},
		{"another history", "", func(s *site, id string) {
			s.exec("RESET BINARY LOGS AND GTIDS")
			s.archiveAll()
		}, nil},
		{"a missing chunk", "finished nothing", func(s *site, id string) {
			for _, key := range []string{chunkKey("d.t", 1), chunkKey("d.a", 1), chunkKey("d.z", 1), chunkKey("d.log", 1)} {
				_ = s.catalog.Bucket().Delete(s.t.Context(), catalog.BackupKey(instanceName, id, key))
			}
		}, func(c *Config) { c.Exclude = []string{"d.empty"} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
			s.shopOfThree()
			change := []func(*Config){inChunks}
			var first []func(*Config)
			if c.name == "a missing chunk" {
				first = append(first, c.change)
			}
			id := s.killedAt("d.t", 6, first...)
			if c.before != nil {
				c.before(s, id)
			}
			if c.change != nil {
				change = append(change, c.change)
			}
			r, m := s.backUp(change...)
			if r.BackupID == id || r.Adopted != (Adopted{}) {
				t.Errorf("backup %s (killed: %s) adopted %+v", r.BackupID, id, r.Adopted)
			}
			if !strings.Contains(s.log.String(), c.says) {
				t.Errorf("the log does not tell why: %q", c.says)
			}
			s.clean(r.BackupID, m)
			if ids, err := s.catalog.Backups(t.Context(), instanceName); err != nil || !slices.Equal(ids, []string{r.BackupID}) {
				t.Errorf("backups %v, %v", ids, err)
			}
		})
	}
}

// archiveAll archives all that the source has, as another history if it is one.
func (s *site) archiveAll() {
	s.t.Helper()
	_, err := archive.Run(s.t.Context(), archive.Config{
		Server: s.srv, Catalog: s.catalog, Instance: instanceName, SpoolDir: s.spool, NewTimeline: true, UntilIdle: true,
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) lastFile() string {
	s.t.Helper()
	fields := strings.Fields(answer(s.t, s.source.Root(), "SELECT JSON_UNQUOTE(JSON_EXTRACT(LOCAL, '$.binary_log_file')) FROM performance_schema.log_status"))
	return fields[0]
}

// TestAdoptionReadsWhatTheSourceHasPurged: the archive holds the log since the killed run's floor.
func TestAdoptionReadsWhatTheSourceHasPurged(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.shopOfThree()
	id := s.killedAt("d.t", 6)
	s.exec("ALTER TABLE d.a ADD COLUMN w INT DEFAULT 1", "DROP TABLE d.z", "FLUSH BINARY LOGS", "CREATE TABLE d.more (id INT PRIMARY KEY)", "FLUSH BINARY LOGS")
	s.archiveAll()
	mysqltest.Purge(s.t, s.source, s.lastFile())
	r, m := s.backUp(inChunks)
	if r.BackupID != id || r.Adopted.Chunks < 5 {
		t.Errorf("backup %s of %s adopted %+v", r.BackupID, id, r.Adopted)
	}
	for _, n := range m.Names {
		if n.Name.String() == "d.z" && n.Base == catalog.BaseRead && len(n.Chunks) > 0 && n.Statements.High.File == s.lastFile() {
			t.Errorf("d.z was dropped, and has base %+v", n)
		}
	}
	target := mysqltest.Target(t)
	s.load(target, m)
	s.replay(target, m)
	if rows := answer(t, target.Root(), "SELECT COUNT(*) FROM d.t"); rows != "95" {
		t.Errorf("%s rows of d.t", rows)
	}
}

// TestChunksThatDoNotFollowEachOther: a journal in which a chunk begins elsewhere than the one before
// ended, whoever has written it, brings nothing of that table.
func TestChunksThatDoNotFollowEachOther(t *testing.T) {
	name := schema.Name{Schema: "d", Name: "t"}
	mark := catalog.JournalMark{Low: binlog.Position{Timeline: "s", File: "binlog.000001", Pos: 4}, High: binlog.Position{Timeline: "s", File: "binlog.000001", Pos: 4}}
	for second, want := range map[string]int{"10": 2, "5": 0, "12": 0} {
		entries := []catalog.JournalEntry{{Floor: &mark}, {Name: name, Read: 1, Opened: &catalog.JournalOpened{Create: []byte("CREATE TABLE `t` (`id` int NOT NULL, PRIMARY KEY (`id`))"), Key: "PRIMARY", First: mark}}}
		sizes := map[string]int64{}
		for i, c := range []catalog.Chunk{{Key: "a", UpTo: []string{"10"}}, {Key: "b", After: []string{second}, UpTo: []string{"20"}}} {
			c.BytesStored, c.T0, c.T1 = uint64(i+1), mark.Low, mark.High
			sizes[c.Key] = int64(i + 1)
			entries = append(entries, catalog.JournalEntry{Name: name, Read: 1, Chunk: &catalog.JournalChunk{Chunk: c, BeforeHigh: mark.High}})
		}
		a, err := adoptionOf(catalog.Intent{ID: "b"}, []catalog.JournalPart{{Run: 1, Entries: entries}}, sizes)
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		if a != nil {
			got = len(a.reads[name].chunks)
		}
		if got != want {
			t.Errorf("the second chunk begins behind %s: %d chunks are adopted, want %d", second, got, want)
		}
	}
}
