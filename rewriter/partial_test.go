package rewriter

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog/event"
)

// partialTable has of every kind of column what images may leave out.
const partialTable = "(id INT AUTO_INCREMENT PRIMARY KEY, v INT DEFAULT 3, u CHAR(36) DEFAULT (UUID()), n INT NOT NULL, s VARCHAR(9) NOT NULL, e ENUM('q','r') NOT NULL," +
	" ts TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6), d DATETIME NOT NULL, tx TEXT, j JSON, x DOUBLE DEFAULT (RAND()), c VARCHAR(5) DEFAULT 'a''b'," +
	" g INT AS (v+1) STORED, h INT AS (v*2) VIRTUAL)"

// partialWork is what sessions with partial images do to a table s.
var partialWork = []string{
	"INSERT INTO s () VALUES ()", "INSERT INTO s (v,s) VALUES (7,'x'),(8,'y')", "INSERT INTO s (id,j,tx) VALUES (10,'{\"a\": 1, \"l\": [1,2,3], \"long\": \"text that is not changed\"}',REPEAT('t',50))",
	"INSERT INTO s (id,v,u) SELECT id+20,v,u FROM s WHERE id<3",
	"UPDATE s SET v=v+1", "UPDATE s SET tx='other' WHERE id=10", "UPDATE s SET n=4, c=NULL WHERE id IN (1,2)", "UPDATE s SET j=JSON_SET(j,'$.a',2,'$.b','two'), n=9 WHERE id=10",
	"UPDATE s SET j=JSON_REMOVE(JSON_ARRAY_INSERT(j,'$.l[1]','new'),'$.a') WHERE id=10", "UPDATE s SET id=11, s='moved' WHERE id=10", "UPDATE s SET v=0 WHERE id=11", "UPDATE s SET ts='2026-01-01 00:00:00' WHERE id=1",
	"DELETE FROM s WHERE id=2", "INSERT INTO s (id,v) VALUES (2,5)", "REPLACE INTO s (id,n) VALUES (3,3)", "INSERT INTO s (id) VALUES (1) ON DUPLICATE KEY UPDATE v=99", "UPDATE s SET e=2, s='z' WHERE id>1", "DELETE FROM s WHERE id=21",
}

// changesOf are the changes of s since mark.
func (b *bench) changesOf(t testing.TB) (list []Change) {
	t.Helper()
	for _, e := range b.entries(t, "s") {
		list = append(list, e.changes...)
	}
	return list
}

