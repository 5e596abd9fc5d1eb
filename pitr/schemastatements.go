package pitr

import (
	"fmt"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/rewriter"
)

// database is CREATE, ALTER and DROP DATABASE.
func (d *director) database(start binlog.Position, q *event.Query, st *ddl.Statement) ([]execution, error) {
	if d.isSystem(st.Schema) || d.part == nil && !d.selected.Schema(st.Schema) {
		return nil, nil
	}
	if st.Verb == ddl.DropDatabase {
		return d.dropDatabase(start, q, st)
	}
	switch d.sides.SchemaSide(st.Schema, start) {
	case binlog.Skip:
		return nil, nil
	case binlog.Inside:
		if d.part != nil && d.part.schemas[d.foldSchema(st.Schema)] == "" {
			return nil, nil
		}
		return nil, broken(start, st.Text, fmt.Errorf("schema %s: %w", st.Schema, rewriter.ErrInWindow))
	case binlog.After:
	}
	state := d.schemas[d.foldSchema(st.Schema)]
	if st.Verb == ddl.CreateDatabase {
		if state != nil && state.exists && st.IfNotExists {
			return nil, nil
		}
		if state == nil {
			state = &schemaState{name: st.Schema, target: st.Schema}
			if d.part != nil {
				state.target = d.part.schemas[d.foldSchema(st.Schema)]
			}
			d.schemas[d.foldSchema(st.Schema)] = state
		}
		state.exists = true
	}
	if state == nil && d.part != nil && d.part.schemas[d.foldSchema(st.Schema)] == "" {
		return nil, nil
	}
	if state == nil {
		return nil, broken(start, st.Text, fmt.Errorf("schema %s: the restore has none of that name", st.Schema))
	}
	return d.defaults(start, q, st, state)
}

// defaults gives a schema the defaults of the statement. On the target it may exist already,
// because it was there before, or because DROP DATABASE leaves it until Finish.
func (d *director) defaults(start binlog.Position, q *event.Query, st *ddl.Statement, state *schemaState) ([]execution, error) {
	charset, collation := rewriter.DatabaseOptions(st.Text)
	if charset == "" && collation == "" {
		if st.Verb != ddl.CreateDatabase {
			return nil, nil // ENCRYPTION and READ ONLY: what the target's owner decides
		}
		c, ok := schema.CollationByID(q.Context.ServerCollation)
		if !ok && state.target == "" {
			return nil, nil
		}
		if !ok {
			return nil, refused(start, nil, st.Text, fmt.Errorf("the character set of schema %s is not known", st.Schema))
		}
		collation = c.Name
	}
	if collation == "" || collation == "default" {
		collation = defaultCollation(charset, q)
	}
	state.collation = collation
	if state.target == "" {
		return nil, nil // what is made in it has to know its defaults, no more
	}
	create := d.built(start, q, st, rewriter.CreateDatabase(state.target, charset, collation))
	alter := d.built(start, q, st, rewriter.AlterDatabase(state.target, charset, collation))
	create.schema, alter.schema = "", ""
	create.fenceSchema, alter.fenceSchema = state.target, state.target
	if st.Verb == ddl.CreateDatabase {
		return []execution{create, alter}, nil
	}
	return []execution{alter}, nil
}

// defaultCollation is the collation that the server took for a character set given alone.
func defaultCollation(charset string, q *event.Query) string {
	if charset == "utf8mb4" && q.Context.DefaultCollationForUTF8MB4 != 0 {
		if c, ok := schema.CollationByID(q.Context.DefaultCollationForUTF8MB4); ok {
			return c.Name
		}
	}
	if c, ok := schema.CharsetByName(charset); ok {
		return c.Default
	}
	return ""
}

// dropDatabase is R8: a DROP of each of its tables that executes. The schema itself goes in Finish.
func (d *director) dropDatabase(start binlog.Position, q *event.Query, st *ddl.Statement) ([]execution, error) {
	d.objects.dropSchema(st.Schema, start)
	var names []schema.Name
	for _, n := range d.tables() {
		if d.foldSchema(n.Schema) != d.foldSchema(st.Schema) {
			continue
		}
		switch d.sides.StatementSide(n, start) {
		case binlog.Inside:
			return nil, broken(start, st.Text, fmt.Errorf("%s: %w", n, rewriter.ErrInWindow))
		case binlog.After:
			names = append(names, n)
			delete(d.names, d.fold(n))
		case binlog.Skip:
		}
	}
	if d.sides.SchemaSide(st.Schema, start) == binlog.After {
		if s := d.schemas[d.foldSchema(st.Schema)]; s != nil {
			s.exists = false
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	e := d.built(start, q, st, rewriter.DropTables(names...))
	e.dropped, e.fenceSchema, e.schema = names, st.Schema, ""
	return []execution{e}, nil
}
