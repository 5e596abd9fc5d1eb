package history

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// ddl runs statements that change definitions, one at a time.
type ddl struct {
	run     *run
	session *session
	kinds   []kind
	r       *rand.Rand
	count   int // names made so far
	// anywhere, meeting and inPlace are decks: what is not drawn since their last shuffle, so that
	// every kind comes up.
	anywhere, meeting, inPlace []kind
	// done are the statements that succeeded, in order.
	done []string
	// definitionOnly are those of them that change no row and no column list.
	definitionOnly map[string]bool
	phase          string // of the backup
}

// kind of DDL: a list of statements for a table as it is now, none where it does not fit.
type kind struct {
	name    string
	make    func(d *ddl, n name, columns []column) []string
	is      nature
	feature string // filled in
}

// nature says what a kind may do.
type nature int

const (
	meaning        nature = 1 << iota // changes what rows under the table's name mean
	staying                           // of those, what leaves the table under its name: no log makes up for a second read
	definitionOnly                    // changes no row and no column list
	setsBack                          // may set the table's counter back, or give its name to another table
	counting                          // is for a table with an AUTO_INCREMENT column
	idling                            // changes no definition
	once                              // is too dear to come twice
)

func (h *run) newDDL(ctx context.Context, r *rand.Rand) (*ddl, error) {
	s, err := h.open(ctx, "ddl", "SET NAMES utf8mb4, lock_wait_timeout=3, sql_mode='ALLOW_INVALID_DATES'")
	if err != nil {
		return nil, err
	}
	return &ddl{run: h, session: s, kinds: h.features.kinds(), r: r, definitionOnly: map[string]bool{}, phase: beforePhase}, nil
}

func (d *ddl) close() { d.session.close() }

// draw takes the next kind of a deck, which is shuffled anew when it is empty. There may be none.
func (d *ddl) draw(deck *[]kind, is nature) (kind, bool) {
	if len(*deck) == 0 {
		for _, i := range d.r.Perm(len(d.kinds)) {
			if d.kinds[i].is&is == is {
				*deck = append(*deck, d.kinds[i])
			}
		}
	}
	if len(*deck) == 0 {
		return kind{}, false
	}
	k := (*deck)[0]
	*deck = (*deck)[1:]
	return k, true
}

// step runs one kind of DDL on one table; it returns how many statements changed something.
// What the server refuses (a column that a generated one needs, a duplicate) is no failure.
func (d *ddl) step(ctx context.Context) (int, error) {
	k, ok := d.draw(&d.anywhere, 0)
	if !ok {
		return 0, nil
	}
	return d.somewhere(ctx, k)
}

// somewhere runs a kind on any table that it may fit.
func (d *ddl) somewhere(ctx context.Context, k kind) (int, error) {
	var names []name
	for _, n := range d.run.live.names() {
		if _, ok := counted(d.run.live.columns(n)); ok || k.is&counting == 0 {
			names = append(names, n)
		}
	}
	if len(names) == 0 {
		return 0, nil
	}
	return d.change(ctx, k, names[d.r.IntN(len(names))])
}

// meet changes what the rows of a table mean that is being read: one kind, or another where the
// server refuses that. It may go away or be replaced, unless it has to stay.
func (d *ddl) meet(ctx context.Context, n name, stay bool) (int, error) {
	deck, is := &d.meeting, meaning
	if stay {
		deck, is = &d.inPlace, staying
	}
	for range 4 {
		k, some := d.draw(deck, is)
		if !some {
			return 0, nil
		}
		if ok, err := d.change(ctx, k, n); ok > 0 || err != nil {
			return ok, err
		}
	}
	return 0, nil
}

// owedTries is on how many tables a feature's DDL is tried that was not carried out so far.
const owedTries = 25

// owed carries out what is owed to features: one kind at least of each that has any.
func (d *ddl) owed(ctx context.Context) error {
	for _, f := range d.run.features {
		for try := 0; len(f.DDL) > 0 && d.run.census.of(f.Name, byDDL) == 0; try++ {
			if try == owedTries {
				break // the census tells
			}
			k := f.DDL[try%len(f.DDL)]
			k.feature = f.Name
			if _, err := d.somewhere(ctx, k); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *ddl) change(ctx context.Context, k kind, n name) (int, error) {
	statements := k.make(d, n, d.run.live.columns(n))
	before, err := d.run.counterBefore(ctx, k, n)
	if err != nil {
		return 0, err
	}
	ran, counted := 0, 0
	for _, s := range statements {
		err := d.session.exec(ctx, s)
		if isLost(err) {
			return counted, fmt.Errorf("%s: %w", s, err)
		}
		if err != nil {
			d.run.logf("refused: %.80s: %v", s, err)
			break
		}
		ran++
		d.done = append(d.done, s)
		if k.is&definitionOnly != 0 {
			d.definitionOnly[s] = true
		}
		if k.is&idling == 0 && !strings.HasPrefix(s, "INSERT") {
			counted++
		}
	}
	if ran == 0 {
		return 0, nil
	}
	if ran == len(statements) {
		d.run.census.changed(k.feature, d.phase)
		if k.is&once != 0 {
			d.kinds = slices.DeleteFunc(d.kinds, func(other kind) bool { return other.name == k.name })
		}
	}
	if k.is&setsBack != 0 {
		// Some kinds take another table than the one that was drawn.
		for _, other := range append([]name{n}, slices.Collect(maps.Keys(d.run.counters))...) {
			if other == n || strings.Contains(strings.Join(statements, ";"), other.String()) {
				delete(d.run.counters, other)
				d.run.record.mark(markNoCount, other)
			}
		}
	}
	if err := d.run.live.refresh(ctx, d.run.source, d.run.kind()); err != nil {
		return counted, err
	}
	return counted, d.run.fall(ctx, k, n, before, strings.Join(statements, ";"))
}
