package director

import (
	"cmp"
	"fmt"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/rewriter"
)

// database is CREATE, ALTER and DROP DATABASE; of a part, what these do to the schema itself.
func (d *Director) database(start binlog.Position, q *event.Query, st *ddl.Statement) ([]Execution, error) {
	if d.isSystem(st.Schema) || d.Part == nil && !d.selected.Schema(st.Schema) {
		return nil, nil
	}
	var dropped []Execution
	if st.DropsSchema() && d.Part == nil {
		var err error
		if dropped, err = d.dropDatabase(start, q, st); err != nil || st.Verb == ddl.DropDatabase {
			return dropped, err
		}
	}
	switch d.Sides.SchemaSide(st.Schema, start) {
	case binlog.Skip:
		return dropped, nil
	case binlog.Inside:
		if d.Part != nil && d.Part.schemas[d.FoldSchema(st.Schema)] == "" {
			return nil, nil
		}
		return nil, Broken(start, st.Text, fmt.Errorf("schema %s: %w", st.Schema, rewriter.ErrInWindow))
	case binlog.After:
	}
	state := d.Schemas[d.FoldSchema(st.Schema)]
	if st.Verb == ddl.CreateDatabase {
		if state != nil && state.Exists && st.IfNotExists {
			return nil, nil
		}
		if state == nil {
			state = &SchemaState{Name: st.Schema, Target: st.Schema}
			if d.Part != nil {
				state.Target = d.Part.schemas[d.FoldSchema(st.Schema)]
			}
			d.Schemas[d.FoldSchema(st.Schema)] = state
		}
		state.Exists = true
	}
	if state == nil && d.Part != nil && d.Part.schemas[d.FoldSchema(st.Schema)] == "" {
		return nil, nil
	}
	if state == nil {
		return nil, Broken(start, st.Text, fmt.Errorf("schema %s: the restore has none of that name", st.Schema))
	}
	made, err := d.defaults(start, q, st, state)
	return append(dropped, made...), err
}

// defaults gives a schema the defaults of the statement. On the target it may exist already,
// because it was there before, or because DROP DATABASE leaves it until Finish.
func (d *Director) defaults(start binlog.Position, q *event.Query, st *ddl.Statement, state *SchemaState) ([]Execution, error) {
	switch {
	case st.Database.Comment != nil:
		state.Comment = *st.Database.Comment
	case st.Verb == ddl.CreateDatabase:
		state.Comment = ""
	}
	charset, collation := st.Database.Charset, st.Database.Collation
	if charset == "" && collation == "" {
		if st.Verb != ddl.CreateDatabase {
			return nil, nil // ENCRYPTION and READ ONLY: what the target's owner decides
		}
		c, ok := d.collation(q.Context.ServerCollation)
		if !ok && state.Target == "" {
			return nil, nil
		}
		if !ok {
			return nil, Refused(start, nil, st.Text, fmt.Errorf("the character set of schema %s is not known", st.Schema))
		}
		collation = c.Name
	}
	if collation == "" || collation == "default" {
		collation = d.defaultCollation(charset, q)
	}
	state.Collation = collation
	if state.Target == "" {
		return nil, nil // what is made in it has to know its defaults, no more
	}
	create := d.built(start, q, st, rewriter.CreateDatabase(state.Target, charset, collation))
	alter := d.built(start, q, st, rewriter.AlterDatabase(state.Target, charset, collation))
	create.Schema, alter.Schema = "", ""
	create.FenceSchema, alter.FenceSchema = state.Target, state.Target
	if st.Verb == ddl.CreateDatabase {
		return []Execution{create, alter}, nil
	}
	return []Execution{alter}, nil
}

// collation finds the collation of a number of the source.
func (d *Director) collation(id uint16) (schema.Collation, bool) {
	if d.source.Flavor == "mariadb" {
		return schema.MariaDBCollationByID(id)
	}
	return schema.CollationByID(id)
}

// defaultCollation is the collation that the server took for a character set given alone.
func (d *Director) defaultCollation(charset string, q *event.Query) string {
	logged := cmp.Or(q.Context.DefaultCollationForUTF8MB4, unloggedBy(d.source).CollationUTF8MB4)
	if c, ok := d.collation(logged); ok && charset == "utf8mb4" {
		return c.Name
	}
	if c, ok := schema.CharsetByName(charset); ok {
		return c.Default
	}
	return ""
}

// dropDatabase is R8: a DROP of each of its tables that executes. The schema itself goes in Finish.
func (d *Director) dropDatabase(start binlog.Position, q *event.Query, st *ddl.Statement) ([]Execution, error) {
	d.objects.dropSchema(st.Schema, start)
	var names []schema.Name
	for _, n := range d.Tables() {
		if d.FoldSchema(n.Schema) != d.FoldSchema(st.Schema) {
			continue
		}
		switch d.Sides.StatementSide(n, start) {
		case binlog.Inside:
			return nil, Broken(start, st.Text, fmt.Errorf("%s: %w", n, rewriter.ErrInWindow))
		case binlog.After:
			names = append(names, n)
			delete(d.names, d.Fold(n))
		case binlog.Skip:
		}
	}
	if d.Sides.SchemaSide(st.Schema, start) == binlog.After {
		if s := d.Schemas[d.FoldSchema(st.Schema)]; s != nil {
			s.Exists = false
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	e := d.built(start, q, st, rewriter.DropTables(names...))
	e.Dropped, e.FenceSchema, e.Schema = names, st.Schema, ""
	return []Execution{e}, nil
}
