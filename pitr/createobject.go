package pitr

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/pitr/checkpoint"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/pitr/target"
	"github.com/tripod-db/tripod/rewriter"
	"github.com/tripod-db/tripod/storage/catalog"
)

// Errors of a definer that this account may not set, or that does not exist and may not be set;
// and of a routine or library that is not there.
const (
	errDoesNotExist   = 1305
	errNoSuchUser     = 1449
	errDefinerOrphan  = 4006
	errSpecificAccess = server.ErrPrivilegeNeeded
)

// create runs one statement of an object: with its definer if the target permits that, else
// with the target's user in its place, which is listed.
func (f *finisher) create(ctx context.Context, o *director.Object, step director.ObjectStep, edits []ddl.Edit) error {
	if o.Invalid != "" && o.Kind != catalog.KindView {
		return nil // left out
	}
	// A run that goes on drops what a killed one may have made.
	name := f.director.ObjectOnTarget(o)
	if err := f.progress.Write(ctx, f.own, checkpoint.NewNote(checkpoint.NoteObject, string(o.Kind)+" "+name.Quoted(), schema.ObjectName{Kind: string(o.Kind), Name: name})); err != nil {
		return err
	}
	restore, err := f.databaseCollation(ctx, o, step)
	if err != nil {
		return err
	}
	home := step.Schema
	session, err := f.enter(ctx, o, &step)
	if err != nil {
		return err
	}
	var given []ddl.Edit
	if step.Definer != "" {
		given = step.Statement.GiveDefiner(step.Definer)
	}
	err = f.createWith(ctx, session, step, slices.Concat(given, edits))
	switch server.ErrorNumber(err) {
	case errSpecificAccess, errNoSuchUser, errDefinerOrphan:
		if len(given) > 0 {
			if err = f.createWith(ctx, session, step, edits); err == nil {
				f.definerChanged(o, strings.ReplaceAll(step.Definer, "`", ""))
			}
		} else if user, host, ok := step.Statement.Definer(); ok {
			if err = f.createWith(ctx, session, step, append(slices.Clone(edits), step.Statement.DefinerEdits("CURRENT_USER")...)); err == nil {
				f.definerChanged(o, accountText(user, host))
			}
		}
	}
	if step.Schema == "" && needsSchema(err) {
		err = fmt.Errorf("it was made in a session in schema %s, which is neither restored nor there for this account, and its text means something there: %w", home, err)
	}
	if lacksLibrary(err) {
		f.leaveOut(o, step, err)
		err = nil
	}
	if back := restore(ctx); err == nil {
		err = back
	}
	return err
}

// definerChanged lists an object once, however often the log alters it.
func (f *finisher) definerChanged(o *director.Object, account string) {
	line := fmt.Sprintf("%s %s: %s", o.Kind, o.Name, account)
	if !slices.Contains(f.result.DefinersChanged, line) {
		f.result.DefinersChanged = append(f.result.DefinersChanged, line)
	}
}

// lacksLibrary: CREATE and ALTER of a routine check that the libraries it uses are there. They
// are in no backup.
func lacksLibrary(err error) bool {
	return server.ErrorNumber(err) == errDoesNotExist && strings.Contains(err.Error(), "LIBRARY ")
}

// leaveOut tells of a routine that cannot be made without a library; what the log says of it
// later is left out with it.
func (f *finisher) leaveOut(o *director.Object, step director.ObjectStep, err error) {
	if step.Sequence != o.Steps[0].Sequence {
		f.result.Warnings = append(f.result.Warnings, fmt.Sprintf("%s %s is not changed: it uses a library, which is not backed up: %v", o.Kind, o.Name, err))
		return
	}
	o.Invalid = err.Error()
	f.result.Warnings = append(f.result.Warnings, fmt.Sprintf("%s %s is not created: it uses a library, which is not backed up: %v", o.Kind, o.Name, err))
}

func (f *finisher) createWith(ctx context.Context, session *target.Session, step director.ObjectStep, edits []ddl.Edit) error {
	charset, ok := schema.CharsetByName(step.Client)
	if !ok && step.Client != "" {
		return fmt.Errorf("character set %s is not known", step.Client)
	}
	x := &director.Execution{Text: step.Statement.Edited(edits...), Schema: step.Schema, Variables: step.Variables, Client: rewriter.CollationUTF8MB4}
	if len(edits) == 0 {
		x.Raw = step.Raw
	}
	if ok {
		c, known := schema.CollationByName(charset.Default)
		if !known {
			return fmt.Errorf("collation %s is not known", charset.Default)
		}
		x.Client = c.ID
	}
	return carryOut(ctx, session, x)
}

