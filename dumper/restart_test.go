package dumper

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// TestErrorsOfASourceThatEndsAreNoVerdict: what a server says while it ends or begins is no
// reason to give up a read.
func TestErrorsOfASourceThatEndsAreNoVerdict(t *testing.T) {
	for _, number := range []uint16{1040, 1053, 1158, 1159, 1160, 1161, 1203, 3032} {
		if got := judge(fmt.Errorf("read result: %w", &mysql.MySQLError{Number: number})); got != again {
			t.Errorf("error %d is judged %v, want again", number, got)
		}
	}
	if got := judge(&mysql.MySQLError{Number: 1064}); got != fatal {
		t.Errorf("a syntax error is judged %v", got)
	}
}

// TestCleanRestartDuringTheBackup: reads of rows and of definitions that wait for a lock while the
// source is shut down go on when it is back.
func TestCleanRestartDuringTheBackup(t *testing.T) {
	for _, c := range []struct {
		name, table string
		chunk       int
	}{{"between chunks", "d.t", 3}, {"before a definition", "d.a", 1}} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, mysqltest.Options{GTID: true})
			s.exec(append([]string{"CREATE DATABASE d", "CREATE TABLE d.a (id INT PRIMARY KEY, v LONGTEXT)", "INSERT INTO d.a VALUES (1, REPEAT('x', 4000000))"},
				fill("d.t", 95)...)...)
			s.exec("ANALYZE TABLE d.a, d.t")
			restarted := make(chan struct{})
			s.atChunk(c.table, c.chunk, func() {
				locked := run(t, s.source, "LOCK TABLES d.t WRITE; DO SLEEP(60); UNLOCK TABLES")
				mysqltest.Eventually(t, func() bool {
					return answer(t, s.source.Root(), "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'DO SLEEP%'") == "1"
				}, "the table is locked")
				go func() {
					defer close(restarted)
					mysqltest.Eventually(t, func() bool {
						return answer(t, s.source.Root(), "SELECT COUNT(*)>0 FROM information_schema.PROCESSLIST WHERE USER='tripod_backup' AND STATE LIKE '%metadata lock'") == "1"
					}, "a read waits for the lock")
					if err := s.source.Shutdown(t.Context()); err != nil {
						t.Error(err)
					}
					if err := <-locked; err == nil {
						t.Error("the lock was let go before the source ended: the test proves nothing")
					}
					if err := s.source.Restart(t.Context()); err != nil {
						t.Error(err)
					}
				}()
			})
			_, m := s.backUp(inChunks)
			<-restarted
			target := mysqltest.Target(t)
			s.load(target, m)
			s.equal(target, "d")
		})
	}
}

// TestShutdownWhileRowsCome: a source that is shut down while rows come answers 1053; the chunk is
// read again when it is back.
func TestShutdownWhileRowsCome(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true})
	s.exec("CREATE DATABASE d")
	for _, table := range []string{"d.a", "d.b", "d.c"} {
		// What is there before the backup need not go through the archive.
		s.exec("CREATE TABLE "+table+" (id INT PRIMARY KEY, v LONGTEXT)", "SET sql_log_bin=0",
			"INSERT INTO "+table+" WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<120) SELECT i, REPEAT('x', 100000) FROM n")
	}
	restarted := make(chan struct{})
	s.atChunk("d.a", 2, func() {
		go func() {
			defer close(restarted)
			if err := s.source.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
			if err := s.source.Restart(t.Context()); err != nil {
				t.Error(err)
			}
		}()
	})
	_, m := s.backUp(func(c *Config) {
		c.tuning, c.Threads = tuning{firstRows: 50, mostRows: 50, chunkText: 16 << 20}, 3
	})
	<-restarted
	t.Logf("1053 came: %v", strings.Contains(s.log.String(), "1053"))
	target := mysqltest.Target(t)
	s.load(target, m)
	s.equal(target, "d")
}
