package director

import (
	"maps"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/schema"
)

// What statements of the log mean for the foreign keys of a part, whose tables keep one name on the
// target: they follow by what a Verdict says.

// followed turns the pairs of a RENAME into what they are for foreign keys on the target, whatever
// of them is carried out: a table that is taken keeps its name there, and so do keys to it.
func (d *Director) followed(start binlog.Position, st *ddl.Statement, before map[schema.Name]schema.Name) (pairs [][2]schema.Name) {
	now := maps.Clone(before)
	onTarget := func(n schema.Name) schema.Name {
		if working, taken := now[d.Fold(n)]; taken {
			return working
		}
		return d.Part.renames.table(n)
	}
	for _, p := range st.Renames {
		from, to := d.Fold(p[0]), d.Fold(p[1])
		working, taken := now[from]
		source, destination := d.Sides.RenameSides(p[0], p[1], start)
		if taken && source == binlog.After && destination == binlog.After {
			delete(now, from)
			now[to] = working
			// A foreign key that was there before its parent refers to it now.
			if plain := d.Part.renames.table(p[1]); plain != working {
				pairs = append(pairs, [2]schema.Name{plain, working})
			}
			continue
		}
		if a, b := onTarget(p[0]), onTarget(p[1]); a != b {
			pairs = append(pairs, [2]schema.Name{a, b})
		}
		if source == binlog.After {
			delete(now, from)
		}
	}
	return pairs
}

// adopted lists new tables with the names that foreign keys have which were there before them: those
// refer to them now.
func (d *Director) adopted(effects []effect) (pairs [][2]schema.Name) {
	for _, e := range effects {
		if e.kind != made && e.kind != copied {
			continue
		}
		if m, plain := d.active(e.life), d.Part.renames.table(e.to); m != nil && m.Working != plain {
			pairs = append(pairs, [2]schema.Name{plain, m.Working})
		}
	}
	return pairs
}

// resolved tells, behind a statement, of the names whose table it has changed what they were on the
// target in front of it, and what they are now.
func (d *Director) resolved(st *ddl.Statement, effects []effect, before map[schema.Name]schema.Name) map[schema.Name]schema.Name {
	var names []schema.Name
	for _, p := range st.Renames {
		names = append(names, p[0], p[1])
	}
	for _, e := range effects {
		if e.kind == made || e.kind == copied {
			names = append(names, e.to)
		}
	}
	changed := map[schema.Name]schema.Name{}
	for _, n := range names {
		was, taken := before[d.Fold(n)]
		if !taken {
			was = d.Part.renames.table(n)
		}
		if is := d.OnTarget(n); is != was {
			changed[d.Fold(was)] = is
		}
	}
	return changed
}

// sidesBefore tells on which side the definition of a table of the target lies, by the name that
// it has on the source in front of the statement.
func (d *Director) sidesBefore(start binlog.Position, st *ddl.Statement) func(schema.Name) binlog.Side {
	if len(st.Renames) == 0 { // the names stay, and hardly anybody asks
		return func(n schema.Name) binlog.Side {
			if name, ok := d.OnSource(n); ok {
				return d.Sides.DefinitionSide(name, start)
			}
			return binlog.After
		}
	}
	sides := map[schema.Name]binlog.Side{}
	for id, n := range d.lives.now {
		if m := d.active(id); m != nil {
			sides[d.Fold(m.Working)] = d.Sides.DefinitionSide(n, start)
		}
	}
	return func(n schema.Name) binlog.Side { return sides[d.Fold(n)] }
}
