package director

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

// ErrMissing: a statement or row is about a table that the restore should have.
var ErrMissing = errors.New("the restore has no table of that name")

// Further causes of refused statements.
var (
	errPresent   = errors.New("the restore has a table of that name already")
	errUncertain = errors.New("what the statement changes cannot be told")
)

// Director decides, statement by statement in log order, what of the log's DDL is carried out
// on the target (R8). It holds the restore's own catalogue: which tables, schemas and other
// objects exist at this point because this restore made them. It is pure; plan and replay ask
// the same director the same questions.
type Director struct {
	source catalog.SourceFacts
	// Sides tells on which side of a place in the log what was read of a name lies (R2).
	Sides *catalog.Sides
	// selected says what is restored.
	selected *selection
	names    map[schema.Name]schema.Name // folded -> as spelled
	Schemas  map[string]*SchemaState     // by folded name
	objects  *objectSet
	// Keyless tells whether a table has no identity: plan knows it from the manifest, replay
	// from the target's definition.
	Keyless func(schema.Name) bool
	// Cascades tells whether changes of a table, restored or not, may change a restored one by its foreign
	// keys: only replay knows.
	Cascades func(schema.Name) bool
	// Class is that of a table, empty where nobody knows it: list knows that of the backup, plan follows the engines
	// of the log's statements, replay asks the target's definition.
	Class func(schema.Name) schema.Class
	floor binlog.Position
	// TargetFlavor and TargetVersion are those of the server that executes; empty where none is known.
	TargetFlavor, TargetVersion string
	// Warnings are about what the log has and the restore does not make.
	Warnings []string
	// Accounts is what the log says of users and roles behind the backup's read of them; nil where they are not
	// restored.
	Accounts *Accounts
	skip     binlog.GTIDSet // of entries that are left out

	// temporaries are those of the source's sessions.
	temporaries limit.Temporaries

	// Of a part (see part.go): Part is nil where everything is restored under its own names.
	Part  *Part
	lives *lives
	// movedViews are the names, folded, from which the statement at hand has taken views away.
	movedViews map[schema.Name]bool
	// released are the members that are no longer needed, emptied those of which only the definition is.
	released, emptied map[Life]bool
	trail             *trail // where the effects of statements are noted; nil for nowhere
	parents           []parentOf

	ancestry *ancestry // which tables cascade into others
}

// SchemaState is one schema of the restore.
type SchemaState struct {
	Name      string
	Target    string // its name on the target; empty where it is not restored
	Exists    bool   // on the source, at this point of the log
	Collation string
	Comment   string // of a MariaDB
}

// schemaState is a schema as the backup has it.
func schemaState(base *catalog.SchemaBase, target string) (*SchemaState, error) {
	s := &SchemaState{Name: base.Name, Target: target, Exists: true, Collation: base.Collation}
	made, err := ddl.Parse([]byte(base.Create), ddl.Session{})
	if err != nil {
		return nil, fmt.Errorf("read the definition of schema %s: %w", base.Name, err)
	}
	if made.Database.Comment != nil {
		s.Comment = *made.Database.Comment
	}
	return s, nil
}

// New builds the director of a scope, in front of the log; p is nil where that is no part.
func New(m *catalog.Manifest, w Scope, p *Part) (*Director, error) {
	selected, err := newSelection(w.Selection, m, foldOf(m))
	if err != nil {
		return nil, err
	}
	d, err := newDirector(m, selected, p)
	if err == nil {
		d.skip = w.SkipGTID
		d.Accounts = newAccounts(m, w)
	}
	return d, err
}

// isKeyless tells it of a table that has rows. Of class snapshot are those without a key alone.
func isKeyless(n *catalog.NameBase) bool {
	class := schema.Class(n.Class)
	return class == schema.Snapshot || class == schema.NonTransactional && n.Keyless
}

// foldOf is how the source compares names.
func foldOf(m *catalog.Manifest) func(schema.Name) schema.Name {
	return func(n schema.Name) schema.Name { return ddl.Fold(n, m.Source.LowerCaseTableNames) }
}

