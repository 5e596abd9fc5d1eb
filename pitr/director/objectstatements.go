package director

import (
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

var objectKinds = map[ddl.ObjectKind]catalog.ObjectKind{
	ddl.View: catalog.KindView, ddl.Procedure: catalog.KindProcedure, ddl.Function: catalog.KindFunction,
	ddl.Trigger: catalog.KindTrigger, ddl.Event: catalog.KindEvent,
}

// object keeps a statement on views, routines, triggers and events for Finish.
func (d *Director) object(start binlog.Position, q *event.Query, st *ddl.Statement) error {
	for _, o := range st.Objects {
		kind, known := objectKinds[o.Kind]
		switch {
		case !known:
			// Objects of the server itself (and of kinds that no backup holds) are not restored.
			d.Warn("not restored: %s %s, at %s", o.Kind, o.Name, start)
			continue
		case d.isSystem(o.Name.Schema) || !d.taken(o.Name):
			continue
		}
		if err := d.oneObject(start, q, st, kind, o); err != nil {
			return err
		}
	}
	return nil
}

func (d *Director) oneObject(start binlog.Position, q *event.Query, st *ddl.Statement, kind catalog.ObjectKind, o ddl.Object) error {
	side := d.objectSide(kind, o, start)
	if side == binlog.Skip {
		if o.RenamedTo != (schema.Name{}) && d.Sides.ObjectSide(kind, o.RenamedTo, start) == binlog.After {
			d.Warn("not restored: %s %s, renamed from %s at %s, which is not in the backup", kind, o.RenamedTo, o.Name, start)
		}
		return nil
	}
	existing := d.objects.get(kind, o.Name)
	switch {
	case st.Verb == ddl.DropObject:
		if existing != nil {
			d.objects.remove(existing)
		}
		return nil
	case q.ErrorCode != 0:
		return Refused(start, []schema.Name{o.Name}, st.Text, fmt.Errorf("%w: error %d", limit.ErrFailed, q.ErrorCode))
	case st.Verb == ddl.CreateObject && st.IfNotExists && existing != nil:
		return nil
	case st.Verb == ddl.CreateObject, kind == catalog.KindView: // ALTER VIEW is a definition of its own
		head, _ := rewriter.ParseTriggerHead(st)
		d.objects.create(&Object{Kind: kind, Name: o.Name, Table: o.Table, Steps: []ObjectStep{d.step(q, st, o)}}, head)
		return nil
	case side == binlog.Inside: // the backup reads again what an ALTER met
		return Broken(start, st.Text, fmt.Errorf("%s %s: %w", kind, o.Name, rewriter.ErrInWindow))
	case existing == nil:
		return Broken(start, st.Text, fmt.Errorf("%s %s: the restore has none of that name", kind, o.Name))
	}
	step := d.step(q, st, o)
	step.Definer = alteredBy(q, existing.Steps)
	existing.Steps = append(existing.Steps, step)
	if o.RenamedTo != (schema.Name{}) {
		d.objects.remove(existing)
		if d.Sides.ObjectSide(kind, o.RenamedTo, start) == binlog.Skip {
			return nil // it leaves what is backed up
		}
		existing.Name = o.RenamedTo
		d.objects.put(existing)
	}
	return nil
}

// alteredBy returns who is the definer of an event behind an ALTER without the clause: whoever sent it, where the log says
// that; else it is taken to be who was it before.
func alteredBy(q *event.Query, before []ObjectStep) string {
	if who := q.Context.Invoker; who != nil {
		return schema.Quote(who.User) + "@" + schema.Quote(who.Host)
	}
	for _, step := range slices.Backward(before) {
		if step.Definer != "" {
			return step.Definer
		}
		if user, host, ok := step.Statement.Definer(); ok && host != "" {
			return schema.Quote(user) + "@" + schema.Quote(host)
		}
	}
	return ""
}

// objectSide: CREATE TRIGGER names the table, which may be outside.
func (d *Director) objectSide(kind catalog.ObjectKind, o ddl.Object, start binlog.Position) binlog.Side {
	if kind == catalog.KindTrigger && o.Table != (schema.Name{}) {
		return d.Sides.TriggerSide(o.Name, o.Table, start)
	}
	return d.Sides.ObjectSide(kind, o.Name, start)
}

// step is a logged statement with its own context.
func (d *Director) step(q *event.Query, st *ddl.Statement, o ddl.Object) ObjectStep {
	d.objects.sequence++
	step := ObjectStep{
		Sequence: d.objects.sequence, Statement: st, Raw: slices.Clone(q.SQL), Schema: q.Schema, Logged: true,
		Zone: q.Context.TimeZone, Variables: d.contextOf(q, false),
	}
	if c, ok := schema.CharsetOfCollation(q.Context.ClientCharset); ok {
		step.Client = c.Name
	}
	home := o.Name.Schema
	if o.RenamedTo != (schema.Name{}) && d.source.Flavor != "mariadb" {
		home = o.RenamedTo.Schema // measured
	}
	if s := d.Schemas[d.FoldSchema(home)]; s != nil && o.Kind != ddl.View {
		step.Database = s.Collation
	}
	return step
}

// Warn adds a warning for the result.
func (d *Director) Warn(format string, args ...any) {
	d.Warnings = append(d.Warnings, fmt.Sprintf(format, args...))
}