func (b *bench) must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestPartialImages: whatever the images of a session lack, the target holds what the source holds,
// in the ordered lane and in the keyed one, under the account.
func TestPartialImages(t *testing.T) {
	b := newBench(t)
	for _, image := range []string{"MINIMAL", "NOBLOB", "FULL"} {
		for _, options := range []string{"", "PARTIAL_JSON"} {
			b.exec(t, "DROP TABLE IF EXISTS s, d, k", "CREATE TABLE s "+partialTable, "CREATE TABLE d LIKE s", "CREATE TABLE k LIKE s")
			b.mark(t)
			b.exec(t, "SET SESSION sql_mode='NO_AUTO_VALUE_ON_ZERO', SESSION binlog_row_image="+image+", SESSION binlog_row_value_options='"+options+"', SESSION timestamp=1700000000")
			b.exec(t, partialWork...)
			b.exec(t, "SET SESSION sql_mode='STRICT_ALL_TABLES,ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO', SESSION binlog_row_image=FULL, SESSION binlog_row_value_options='', SESSION timestamp=DEFAULT")
			changes := b.changesOf(t)
			b.must(t, b.inOrder(t, b.table(t, "d", "d"), changes))
			b.must(t, b.byKey(t, b.table(t, "k", "k"), changes))
			want := b.rows(t, "SELECT * FROM s ORDER BY id")
			for _, name := range []string{"d", "k"} {
				if got := b.rows(t, "SELECT * FROM "+name+" ORDER BY id"); !slices.Equal(got, want) {
					t.Errorf("%s %s %s:\n%s\nwant\n%s", image, options, name, strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
			}
			if len(want) < 5 {
				t.Fatalf("%q", want)
			}
		}
	}
}

// TestPartialImagesOfTriggersAndGeneratedKeys: the image has what a trigger sets beside the statement, and the key
// that follows from another column.
func TestPartialImagesOfTriggersAndGeneratedKeys(t *testing.T) {
	b := newBench(t)
	b.exec(t, "CREATE TABLE s (a INT, g INT AS (a+1) STORED NOT NULL PRIMARY KEY, v INT DEFAULT 3, w INT DEFAULT 4, z TEXT, h INT AS (w+1) VIRTUAL)", "CREATE TABLE d LIKE s", "CREATE TABLE k LIKE s",
		"CREATE TABLE o (a INT PRIMARY KEY, n INT)", "INSERT INTO o VALUES (1,100),(2,200),(3,300)",
		"CREATE TRIGGER i BEFORE INSERT ON s FOR EACH ROW BEGIN IF NEW.a>2 THEN SET NEW.v=NEW.a*10; END IF; END",
		"CREATE TRIGGER u BEFORE UPDATE ON s FOR EACH ROW BEGIN IF NEW.a>1 THEN SET NEW.w=OLD.w+1, NEW.z=CONCAT('u',OLD.w); END IF; END")
	b.mark(t)
	b.exec(t, "SET SESSION binlog_row_image=MINIMAL", "INSERT INTO s (a) VALUES (1),(2),(3),(4)", "INSERT INTO s (a,v) VALUES (1,5),(7,7) ON DUPLICATE KEY UPDATE z='dup'",
		"UPDATE s JOIN o USING (a) SET s.v=o.n, o.n=o.n+1", "REPLACE INTO s (a,z) VALUES (2,'again')", "UPDATE s SET a=a+100 WHERE a>3", "UPDATE s SET v=0 WHERE a>100", "INSERT INTO s (a) SELECT a+20 FROM o",
		"DELETE FROM s WHERE a=21", "SET SESSION binlog_row_image=FULL")
	changes := b.changesOf(t)
	b.must(t, b.inOrder(t, b.table(t, "d", "d"), changes))
	b.must(t, b.byKey(t, b.table(t, "k", "k"), changes))
	want := b.rows(t, "SELECT * FROM s")
	for _, name := range []string{"d", "k"} {
		if got := b.rows(t, "SELECT * FROM "+name); !slices.Equal(got, want) || len(want) != 7 {
			t.Errorf("%s:\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// inOrder replays changes as the ordered lane does, and checks every count.
func (b *bench) inOrder(t testing.TB, table *Table, changes []Change) error {
	t.Helper()
	batch := NewBatch(true)
	for i, c := range changes {
		if err := batch.Add(table, Account, c, Origin{Row: uint64(i)}); err != nil {
			return err
		}
	}
	return b.counted(t, batch)
}

func (b *bench) counted(t testing.TB, batch *Batch) error {
	t.Helper()
	for s := range batch.Statements(1 << 16) {
		counts, err := b.counts(t, string(s.SQL))
		if err != nil {
			return fmt.Errorf("%s: %w", s.SQL, err)
		}
		if s.Count != Uncounted && counts[0] != int64(s.Count) {
			return fmt.Errorf("%s: %d rows instead of %d", s.SQL, counts[0], s.Count)
		}
	}
	return nil
}

// byKey replays changes as the keyed lane does; what needs order passes alone.
func (b *bench) byKey(t testing.TB, table *Table, changes []Change) error {
	t.Helper()
	l := NewLatest(table)
	flush := func() error {
		l.Sort()
		var images event.ImageReader
		for _, s := range []step{deletes, upserts} {
			batch := new(Batch)
			for i := range l.Len() {
				if err := s(l, batch, &images, i); err != nil {
					return err
				}
			}
			if err := b.counted(t, batch); err != nil {
				return err
			}
		}
		l = NewLatest(table)
		return nil
	}
	for i, c := range changes {
		err := l.Add(Account, c, Origin{Row: uint64(i)})
		if errors.Is(err, ErrNeedsOrder) {
			if err = flush(); err == nil {
				err = b.inOrder(t, table, changes[i:i+1])
			}
		}
		if err != nil {
			return err
		}
	}
	return flush()
}

// TestPartialImagesThatDoNotTell: without the key, or without a constant default, a change is refused.
func TestPartialImagesThatDoNotTell(t *testing.T) {
	b := newBench(t)
	b.exec(t, "CREATE TABLE s (a INT NOT NULL, b INT NOT NULL, v INT, UNIQUE (a), UNIQUE (b))", "INSERT INTO s VALUES (1,2,3)", "CREATE TABLE other (a INT NOT NULL, b INT PRIMARY KEY, v INT)",
		"CREATE TABLE moment (a INT NOT NULL, b INT NOT NULL PRIMARY KEY, v DATETIME DEFAULT CURRENT_TIMESTAMP)", "SET SESSION binlog_row_image=MINIMAL")
	b.mark(t)
	b.exec(t, "UPDATE s SET v=4", "INSERT INTO s (a,b) VALUES (5,6)", "SET SESSION binlog_row_image=FULL")
	changes := b.changesOf(t)
	for name, c := range map[string]Change{"other": changes[0], "moment": changes[1]} {
		batch := new(Batch)
		if err := batch.Add(b.table(t, name, name), Account, c, Origin{}); !errors.Is(err, ErrPartialImage) || batch.Len() != 0 {
			t.Errorf("%s: %v, %d pieces", name, err, batch.Len())
		}
	}
	if err := b.inOrder(t, b.table(t, "s", "other"), nil); err != nil {
		t.Fatal(err)
	}
}

// TestPartialImagesOfLooseRows: where the target may hold another row in the way of what a partial
// image says, that row goes; one that is not there stays away, and nothing else is touched.
func TestPartialImagesOfLooseRows(t *testing.T) {
	b := newBench(t)
	b.exec(t, "CREATE TABLE s (id INT PRIMARY KEY, u INT, w INT, v INT, UNIQUE (u), UNIQUE (w,v))", "INSERT INTO s VALUES (1,1,1,1),(2,2,2,2),(3,3,3,3)", "CREATE TABLE d LIKE s")
	b.mark(t)
	b.exec(t, "SET SESSION binlog_row_image=MINIMAL", "UPDATE s SET u=7 WHERE id=1", "UPDATE s SET w=5 WHERE id=2", "UPDATE s SET id=9 WHERE id=3", "DELETE FROM s WHERE id=2", "SET SESSION binlog_row_image=FULL")
	changes := b.changesOf(t)
	table := b.table(t, "d", "d")
	for _, c := range []struct {
		change       int
		target, want string
	}{
		{0, "(1,1,1,1),(4,7,4,4)", "1|7|1|1"},
		{0, "(1,1,1,1),(4,4,4,4)", "1|7|1|1 4|4|4|4"},
		{0, "(4,7,4,4)", "4|7|4|4"},
		{1, "(2,2,2,2),(4,4,5,2),(6,6,5,3)", "2|2|5|2 6|6|5|3"},
		{2, "(3,3,3,3),(9,9,9,9)", "9|3|3|3"},
		{3, "(4,4,4,4)", "4|4|4|4"},
	} {
		b.exec(t, "DELETE FROM d", "INSERT INTO d VALUES "+c.target)
		batch := new(Batch)
		b.must(t, batch.Add(table, Loose, changes[c.change], Origin{}))
		for s := range batch.Singles() { // the sessions of a restore have no default schema
			if _, err := b.server.Root().ExecContext(t.Context(), string(s.SQL)); err != nil {
				t.Errorf("%s: %v", s.SQL, err)
			}
		}
		if got := strings.Join(b.rows(t, "SELECT * FROM d ORDER BY id"), " "); got != c.want {
			t.Errorf("change %d on %s: %s, want %s", c.change, c.target, got, c.want)
		}
	}
}
