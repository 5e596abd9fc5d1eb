package event

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/mysqltest"
)

// standingRows returns, of the rows that a log inserts into d.t, the first column of those that no transaction takes back,
// and how many were taken back. The log is read twice, as an archive is.
func standingRows(t *testing.T, raws []rawEvent) (ids []uint32, undone int) {
	t.Helper()
	var ranges []binlog.OffsetRange
	files := map[string][]binlog.OffsetRange{}
	first := NewAssembler("m1-1")
	for _, r := range raws {
		entry, err := first.Add(r.file, r.start, r.raw)
		if err != nil {
			t.Fatal(err)
		}
		if entry != nil {
			if entry.UndoneUnclear {
				t.Fatalf("the entry at %s is unclear", entry.Start)
			}
			files[r.file] = append(files[r.file], entry.Undone...)
			ranges = append(ranges, entry.Undone...)
		}
	}
	second := NewAssembler("m1-1")
	second.Foresee(func(at binlog.Position) bool { return binlog.InRanges(files[at.File], at.Pos) })
	second.OnRows(func(_ *Entry, rows *Rows) error {
		if rows.Table.Name.String() != "d.t" {
			return nil
		}
		return rows.Each(func(_, after Image) error {
			if rows.Undone {
				undone++
				return nil
			}
			ids = append(ids, binary.LittleEndian.Uint32(after.Raw(0)))
			return nil
		})
	})
	for _, r := range raws {
		if _, err := second.Add(r.file, r.start, r.raw); err != nil {
			t.Fatalf("%v; undone: %v", err, ranges)
		}
	}
	slices.Sort(ids)
	return ids, undone
}

// TestFact8_18_WhatTransactionsTakeBack: beside a table of another engine or a temporary table a server leaves in the log
// what ROLLBACK TO and ROLLBACK undo. What stands is what the table has.
func TestFact8_18_WhatTransactionsTakeBack(t *testing.T) {
	for _, o := range []mysqltest.Options{
		{Kind: mysqltest.MariaDB1011, Relaxed: true}, {Kind: mysqltest.MySQL56, Relaxed: true}, {Relaxed: true}, {Relaxed: true, ExtraArgs: []string{"--binlog-transaction-compression=ON"}},
	} {
		t.Run(fmt.Sprint(o.Kind, o.ExtraArgs), func(t *testing.T) {
			s := mysqltest.Take(t, o)
			c := newSession(t, s)
			c.exec(t, "CREATE DATABASE d", "USE d", "CREATE TABLE t (id INT UNSIGNED PRIMARY KEY) ENGINE=InnoDB", "CREATE TABLE m (id INT) ENGINE=MyISAM")
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			w := savepointWriter{r: rand.New(rand.NewPCG(seed, 0))}
			first := beginLog(t, s)
			for range 150 {
				for _, statement := range w.transaction() {
					c.exec(t, statement)
				}
			}
			ids, undone := standingRows(t, logSince(t, s, first))
			var held []uint32
			rows, err := c.QueryContext(t.Context(), "SELECT id FROM t ORDER BY id")
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			for rows.Next() {
				var id uint32
				if err := rows.Scan(&id); err != nil {
					t.Fatal(err)
				}
				held = append(held, id)
			}
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(ids, held) {
				t.Errorf("the log leaves %d rows, the table has %d", len(ids), len(held))
			}
			if logs := o.Kind != mysqltest.MySQL97; logs != (undone > 0) {
				t.Errorf("%d rows are taken back", undone)
			}
		})
	}
}

// savepointWriter makes transactions that insert, and take back some of it.
type savepointWriter struct {
	r  *rand.Rand
	id int
}

func (w *savepointWriter) transaction() []string {
	list := []string{"BEGIN"}
	set := map[string]bool{}
	temporary := false
	for range 2 + w.r.IntN(10) {
		w.id++
		switch w.r.IntN(8) {
		case 0:
			list = append(list, fmt.Sprintf("INSERT INTO m VALUES (%d)", w.id))
		case 1:
			if temporary = !temporary; temporary {
				list = append(list, "CREATE TEMPORARY TABLE tmp (a INT)")
			} else {
				list = append(list, "DROP TEMPORARY TABLE tmp")
			}
		case 2, 3:
			n := fmt.Sprintf(pick(w.r, "a%d", "`a ``b%d`", "`c\"%d`"), w.id)
			set[n] = true
			list = append(list, "SAVEPOINT "+pick(w.r, n, strings.ToUpper(n)))
			if w.r.IntN(3) == 0 { // once more, of the same name and behind nothing
				list = append(list, "SAVEPOINT "+n)
			}
		case 4:
			if known := slices.Sorted(maps.Keys(set)); len(known) > 0 {
				// Those that were set behind it are gone; it is not known here which: begin anew.
				n := known[w.r.IntN(len(known))]
				clear(set)
				set[n] = true
				list = append(list, pick(w.r, "ROLLBACK TO ", "ROLLBACK WORK TO SAVEPOINT ")+n)
			}
		default:
			list = append(list, fmt.Sprintf("INSERT INTO t VALUES (%d)", w.id))
		}
	}
	list = append(list, pick(w.r, "COMMIT", "COMMIT", "ROLLBACK"))
	if temporary {
		list = append(list, "DROP TEMPORARY TABLE tmp")
	}
	return list
}

// TestSavepointsThatCannotBeTold: which savepoint is meant is asked of a collation where names are not of ASCII.
func TestSavepointsThatCannotBeTold(t *testing.T) {
	for _, c := range []struct {
		set  string // each behind one more row
		back string
		at   uint64
		sure bool
	}{
		{"`a` `b` `A`", "`b`", 2, true},
		{"`a` `b` `A`", "`a`", 0, false}, // the first, if a trigger has set the other
		{"`a` `b`", "`A`", 1, true},
		{"`a`", "b", 0, false},
		{"a", "`a`", 1, true},
		{"`b` \"a\"", "`a`", 2, true},
		{"`a` \"a\"", "`a`", 0, false},
		{"\"a\"\"b\"", "`a\"b`", 1, true},
		{"`ä`", "`ä`", 1, true},
		{"`ä`", "`Ä`", 0, false},
		{"`a` `ä`", "`a`", 0, false},
		{"`a` `ä` `b`", "`b`", 0, false},
	} {
		var s savepoints
		for i, name := range strings.Fields(c.set) {
			s.set([]byte(name), uint64(i+1), i+1)
		}
		if to, sure := s.back([]byte(c.back)); to.at != c.at || sure != c.sure {
			t.Errorf("%s, back to %s: %d, sure %v", c.set, c.back, to.at, sure)
		}
	}
	var s savepoints
	for i, name := range []string{"a", "b", "c", "c"} {
		s.set([]byte(name), uint64(i), 0)
	}
	if to, sure := s.back([]byte("c")); to.at != 3 || !sure { // no row lies between the two
		t.Error("c is not there")
	}
	s.release([]byte("b"))
	if _, sure := s.back([]byte("c")); sure {
		t.Error("c is there, which was set behind b")
	}
	if to, sure := s.back([]byte("a")); to.at != 0 || !sure {
		t.Error("a is not there")
	}
}
