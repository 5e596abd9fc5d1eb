package rewriter

import (
	"errors"
	"slices"
	"testing"

	"github.com/tripod-db/tripod/binlog/event"
)

// TestStatementsOfRules compares the text that each rule makes of logged changes.
func TestStatementsOfRules(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		name    string
		create  string
		changes []string
		window  []string // joined
		account []string // joined
	}{
		{
			name:    "insert, update, delete by primary key",
			create:  "id INT PRIMARY KEY, v VARCHAR(10)",
			changes: []string{"INSERT INTO t VALUES (1,'a'),(2,NULL)", "UPDATE t SET v='b' WHERE id=1", "DELETE FROM t WHERE id=2"},
			window: []string{
				"REPLACE INTO `w`.`t` (`id`,`v`) VALUES (1,x'61'),(2,NULL),(1,x'62')",
				"DELETE FROM `w`.`t` WHERE `id` IN (2)",
			},
			account: []string{
				"INSERT INTO `w`.`t` (`id`,`v`) VALUES (1,x'61'),(2,NULL)",
				"UPDATE `w`.`t` SET `id`=1,`v`=x'62' WHERE `id`=1",
				"DELETE FROM `w`.`t` WHERE `id` IN (2)",
			},
		},
		{
			name:    "a key that changes is deleted first, also when only its case does",
			create:  "id VARCHAR(5) PRIMARY KEY, v INT",
			changes: []string{"INSERT INTO t VALUES ('b',1)", "UPDATE t SET id='B' WHERE id='b'"},
			window: []string{
				"REPLACE INTO `w`.`t` (`id`,`v`) VALUES (x'62',1)",
				"DELETE FROM `w`.`t` WHERE `id` IN (x'62')",
				"REPLACE INTO `w`.`t` (`id`,`v`) VALUES (x'42',1)",
			},
			account: []string{
				"INSERT INTO `w`.`t` (`id`,`v`) VALUES (x'62',1)",
				"UPDATE `w`.`t` SET `id`=x'42',`v`=1 WHERE `id`=x'62'",
			},
		},
		{
			name:    "composite key, generated columns left out",
			create:  "a INT, b BINARY(3), g INT AS (a+1), s INT AS (a+2) STORED, PRIMARY KEY (b,a)",
			changes: []string{"INSERT INTO t (a,b) VALUES (1,'x'),(2,'y')", "DELETE FROM t"},
			window: []string{
				"REPLACE INTO `w`.`t` (`a`,`b`) VALUES (1,x'780000'),(2,x'790000')",
				"DELETE FROM `w`.`t` WHERE (`b`,`a`) IN ((x'780000',1),(x'790000',2))",
			},
			account: []string{
				"INSERT INTO `w`.`t` (`a`,`b`) VALUES (1,x'780000'),(2,x'790000')",
				"DELETE FROM `w`.`t` WHERE (`b`,`a`) IN ((x'780000',1),(x'790000',2))",
			},
		},
		{
			name:    "an ENUM in a key of several columns is not compared in a list",
			create:  "e ENUM('z','m','2') NOT NULL, n INT NOT NULL, PRIMARY KEY (e,n)",
			changes: []string{"INSERT INTO t VALUES (1,1),(3,2)", "DELETE FROM t"},
			window: []string{
				"REPLACE INTO `w`.`t` (`e`,`n`) VALUES (1,1),(3,2)",
				"DELETE FROM `w`.`t` WHERE `e`=1 AND `n`=1",
				"DELETE FROM `w`.`t` WHERE `e`=3 AND `n`=2",
			},
			account: []string{
				"INSERT INTO `w`.`t` (`e`,`n`) VALUES (1,1),(3,2)",
				"DELETE FROM `w`.`t` WHERE `e`=1 AND `n`=1",
				"DELETE FROM `w`.`t` WHERE `e`=3 AND `n`=2",
			},
		},
		{
			name:    "no key: the whole image, one row",
			create:  "a INT, s VARCHAR(5), f DOUBLE",
			changes: []string{"INSERT INTO t VALUES (1,'x',-0e0)", "UPDATE t SET a=NULL", "DELETE FROM t"},
			account: []string{
				"INSERT INTO `w`.`t` (`a`,`s`,`f`) VALUES (1,x'78',-0e+00)",
				"UPDATE `w`.`t` SET `a`=NULL,`s`=x'78',`f`=-0e+00 WHERE `a`=1 AND `s`=x'78' AND CAST(`s` AS BINARY)=x'78' AND CAST(`f`*1e0 AS CHAR) IN ('-0'/*M!100000 ,'0' */) LIMIT 1",
				"DELETE FROM `w`.`t` WHERE `a` IS NULL AND `s`=x'78' AND CAST(`s` AS BINARY)=x'78' AND CAST(`f`*1e0 AS CHAR) IN ('-0'/*M!100000 ,'0' */) LIMIT 1",
			},
		},
		{
			name:    "a nullable unique key is no identity",
			create:  "a INT UNIQUE, b INT NOT NULL",
			changes: []string{"INSERT INTO t VALUES (1,2)", "DELETE FROM t"},
			account: []string{
				"INSERT INTO `w`.`t` (`a`,`b`) VALUES (1,2)",
				"DELETE FROM `w`.`t` WHERE `a`=1 AND `b`=2 LIMIT 1",
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.exec(t, "DROP TABLE IF EXISTS t", "CREATE TABLE t ("+c.create+")")
			b.mark(t)
			b.exec(t, c.changes...)
			table := b.table(t, "t", "t")
			for _, r := range []struct {
				rule Rule
				want []string
			}{{Window, c.window}, {Account, c.account}} {
				batch := new(Batch)
				for _, e := range b.entries(t, "t") {
					for _, change := range e.changes {
						err := batch.Add(table, r.rule, change, Origin{})
						if r.rule == Window && !table.Keyed() {
							if !errors.Is(err, ErrKeylessWindow) {
								t.Fatalf("R5: a keyless change in the window: %v", err)
							}
							continue
						}
						if err != nil {
							t.Fatal(err)
						}
					}
				}
				if _, got := statements(batch); !slices.Equal(got, r.want) {
					t.Errorf("rule %d:\n got %q\nwant %q", r.rule, got, r.want)
				}
			}
		})
	}
}

