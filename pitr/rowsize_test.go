package pitr

import (
	"fmt"
	"testing"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/server"
)

// smallPacket is a target that takes statements of 1 MiB.
var smallPacket = mysqltest.Options{GTID: true, Relaxed: true, LocalInfile: true, TrustFunctionCreators: true, ExtraArgs: []string{"--max-allowed-packet=1M"}}

// seq is a table expression of the numbers from 1 to 1000, which CROSS JOIN makes more of.
const seq = "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<1000) SELECT i FROM n)"

// TestManySmallRowsInACompressedTransaction: a transaction of 3 MB, of which no row is longer than 1 KiB, needs no statement of
// more than 1 MiB.
func TestManySmallRowsInACompressedTransaction(t *testing.T) {
	s := simple(t, smallPacket, "d")
	s.on("CREATE TABLE d.small (id INT PRIMARY KEY, b BLOB)", "SET SESSION binlog_transaction_compression=ON",
		"INSERT INTO d.small SELECT a.i*1000+b.i, RANDOM_BYTES(1000) FROM "+seq+" a CROSS JOIN "+seq+" b WHERE a.i<=3", "FLUSH BINARY LOGS")
	s.archiveSmall()
	s.must(s.plan(Wish{}).Problem())
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
}

// TestLargeRowsInCompressedTransactions: a row that compresses to some KB is as long as it is, for the plan too: where it reads the
// index of the archive, where it reads the events, and where an earlier version took the length of the whole compressed transaction for it.
func TestLargeRowsInCompressedTransactions(t *testing.T) {
	s := simple(t, smallPacket, "d")
	s.on("CREATE TABLE d.large (id INT PRIMARY KEY, b LONGBLOB)", "SET SESSION binlog_transaction_compression=ON",
		"INSERT INTO d.large VALUES (1,REPEAT('x',700000))", "FLUSH BINARY LOGS")
	s.archiveSmall()
	wants := func(what string) {
		t.Helper()
		t.Log(what)
		s.wantFault(s.plan(Wish{}).Problem(), fault.CodeFailed, fault.KindTarget, "SET GLOBAL max_allowed_packet = 2097152")
	}
	wants("by the index")
	from := s.plan(Wish{}).From
	x, err := s.catalog.Index(t.Context(), instance, from.Timeline, from.File)
	s.must(err)
	for i := range x.Segments {
		if c := x.Segments[i].Content; c != nil {
			for k := range c.Tables {
				c.Tables[k].Unpacked, c.Tables[k].Largest = false, 900
			}
		}
	}
	s.must(s.catalog.PutIndex(t.Context(), instance, x))
	wants("by the index of an earlier version")
	s.dropIndexes()
	for i := range x.Segments {
		x.Segments[i].Content = nil
	}
	s.must(s.catalog.PutIndex(t.Context(), instance, x))
	wants("by the events")
}

// TestStatementsAreAsLongAsForeseen: what the plan says of the longest statement is what the replay sends, and little more: restored into a
// target that takes just that.
func TestStatementsAreAsLongAsForeseen(t *testing.T) {
	for name, c := range map[string]struct {
		statements []string
		want       int // nearly
	}{
		"counter beside a large value": {[]string{"CREATE TABLE d.x (id INT PRIMARY KEY, n INT, b LONGBLOB)", "INSERT INTO d.x VALUES (1,1,'')", "UPDATE d.x SET b=REPEAT('x',600000)", "UPDATE d.x SET n=n+1"}, 1200000},
		"text without a key":           {[]string{"CREATE TABLE d.x (b LONGTEXT)", "INSERT INTO d.x VALUES (REPEAT('x',300000))", "UPDATE d.x SET b=CONCAT(b,'y')"}, 1800000},
		"blob without a key":           {[]string{"CREATE TABLE d.x (b LONGBLOB)", "INSERT INTO d.x VALUES (REPEAT('x',300000))", "UPDATE d.x SET b=CONCAT(b,'y')"}, 1200000},
		"deleted text without a key":   {[]string{"CREATE TABLE d.x (b LONGTEXT)", "INSERT INTO d.x VALUES (REPEAT('x',300000))", "DELETE FROM d.x"}, 1200000},
		"document without a key": {[]string{"CREATE TABLE d.x (j JSON, n INT)", "SET cte_max_recursion_depth=100000",
			"INSERT INTO d.x WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<50000) SELECT JSON_ARRAYAGG(12345), 1 FROM n", "DELETE FROM d.x"}, 700000},
		"altered": {[]string{"CREATE TABLE d.x (b LONGTEXT, c INT)", "INSERT INTO d.x VALUES (REPEAT('x',300000),1)", "ALTER TABLE d.x DROP COLUMN c", "DELETE FROM d.x"}, 1200000},
		"a key of its own": {[]string{"CREATE TABLE d.x (k VARCHAR(100) CHARACTER SET utf8mb4 PRIMARY KEY, b LONGTEXT)", "INSERT INTO d.x VALUES ('a',REPEAT('x',600000))",
			"UPDATE d.x SET k='b'", "SET SESSION binlog_row_image=MINIMAL", "UPDATE d.x SET b=CONCAT(b,'y')", "DELETE FROM d.x"}, 1200000},
		"diffs": {[]string{"CREATE TABLE d.x (id INT PRIMARY KEY, j JSON)", "INSERT INTO d.x VALUES (1,JSON_OBJECT('k',1,'v',REPEAT('x',600000)))", "SET SESSION binlog_row_value_options=PARTIAL_JSON",
			"UPDATE d.x SET j=JSON_SET(j,'$.k',2)"}, 1200000},
	} {
		for _, known := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, table known: %v", name, known), func(t *testing.T) {
				s := newStoryWith(t, smallPacket, "d")
				s.on("CREATE DATABASE d")
				if known {
					s.on(c.statements[0])
				}
				b := s.begin()
				b.schema("d")
				if known {
					b.table("d.x", "")
				}
				b.end()
				if known {
					s.on(c.statements[1:]...)
				} else {
					s.on(c.statements...)
				}
				mysqltest.Exec(t, s.dest, "SET GLOBAL max_allowed_packet=65536")
				s.into = s.open(s.dest, mysqltest.RestoreUser, server.Target)
				f := finding(s.plan(Wish{}), "max_allowed_packet")
				if f == nil {
					t.Fatal("nothing is foreseen")
				}
				var size, takes int
				if _, err := fmt.Sscanf(f.Message, "a row of d.x in the log needs a statement of %d bytes, the target takes %d", &size, &takes); err != nil {
					t.Fatal(f.Message, err)
				}
				t.Log(f.Message)
				if size < c.want || size > c.want+c.want/50 {
					t.Errorf("%d bytes, want %d", size, c.want)
				}
				mysqltest.Exec(t, s.dest, fmt.Sprintf("SET GLOBAL max_allowed_packet=%d", (size/1024+2)*1024))
				s.into = s.open(s.dest, mysqltest.RestoreUser, server.Target)
				_, _, err := s.restore(Wish{})
				s.must(err)
				s.same("d")
			})
		}
	}
}
