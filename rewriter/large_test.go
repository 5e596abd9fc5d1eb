package rewriter

import (
	"bytes"
	"strings"
	"testing"
)

// TestLargeChangesAreWrittenAsOthersAre: statements that refer to large values send what
// statements that hold them say, and nothing of it lies in their text.
func TestLargeChangesAreWrittenAsOthersAre(t *testing.T) {
	b := newBench(t)
	columns := " b LONGBLOB, l LONGTEXT CHARACTER SET latin1, u MEDIUMTEXT, j JSON, g GEOMETRY, v VARBINARY(60000), small VARCHAR(10))"
	b.exec(t, "CREATE TABLE keyed (id INT PRIMARY KEY,"+columns, "CREATE TABLE bare (id INT,"+columns)
	const length = 40000
	b.exec(t, "SET @points = (SELECT GROUP_CONCAT(n, ' ', n) FROM (WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM s WHERE n<10) SELECT n FROM s) x)",
		"SET @big = CAST(CONCAT('[\"', REPEAT('é\\\\\\\\', 20000), '\"]') AS JSON), @line = ST_GeomFromText(CONCAT('LINESTRING(', REPEAT(CONCAT(@points, ','), 300), '0 0)'))")
	for _, table := range []string{"keyed", "bare"} {
		b.mark(t)
		row := "REPEAT(x'00ff27', 20000), REPEAT(_latin1 x'e9', 40000), REPEAT('ü', 40000), @big, @line, REPEAT(x'00', 50000), 'x'"
		b.exec(t, "INSERT INTO "+table+" VALUES (0,"+row+"), (1, NULL, '', 'short', '1', NULL, NULL, NULL)",
			"UPDATE "+table+" SET b = REVERSE(b), small = 'y' WHERE id = 0", "UPDATE "+table+" SET id = 5 WHERE id = 0", "DELETE FROM "+table)
		to := b.table(t, table, "copy")
		for _, e := range b.entries(t, table) {
			for _, c := range e.changes {
				for _, rule := range []Rule{Window, Account} {
					if rule == Window && !to.Keyed() {
						continue
					}
					checkLarge(t, to, rule, c, c.Size() > length)
				}
			}
		}
	}
}

func checkLarge(t *testing.T, to *Table, rule Rule, c Change, large bool) {
	t.Helper()
	held := NewBatch(true)
	if err := held.Add(to, rule, c, Origin{}); err != nil {
		t.Fatal(err)
	}
	referring, err := NewLarge(true, to, rule, c, Origin{})
	if err != nil {
		t.Fatal(err)
	}
	all := func(b *Batch, refers bool) (list []string) {
		add := func(s Statement) {
			var sent bytes.Buffer
			n, err := s.WriteTo(&sent)
			if err != nil || int(n) != sent.Len() || s.Len() != sent.Len() {
				t.Errorf("a statement of %d bytes says it has %d and wrote %d (%v)", sent.Len(), s.Len(), n, err)
			}
			if refers && (!s.Large() || len(s.SQL) > 2000) || !refers && s.Large() {
				t.Errorf("a statement holds %d bytes of text (refers: %v)", len(s.SQL), s.Large())
			}
			if refers && strings.Contains(s.Brief(), "\x00") {
				t.Errorf("the text for people is %q", s.Brief())
			}
			list = append(list, sent.String())
		}
		for s := range b.Singles() {
			add(s)
			for a := range b.Alternative(s) {
				add(a)
			}
		}
		return list
	}
	want, got := all(held, false), all(referring, true)
	if strings.Join(got, ";") != strings.Join(want, ";") || len(want) == 0 {
		t.Errorf("%s by rule %d sends\n%.300q, want\n%.300q", c.kind(), rule, got, want)
	}
	if large && c.After.Exists() && len(want[len(want)-1]) < largeValue {
		t.Errorf("%s is no large statement: %.300q", c.kind(), want)
	}
}
