package dumper

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/tripod-db/tripod/dumper/bases"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage/catalog"
)

// Errors that mean that there is no such object.
const (
	errNoSuchRoutine = 1305
	errNoSuchTrigger = 1360
	errNotAView      = 1347
	errNoSuchEvent   = 1539
)

// showObject is how an object's text is read: the statement, the error for none, and the columns
// of its answer. -1 stands for what the answer does not have.
type showObject struct {
	statement                                               string
	absent                                                  uint16
	sqlMode, create, charset, collation, database, timeZone int
}

var showObjects = map[catalog.ObjectKind]showObject{
	catalog.KindView:      {"SHOW CREATE VIEW ", errNotAView, -1, 1, 2, 3, -1, -1},
	catalog.KindProcedure: {"SHOW CREATE PROCEDURE ", errNoSuchRoutine, 1, 2, 3, 4, 5, -1},
	catalog.KindFunction:  {"SHOW CREATE FUNCTION ", errNoSuchRoutine, 1, 2, 3, 4, 5, -1},
	catalog.KindTrigger:   {"SHOW CREATE TRIGGER ", errNoSuchTrigger, 1, 2, 3, 4, 5, -1},
	catalog.KindEvent:     {"SHOW CREATE EVENT ", errNoSuchEvent, 1, 3, 4, 5, 6, 2},
}

// readObject reads a view, routine, trigger or event with its session context.
func (w *worker) readObject(ctx context.Context, want bases.Want) error {
	how := showObjects[want.Object]
	found := catalog.Object{Name: want.Name, Kind: want.Object}
	read, err := w.show(ctx, want, how.statement+want.Name.Quoted(), how.absent, server.ErrNoSuchTable, server.ErrUnknownSchema)
	switch {
	case err != nil && want.Object == catalog.KindView && server.ErrorNumber(err) == server.ErrViewInvalid:
		// It has waited for statements on the view; what is read now is not older.
		if err = w.readInvalidView(ctx, &found, err); err != nil {
			return err
		}
	case err != nil:
		return err
	case read.row == nil:
		found.Absent = true
	default:
		if err := w.fill(&found, how, read.row); err != nil {
			return err
		}
	}
	if !found.Absent {
		if err := w.complete(ctx, &found); err != nil {
			return err
		}
	}
	received := time.Now()
	w.later(func(ctx context.Context) error {
		t1, err := w.clock.After(ctx, received)
		if err != nil {
			return err
		}
		w.board.update(func(s *bases.Bases) {
			r := bases.ObjectRead{Exists: !found.Absent, Table: found.Table, Before: w.mark(read.before), After: w.mark(t1)}
			if s.ObjectDone(want, r) {
				w.contents.setObject(found)
			}
		})
		return nil
	})
	return nil
}

// fill takes the answer of SHOW CREATE.
func (w *worker) fill(o *catalog.Object, how showObject, row []string) error {
	at := func(i int) string {
		if i < 0 || i >= len(row) {
			return ""
		}
		return row[i]
	}
	o.SQLMode, o.TimeZone = at(how.sqlMode), at(how.timeZone)
	o.CharacterSetClient, o.CollationConnection, o.DatabaseCollation = at(how.charset), at(how.collation), at(how.database)
	if at(how.create) == "" {
		// The server answers with NULL instead of an error where a privilege is missing.
		return fault.New(fault.CodeFailed, fault.KindGrant, "GRANT SHOW_ROUTINE ON *.* TO the backup's account",
			"the text of %s %s is not shown to this account", o.Kind, o.Name)
	}
	text, err := decodeObject(o.Kind, at(how.create), o.CharacterSetClient)
	if err != nil {
		return fmt.Errorf("read %s %s: %w", o.Kind, o.Name, err)
	}
	o.Create = text
	return nil
}

// complete reads what SHOW CREATE does not tell.
func (w *worker) complete(ctx context.Context, o *catalog.Object) error {
	switch o.Kind {
	case catalog.KindTrigger:
		return w.readTriggerTable(ctx, o)
	case catalog.KindView:
		if o.Invalid == "" {
			return w.readViewWarning(ctx, o)
		}
	case catalog.KindProcedure, catalog.KindFunction, catalog.KindEvent:
	}
	return nil
}

// readViewWarning: SHOW CREATE VIEW shows a view that cannot be opened, with a warning.
func (w *worker) readViewWarning(ctx context.Context, o *catalog.Object) error {
	conn, err := w.connection(ctx)
	if err != nil {
		return err
	}
	rows, err := conn.Rows(ctx, "SHOW WARNINGS")
	if err != nil {
		return fmt.Errorf("read view %s: %w", o.Name, server.Classify(err))
	}
	for _, r := range rows {
		if len(r) == 3 && r[1] == strconv.Itoa(server.ErrViewInvalid) {
			o.Invalid = r[2]
		}
	}
	return nil
}

// readTriggerTable reads which table a trigger belongs to and its place among the others.
func (w *worker) readTriggerTable(ctx context.Context, o *catalog.Object) error {
	conn, err := w.connection(ctx)
	if err != nil {
		return err
	}
	rows, err := conn.Rows(ctx, "SELECT EVENT_OBJECT_TABLE, ACTION_ORDER FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA="+
		utf8Literal(o.Schema)+" AND TRIGGER_NAME="+utf8Literal(o.Name.Name))
	if err != nil {
		return fmt.Errorf("read trigger %s: %w", o.Name, server.Classify(err))
	}
	if len(rows) == 0 { // dropped since: the log says so, and wins
		o.Absent, o.Create = true, ""
		return nil
	}
	o.Table = rows[0][0]
	if o.ActionOrder, err = strconv.Atoi(rows[0][1]); err != nil {
		return fmt.Errorf("read trigger %s: its place among others: %w", o.Name, err)
	}
	return nil
}

// readInvalidView reads a view that the server cannot open: what it refers to is gone. Its text
// stands in information_schema without definer and algorithm in front.
func (w *worker) readInvalidView(ctx context.Context, o *catalog.Object, why error) error {
	conn, err := w.connection(ctx)
	if err != nil {
		return err
	}
	rows, err := conn.Rows(ctx, "SELECT VIEW_DEFINITION, DEFINER, SECURITY_TYPE, CHECK_OPTION, CHARACTER_SET_CLIENT, COLLATION_CONNECTION"+
		" FROM information_schema.VIEWS WHERE TABLE_SCHEMA="+utf8Literal(o.Schema)+" AND TABLE_NAME="+utf8Literal(o.Name.Name))
	if err != nil {
		return fmt.Errorf("read view %s: %w", o.Name, server.Classify(err))
	}
	if len(rows) == 0 {
		o.Absent = true
		return nil
	}
	r := rows[0]
	o.Invalid = why.Error()
	o.Create = "CREATE DEFINER=" + server.QuoteAccount(r[1]) + " SQL SECURITY " + r[2] + " VIEW " + o.Name.Quoted() + " AS " + r[0]
	if r[3] != "NONE" {
		o.Create += " WITH " + r[3] + " CHECK OPTION"
	}
	o.CharacterSetClient, o.CollationConnection = r[4], r[5]
	return nil
}