// newDirector returns the state right behind the load. p is nil where everything is restored.
func newDirector(m *catalog.Manifest, selected *selection, p *Part) (*Director, error) {
	d := &Director{
		source: m.Source, Sides: m.Sides(), selected: selected,
		names: map[schema.Name]schema.Name{}, Schemas: map[string]*SchemaState{},
		floor: m.Floor.Position,
	}
	classes, keyless := map[schema.Name]schema.Class{}, map[schema.Name]bool{}
	for i := range m.Names {
		n := &m.Names[i]
		if n.Base != catalog.BaseRead || n.Absent || !selected.Object(n.Name) {
			continue
		}
		d.names[d.Fold(n.Name)] = n.Name
		classes[d.Fold(n.Name)], keyless[d.Fold(n.Name)] = schema.Class(n.Class), isKeyless(n)
	}
	d.ancestry = newAncestry(d, m)
	d.Keyless = func(n schema.Name) bool { return keyless[d.Fold(n)] }
	d.Class = func(n schema.Name) schema.Class { return classes[d.Fold(n)] }
	for i := range m.Schemas {
		if s := &m.Schemas[i]; s.Exists && selected.Schema(s.Name) {
			var err error
			if d.Schemas[d.FoldSchema(s.Name)], err = schemaState(s, s.Name); err != nil {
				return nil, err
			}
		}
	}
	taken := selected.object
	if p != nil {
		if err := d.follow(m, p); err != nil {
			return nil, err
		}
		taken = func(*Object) bool { return true } // which are wanted is told at the stop point
	}
	var err error
	d.objects, err = newObjectSet(m, taken)
	return d, err
}

// Fold is a name as the source compares it: two with the same are one table.
func (d *Director) Fold(n schema.Name) schema.Name { return ddl.Fold(n, d.source.LowerCaseTableNames) }

// FoldSchema is the same of a schema, by which Schemas has them.
func (d *Director) FoldSchema(name string) string { return d.Fold(schema.Name{Schema: name}).Schema }

func (d *Director) isSystem(name string) bool {
	return schema.IsSystem(name, d.source.LowerCaseTableNames != 0)
}

// taken tells whether the restore has, or would have, a table of that name now.
func (d *Director) taken(n schema.Name) bool {
	if d.Part != nil {
		return d.member(n) != nil
	}
	return d.selected.Object(n)
}

// Exists tells whether the restore has a table of that name now. Of a part it says nothing, see RowTable.
func (d *Director) Exists(n schema.Name) bool {
	_, ok := d.names[d.Fold(n)]
	return ok
}

// side is R2 for one name; what is not restored is skipped.
func (d *Director) side(n schema.Name, start binlog.Position, st *ddl.Statement) binlog.Side {
	switch {
	case !d.taken(n):
		return binlog.Skip
	case st.Kind == ddl.DefinitionOnly:
		return d.Sides.DefinitionSide(n, start)
	}
	return d.Sides.StatementSide(n, start)
}

// statement returns what the target has to do for a statement of the log. The catalogue is
// changed as if all of it had been done.
func (d *Director) statement(start binlog.Position, q *event.Query) (Verdict, error) {
	st, err := d.LogSource().Parse(q)
	if err != nil {
		return Verdict{}, Refused(start, nil, string(q.SQL), fmt.Errorf("%w: %w", limit.ErrText, err))
	}
	d.temporaries.Settle(d.LogSource(), q, st)
	st = d.renamedOnly(start, st)
	d.ancestry.statement(start, st, q.ErrorCode)
	if l, ok := limit.OfQuery(st, q); ok {
		if err := d.Refusal(start, st.Text, l); err != nil {
			return Verdict{}, err
		}
	}
	if err := d.unknownContext(start, q, st); err != nil {
		return Verdict{}, err
	}
	if d.Part != nil {
		return d.partStatement(start, q, st)
	}
	list, err := d.executions(start, q, st)
	v := Verdict{Executions: list, Views: d.viewsMade(st)}
	for _, p := range st.Renames {
		if d.taken(p[0]) || d.taken(p[1]) {
			v.Renames = append(v.Renames, p)
		}
	}
	return v, err
}

