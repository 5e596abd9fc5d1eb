package pitr

import (
	"context"
	"fmt"
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/pitr/checkpoint"
	"github.com/tripod-db/tripod/pitr/director"
)

// A RENAME changes definitions that it does not name: the foreign keys of the children follow
// the parent, also under foreign_key_checks=0 (measured). On the target they follow only what
// is renamed there, and each child's definition was read at a moment of its own. So whenever
// the log renames tables, the parents of every child's foreign keys are brought to what they
// became on the source:
//
//	child's definition read before the statement   the parent's new name
//	behind it                                      what was read
//
// whether or not the RENAME itself is carried out for these names. In a part tables keep one name on
// the target, and what was read behind the statement refers by the names on the source: it is
// brought to the table that has the name from then on (resolved).

// parentMove is one foreign key whose parent is not what the target makes of it.
type parentMove struct {
	child  *table
	key    string
	parent schema.Name // what it has to be
	clause string      // that makes it so
}

func noteMoves(moves []parentMove) []checkpoint.ParentNote {
	list := make([]checkpoint.ParentNote, len(moves))
	for i, m := range moves {
		list[i] = checkpoint.ParentNote{Child: m.child.Name, Key: m.key, Parent: m.parent, Clause: m.clause}
	}
	return list
}

func (s *tableSet) noted(moves []checkpoint.ParentNote) (list []parentMove, err error) {
	for _, m := range moves {
		child := s.get(m.Child)
		if child == nil {
			return nil, fmt.Errorf("%s: %w", m.Child, director.ErrMissing)
		}
		list = append(list, parentMove{child, m.Key, m.Parent, m.Clause})
	}
	return list, nil
}

// renamedTo follows a name through renames, left to right.
func (s *tableSet) renamedTo(n schema.Name, pairs [][2]schema.Name) schema.Name {
	for _, p := range pairs {
		if s.fold(p[0]) == s.fold(n) {
			n = p[1]
		}
	}
	return n
}

// parentMoves lists what has to be done about the foreign keys of all children when the log
// renames pairs and the target renames executed: before the statements run, and behind them.
func (s *tableSet) parentMoves(pairs, executed [][2]schema.Name, resolved map[schema.Name]schema.Name, definitionSide func(schema.Name) binlog.Side) (before, behind []parentMove, err error) {
	for _, t := range s.sorted() {
		for i := range t.def.ForeignKeys {
			f := &t.def.ForeignKeys[i]
			wanted := s.renamedTo(f.Parent, pairs)
			byName, isResolved := resolved[s.fold(f.Parent)]
			if s.fold(wanted) == s.fold(f.Parent) && s.fold(s.renamedTo(f.Parent, executed)) == s.fold(f.Parent) && !isResolved {
				continue
			}
			if definitionSide(t.Name) == binlog.Skip {
				wanted = f.Parent
				if isResolved {
					wanted = byName
				}
			}
			made := s.renamedTo(f.Parent, executed)
			if s.fold(made) == s.fold(wanted) {
				continue
			}
			move := parentMove{child: t, key: f.Name, parent: wanted}
			if move.clause, err = foreignKeyClause(t.def, f.Name, wanted); err != nil {
				return nil, nil, err
			}
			switch {
			case s.fold(made) == s.fold(f.Parent):
				// Before: another table may take the old name, and the foreign key with it.
				before = append(before, move)
			default:
				behind = append(behind, move)
			}
		}
	}
	return before, behind, nil
}

// partings lists the foreign keys to tables that are taken away, with the names that these have on
// the source, or had: the private ones end with them.
func (s *tableSet) partings(pairs [][2]schema.Name) (moves []parentMove, err error) {
	for _, p := range pairs {
		if s.fold(p[0]) == s.fold(p[1]) {
			continue
		}
		for _, t := range s.sorted() {
			for i := range t.def.ForeignKeys {
				f := &t.def.ForeignKeys[i]
				if s.fold(f.Parent) != s.fold(p[0]) || s.fold(t.Name) == s.fold(p[0]) {
					continue
				}
				move := parentMove{child: t, key: f.Name, parent: p[1]}
				if move.clause, err = foreignKeyClause(t.def, f.Name, p[1]); err != nil {
					return nil, err
				}
				moves = append(moves, move)
			}
		}
	}
	return moves, nil
}

// moveParent makes a foreign key refer to another table. again: a killed run may have taken it
// away already, or come to the end.
func (s *tableSet) moveParent(ctx context.Context, m parentMove, again bool) error {
	const errCannotDrop = 1091
	alter := "ALTER TABLE " + m.child.Name.Quoted()
	// Not as one statement: error 1826, the name would be there twice.
	err := s.reader.Exec(ctx, alter+" DROP FOREIGN KEY "+schema.Quote(m.key))
	if again && server.ErrorNumber(err) == errCannotDrop {
		err = nil
	}
	if err == nil {
		err = s.reader.Exec(ctx, alter+" "+m.clause)
	}
	if err != nil {
		return fmt.Errorf("let foreign key %s of %s follow its parent to %s: %w", m.key, m.child.Name, m.parent, err)
	}
	return s.read(ctx, m.child.Name)
}

// foreignKeyClause returns ADD CONSTRAINT for a foreign key of a definition, with another parent.
func foreignKeyClause(def *schema.Table, key string, parent schema.Name) (string, error) {
	st, err := ddl.Parse([]byte(def.Create), ddl.Session{Schema: def.Name.Schema})
	if err != nil {
		return "", fmt.Errorf("read the definition of %s: %w", def.Name, err)
	}
	var parents []ddl.TableRef
	for _, t := range st.Tables {
		if t.Role == ddl.Parent {
			parents = append(parents, t)
		}
	}
	if len(parents) != len(def.ForeignKeys) {
		return "", fmt.Errorf("read the foreign keys of %s: %d found, %d expected", def.Name, len(parents), len(def.ForeignKeys))
	}
	for i := range def.ForeignKeys {
		if def.ForeignKeys[i].Name == key {
			edited := st.Edited(ddl.Edit{Start: parents[i].Start, End: parents[i].End, Text: parent.Quoted()})
			if st, err = ddl.Parse([]byte(edited), ddl.Session{Schema: def.Name.Schema}); err != nil {
				return "", fmt.Errorf("read the definition of %s: %w", def.Name, err)
			}
		}
	}
	_, clauses, err := st.WithoutForeignKeys()
	if err != nil {
		return "", fmt.Errorf("read the foreign keys of %s: %w", def.Name, err)
	}
	for _, c := range clauses {
		if strings.HasPrefix(c, "ADD CONSTRAINT "+schema.Quote(key)+" ") {
			return c, nil
		}
	}
	return "", fmt.Errorf("foreign key %s of %s is not in its definition", key, def.Name)
}

// readChildren reads again the definitions of tables whose foreign keys a RENAME has moved.
func (s *tableSet) readChildren(ctx context.Context, executed [][2]schema.Name) error {
	for _, t := range s.sorted() {
		if t.def == nil {
			continue // is read later
		}
		for i := range t.def.ForeignKeys {
			if p := t.def.ForeignKeys[i].Parent; s.fold(s.renamedTo(p, executed)) != s.fold(p) {
				if err := s.read(ctx, t.Name); err != nil {
					return err
				}
				break
			}
		}
	}
	return nil
}
