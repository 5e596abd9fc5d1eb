package rewriter

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog/event"
)

// step is one of the two of a Latest.
type step func(l *Latest, b *Batch, r *event.ImageReader, i int) error

var deletes, upserts step = (*Latest).Delete, (*Latest).Upsert

// order says which steps of which keys come when: a list of shares, each a range of steps.
type order func(n int, r *rand.Rand) []share

type share struct {
	step step
	keys []int
}

// twoSteps is what the lane does: shards in any order inside each step.
func twoSteps(n int, r *rand.Rand) []share {
	return []share{{deletes, r.Perm(n)}, {upserts, r.Perm(n)}}
}

// naiveOrders are obvious ways of writing a Latest that lose rows. The test must see each of them
// fail (DESIGN section 8).
var naiveOrders = map[string]order{
	"each shard ends before the next begins": func(n int, r *rand.Rand) (list []share) {
		for _, i := range r.Perm(n) {
			list = append(list, share{deletes, []int{i}}, share{upserts, []int{i}})
		}
		return list
	},
	"upserts before deletes": func(n int, r *rand.Rand) []share {
		return []share{{upserts, r.Perm(n)}, {deletes, r.Perm(n)}}
	},
}

// keyed replays changes as the keyed lane does: in generations, of each key only the last image,
// by an order. rules has one rule for each change.
func (s *simulator) keyed(t *testing.T, k kind, changes []Change, rules []Rule, o order) error {
	t.Helper()
	table := s.tables[k.target()]
	for from := 0; from < len(changes); {
		l := NewLatest(table)
		to := from
		for most := from + 1 + s.r.IntN(12); to < min(most, len(changes)) && rules[to] == rules[from]; to++ {
			if err := l.Add(rules[to], changes[to], Origin{Row: uint64(to)}); err != nil {
				t.Fatal(err)
			}
		}
		from = to
		l.Sort()
		for _, sh := range o(l.Len(), s.r) {
			if err := s.share(t, l, sh, 1+s.r.IntN(2000)); err != nil {
				return err
			}
		}
	}
	return nil
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

// TestKeyedLaneConverges replays random histories of real tables through Latest: the window up to
// the source's rows at its high, and everything behind it held to account, without a false alarm.
// Orders that write the same in one step are seen to fail.
func TestKeyedLaneConverges(t *testing.T) {
	const histories = 320
	s := newSimulator(t)
	failures := map[string]int{}
	for i := range histories {
		k := kinds[i%len(kinds)]
		h := s.make(t, k)
		low, high, dump := s.window(t, h)
		var changes []Change
		var rules []Rule
		for i, e := range h.logged[low:] {
			for _, c := range e.changes {
				changes, rules = append(changes, c), append(rules, map[bool]Rule{true: Window, false: Account}[low+i < high])
			}
		}
		want := h.states[len(h.states)-1]
		try := func(o order) error {
			s.load(t, k, dump)
			if err := s.keyed(t, k, changes, rules, o); err != nil {
				return err
			}
			if got := s.target(t, k); !slices.EqualFunc(got, want, slices.Equal) {
				return fmt.Errorf("got %v, want %v", got, want)
			}
			return nil
		}
		if err := try(twoSteps); err != nil {
			t.Fatalf("history %d, %s: window (%d,%d] of %d, dump %v: %v", i, k.name, low, high, len(h.logged), dump, err)
		}
		for name, o := range naiveOrders {
			if try(o) != nil {
				failures[name]++
			}
		}
	}
	allFailed(t, naiveOrders, failures, histories)
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
