package pitr

import (
	"errors"
	"fmt"
	"slices"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/binlog/limit"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/rewriter"
	"github.com/tripod-db/tripod/storage/catalog"
)

// Causes of refused statements.
var (
	errMissing   = errors.New("the restore has no table of that name")
	errPresent   = errors.New("the restore has a table of that name already")
	errUncertain = errors.New("what the statement changes cannot be told")
)

// director decides, statement by statement in log order, what of the log's DDL is carried out
// on the target (R8). It holds the restore's own catalogue: which tables, schemas and other
// objects exist at this point because this restore made them. It is pure; plan and replay ask
// the same director the same questions.
type director struct {
	source catalog.SourceFacts
	sides  *catalog.Sides
	// selected says what is restored.
	selected *selection
	names    map[schema.Name]schema.Name // folded -> as spelled
	schemas  map[string]*schemaState     // by folded name
	objects  *objectSet
	// keyless tells whether a table has no identity: plan knows it from the manifest, replay
	// from the target's definition.
	keyless func(schema.Name) bool
	// cascades tells whether changes of a table, restored or not, may change a restored one by its foreign
	// keys: only replay knows.
	cascades func(schema.Name) bool
	// rollsBack tells whether a table takes its rows back with their transaction.
	rollsBack func(schema.Name) bool
	floor     binlog.Position
	openXA    []catalog.OpenXA
	warnings  []string
	skip      binlog.GTIDSet // of entries that are left out

	// Of a part (see part.go): part is nil where everything is restored under its own names.
	part  *part
	lives *lives
	// movedViews are the names, folded, from which the statement at hand has taken views away.
	movedViews map[schema.Name]bool
	// released are the members that are no longer needed, emptied those of which only the definition is.
	released, emptied map[life]bool
	trail             *trail // where the effects of statements are noted; nil for nowhere
}

// schemaState is one schema of the restore.
type schemaState struct {
	name      string
	target    string // its name on the target; empty where it is not restored
	exists    bool   // on the source, at this point of the log
	collation string
}

// newDirector returns the state right behind the load. p is nil where everything is restored.
func newDirector(m *catalog.Manifest, selected *selection, p *part) (*director, error) {
	d := &director{
		source: m.Source, sides: m.Sides(), selected: selected,
		names: map[schema.Name]schema.Name{}, schemas: map[string]*schemaState{},
		floor: m.Floor.Position, openXA: m.OpenXA,
	}
	classes := map[schema.Name]schema.Class{}
	for i := range m.Names {
		n := &m.Names[i]
		if n.Base != catalog.BaseRead || n.Absent || !selected.Object(n.Name) {
			continue
		}
		d.names[d.fold(n.Name)] = n.Name
		classes[d.fold(n.Name)] = schema.Class(n.Class)
	}
	d.keyless = func(n schema.Name) bool { return classes[d.fold(n)] == schema.Snapshot }
	d.rollsBack = func(n schema.Name) bool {
		class := classes[d.fold(n)]
		return class != schema.NonTransactional && class != schema.NoRows
	}
	for _, s := range m.Schemas {
		if s.Exists && selected.Schema(s.Name) {
			d.schemas[d.foldSchema(s.Name)] = &schemaState{name: s.Name, target: s.Name, exists: true, collation: s.Collation}
		}
	}
	taken := selected.object
	if p != nil {
		d.follow(m, p)
		taken = func(*object) bool { return true } // which are wanted is told at the stop point
	}
	var err error
	d.objects, err = newObjectSet(m, taken)
	return d, err
}

func (d *director) fold(n schema.Name) schema.Name { return ddl.Fold(n, d.source.LowerCaseTableNames) }

func (d *director) foldSchema(name string) string { return d.fold(schema.Name{Schema: name}).Schema }

func (d *director) isSystem(name string) bool {
	return schema.IsSystem(name, d.source.LowerCaseTableNames != 0)
}

// taken tells whether the restore has, or would have, a table of that name now.
func (d *director) taken(n schema.Name) bool {
	if d.part != nil {
		return d.member(n) != nil
	}
	return d.selected.Object(n)
}

func (d *director) exists(n schema.Name) bool {
	_, ok := d.names[d.fold(n)]
	return ok
}

// side is R2 for one name; what is not restored is skipped.
func (d *director) side(n schema.Name, start binlog.Position, st *ddl.Statement) binlog.Side {
	switch {
	case !d.taken(n):
		return binlog.Skip
	case st.Kind == ddl.DefinitionOnly:
		return d.sides.DefinitionSide(n, start)
	}
	return d.sides.StatementSide(n, start)
}

