package dumper

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/dumper/bases"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage/catalog"
)

// listing is what discovery found. It need not be atomic: the log tells of what happened
// meanwhile (R1).
type listing struct {
	schemas []string
	// unions are the tables of which MERGE tables show the rows, with those.
	unions  map[schema.Name]schema.Name
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

// discover lists what there is, as often as it takes: a lock or a lost connection in the middle
// says nothing. It gives up after cfg.Wait.
func (b *backup) discover(ctx context.Context) (listing, error) {
	deadline := time.Now().Add(b.cfg.Wait)
	held := b.held()
	defer held.over()
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		l, err := discover(ctx, b.cfg.Source, b.selection, b.advances.step)
		switch v := judge(err); {
		case err == nil:
			return l, nil
		case ctx.Err() != nil:
			return l, context.Cause(ctx)
		case v != again && v != tooBig, time.Now().After(deadline):
			return l, server.Classify(err)
		}
		held.by(err, schema.Name{})
		b.cfg.Log.Warn("discovery begins again", "error", err)
		if err := sleep(ctx, pause); err != nil {
			return listing{}, err
		}
	}
}

// discover lists schemas, tables, views, routines, triggers and events. information_schema
// takes no locks: a name that it shows may be gone, one that it does not show may be there. A
// name that a replica does not show yet would be lost: each answer is the source's own (W6).
func discover(ctx context.Context, srv *server.Server, s selection, answered func()) (l listing, err error) {
	l.unions = map[schema.Name]schema.Name{}
	conn, err := srv.RawConn(ctx)
	if err != nil {
		return l, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	names, err := listed(ctx, conn, "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE "+notSystem("SCHEMA_NAME"))
	if err != nil {
		return l, fmt.Errorf("list the schemas: %w", err)
	}
	answered()
	for _, row := range names {
		l.schemas = append(l.schemas, row[0])
	}
	if err := l.listTables(ctx, conn, s); err != nil {
		return l, fmt.Errorf("list the tables: %w", err)
	}
	answered()
	for _, of := range []struct {
		kind  catalog.ObjectKind
		query string
	}{
		{catalog.KindProcedure, "SELECT ROUTINE_SCHEMA, ROUTINE_NAME, '' FROM information_schema.ROUTINES WHERE ROUTINE_TYPE='PROCEDURE' AND " + notSystem("ROUTINE_SCHEMA")},
		{catalog.KindFunction, "SELECT ROUTINE_SCHEMA, ROUTINE_NAME, '' FROM information_schema.ROUTINES WHERE ROUTINE_TYPE='FUNCTION' AND " + notSystem("ROUTINE_SCHEMA")},
		{catalog.KindTrigger, "SELECT TRIGGER_SCHEMA, TRIGGER_NAME, EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS WHERE " + notSystem("TRIGGER_SCHEMA")},
		{catalog.KindEvent, "SELECT EVENT_SCHEMA, EVENT_NAME, '' FROM information_schema.EVENTS WHERE " + notSystem("EVENT_SCHEMA")},
	} {
		rows, err := listed(ctx, conn, of.query)
		if err != nil {
			return l, fmt.Errorf("list each %s: %w", of.kind, err)
		}
		answered()
		for _, row := range rows {
			o := listedObject{kind: of.kind, name: schema.Name{Schema: row[0], Name: row[1]}, table: row[2]}
			if s.listedObject(o) {
				l.objects = append(l.objects, o)
			}
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

func (l *listing) listTables(ctx context.Context, conn *server.RawConn, s selection) error {
	rows, err := listed(ctx, conn, "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, COALESCE(TABLE_ROWS,0), COALESCE(DATA_LENGTH,0), COALESCE(ENGINE,'')"+
		" FROM information_schema.TABLES WHERE "+notSystem("TABLE_SCHEMA")+" ORDER BY 5 DESC, 1, 2")
	if err != nil {
		return err
	}
	for _, row := range rows {
		t := listedTable{Name: schema.Name{Schema: row[0], Name: row[1]}}
		if row[2] == "VIEW" {
			if s.table(t.Name) {
				l.objects = append(l.objects, listedObject{kind: catalog.KindView, name: t.Name})
			}
			continue
		}
		if t.rows, err = strconv.ParseUint(row[3], 10, 64); err != nil {
			return fmt.Errorf("the rows of %s: %w", t.Name, err)
		}
		if t.bytes, err = strconv.ParseUint(row[4], 10, 64); err != nil {
			return fmt.Errorf("the bytes of %s: %w", t.Name, err)
		}
		l.tables = append(l.tables, t)
		if err := l.listUnion(ctx, conn, t.Name, row[5]); err != nil {
			return err
		}
		if s.table(t.Name) {
			l.rows += t.rows
			l.bytes += t.bytes
		}
	}
	return nil
}

// listUnion reads what a MERGE table is made of, selected or not. One that cannot be opened, because a
// table of it is missing, is one that nobody can write through.
func (l *listing) listUnion(ctx context.Context, conn *server.RawConn, n schema.Name, engine string) error {
	if !strings.EqualFold(engine, "MRG_MYISAM") {
		return nil
	}
	row, _, err := showCreate(ctx, conn, append([]uint16{errBrokenUnion}, noTable...), "SHOW CREATE TABLE "+n.Quoted())
	if err != nil || row == nil || len(row) > 2 {
		return err
	}
	t, err := ddl.ParseCreateTable(row[1], n.Schema)
	if err != nil {
		return fmt.Errorf("read the definition of %s: %w", n, err)
	}
	for _, child := range t.Children() {
		l.unions[child] = n
	}
	return nil
}

const errBrokenUnion = 1168

// listed runs one query of discovery.
func listed(ctx context.Context, conn *server.RawConn, query string) ([][]string, error) {
	results, err := guardedRows(ctx, conn, query)
	if err != nil {
		return nil, err
	}
	return results[0], nil
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
