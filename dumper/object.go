package dumper

import (
	"context"
	"errors"
	"fmt"
	"strconv"

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
	var found catalog.Object
	read, err := w.between(ctx, want, func(conn *server.RawConn) error {
		found = catalog.Object{Name: want.Name, Kind: want.Object}
		if !cachesRoutines(w.cfg.Source.Facts()) || want.Object != catalog.KindProcedure && want.Object != catalog.KindFunction {
			return describe(ctx, conn, &found)
		}
		fresh, err := w.cfg.Source.RawConn(ctx)
		if err != nil {
			return err
		}
		return errors.Join(describe(ctx, fresh, &found), fresh.Close())
	})
	if err != nil {
		return err
	}
	w.later(func(ctx context.Context) error {
		t1, err := w.clock.After(ctx, read.received)
		if err != nil {
			return err
		}
		w.board.update(func(s *bases.Bases) {
			r := bases.ObjectRead{Exists: !found.Absent, Table: found.Table, Before: w.mark(read.before), After: w.mark(t1)}
			if s.ObjectDone(want, r) {
				w.advances.step()
				w.contents.setObject(found)
			}
		})
		return nil
	})
	return nil
}

// cachesRoutines: before 8.0 a connection that has met a routine shows the text that it knows until the
// statement that changed it has ended, which is behind its place in the log (measured on 5.6). A new
// connection has met none. MariaDB keeps routines as 5.6 does.
func cachesRoutines(f server.Facts) bool { return f.Flavor == server.FlavorMariaDB || f.Major < 8 }

// describe reads an object's text and what completes it.
func describe(ctx context.Context, conn *server.RawConn, o *catalog.Object) error {
	how := showObjects[o.Kind]
	var others []string
	if also := completing(o); also != "" {
		others = append(others, also)
	}
	absent := []uint16{how.absent, server.ErrNoSuchTable, server.ErrUnknownSchema}
	row, more, err := showCreate(ctx, conn, absent, how.statement+o.Name.Quoted(), others...)
	for tries := 1; o.Kind == catalog.KindTrigger && lostFile(err) && tries < lostFileTries; tries++ {
		row, more, err = showCreate(ctx, conn, absent, how.statement+o.Name.Quoted(), others...)
	}
	switch {
	case o.Kind == catalog.KindView && cannotOpen(err) && !conn.Broken():
		// It has waited for statements on the view; what is read now is not older.
		return readInvalidView(ctx, conn, o, err)
	case err != nil:
		return err
	case row == nil:
		o.Absent = true
		return nil
	}
	if err := takeText(o, how, row); err != nil || len(others) == 0 {
		return err
	}
	return complete(o, more[0])
}

// lostFileTries bounds how often a trigger is asked for whose file went: one that is dropped and made all the time is met so
// about once in a thousand reads; a file that cannot be read at all is an error.
const lostFileTries = 10

// lostFile tells whether a file went while the server read it: 5.6 and MariaDB keep triggers in files, with no lock around the
// look for one and the read of it. Asked again, they say what there is now.
func lostFile(err error) bool {
	const cannotStat, fileNotFound = 13, 29
	number := server.ErrorNumber(err)
	return number == cannotStat || number == fileNotFound
}

// cannotOpen tells whether the server itself cannot open a view: because of what it refers to (an index that a hint names, collations
// that do not go together any more, the arguments of a function), or because the text that it stored cannot be parsed again (of a
// literal in gbk, big5 or sjis with a character that ends in a backslash, it escapes half). Servers downgrade some of these errors to
// warnings. No error of the machine's counts (memory, files, disks): the view is sound then.
func cannotOpen(err error) bool {
	switch server.ErrorNumber(err) {
	case server.ErrViewInvalid, server.ErrParse, server.ErrUnknownColumn,
		1060, 1052, 1222, // columns of one name, columns that could be either's, UNIONs of other numbers of columns
		1176, 1191, 1735, 1747, // indexes, full-text indexes, partitions
		1267, 1270, 1271, // collations
		1305, 1318, 1582, // functions, and what they take
		1241, 1242, 1248, 1462: // columns of a subquery, its rows, its name; a view that refers to itself
		return true
	}
	return false
}

// takeText takes the answer of SHOW CREATE.
func takeText(o *catalog.Object, how showObject, row []string) error {
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

// completing returns the statement that tells what SHOW CREATE does not, "" where it tells all.
func completing(o *catalog.Object) string {
	switch o.Kind {
	case catalog.KindTrigger:
		return "SELECT EVENT_OBJECT_TABLE, ACTION_ORDER FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA=" +
			utf8Literal(o.Schema) + " AND TRIGGER_NAME=" + utf8Literal(o.Name.Name)
	case catalog.KindView:
		return "SHOW WARNINGS"
	case catalog.KindProcedure, catalog.KindFunction, catalog.KindEvent:
	}
	return ""
}

// complete takes the answer to completing.
func complete(o *catalog.Object, rows [][]string) error {
	switch o.Kind {
	case catalog.KindTrigger:
		return takeTriggerTable(o, rows)
	case catalog.KindView:
		takeViewWarning(o, rows)
	case catalog.KindProcedure, catalog.KindFunction, catalog.KindEvent:
	}
	return nil
}

// takeViewWarning: SHOW CREATE VIEW shows a view that cannot be opened, with a warning.
func takeViewWarning(o *catalog.Object, rows [][]string) {
	for _, r := range rows {
		if len(r) == 3 && r[1] == strconv.Itoa(server.ErrViewInvalid) {
			o.Invalid = r[2]
		}
	}
}

// takeTriggerTable takes which table a trigger belongs to and its place among the others.
func takeTriggerTable(o *catalog.Object, rows [][]string) (err error) {
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
func readInvalidView(ctx context.Context, conn *server.RawConn, o *catalog.Object, why error) error {
	results, err := guardedRows(ctx, conn, "SELECT VIEW_DEFINITION, DEFINER, SECURITY_TYPE, CHECK_OPTION, CHARACTER_SET_CLIENT, COLLATION_CONNECTION"+
		" FROM information_schema.VIEWS WHERE TABLE_SCHEMA="+utf8Literal(o.Schema)+" AND TABLE_NAME="+utf8Literal(o.Name.Name))
	if err != nil {
		return err
	}
	rows := results[0]
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
