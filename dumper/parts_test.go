package dumper

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage/catalog"
)

// inRanges has a table read by all workers, in small chunks.
func inRanges(c *Config) {
	c.tuning, c.Threads = tuning{firstRows: 50, mostRows: 50, chunkText: 1 << 20, splitText: 1}, 4
}

const splitLine = "a range is split"

// bigTable makes a table of n rows with a key of the given columns.
func (s *site) bigTable(columns, values string, n int) {
	s.t.Helper()
	s.exec("CREATE DATABASE IF NOT EXISTS d", "CREATE TABLE d.t ("+columns+", v VARCHAR(50) NOT NULL)",
		"USE d", "SET SESSION cte_max_recursion_depth=10000000",
		fmt.Sprintf("INSERT INTO d.t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<%d) SELECT %s, CONCAT('row ', i) FROM n", n, values))
}

// checkChain: the chunks of a table follow each other in the key's order, without a gap.
func checkChain(t *testing.T, n *catalog.NameBase) {
	t.Helper()
	if len(n.Chunks) == 0 {
		t.Fatalf("%s has no chunks", n.Name)
	}
	keys := map[string]bool{}
	for i, c := range n.Chunks {
		if i > 0 && !slices.Equal(c.After, n.Chunks[i-1].UpTo) || i == 0 && c.After != nil || i == len(n.Chunks)-1 != (c.UpTo == nil) {
			t.Errorf("chunk %d of %d reaches from %v to %v", i, len(n.Chunks), c.After, c.UpTo)
		}
		if c.T0.Before(n.Rows.Low) || n.Rows.High.Before(c.T1) {
			t.Errorf("chunk %d has ticks %s and %s outside the window %+v", i, c.T0, c.T1, n.Rows)
		}
		if keys[c.Key] {
			t.Errorf("two chunks are stored as %s", c.Key)
		}
		keys[c.Key] = true
	}
}

// TestOneTableIsReadByAllWorkers: idle workers take the second half of what is left of a range. The
// chunks follow each other as if one worker had walked.
func TestOneTableIsReadByAllWorkers(t *testing.T) {
	for _, c := range []struct{ name, columns, values string }{
		{"integer", "id INT PRIMARY KEY", "i"},
		{"descending", "id BIGINT UNSIGNED NOT NULL, UNIQUE KEY k (id DESC)", "i * 1000000000000"},
		{"skewed", "id BIGINT PRIMARY KEY", "IF(i < 3, -9000000000000000000 + i, i)"},
		{"text", "id VARCHAR(40) CHARACTER SET utf8mb4 PRIMARY KEY", "CONCAT(LEFT(SHA2(i, 256), 32), i)"},
		{"binary", "id BINARY(16) PRIMARY KEY", "UNHEX(LEFT(SHA2(i, 256), 32))"},
		{"composite", "a INT, b INT, PRIMARY KEY (a, b DESC)", "i DIV 1500, i"},
		{"one value in front", "a VARCHAR(10), b DATETIME(6), PRIMARY KEY (a, b)", "'same', FROM_UNIXTIME(i * 7919)"},
		{"enum", "a ENUM('x','y','z'), b INT, PRIMARY KEY (a, b)", "1 + i % 3, i"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
			s.bigTable(c.columns, c.values, 3000)
			_, m := s.backUp(inRanges)
			splits := strings.Count(s.log.String(), splitLine)
			t.Logf("%d splits", splits)
			if (splits < 3) != (c.name == "enum") {
				t.Errorf("%d splits", splits)
			}
			n := baseOf(t, m, "d.t")
			if n.RowCount != 3000 || len(n.ReadAgain) > 0 {
				t.Errorf("%d rows, read again %+v", n.RowCount, n.ReadAgain)
			}
			checkChain(t, n)
			target := mysqltest.Target(t)
			s.load(target, m)
			s.equal(target, "d")
		})
	}
}

// TestW3StatementWhileRangesAreRead: the ranges are one read; what makes it void makes all of them.
func TestW3StatementWhileRangesAreRead(t *testing.T) {
	for _, statement := range []string{"ALTER TABLE d.t ADD COLUMN w INT NOT NULL DEFAULT 7 FIRST", "ALTER TABLE d.t DROP COLUMN v", "TRUNCATE TABLE d.t", "ALTER TABLE d.t DROP PRIMARY KEY"} {
		t.Run(statement, func(t *testing.T) {
			s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
			s.bigTable("id INT PRIMARY KEY", "i", 3000)
			s.atChunk("d.t", 15, func() { s.exec(statement) })
			_, m := s.backUp(inRanges)
			if !strings.Contains(s.log.String(), splitLine) {
				t.Error("nothing was split: the test proves nothing")
			}
			s.checkAgain(m, statement[:8])
			target := mysqltest.Target(t)
			s.load(target, m)
			s.equal(target, "d")
		})
	}
}

// TestSmallTablesStayInOneRange: what is read in a moment is not worth the dives.
func TestSmallTablesStayInOneRange(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.bigTable("id INT PRIMARY KEY", "i", 3000)
	_, m := s.backUp(func(c *Config) { c.tuning = tuning{firstRows: 50, mostRows: 50, chunkText: 1 << 20} })
	if strings.Contains(s.log.String(), splitLine) || len(baseOf(t, m, "d.t").Chunks) < 50 {
		t.Errorf("split, or %d chunks", len(baseOf(t, m, "d.t").Chunks))
	}
}

