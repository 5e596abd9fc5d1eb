package rewriter

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog/event"
)

// step is one of the two of a Latest.
type step func(l *Latest, b *Batch, r *event.ImageReader, i int) error

var deletes, upserts step = (*Latest).Delete, (*Latest).Upsert

// share is what is written of one step: some of the keys.
type share struct {
	step step
	keys []int
}

// share runs one share of the steps in statements of about limit bytes.
func (b *bench) share(t *testing.T, l *Latest, sh share, limit int) error {
	t.Helper()
	var images event.ImageReader
	batch := new(Batch)
	for _, i := range sh.keys {
		if err := sh.step(l, batch, &images, i); err != nil {
			t.Fatal(err)
		}
	}
	for statement := range batch.Statements(limit) {
		counts, err := b.counts(t, string(statement.SQL))
		if err != nil {
			return fmt.Errorf("%s: %w", statement.SQL, err)
		}
		if statement.Count != Uncounted && counts[0] != int64(statement.Count) {
			return fmt.Errorf("%s: %d rows instead of %d", statement.SQL, counts[0], statement.Count)
		}
	}
	return nil
}

// TestKeyedLaneAccount: a row that is not what the log says is found, whatever happened to it
// afterwards in the same batch, and what the log itself forbids is no matter of the batch.
func TestKeyedLaneAccount(t *testing.T) {
	b := newBench(t)
	b.exec(t, "CREATE TABLE s (id INT PRIMARY KEY, v INT)", "CREATE TABLE d LIKE s", "INSERT INTO s VALUES (1,1),(2,2),(3,3)")
	b.mark(t)
	b.exec(t, "UPDATE s SET v=v+1 WHERE id=1", "UPDATE s SET v=v+1 WHERE id=1", "DELETE FROM s WHERE id=2", "INSERT INTO s VALUES (2,9)",
		"INSERT INTO s VALUES (4,4)", "DELETE FROM s WHERE id=4", "INSERT INTO s VALUES (5,5)", "UPDATE s SET id=6 WHERE id=3")
	var changes []Change
	for _, e := range b.entries(t, "s") {
		changes = append(changes, e.changes...)
	}
	table := b.table(t, "d", "d")
	for _, c := range []struct{ target, want string }{
		{"(1,1),(2,2),(3,3)", ""},
		{"(2,2),(3,3)", "DELETE FROM `w`.`d` WHERE `id` IN (1,2,3)"},
		{"(1,1),(3,3)", "DELETE FROM `w`.`d` WHERE `id` IN (1,2,3)"},
		{"(1,1),(2,2)", "DELETE FROM `w`.`d` WHERE `id` IN (1,2,3)"},
		{"(1,1),(2,2),(3,3),(5,0)", "Duplicate entry '5'"},
		{"(1,1),(2,2),(3,3),(6,0)", "Duplicate entry '6'"},
	} {
		b.exec(t, "DELETE FROM d", "INSERT INTO d VALUES "+c.target)
		l := NewLatest(table)
		for i, change := range changes {
			if err := l.Add(Account, change, Origin{Row: uint64(i)}); err != nil {
				t.Fatal(err)
			}
		}
		l.Sort()
		var all []int
		for i := range l.Len() {
			all = append(all, i)
		}
		err := b.share(t, l, share{deletes, all}, 1<<20)
		if err == nil {
			err = b.share(t, l, share{upserts, all}, 1<<20)
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("target %s: %v, want %q", c.target, err, c.want)
		}
	}
	for name, list := range map[string][]int{"insert twice": {6, 6}, "delete twice": {2, 2}, "update behind delete": {2, 2}, "move twice": {7, 7}} {
		l := NewLatest(table)
		var err error
		for _, i := range list {
			err = l.Add(Account, changes[i], Origin{})
		}
		if !errors.Is(err, ErrContradiction) {
			t.Errorf("%s: %v", name, err)
		}
		for _, i := range list {
			if err := NewLatest(table).Add(Window, changes[i], Origin{}); err != nil {
				t.Errorf("%s in the window: %v", name, err)
			}
		}
	}
}
