package dumper

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/source"
	"github.com/tripod-db/tripod/dumper/bases"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage/catalog"
)

// moments are those around what tells of a definition.
type moments struct {
	before   source.Tick
	received time.Time
}

// definitionRead is one SHOW CREATE between two moments.
type definitionRead struct {
	moments
	row []string // nil: there is no such thing
}

// between runs statements that tell of one definition. They take the metadata lock for as long as
// they last and so wait for a statement that holds it, at most lock_wait_timeout (1 s). After a
// lock or a lost connection all of them are run again, on one connection and behind a t0 of
// their own: the answers belong together. With any other error the moments are returned too.
func (w *worker) between(ctx context.Context, want bases.Want, statements func(*server.RawConn) error) (moments, error) {
	deadline := time.Now().Add(w.cfg.Wait)
	held := w.held()
	defer held.over()
	for {
		conn, err := w.connection(ctx)
		if err != nil {
			return moments{}, err
		}
		t0, err := w.before(ctx, want)
		if err != nil {
			return moments{}, err
		}
		err = statements(conn)
		read := moments{before: t0, received: time.Now()}
		if err == nil {
			return read, nil
		}
		if ctx.Err() != nil {
			return moments{}, context.Cause(ctx)
		}
		if v := judge(err); v != again && v != tooBig || time.Now().After(deadline) {
			return read, fmt.Errorf("read the definition of %s: %w", want.Name, server.Classify(err))
		}
		held.by(err, want.Name)
		w.cfg.Log.Debug("a definition is read again", "name", want.Name.String(), "error", err)
		if err := sleep(ctx, firstPause); err != nil {
			return moments{}, err
		}
	}
}

// showCreate runs a SHOW CREATE statement and others that complete it, in one transaction whose
// answers are the source's own (W6): an absence that a replica tells would be believed. row is nil
// with an error that means that there is no such thing; more has the answers of the others.
func showCreate(ctx context.Context, conn *server.RawConn, absent []uint16, statement string, others ...string) (row []string, more [][][]string, err error) {
	results, err := guardedRows(ctx, conn, append([]string{statement}, others...)...)
	if number := server.ErrorNumber(err); number != 0 && slices.Contains(absent, number) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if len(results[0]) != 1 || len(results[0][0]) < 2 {
		return nil, nil, fmt.Errorf("%s: the server did not answer with one row", statement)
	}
	return results[0][0], results[1:], nil
}

// noTable are the answers that mean that there is no table of that name.
var noTable = []uint16{server.ErrNoSuchTable, server.ErrUnknownSchema, server.ErrViewInvalid}

// showTable reads a table's definition. A view of that name is no table.
func (w *worker) showTable(ctx context.Context, want bases.Want) (definitionRead, *schema.Table, error) {
	var read definitionRead
	var err error
	read.moments, err = w.between(ctx, want, func(conn *server.RawConn) (err error) {
		read.row, _, err = showCreate(ctx, conn, noTable, "SHOW CREATE TABLE "+want.Name.Quoted())
		return err
	})
	// A view has further columns: character set and collation of its creation.
	if err != nil || read.row == nil || len(read.row) > 2 {
		return read, nil, err
	}
	t, err := ddl.ParseCreateTable(read.row[1], want.Name.Schema)
	if err != nil {
		return read, nil, fmt.Errorf("read the definition of %s: %w", want.Name, err)
	}
	t.Name = want.Name
	return read, t, nil
}

// readDefinition reads a definition again after a definition-only statement; the chunks stay.
func (w *worker) readDefinition(ctx context.Context, want bases.Want) error {
	read, t, err := w.showTable(ctx, want)
	if err != nil {
		return err
	}
	w.later(func(ctx context.Context) error {
		t1, err := w.clock.After(ctx, read.received)
		if err != nil {
			return err
		}
		w.board.update(func(s *bases.Bases) {
			r := bases.DefinitionRead{Present: t != nil, Before: w.mark(read.before), After: w.mark(t1)}
			if !s.DefinitionDone(want, r) {
				return
			}
			w.advances.step()
			if t != nil {
				w.contents.setDefinition(t)
			}
		})
		return nil
	})
	return nil
}

// readSchema reads a schema's definition and its defaults. A schema that has gone between the
// two has a statement in its window.
func (w *worker) readSchema(ctx context.Context, want bases.Want) error {
	name := want.Name.Schema
	var found catalog.SchemaBase
	read, err := w.between(ctx, want, func(conn *server.RawConn) error {
		row, more, err := showCreate(ctx, conn, []uint16{server.ErrUnknownSchema}, "SHOW CREATE DATABASE "+schema.Quote(name),
			"SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME="+utf8Literal(name))
		found = catalog.SchemaBase{Name: name, Exists: row != nil}
		if row == nil {
			return err
		}
		found.Create = row[1]
		if len(more[0]) == 1 {
			found.Charset, found.Collation = more[0][0][0], more[0][0][1]
		}
		return nil
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
			if s.SchemaDone(want, bases.SchemaRead{Exists: found.Exists, Before: w.mark(read.before), After: w.mark(t1)}) {
				w.advances.step()
				w.contents.setSchema(found)
			}
		})
		return nil
	})
	return nil
}

// utf8Literal renders a name as a literal for sessions whose character set is binary.
func utf8Literal(name string) string { return fmt.Sprintf("_utf8mb4 x'%x'", name) }
