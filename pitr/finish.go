package pitr

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/pitr/checkpoint"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/pitr/target"
	"github.com/tripod-db/tripod/rewriter"
	"github.com/tripod-db/tripod/storage/catalog"
)

// finisher makes what is no table as it was at the stop point.
type finisher struct {
	session *target.Session
	bare    func(context.Context) (*target.Session, error) // gives a session without a default schema
	// own is for statements of tripod's own: session has the context of whatever it last ran.
	own      *target.Session
	progress *checkpoint.Table
	reader   *target.Session
	director *director.Director
	tables   *tableSet
	stop     binlog.Point
	disable  bool // --events disable
	comments bool // schemas of the target may have some
	made     map[string]bool
	log      *slog.Logger
	result   *Result
	accounts *accountMaker
}

func (f *finisher) run(ctx context.Context) error {
	if err := f.finalNames(ctx); err != nil {
		return err
	}
	if err := f.autoIncrements(ctx); err != nil {
		return err
	}
	f.sessionDependent()
	if err := f.schemaComments(ctx); err != nil {
		return err
	}
	// Definers come before what they define.
	if err := f.accounts.make(ctx); err != nil {
		return err
	}
	objects := f.director.Restored()
	for _, kinds := range [][]catalog.ObjectKind{{catalog.KindProcedure, catalog.KindFunction}} {
		if err := f.steps(ctx, objects, kinds...); err != nil {
			return err
		}
	}
	if err := f.views(ctx, objects); err != nil {
		return err
	}
	for _, t := range f.director.Firing() {
		if err := f.trigger(ctx, t); err != nil {
			return err
		}
	}
	if err := f.accounts.end(ctx); err != nil {
		return err
	}
	return f.events(ctx, objects)
}

// greatestOf is the greatest value of a column of integers; for others there is no bound.
func greatestOf(def *schema.Table, column string) uint64 {
	bits := map[string]uint{"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
	c, _ := def.Column(column)
	n, isInteger := bits[c.Type]
	switch {
	case !isInteger:
		return ^uint64(0)
	case !c.Unsigned:
		n--
	}
	return ^uint64(0) >> (64 - n)
}

// autoIncrements raises the counters that are lower than the source's were: at least the
// greatest of the definition's and 1 + the greatest value in any loaded row or replayed image,
// deleted ones included. InnoDB raises its counter with the rows; what is left are counters
// beyond any row, and engines that look at the rows that are there.
func (f *finisher) autoIncrements(ctx context.Context) error {
	for _, t := range f.tables.sorted() {
		column := autoIncrementColumn(t.def)
		if column == "" {
			continue
		}
		row, err := f.reader.QueryText(ctx, "SELECT IFNULL(MAX("+schema.Quote(column)+"),0) FROM "+t.Name.Quoted())
		if err != nil {
			return fmt.Errorf("read the greatest %s of %s: %w", column, t.Name, err)
		}
		// A negative or fractional maximum needs no counter.
		greatest, err := strconv.ParseUint(row[0], 10, 64)
		if err != nil {
			greatest = 0
		}
		next := t.Next
		// Behind the type's greatest value InnoDB stays at that: it is the next one again when its row has gone.
		if all := max(greatest, t.Greatest); all < greatestOf(t.def, column) {
			next = max(next, all+1)
		}
		if err := f.tables.read(ctx, t.Name); err != nil {
			return err
		}
		f.log.Debug("counter", "table", t.Name.String(), "target", t.def.AutoIncrement, "loaded", greatest, "replayed", t.Greatest, "next", next)
		if next <= 1 || t.def.AutoIncrement >= next {
			continue
		}
		if err := f.own.Exec(ctx, "ALTER TABLE "+t.Name.Quoted()+" AUTO_INCREMENT="+strconv.FormatUint(next, 10)); err != nil {
			return fmt.Errorf("set AUTO_INCREMENT of %s: %w", t.Name, err)
		}
	}
	return nil
}

func autoIncrementColumn(t *schema.Table) string {
	for i := range t.Columns {
		if t.Columns[i].AutoInc && t.Columns[i].Type != "float" && t.Columns[i].Type != "double" {
			return t.Columns[i].Name
		}
	}
	return ""
}

func (s *tableSet) sorted() []*table {
	list := make([]*table, 0, len(s.list))
	for _, t := range s.list {
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b *table) int { return a.Name.Compare(b.Name) })
	return list
}

