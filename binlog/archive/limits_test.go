package archive_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/internal/mysqltest"
)

// limits returns those of the whole archive as text: where, what, which tables.
func (s *site) limits(t *testing.T) []string {
	t.Helper()
	r := archive.Open(s.catalog(), instance)
	line, err := r.Line(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list, err := r.Limits(t.Context(), line)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, l := range list {
		texts = append(texts, limitText(l.At.Position, l.Limit))
		// What is known at its place is what a reader of the segment finds.
		at, err := r.Resolve(t.Context(), binlog.StopPoint{Kind: binlog.StopPosition, Position: l.At.Position}, binlog.GTIDSet{})
		if err != nil || at != l.At {
			t.Errorf("the point of a limit is %+v, a reader finds %+v, %v", l.At, at, err)
		}
	}
	return texts
}

func limitText(at binlog.Position, l segment.Limit) string {
	return fmt.Sprintf("%s %s %v", at, l.Kind, l.Tables)
}

// limitsOf writes entries of every kind and returns what the archive should say of them.
func limitsOf(t *testing.T, s *site) (want []string) {
	t.Helper()
	conn, err := s.source.Root().Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	run := func(kind string, statements ...string) {
		if kind != "" {
			want = append(want, fmt.Sprintf("%s %s [w.x]", s.sourceEnd(t), kind))
		}
		for _, statement := range statements {
			if _, err := conn.ExecContext(t.Context(), statement); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
	}
	run("", "INSERT INTO w.x VALUES (DEFAULT, 'a')", "SET SESSION binlog_format = STATEMENT")
	run("statement", "UPDATE w.x SET v = 'b' ORDER BY id LIMIT 1")
	run("", "SET SESSION binlog_format = ROW", "SET SESSION binlog_row_image = MINIMAL")
	run("", "UPDATE w.x SET v = 'c' ORDER BY id LIMIT 1")
	run("", "SET SESSION binlog_row_image = FULL", "UPDATE w.x SET v = 'd'", "XA START 'r'", "UPDATE w.x SET v = 'e'", "XA END 'r'", "XA PREPARE 'r'", "XA ROLLBACK 'r'")
	run("", "XA START 'c'", "UPDATE w.x SET v = 'f'", "XA END 'c'", "XA PREPARE 'c'", "CREATE TEMPORARY TABLE w.temporary (v INT)", "DROP TEMPORARY TABLE w.temporary")
	run("", "XA COMMIT 'c'", "SET SESSION binlog_format = STATEMENT", "XA START 'p'", "UPDATE w.x SET v = 'h' ORDER BY id LIMIT 1", "XA END 'p'", "XA PREPARE 'p'", "SET SESSION binlog_format = ROW", "CREATE TEMPORARY TABLE w.temporary (v INT)", "DROP TEMPORARY TABLE w.temporary")
	run("statement", "XA COMMIT 'p'")
	run("", "XA START 'o'", "UPDATE w.x SET v = 'g'", "XA END 'o'", "XA COMMIT 'o' ONE PHASE")
	return want
}

// Every entry that ends a range is in the archive once, with its table, wherever the archiver is
// killed: between the object of the limits and the segment too.
func TestLimitsSurviveCrashes(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	mysqltest.Exec(t, s.source, "CREATE SCHEMA w", "CREATE TABLE w.x (id INT PRIMARY KEY AUTO_INCREMENT, v CHAR(1))")
	var want []string
	for _, place := range []string{"sealed", "limited", "uploaded", "headed"} {
		mysqltest.Failpoint(t, "binlog/archive/"+place, "off") // fails in a build without failpoints
		want = append(want, limitsOf(t, s)...)
		cmd := s.startChild(t, mysqltest.FailpointVariable("binlog/archive/"+place, "panic"))
		if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != 2 { // a panic's
			t.Fatalf("the archiver ended with %v", err)
		}
		mysqltest.Exec(t, s.source, "FLUSH BINARY LOGS")
	}
	s.untilIdle(t, nil)
	if got := s.limits(t); !slices.Equal(got, want) {
		t.Errorf("limits\n%q, want\n%q", got, want)
	}
}

// An XA transaction is known at its commit to an archiver that never saw its prepare, if another one has
// archived that; else it ends the range of every table.
func TestLimitsOfXAOverRuns(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	mysqltest.Exec(t, s.source, "CREATE SCHEMA w", "CREATE TABLE w.x (id INT PRIMARY KEY AUTO_INCREMENT, v CHAR(1))",
		"XA START 'a'", "INSERT INTO w.x VALUES (1, 'a')", "XA END 'a'", "XA PREPARE 'a'", "FLUSH BINARY LOGS")
	// The archive begins behind this one's prepare.
	first := s.untilIdle(t, nil)
	if len(first.Ends) != 0 {
		t.Errorf("ends %+v of what is only prepared", first.Ends)
	}
	mysqltest.Exec(t, s.source, "XA START 'b'", "INSERT INTO w.x VALUES (2, 'b')", "XA END 'b'", "XA PREPARE 'b'", "FLUSH BINARY LOGS", "CREATE TABLE w.y (id INT)")
	s.untilIdle(t, nil)
	unknown := s.sourceEnd(t)
	mysqltest.Exec(t, s.source, "XA COMMIT 'a'")
	prepared := s.sourceEnd(t)
	mysqltest.Exec(t, s.source, "XA COMMIT 'b'")
	last := s.untilIdle(t, nil)
	want := []string{fmt.Sprintf("%s xa without prepare []", unknown)}
	if got := s.limits(t); !slices.Equal(got, want) {
		t.Errorf("limits %q, want %q", got, want)
	}
	for at, want := range map[binlog.Position]int{unknown: 1, prepared: 1, s.sourceEnd(t): 0} {
		open, err := archive.Open(s.catalog(), instance).OpenXA(t.Context(), at)
		if err != nil || len(open) != want || want == 1 && (open[0].XID != "X'62',X'',1" || len(open[0].Tables) != 1) {
			t.Errorf("prepared at %s: %+v, %v", at, open, err)
		}
	}
	if len(last.Ends) != 1 || last.Ends[0].Name != archive.EveryTable || last.Ends[0].Position != unknown {
		t.Errorf("ends %+v", last.Ends)
	}
}
