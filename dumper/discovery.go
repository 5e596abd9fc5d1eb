package dumper

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/tripod-db/tripod/dumper/bases"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage/catalog"
)

// listing is what discovery found. It need not be atomic: the log tells of what happened
// meanwhile (R1).
type listing struct {
	schemas []string
	tables  []listedTable // the largest first, so that the last worker is not left alone with it
	objects []listedObject
	bytes   uint64 // estimate of what the selected tables hold
	rows    uint64 // likewise
}

type listedTable struct {
	schema.Name
	rows, bytes uint64 // estimates of the server
}

type listedObject struct {
	kind  catalog.ObjectKind
	name  schema.Name
	table string // of a trigger
}

// notSystem keeps the server's own schemas out of a listing. Their names need no escapes.
func notSystem(column string) string {
	return column + " NOT IN ('" + strings.Join(schema.SystemSchemas, "','") + "')"
}

// discover lists schemas, tables, views, routines, triggers and events. information_schema
// takes no locks: a name that it shows may be gone, one that it does not show may be there.
func discover(ctx context.Context, db *sql.DB, s selection) (listing, error) {
	var l listing
	err := eachRow(ctx, db, "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE "+notSystem("SCHEMA_NAME"), func(scan scanner) error {
		var name string
		if err := scan(&name); err != nil {
			return err
		}
		l.schemas = append(l.schemas, name)
		return nil
	})
	if err != nil {
		return l, fmt.Errorf("list the schemas: %w", err)
	}
	if err := l.listTables(ctx, db, s); err != nil {
		return l, fmt.Errorf("list the tables: %w", err)
	}
	for _, of := range []struct {
		kind  catalog.ObjectKind
		query string
	}{
		{catalog.KindProcedure, "SELECT ROUTINE_SCHEMA, ROUTINE_NAME, '' FROM information_schema.ROUTINES WHERE ROUTINE_TYPE='PROCEDURE' AND " + notSystem("ROUTINE_SCHEMA")},
		{catalog.KindFunction, "SELECT ROUTINE_SCHEMA, ROUTINE_NAME, '' FROM information_schema.ROUTINES WHERE ROUTINE_TYPE='FUNCTION' AND " + notSystem("ROUTINE_SCHEMA")},
		{catalog.KindTrigger, "SELECT TRIGGER_SCHEMA, TRIGGER_NAME, EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS WHERE " + notSystem("TRIGGER_SCHEMA")},
		{catalog.KindEvent, "SELECT EVENT_SCHEMA, EVENT_NAME, '' FROM information_schema.EVENTS WHERE " + notSystem("EVENT_SCHEMA")},
	} {
		err := eachRow(ctx, db, of.query, func(scan scanner) error {
			o := listedObject{kind: of.kind}
			if err := scan(&o.name.Schema, &o.name.Name, &o.table); err != nil {
				return err
			}
			if s.listedObject(o) {
				l.objects = append(l.objects, o)
			}
			return nil
		})
		if err != nil {
			return l, fmt.Errorf("list each %s: %w", of.kind, err)
		}
	}
	return l, nil
}

// listedObject tells whether an object that discovery found is asked for: a trigger comes with
// its table.
func (s selection) listedObject(o listedObject) bool {
	if o.kind == catalog.KindTrigger {
		return s.table(schema.Name{Schema: o.name.Schema, Name: o.table})
	}
	return s.object(o.kind, o.name)
}

func (l *listing) listTables(ctx context.Context, db *sql.DB, s selection) error {
	query := "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, COALESCE(TABLE_ROWS,0), COALESCE(DATA_LENGTH,0)" +
		" FROM information_schema.TABLES WHERE " + notSystem("TABLE_SCHEMA") + " ORDER BY 5 DESC, 1, 2"
	return eachRow(ctx, db, query, func(scan scanner) error {
		var t listedTable
		var kind string
		if err := scan(&t.Name.Schema, &t.Name.Name, &kind, &t.rows, &t.bytes); err != nil {
			return err
		}
		if kind == "VIEW" {
			if s.table(t.Name) {
				l.objects = append(l.objects, listedObject{kind: catalog.KindView, name: t.Name})
			}
			return nil
		}
		l.tables = append(l.tables, t)
		if s.table(t.Name) {
			l.rows += t.rows
			l.bytes += t.bytes
		}
		return nil
	})
}

// tell feeds the listing to the rules. Tables that were not asked for are told too: what flows
// in from them has to be read again (R12).
func (l *listing) tell(b *bases.Bases) {
	for _, name := range l.schemas {
		b.ListSchema(name)
	}
	for _, t := range l.tables {
		b.ListTable(t.Name)
	}
	for _, o := range l.objects {
		b.ListObject(o.kind, o.name)
	}
}

type scanner func(into ...any) error

// eachRow runs a query on a connection of the pool.
func eachRow(ctx context.Context, db *sql.DB, query string, row func(scanner) error) (err error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return server.Classify(err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return server.Classify(err)
	}
	return nil
}