// TestKilledWhileRangesAreRead: each range goes on behind its last chunk.
func TestKilledWhileRangesAreRead(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.bigTable("id VARCHAR(40) CHARACTER SET utf8mb4 PRIMARY KEY", "CONCAT(LEFT(SHA2(i, 256), 32), i)", 3000)
	mysqltest.Failpoint(t, "dumper/journalOften", "return")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	id := ""
	s.atChunk("d.t", 30, func() {
		id = s.unfinished()
		mysqltest.Eventually(t, func() bool { return s.splitsJournaled(id) >= 3 && s.journaled(id, chunkKey("d.t", 20)) }, "splits in the journal")
		s.gate.kill(true)
		cancel()
	})
	if _, err := s.tryDying(ctx, inRanges); err == nil || id == "" {
		t.Fatalf("the backup was not killed: %v", err)
	}
	s.gate.before(nil)
	s.gate.kill(false)
	s.endLease()
	s.exec("UPDATE d.t SET v='changed' WHERE id LIKE 'a%'", "DELETE FROM d.t WHERE id LIKE 'b%'", "INSERT INTO d.t SELECT CONCAT(id, 'x'), 'new' FROM d.t WHERE id LIKE 'c%'")
	r, m := s.backUp(inRanges)
	// Workers journal beside each other, and the last chunk of a range is a short one.
	if r.BackupID != id || r.Adopted.Chunks < 15 || r.Adopted.Rows < 500 {
		t.Errorf("backup %s of %s adopted %+v", r.BackupID, id, r.Adopted)
	}
	n := baseOf(t, m, "d.t")
	checkChain(t, n)
	if len(n.ReadAgain) > 0 {
		t.Errorf("read again %+v", n.ReadAgain)
	}
	// No key stands in two chunks: what was inserted behind a bound is in no chunk before it.
	keys := map[string]int{}
	for _, line := range s.lines(m, "d.t") {
		key, _, _ := strings.Cut(line, "\t")
		if keys[key]++; keys[key] > 1 {
			t.Errorf("%s is in the chunks twice", key)
		}
	}
	s.clean(id, m)
}

func (s *site) splitsJournaled(id string) (splits int) {
	parts, err := s.catalog.Journal(s.t.Context(), instanceName, id)
	if err != nil {
		s.t.Error(err)
	}
	for _, p := range parts {
		for _, e := range p.Entries {
			if e.Split != nil {
				splits++
			}
		}
	}
	return splits
}

// TestRangeEndsAtItsBound: the server does not go on behind the bound to look for more rows, also
// where the first column of the key is the same on both sides.
func TestRangeEndsAtItsBound(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.bigTable("a INT, b INT, PRIMARY KEY (a, b)", "1, i", 20_000)
	conn, err := s.srv.RawConn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	p := pathOf(t, s, "d.t")
	for _, bounds := range [][2][]string{{{"1", "100"}, {"1", "300"}}, {nil, {"1", "200"}}, {{"1", "19900"}, {"1", "20000"}}} {
		before := handlerReads(t, conn)
		rows := 0
		if _, err := conn.Query(t.Context(), p.selectFrom(bounds[0], bounds[1], 1000, ""), func([]byte) error { rows++; return nil }); err != nil {
			t.Fatal(err)
		}
		if read := handlerReads(t, conn) - before; rows == 0 || read > rows+10 {
			t.Errorf("%v: %d rows were read for %d", bounds, read, rows)
		}
	}
}

// BenchmarkOneLargeTable: a table of a million rows by 1 worker and by 4, each the same way, with the
// ratio of the two.
func BenchmarkOneLargeTable(b *testing.B) {
	s := newSite(b, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec("CREATE DATABASE d", "USE d", "CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT, k INT NOT NULL, c CHAR(120) NOT NULL, pad CHAR(60) NOT NULL)",
		"INSERT INTO d.t (k, c, pad) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<1000) SELECT i, REPEAT(LEFT(SHA2(i, 256), 32), 3), LEFT(SHA2(i, 256), 32) FROM n")
	for range 10 {
		s.exec("INSERT INTO d.t (k, c, pad) SELECT k, REPEAT(LEFT(SHA2(id, 256), 32), 3), LEFT(SHA2(id, 256), 32) FROM d.t")
	}
	for b.Loop() {
		took := map[int]time.Duration{}
		for _, threads := range []int{1, 4} {
			began := time.Now()
			r, _ := s.backUp(func(c *Config) { c.Threads, c.Fresh = threads, true })
			took[threads] = time.Since(began)
			b.Logf("%d threads: %d rows, %d bytes in %v, %d splits so far", threads, r.Rows, r.BytesRead, took[threads], strings.Count(s.log.String(), splitLine))
		}
		b.ReportMetric(took[1].Seconds()/took[4].Seconds(), "times-faster-by-4-threads")
	}
}

// pathOf is how a table is walked.
func pathOf(t *testing.T, s *site, table string) *path {
	t.Helper()
	_, create, _ := strings.Cut(answer(t, s.source.Root(), "SHOW CREATE TABLE "+table), " ")
	name, below, _ := strings.Cut(table, ".")
	read, err := ddl.ParseCreateTable(create, name)
	if err != nil {
		t.Fatal(err)
	}
	read.Name = schema.Name{Schema: name, Name: below}
	return &paths(read)[0]
}

// handlerReads counts the rows that a session has read in storage engines.
func handlerReads(t *testing.T, conn *server.RawConn) (sum int) {
	t.Helper()
	rows, err := conn.Rows(t.Context(), "SHOW SESSION STATUS LIKE 'Handler_read%'")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		n, err := strconv.Atoi(row[1])
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return sum
}
