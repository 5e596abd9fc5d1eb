package pitr

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/tripod-db/tripod/internal/fault"
)

// sessionStory is a source with a backup of d.t (id, v, b) and d.keyless (a, b).
func sessionStory(t *testing.T, before ...string) *story {
	t.Helper()
	s := newStory(t, "d")
	s.on(append([]string{"CREATE DATABASE d", "USE d", "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v DOUBLE, b BLOB)", "CREATE TABLE keyless (a INT, b TEXT)",
		"INSERT INTO t VALUES (1,0.5,'one'),(2,1.5,'two'),(3,2.5,'three')", "INSERT INTO keyless VALUES (1,'x'),(1,'x'),(2,NULL)"}, before...)...)
	b := s.begin()
	b.schema("d")
	for _, row := range s.query(s.source.Root(), "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA='d' ORDER BY 1") {
		b.table("d."+row[0], "")
	}
	b.end()
	return s
}

// TestSessionsThatCompress: any session may log its transactions as payloads, beside others that do
// not. A replay that looks at the outer events only has no error and lacks their rows.
func TestSessionsThatCompress(t *testing.T) {
	s := sessionStory(t)
	for _, compression := range []string{"ON", "OFF", "ON"} {
		s.on("SET SESSION binlog_transaction_compression="+compression, "USE d", "INSERT INTO t (v,b) VALUES (7,REPEAT('compressed',500)),(8,NULL)", "UPDATE t SET v=v+1, b=CONCAT(b,'!')",
			"BEGIN", "DELETE FROM t ORDER BY id LIMIT 1", "UPDATE keyless SET a=a+1 LIMIT 1", "INSERT INTO keyless VALUES (9,REPEAT('y',3000))", "COMMIT",
			"CREATE TABLE IF NOT EXISTS made SELECT id, b FROM t", "INSERT INTO made VALUES (1000,'z')")
	}
	_, result, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
	if result.TransactionsReplayed < 13 {
		t.Errorf("%d transactions were replayed", result.TransactionsReplayed)
	}
}

// TestSessionsThatLogNoBlobs: images of a session with NOBLOB lack what was not changed, which is
// not NULL.
func TestSessionsThatLogNoBlobs(t *testing.T) {
	s := sessionStory(t)
	s.on("SET SESSION binlog_row_image=NOBLOB", "USE d", "INSERT INTO t (v,b) VALUES (7,'seven')", "UPDATE keyless SET b='changed' WHERE a=2",
		"UPDATE t SET v=9 WHERE id=2", "UPDATE t SET b=NULL WHERE id=3", "UPDATE t SET v=4 WHERE id=3", "UPDATE t SET id=20 WHERE id=2", "UPDATE keyless SET a=5 WHERE b='x' LIMIT 1",
		"SET SESSION binlog_row_image=FULL", "UPDATE t SET v=10 WHERE id=20")
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
}

// TestStatementsOfLenientSessions: DDL that only a mode without STRICT and NO_ZERO_DATE allows, and
// in which the mode decides what becomes of the rows, in the backup's definitions and in the log.
func TestStatementsOfLenientSessions(t *testing.T) {
	const zero = " (id INT PRIMARY KEY, d DATE NOT NULL DEFAULT '0000-00-00', ts TIMESTAMP NOT NULL DEFAULT '0000-00-00 00:00:00', m DATETIME DEFAULT '2026-00-00 00:00:00')"
	s := sessionStory(t, "SET SESSION sql_mode=''", "CREATE TABLE zero"+zero, "INSERT INTO zero (id) VALUES (0),(1)",
		"CREATE TABLE narrow (id INT PRIMARY KEY, v VARCHAR(10), n INT, w VARCHAR(9))", "INSERT INTO narrow VALUES (1,'too long',NULL,'12x')")
	s.on("USE d", "SET SESSION sql_mode=''", "CREATE TABLE later"+zero, "INSERT INTO later (id) VALUES (0),(7)",
		"ALTER TABLE zero ADD COLUMN added DATE NOT NULL AFTER id", "ALTER TABLE zero MODIFY d DATETIME(3) NOT NULL DEFAULT '0000-00-00 00:00:00'",
		"ALTER TABLE narrow MODIFY v VARCHAR(3)", "ALTER TABLE narrow MODIFY n INT NOT NULL", "ALTER TABLE narrow MODIFY w INT",
		"SET SESSION sql_mode='ALLOW_INVALID_DATES'", "CREATE TABLE invalid (d DATE DEFAULT '2026-02-31')", "INSERT INTO invalid VALUES (DEFAULT)",
		"SET SESSION sql_mode=DEFAULT", "INSERT INTO later VALUES (8,'2026-01-01','2026-01-01 00:00:00',NULL)", "UPDATE zero SET m=NULL WHERE id=1")
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
	if got := s.row("SELECT CONCAT_WS(' ', v, n, w) FROM d.narrow")[0]; got != "too 0 12" {
		t.Errorf("the source holds %q: the test proves nothing", got)
	}
}