// databaseCollation gives the object's schema on the target, for the time of one statement, the collation
// that its schema had when the object was made: parameters and variables without a character set take it.
func (f *finisher) databaseCollation(ctx context.Context, o *director.Object, step director.ObjectStep) (restore func(context.Context) error, err error) {
	nothing := func(context.Context) error { return nil }
	if step.Database == "" {
		return nothing, nil
	}
	name := f.director.ObjectOnTarget(o).Schema
	collation, err := f.ownCollation(ctx, name)
	if err != nil || collation == "" || collation == step.Database {
		return nothing, err
	}
	change := func(ctx context.Context, collation string) error {
		if err := f.session.ReadUTF8(ctx); err != nil {
			return err
		}
		return f.session.Exec(ctx, rewriter.AlterDatabase(name, "", collation))
	}
	if err := change(ctx, step.Database); err != nil {
		return nothing, fmt.Errorf("set the collation of schema %s: %w", name, err)
	}
	return func(ctx context.Context) error { return change(ctx, collation) }, nil
}

// ownCollation is the one that a schema of the target has to keep: the source's, or where only tables are renamed into it its
// own, which is noted, for a run that goes on finds it changed.
func (f *finisher) ownCollation(ctx context.Context, name string) (string, error) {
	for _, s := range f.director.Schemas {
		if s.Target != "" && f.director.FoldSchema(s.Target) == f.director.FoldSchema(name) {
			return s.Collation, nil
		}
	}
	rows, err := f.reader.QueryRows(ctx, "SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME="+quoteText(name))
	if err != nil || len(rows) != 1 {
		return "", err
	}
	n := checkpoint.CollationNote{Schema: name, Collation: rows[0][0]}
	return n.Collation, f.progress.Write(ctx, f.own, checkpoint.NewNote(checkpoint.NoteCollation, name, n))
}

const errNoSuchEvent = 1539

// events come last, under the stop time: an event that ended before it would not be created.
func (f *finisher) events(ctx context.Context, objects []*director.Object) error {
	begun := map[*director.Object]bool{}
	for _, n := range ordered(objects, catalog.KindEvent) {
		step := n.step
		first := !begun[n.object]
		begun[n.object] = true
		if !step.Logged && f.stop.Time != 0 {
			t := f.stop.Time.Std()
			step.Variables = append(slices.Clone(step.Variables), rewriter.Variable{Name: "timestamp", Value: fmt.Sprintf("%d.%06d", t.Unix(), t.Nanosecond()/1000)})
		}
		edits, err := f.eventEdits(ctx, n.object, step)
		if err != nil {
			return objectFailed(n.object, err)
		}
		err = f.create(ctx, n.object, step, edits)
		if server.ErrorNumber(err) == errNoSuchEvent && !first {
			continue // no server makes an event whose time is over, as the first statement says: lookAtEvents tells
		}
		if err != nil {
			return objectFailed(n.object, err)
		}
	}
	return f.lookAtEvents(ctx, objects)
}

// eventEdits makes each statement of an event one of the event that it is in the end, under its name there: under another one it
// would meet what nobody has looked for on the target, and a run that goes on would not drop it.
func (f *finisher) eventEdits(ctx context.Context, o *director.Object, step director.ObjectStep) ([]ddl.Edit, error) {
	instead := ""
	if rewriter.OnlyRenames(step.Statement) {
		// It gives the event the context of its session too, as any ALTER does; this one changes nothing else.
		name := f.director.ObjectOnTarget(o)
		rows, err := f.reader.QueryRows(ctx, "SELECT CONCAT('ON COMPLETION ', ON_COMPLETION) FROM information_schema.EVENTS WHERE EVENT_SCHEMA="+quoteText(name.Schema)+" AND EVENT_NAME="+quoteText(name.Name))
		if err != nil {
			return nil, fmt.Errorf("look at event %s: %w", o.Name, err)
		}
		instead = "ON COMPLETION PRESERVE" // where there is none any more the ALTER says so
		if len(rows) == 1 {
			instead = rows[0][0]
		}
	}
	edits := append(f.nameEdits(o, step), rewriter.SettleEvent(step.Statement, instead)...)
	if f.disable {
		edits = append(edits, rewriter.DisableEvent(step.Statement)...)
	}
	return edits, nil
}

// lookAtEvents says which events are over.
func (f *finisher) lookAtEvents(ctx context.Context, objects []*director.Object) error {
	for _, o := range objects {
		if o.Kind != catalog.KindEvent || len(o.Steps) == 0 {
			continue
		}
		name := f.director.ObjectOnTarget(o)
		rows, err := f.reader.QueryRows(ctx, "SELECT IFNULL(ENDS, EXECUTE_AT) < NOW() FROM information_schema.EVENTS WHERE EVENT_SCHEMA="+
			quoteText(name.Schema)+" AND EVENT_NAME="+quoteText(name.Name))
		if err != nil {
			return fmt.Errorf("look at event %s: %w", o.Name, err)
		}
		if len(rows) == 0 {
			f.result.Warnings = append(f.result.Warnings, fmt.Sprintf("event %s is not created: its time was over", o.Name))
			continue
		}
		if rows[0][0] == "1" {
			f.result.Warnings = append(f.result.Warnings, fmt.Sprintf("event %s: its time is over", o.Name))
		}
	}
	return nil
}