// TestStatementsAreBounded: a statement never grows beyond the limit unless a single row does.
func TestStatementsAreBounded(t *testing.T) {
	b := newBench(t)
	b.exec(t, "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(100))")
	b.mark(t)
	b.exec(t, "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<500) SELECT i, REPEAT('x', i%100) FROM n")
	table, batch := b.table(t, "t", "t"), new(Batch)
	changes := b.entries(t, "t")[0].changes
	for i, c := range changes {
		if err := batch.Add(table, Account, c, Origin{Row: uint64(i)}); err != nil {
			t.Fatal(err)
		}
	}
	const limit = 2000
	rows := 0
	for s := range batch.Statements(limit) {
		if len(s.SQL) > limit+200 {
			t.Errorf("a statement of %d bytes, the limit is %d", len(s.SQL), limit)
		}
		if s.Count != s.Rows || s.First.Row != uint64(rows) || s.Last.Row != uint64(rows+s.Rows-1) {
			t.Errorf("count %d of %d rows, from %d to %d behind %d", s.Count, s.Rows, s.First.Row, s.Last.Row, rows)
		}
		rows += s.Rows
	}
	if rows != len(changes) || rows != 500 {
		t.Errorf("%d rows in statements, %d changes", rows, len(changes))
	}
}

// TestImagesOfAnotherShapeAreRefused: rows are never laid over a definition by guess (R7).
func TestR7ImagesOfAnotherShapeAreRefused(t *testing.T) {
	b := newBench(t)
	b.exec(t, "CREATE TABLE t (id INT PRIMARY KEY, v INT)", "CREATE TABLE u (id INT PRIMARY KEY)")
	b.mark(t)
	b.exec(t, "INSERT INTO t VALUES (1,1)")
	err := new(Batch).Add(b.table(t, "u", "u"), Account, b.entries(t, "t")[0].changes[0], Origin{})
	if !errors.Is(err, event.ErrIncompatible) {
		t.Errorf("%v", err)
	}
}