// numbered is one step of one object.
type numbered struct {
	object *director.Object
	step   director.ObjectStep
}

// ordered lists the steps of all objects of some kinds in log order: names that objects had on
// the way are free at each step as they were on the source.
func ordered(objects []*director.Object, kinds ...catalog.ObjectKind) []numbered {
	var list []numbered
	for _, o := range objects {
		if !slices.Contains(kinds, o.Kind) {
			continue
		}
		for _, step := range o.Steps {
			list = append(list, numbered{o, step})
		}
	}
	slices.SortFunc(list, func(a, b numbered) int { return cmp.Compare(a.step.Sequence, b.step.Sequence) })
	return list
}

func (f *finisher) steps(ctx context.Context, objects []*director.Object, kinds ...catalog.ObjectKind) error {
	for _, n := range ordered(objects, kinds...) {
		if err := f.create(ctx, n.object, n.step, f.nameEdits(n.object, n.step)); err != nil {
			return objectFailed(n.object, err)
		}
	}
	return nil
}

// views are created in rounds, until no more succeed: a view may be built on others. One that
// cannot be opened because of what it refers to was so on the source, for the tables are the same.
func (f *finisher) views(ctx context.Context, objects []*director.Object) error {
	var waiting []*director.Object
	for _, o := range objects {
		if o.Kind != catalog.KindView {
			continue
		}
		if len(o.Steps) == 0 {
			f.result.Warnings = append(f.result.Warnings, fmt.Sprintf("view %s was invalid on the source and is not created: %s", o.Name, o.Invalid))
			continue
		}
		waiting = append(waiting, o)
	}
	for len(waiting) > 0 {
		var failed []*director.Object
		var problems []error
		for _, v := range waiting {
			err := f.create(ctx, v, v.Steps[0], f.nameEdits(v, v.Steps[0]))
			// A part may have views over what is not restored, and this account no right to look there.
			if err != nil && !refersToMissing(err) && (f.director.Part == nil && len(f.accounts.waiting) == 0 || !isDenied(err)) {
				return objectFailed(v, err)
			}
			if err != nil {
				failed, problems = append(failed, v), append(problems, err)
			}
		}
		granted, err := f.accounts.again(ctx)
		if err != nil {
			return err
		}
		if len(failed) == len(waiting) && !granted {
			for i, v := range failed {
				f.result.Warnings = append(f.result.Warnings, fmt.Sprintf("view %s is not created, for it refers to what is not there (on the source at the stop point, or because it is not restored): %v", v.Name, problems[i]))
			}
			return nil
		}
		waiting = failed
	}
	return nil
}

// refersToMissing tells whether a view failed because of tables, columns, functions, indexes (1176, 1191) or partitions (1735, 1747) that
// are not there, of columns whose collations do not go together any more (1267, 1270, 1271), of functions that take other arguments
// (1318, 1582), or because by renames it has come to refer to itself (1462): the source cannot open such a view either.
// Or because of a default schema that is not restored.
func refersToMissing(err error) bool {
	switch server.ErrorNumber(err) {
	case server.ErrNoSuchTable, server.ErrUnknownSchema, server.ErrUnknownColumn, server.ErrViewInvalid, 1305, 1176, 1191, 1267, 1270, 1271, 1318, 1582, 1462, 1735, 1747, errNoSchema:
		return true
	}
	return false
}

// nameEdits puts the present names of a renamed view or event and of a trigger's renamed table into the
// text, and the names on the target where those are others.
func (f *finisher) nameEdits(o *director.Object, step director.ObjectStep) []ddl.Edit {
	if len(step.Statement.Objects) != 1 {
		return nil
	}
	d, named := f.director, step.Statement.Objects[0]
	var edits []ddl.Edit
	name := named.Name
	switch o.Kind {
	case catalog.KindView:
		edits = rewriter.CreateInsteadOfAlter(step.Statement)
		name = o.Name
	case catalog.KindEvent: // see eventEdits
		name = o.Name
	case catalog.KindProcedure, catalog.KindFunction, catalog.KindTrigger:
	}
	target := d.ObjectOnTarget(&director.Object{Kind: o.Kind, Name: name, Table: o.Table})
	if named.Name != target {
		edits = append(edits, ddl.Edit{Start: named.Start, End: named.End, Text: target.Quoted()})
	}
	if table := d.TableOnTarget(o.Table); o.Kind == catalog.KindTrigger && named.Table != table && named.TableEnd > named.TableStart {
		edits = append(edits, ddl.Edit{Start: named.TableStart, End: named.TableEnd, Text: table.Quoted()})
	}
	return edits
}

