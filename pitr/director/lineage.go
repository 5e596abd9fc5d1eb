package director

import (
	"fmt"
	"slices"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
)

// Member is a table that a part of an instance takes in: because it is wanted at the stop point,
// or because a wanted one descends from it.
type Member struct {
	// Working is what it is called on the target from the load, or from the statement that makes
	// it, to Finish, whatever names it has in the log: RENAME moves nothing there.
	Working schema.Name
	// Final is its name at the end; zero for a table that is only descended from.
	Final schema.Name
	// descendant is, at the stop point, what it is taken in for.
	descendant schema.Name
	// rows: its rows are needed, not only its definition, up to the statement at rowsUntil.
	rows      bool
	rowsUntil binlog.Position
	// until is the last statement that needs it, which takes it away from the target; the zero
	// position of both stands for the stop point.
	until binlog.Position
}

// Wanted tells whether it is asked for, rather than only descended from.
func (m *Member) Wanted() bool { return m.Final != (schema.Name{}) }

// trail is what the statements of the log did, in order.
type trail []trailed

type trailed struct {
	start binlog.Position
	effect
}

// lineage walks the log's DDL backwards from the stop point and returns every table from which a
// wanted one descends. wanted gives the final names of the lives that are wanted, now all names at
// the stop point. views are those at the stop point that were made with a star, by their names on
// the target: the definitions that the star meant are needed. It is pure.
//
// RENAME changes nothing but names: the life goes on. CREATE .. LIKE takes the definition of its
// source, not its rows; EXCHANGE PARTITION the rows of both sides.
func (t trail) lineage(wanted, now map[Life]schema.Name, views map[*Object]schema.Name) (map[Life]*Member, error) {
	members := map[Life]*Member{}
	for id, final := range wanted {
		members[id] = &Member{Final: final, descendant: now[id], rows: true}
	}
	// need takes a life in for a statement that needs it, with rows or without.
	need := func(id Life, start binlog.Position, rows bool, descendant *Member) {
		m := members[id]
		if m == nil {
			m = &Member{until: start, descendant: descendant.descendant, Working: schema.Name{Schema: home(descendant)}}
			members[id] = m
		}
		if rows && !m.rows {
			m.rows, m.rowsUntil = true, start
		}
	}
	for _, e := range slices.Backward(t) {
		m := members[e.life]
		switch e.kind {
		case lost:
			if m != nil {
				return nil, notHeld(m, e)
			}
		case copied:
			if m != nil {
				need(e.other, e.start, false, m)
			}
		case exchanged:
			other := members[e.other]
			switch {
			case m != nil && m.rows:
				need(e.other, e.start, true, m)
			case other != nil && other.rows:
				need(e.life, e.start, true, other)
			}
		case seen:
			if n, there := views[e.view]; there {
				need(e.life, binlog.Position{}, false, &Member{Final: n, descendant: e.view.Name})
			}
		case made, moved, dropped, changed, truncated:
		}
	}
	return members, nil
}

// notHeld is the fault of a table that descends from one that the backup does not hold.
func notHeld(m *Member, e trailed) error {
	f := fault.Of(e.err)
	if f.Kind != fault.KindStatement || e.to == m.descendant {
		return e.err
	}
	return fault.New(f.Code, f.Kind, fmt.Sprintf("restore to a point before %s, or from a backup that was made after it, or leave the table out: --exclude %s", e.start, schema.Patterns(m.descendant)),
		"%s descends from %s: %w", m.descendant, e.to, e.err)
}

// home is the schema in which a member lives on the target.
func home(m *Member) string {
	if m.Wanted() {
		return m.Final.Schema
	}
	return m.Working.Schema
}

// PrivatePrefix begins the names of tables that have another name in the end, or none.
const PrivatePrefix = "__tripod_"

// nameMembers gives each member the name under which it lives on the target. A wanted table that
// never had another name, whose name never was another table's, and that is not renamed, has its
// own; all others have private ones: then no foreign key and no later table can take one for the
// other.
func nameMembers(members map[Life]*Member, l *lives, stop map[Life]schema.Name) {
	for id, m := range members {
		if m.Wanted() && m.Final == stop[id] && len(l.namesOf[id]) == 1 && len(l.livesOf[l.fold(m.Final)]) == 1 {
			m.Working = m.Final
			continue
		}
		m.Working = schema.Name{Schema: home(m), Name: privateName(id, m.Final.Name)}
	}
}

// privateName is a name of ours that tells people whose table it is.
func privateName(id Life, final string) string {
	const longest = 40 // characters of the name; a server allows 64 in all
	r := []rune(final)
	if len(r) > longest {
		r = r[:longest]
	}
	name := fmt.Sprintf("%s%d", PrivatePrefix, int(id))
	if len(r) > 0 {
		name += "_" + string(r)
	}
	return name
}