func (d *Director) executions(start binlog.Position, q *event.Query, st *ddl.Statement) ([]Execution, error) {
	switch st.Kind {
	case ddl.TransactionControl, ddl.None:
		return nil, nil
	case ddl.Account:
		return nil, d.account(start, q, st)
	case ddl.Schema:
		return d.database(start, q, st)
	case ddl.OtherObject:
		d.Accounts.routines(start, st)
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

// verbatim is the execution of the statement as it stands in the log, without what the source read over.
func (d *Director) verbatim(start binlog.Position, q *event.Query, st *ddl.Statement) Execution {
	return d.edited(start, q, st, nil)
}

// edited is verbatim with some of the text replaced.
func (d *Director) edited(start binlog.Position, q *event.Query, st *ddl.Statement, edits []ddl.Edit) Execution {
	e := d.built(start, q, st, st.Text)
	e.Variables = d.contextOf(q, false)
	e.Raw, e.Client = slices.Clone(q.SQL), q.Context.ClientCharset
	forgotten := st.ForgottenEdits()
	edits = append(outside(edits, forgotten), forgotten...)
	edits = append(edits, outside(st.VersionedEdits(d.TargetFlavor, d.TargetVersion), edits)...)
	if text := st.Edited(edits...); text != st.Text {
		e.Text, e.Raw = text, nil
	}
	return e
}

// outside returns the edits that are not inside of one of the others.
func outside(edits, others []ddl.Edit) []ddl.Edit {
	return slices.DeleteFunc(slices.Clone(edits), func(e ddl.Edit) bool {
		return slices.ContainsFunc(others, func(o ddl.Edit) bool { return o.Start <= e.Start && e.End <= o.End && e.Start < o.End })
	})
}

// contextOf is the session context of a statement of the log (R10).
func (d *Director) contextOf(q *event.Query, converted bool) []rewriter.Variable {
	return rewriter.ContextOf(q, converted, unloggedBy(d.source))
}

func unloggedBy(source catalog.SourceFacts) rewriter.Unlogged {
	var major, minor int
	_, _ = fmt.Sscanf(source.Version, "%d.%d", &major, &minor) // a version that is none is new
	if major == 0 {
		return rewriter.Unlogged{}
	}
	return rewriter.UnloggedBy(source.Flavor == "mysql", major, minor, source.ExplicitTimestamps)
}

// built is the execution of a text of our own, in UTF-8, in the session context of the log's.
func (d *Director) built(start binlog.Position, q *event.Query, st *ddl.Statement, text string) Execution {
	e := Execution{
		Start: start, Statement: st, Text: text, Client: rewriter.CollationUTF8MB4,
		Variables: d.contextOf(q, true),
	}
	if s, ok := d.Schemas[d.FoldSchema(q.Schema)]; ok && q.Schema != "" {
		e.Schema = s.Target
	}
	for _, t := range st.Tables {
		e.Fence = append(e.Fence, t.Name)
	}
	return e
}

// uncertain carries a statement out as it stands when every table that it may touch executes,
// and skips it when none does.
func (d *Director) uncertain(start binlog.Position, q *event.Query, st *ddl.Statement) ([]Execution, error) {
	var touched []schema.Name
	for _, n := range d.Tables() {
		if len(st.Touches(n)) > 0 {
			touched = append(touched, n)
		}
	}
	executes := 0
	for _, n := range touched {
		switch d.side(n, start, st) {
		case binlog.Inside:
			return nil, Broken(start, st.Text, fmt.Errorf("%s: %w", n, rewriter.ErrInWindow))
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
		e.Fence, e.Altered = touched, touched
		return []Execution{e}, nil
	}
	return nil, Refused(start, touched, st.Text, fmt.Errorf("%w: %s", errUncertain, st.Reason))
}

// Tables lists the tables that exist now, in a stable order.
func (d *Director) Tables() []schema.Name {
	if d.Part != nil {
		return d.memberTables()
	}
	list := make([]schema.Name, 0, len(d.names))
	for _, n := range d.names {
		list = append(list, n)
	}
	slices.SortFunc(list, schema.Name.Compare)
	return list
}