func (f *finisher) trigger(ctx context.Context, t *director.Object) error {
	edits := f.nameEdits(t, t.Steps[0])
	if head, ok := rewriter.ParseTriggerHead(t.Steps[0].Statement); ok {
		edits = append(edits, head.WithoutOrder()...)
	}
	err := f.create(ctx, t, t.Steps[0], edits)
	if server.ErrorNumber(err) == server.ErrUnknownColumn {
		// NEW.x or OLD.x of a column that the table, which is the source's, does not have.
		f.result.Warnings = append(f.result.Warnings, fmt.Sprintf("trigger %s was invalid on the source at the stop point and is not created: %v", t.Name, err))
		return nil
	}
	if err != nil {
		return objectFailed(t, err)
	}
	return nil
}

// defaults gives the schemas theirs: a killed run may have changed them for a moment.
func (f *finisher) defaults(ctx context.Context, noted []checkpoint.CollationNote) error {
	for _, n := range noted {
		if err := f.own.Exec(ctx, rewriter.AlterDatabase(n.Schema, "", n.Collation)); err != nil {
			return fmt.Errorf("set the collation of schema %s: %w", n.Schema, err)
		}
	}
	for _, s := range f.director.Schemas {
		if !s.Exists || s.Collation == "" || s.Target == "" {
			continue
		}
		if err := f.own.Exec(ctx, rewriter.AlterDatabase(s.Target, "", s.Collation)); err != nil {
			return fmt.Errorf("set the defaults of schema %s: %w", s.Name, err)
		}
	}
	return nil
}

// dropSchemas drops all schemas but one that are absent at the stop point, if this restore made
// them and nothing lies in them (R8).
func (f *finisher) dropSchemas(ctx context.Context, but string) error {
	for key := range f.director.Schemas {
		if key == f.director.FoldSchema(but) {
			continue
		}
		if err := f.dropSchema(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

func (f *finisher) dropSchema(ctx context.Context, key string) error {
	s := f.director.Schemas[key]
	if s == nil || s.Exists || s.Target == "" {
		return nil
	}
	if !f.made[key] {
		f.result.Warnings = append(f.result.Warnings, fmt.Sprintf("schema %s does not exist at the stop point and stays: it was there before", s.Name))
		return nil
	}
	row, err := f.reader.QueryText(ctx, "SELECT (SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA="+quoteText(s.Name)+
		") + (SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA="+quoteText(s.Name)+
		") + (SELECT COUNT(*) FROM information_schema.EVENTS WHERE EVENT_SCHEMA="+quoteText(s.Name)+")")
	if err != nil {
		return fmt.Errorf("look into schema %s: %w", s.Name, err)
	}
	if row[0] != "0" {
		f.result.Warnings = append(f.result.Warnings, fmt.Sprintf("schema %s does not exist at the stop point and stays: something else lies in it", s.Name))
		return nil
	}
	if err := f.own.Exec(ctx, "DROP DATABASE IF EXISTS "+schema.Quote(s.Name)); err != nil {
		return fmt.Errorf("drop schema %s: %w", s.Name, err)
	}
	return nil
}

// isDenied tells whether this account may not use what an object refers to.
func isDenied(err error) bool {
	switch server.ErrorNumber(err) {
	case server.ErrTableDenied, server.ErrColumnDenied, server.ErrRoutineDenied:
		return true
	}
	return false
}

func objectFailed(o *director.Object, err error) error {
	var known *fault.Error
	if isDenied(err) {
		return fault.New(fault.CodeFailed, fault.KindGrant, "give the definer on the target the privileges that it has on the source (SHOW GRANTS), or restore by an account that may not set definers",
			"create %s %s: %w", o.Kind, o.Name, err)
	}
	if errors.As(err, &known) {
		return fmt.Errorf("create %s %s: %w", o.Kind, o.Name, err)
	}
	return fault.New(fault.CodeFailed, fault.KindTarget, statementHint(err), "create %s %s: %w", o.Kind, o.Name, err)
}

// accountText prints user@host as GRANT and DEFINER take it.
func accountText(user, host string) string {
	if host == "" {
		return user
	}
	return strings.Join([]string{user, host}, "@")
}