// TestWhatOnlyTheSessionKnows: temporary tables, user variables, seeds and INSERT_ID reach over
// transactions and files; in row format nothing of the log hangs on them. A file that was loaded
// by a statement is in no log that can be replayed: refused.
func TestWhatOnlyTheSessionKnows(t *testing.T) {
	s := sessionStory(t)
	path := filepath.Join(s.source.DataDir(), "loaded.txt")
	s.must(os.WriteFile(path, []byte("40\t4.5\tfour\n41\t\\N\t\\\\five\n"), 0o600))
	load := fmt.Sprintf("LOAD DATA INFILE '%s' INTO TABLE t", path)
	s.on("USE d", "CREATE TEMPORARY TABLE tmp (id INT, r DOUBLE)", "CREATE TEMPORARY TABLE keyless (id INT)", "SET @n=10", "INSERT INTO tmp VALUES (1,RAND()),(2,RAND())", "INSERT INTO keyless VALUES (1)", "FLUSH BINARY LOGS",
		"INSERT INTO t (id,v) SELECT id+@n, r FROM tmp", "SET @n=@n+1, rand_seed1=7, rand_seed2=9, insert_id=900", "INSERT INTO t (v,b) VALUES (RAND()*@n,UUID())",
		"CREATE TABLE copied LIKE tmp", "FLUSH BINARY LOGS", "INSERT INTO copied SELECT * FROM tmp", "CREATE TABLE selected SELECT * FROM tmp JOIN keyless USING (id)",
		"UPDATE t JOIN tmp USING (id) SET t.v=tmp.r, t.b=LAST_INSERT_ID()", load, "DROP TEMPORARY TABLE tmp, keyless")
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d")

	at := s.position()
	s.on("USE d", "DELETE FROM t WHERE id>=40", "SET SESSION binlog_format=STATEMENT", load)
	_, _, err = s.restore(Wish{Force: true})
	s.wantFault(err, fault.CodeRange, fault.KindStatement, "d.t")
	_, _, err = s.restore(Wish{Force: true, Stop: stopAt(at)})
	s.must(err)
}

// TestFileNumbersBeyond999999: behind binlog.999999 comes binlog.1000000, which stands before it
// in the order of names.
func TestFileNumbersBeyond999999(t *testing.T) {
	s := newStory(t, "d")
	s.on("RESET BINARY LOGS AND GTIDS TO 999998", "CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v INT)", "INSERT INTO d.t VALUES (1,1)", "FLUSH BINARY LOGS", "UPDATE d.t SET v=2")
	s.archive()
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	s.on("FLUSH BINARY LOGS", "INSERT INTO d.t VALUES (2,2)", "ALTER TABLE d.t ADD COLUMN w INT")
	b.end()
	for range 3 {
		s.on("UPDATE d.t SET v=v+1, w=v", "FLUSH BINARY LOGS", "INSERT INTO d.t SELECT MAX(id)+1, 0, 0 FROM d.t")
		s.archive()
	}
	if at := s.position(); at.File != "binlog.1000003" {
		t.Fatalf("the log is at %s", at)
	}
	plan, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
	if plan.From.File != "binlog.999999" || plan.Stop.File != "binlog.1000003" {
		t.Errorf("replayed from %s to %s", plan.From, plan.Stop)
	}
}
