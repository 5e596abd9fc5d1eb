package dumper

import (
	"context"
	"fmt"
	"time"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/source"
	"github.com/tripod-db/tripod/dumper/bases"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage/catalog"
)

// definitionRead is one SHOW CREATE between two moments.
type definitionRead struct {
	before   source.Tick
	received time.Time
	row      []string // nil: there is no such thing
}

// show runs a SHOW CREATE statement. It takes the metadata lock for as long as it lasts and so
// waits for a statement that holds it, at most lock_wait_timeout (1 s), then tries again.
// absent are the errors that mean that there is no such thing. With another error of the server
// the moments around the statement are returned too.
func (w *worker) show(ctx context.Context, want bases.Want, statement string, absent ...uint16) (definitionRead, error) {
	deadline := time.Now().Add(w.cfg.Wait)
	for {
		conn, err := w.connection(ctx)
		if err != nil {
			return definitionRead{}, err
		}
		t0, err := w.before(ctx, want)
		if err != nil {
			return definitionRead{}, err
		}
		rows, err := conn.Rows(ctx, statement)
		read := definitionRead{before: t0, received: time.Now()}
		if err == nil {
			if len(rows) != 1 || len(rows[0]) < 2 {
				return definitionRead{}, fmt.Errorf("%s: the server did not answer with one row", statement)
			}
			read.row = rows[0]
			return read, nil
		}
		if ctx.Err() != nil {
			return definitionRead{}, context.Cause(ctx)
		}
		for _, number := range absent {
			if server.ErrorNumber(err) == number {
				return read, nil
			}
		}
		if judge(err) != again || time.Now().After(deadline) {
			return read, fmt.Errorf("read the definition of %s: %w", want.Name, server.Classify(err))
		}
		if err := sleep(ctx, firstPause); err != nil {
			return definitionRead{}, err
		}
	}
}

// showTable reads a table's definition. A view of that name is no table.
func (w *worker) showTable(ctx context.Context, want bases.Want) (definitionRead, *schema.Table, error) {
	read, err := w.show(ctx, want, "SHOW CREATE TABLE "+want.Name.Quoted(), server.ErrNoSuchTable, server.ErrUnknownSchema, server.ErrViewInvalid)
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
			if s.DefinitionDone(want, r) && t != nil {
				w.contents.setDefinition(t)
			}
		})
		return nil
	})
	return nil
}

// readSchema reads a schema's defaults.
func (w *worker) readSchema(ctx context.Context, want bases.Want) error {
	name := want.Name.Schema
	read, err := w.show(ctx, want, "SHOW CREATE DATABASE "+schema.Quote(name), server.ErrUnknownSchema)
	if err != nil {
		return err
	}
	found := catalog.SchemaBase{Name: name, Exists: read.row != nil}
	if found.Exists {
		found.Create = read.row[1]
		if found.Charset, found.Collation, err = w.schemaDefaults(ctx, name); err != nil {
			return err
		}
	}
	read.received = time.Now()
	w.later(func(ctx context.Context) error {
		t1, err := w.clock.After(ctx, read.received)
		if err != nil {
			return err
		}
		w.board.update(func(s *bases.Bases) {
			if s.SchemaDone(want, bases.SchemaRead{Exists: found.Exists, Before: w.mark(read.before), After: w.mark(t1)}) {
				w.contents.setSchema(found)
			}
		})
		return nil
	})
	return nil
}

// schemaDefaults reads character set and collation; a schema that has gone meanwhile has a
// statement in its window.
func (w *worker) schemaDefaults(ctx context.Context, name string) (charset, collation string, err error) {
	conn, err := w.connection(ctx)
	if err != nil {
		return "", "", err
	}
	rows, err := conn.Rows(ctx, "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME="+
		utf8Literal(name))
	if err != nil {
		return "", "", fmt.Errorf("read the defaults of schema %s: %w", name, server.Classify(err))
	}
	if len(rows) == 0 {
		return "", "", nil
	}
	return rows[0][0], rows[0][1], nil
}

// utf8Literal renders a name as a literal for sessions whose character set is binary.
func utf8Literal(name string) string { return fmt.Sprintf("_utf8mb4 x'%x'", name) }
