package history

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
)

// ddl runs statements that change definitions, one at a time.
type ddl struct {
	conn  *sql.Conn
	db    *sql.DB
	live  *live
	r     *rand.Rand
	count int // names made so far
	// anywhere, meeting and inPlace are decks: what is not drawn since their last shuffle, so that
	// every kind comes up.
	anywhere, meeting, inPlace []kind
	// done are the statements that succeeded, in order.
	done []string
	// definitionOnly are those of them that change no row and no column list.
	definitionOnly map[string]bool
	// counters lose the tables whose counter may have been set back.
	counters map[name]uint64
}

// kind of DDL: a list of statements for a table as it is now.
type kind struct {
	name string
	make func(d *ddl, n name, columns []column) []string
	is   nature
}

// nature says what a kind may do.
type nature int

const (
	meaning        nature = 1 << iota // changes what rows under the table's name mean
	staying                           // of those, what leaves the table under its name: no log makes up for a second read
	definitionOnly                    // changes no row and no column list
	setsBack                          // may set the table's counter back, or give its name to another table
	counting                          // is for a table with an AUTO_INCREMENT column
	idling                            // changes nothing
)

// kinds of all DDL. Those that change what rows mean are also aimed at tables being read.
var kinds = []kind{
	{"add column", addColumn, meaning | staying}, {"add column", addColumn, meaning | staying}, {"drop column", dropColumn, meaning | staying},
	{"modify column", modifyColumn, meaning | staying}, {"rename column", renameColumn, meaning | staying}, {"index", index, definitionOnly},
	{"unique", unique, meaning | staying}, {"comment", comment, definitionOnly}, {"default", setDefault, definitionOnly},
	{"counter", setCounter, definitionOnly | setsBack | counting}, {"counting column", countingColumn, meaning | staying | counting},
	{"rebuild", rebuild, meaning | staying}, {"truncate", truncate, meaning | staying | setsBack}, {"rename", rename, meaning | setsBack},
	{"rename", rename, meaning | setsBack}, {"swap", swap, meaning | setsBack}, {"swap", swap, meaning | setsBack},
	{"drop", drop, setsBack}, {"recreate", recreate, meaning | setsBack}, {"create", create, 0}, {"like", like, 0}, {"select", createSelect, 0},
	{"database", database, 0}, {"charset", charset, 0}, {"convert", convert, meaning | staying},
	{"view", view, 0}, {"routine", routine, 0}, {"trigger", trigger, 0}, {"event", event, 0}, {"partition", partition, setsBack}, {"idle", idle, idling},
}

func newDDL(ctx context.Context, db *sql.DB, l *live, r *rand.Rand, counters map[name]uint64) (*ddl, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect for DDL: %w", err)
	}
	if _, err := conn.ExecContext(ctx, "SET NAMES utf8mb4, lock_wait_timeout=3, sql_mode='ALLOW_INVALID_DATES'"); err != nil {
		return nil, fmt.Errorf("set the session for DDL: %w", err)
	}
	return &ddl{conn: conn, db: db, live: l, r: r, counters: counters, definitionOnly: map[string]bool{}}, nil
}

func (d *ddl) close() error { return d.conn.Close() }

// draw takes the next kind of a deck, which is shuffled anew when it is empty.
func (d *ddl) draw(deck *[]kind, is nature) kind {
	for len(*deck) == 0 {
		for _, i := range d.r.Perm(len(kinds)) {
			if kinds[i].is&is == is {
				*deck = append(*deck, kinds[i])
			}
		}
	}
	k := (*deck)[0]
	*deck = (*deck)[1:]
	return k
}

// step runs one kind of DDL on one table; it returns how many statements changed something.
// What the server refuses (a column that a generated one needs, a duplicate) is no failure.
func (d *ddl) step(ctx context.Context) (int, error) {
	k := d.draw(&d.anywhere, 0)
	var names []name
	for _, n := range d.live.names() {
		if _, ok := counted(d.live.columns(n)); ok || k.is&counting == 0 {
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
		if ok, err := d.change(ctx, d.draw(deck, is), n); ok > 0 || err != nil {
			return ok, err
		}
	}
	return 0, nil
}

func (d *ddl) change(ctx context.Context, k kind, n name) (int, error) {
	ran, counted := 0, 0
	for _, s := range k.make(d, n, d.live.columns(n)) {
		_, err := d.conn.ExecContext(ctx, s)
		if isLost(err) {
			return counted, fmt.Errorf("%s: %w", s, err)
		}
		if err != nil {
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
	if k.is&setsBack != 0 {
		delete(d.counters, n)
	}
	return counted, d.live.refresh(ctx, d.db)
}