// statement returns what the target has to do for a statement of the log. The catalogue is
// changed as if all of it had been done.
func (d *director) statement(start binlog.Position, q *event.Query) (verdict, error) {
	st, err := d.logSource().Parse(q)
	if err != nil {
		return verdict{}, refused(start, nil, string(q.SQL), fmt.Errorf("%w: %w", limit.ErrText, err))
	}
	if l, ok := limit.OfStatement(st, q.ErrorCode); ok {
		if err := d.refusal(start, st.Text, l); err != nil {
			return verdict{}, err
		}
	}
	if d.part != nil {
		return d.partStatement(start, q, st)
	}
	list, err := d.executions(start, q, st)
	v := verdict{executions: list, views: d.viewsMade(st)}
	for _, p := range st.Renames {
		if d.taken(p[0]) || d.taken(p[1]) {
			v.renames = append(v.renames, p)
		}
	}
	return v, err
}

func (d *director) executions(start binlog.Position, q *event.Query, st *ddl.Statement) ([]execution, error) {
	switch st.Kind {
	case ddl.TransactionControl, ddl.Account, ddl.None:
		return nil, nil
	case ddl.Schema:
		return d.database(start, q, st)
	case ddl.OtherObject:
		if len(st.Objects) == 1 && st.Objects[0].Kind == ddl.Trigger {
			return nil, d.trigger(start, q, st)
		}
		return nil, d.object(start, q, st)
	case ddl.NotInLog:
		return nil, nil // it touched nothing of the restore that is not in what was read
	case ddl.Meaning, ddl.DefinitionOnly:
	}
	if st.Uncertain {
		return d.uncertain(start, q, st)
	}
	switch st.Verb {
	case ddl.RenameTable:
		return d.rename(start, q, st)
	case ddl.DropTable:
		return d.drop(start, q, st)
	case ddl.TruncateTable:
		return d.truncate(start, q, st)
	case ddl.CreateTable:
		return d.create(start, q, st)
	default:
		return d.alter(start, q, st)
	}
}

// verbatim is the execution of the statement as it stands in the log.
func (d *director) verbatim(start binlog.Position, q *event.Query, st *ddl.Statement) execution {
	e := d.built(start, q, st, st.Text)
	e.variables = rewriter.ContextOf(q, false)
	e.raw, e.client = slices.Clone(q.SQL), q.Context.ClientCharset
	return e
}

// edited is verbatim with some of the text replaced.
func (d *director) edited(start binlog.Position, q *event.Query, st *ddl.Statement, edits []ddl.Edit) execution {
	e := d.verbatim(start, q, st)
	if text := st.Edited(edits...); text != st.Text {
		e.text, e.raw = text, nil
	}
	return e
}

// built is the execution of a text of our own, in UTF-8, in the session context of the log's.
func (d *director) built(start binlog.Position, q *event.Query, st *ddl.Statement, text string) execution {
	e := execution{
		start: start, statement: st, text: text, client: rewriter.CollationUTF8MB4,
		variables: rewriter.ContextOf(q, true),
	}
	if s, ok := d.schemas[d.foldSchema(q.Schema)]; ok && q.Schema != "" {
		e.schema = s.target
	}
	for _, t := range st.Tables {
		e.fence = append(e.fence, t.Name)
	}
	return e
}

// uncertain carries a statement out as it stands when every table that it may touch executes,
// and skips it when none does.
func (d *director) uncertain(start binlog.Position, q *event.Query, st *ddl.Statement) ([]execution, error) {
	var touched []schema.Name
	for _, n := range d.tables() {
		if len(st.Touches(n)) > 0 {
			touched = append(touched, n)
		}
	}
	executes := 0
	for _, n := range touched {
		switch d.side(n, start, st) {
		case binlog.Inside:
			return nil, broken(start, st.Text, fmt.Errorf("%s: %w", n, rewriter.ErrInWindow))
		case binlog.After:
			executes++
		case binlog.Skip:
		}
	}
	switch executes {
	case 0:
		return nil, nil
	case len(touched):
		e := d.verbatim(start, q, st)
		e.fence, e.altered = touched, touched
		return []execution{e}, nil
	}
	return nil, refused(start, touched, st.Text, fmt.Errorf("%w: %s", errUncertain, st.Reason))
}

// tables lists the tables that exist now, in a stable order.
func (d *director) tables() []schema.Name {
	if d.part != nil {
		return d.memberTables()
	}
	list := make([]schema.Name, 0, len(d.names))
	for _, n := range d.names {
		list = append(list, n)
	}
	slices.SortFunc(list, schema.Name.Compare)
	return list
}
