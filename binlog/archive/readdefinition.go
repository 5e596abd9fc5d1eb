package archive

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage/catalog"
)

const (
	// definitionTries is how often a definition is asked for that a lock or a lost connection kept back.
	definitionTries = 3
	definitionPause = time.Second
	// definitionTimeout bounds one look at the source.
	definitionTimeout = 10 * time.Second
)

// definitionReader asks the source for definitions, on a connection of its own.
type definitionReader struct {
	server *server.Server
	conn   *sql.Conn
}

func (r *definitionReader) close() {
	if r.conn != nil {
		_ = discard(r.conn) // of no further use
		r.conn = nil
	}
}

// read returns the definitions of tables, each with the end of the log behind it, and the parents
// that they name. What cannot be read says why.
func (r *definitionReader) read(ctx context.Context, timeline binlog.Timeline, tables []catalog.Definition) ([]catalog.Definition, map[schema.Name][]schema.Name) {
	list, parents := make([]catalog.Definition, len(tables)), map[schema.Name][]schema.Name{}
	for i, d := range tables {
		list[i] = d
		if d.Unknown != "" {
			continue
		}
		t, until, err := r.tryRead(ctx, d.Name)
		if err != nil {
			list[i].Unknown = "it could not be read: " + err.Error()
			continue
		}
		until.Timeline = timeline
		list[i].Create, list[i].Until = t.Create, until
		for _, f := range t.ForeignKeys {
			parents[d.Name] = append(parents[d.Name], f.Parent)
		}
	}
	return list, parents
}

func (r *definitionReader) tryRead(ctx context.Context, n schema.Name) (t *schema.Table, until binlog.Position, err error) {
	if f := r.server.Facts(); f.Flavor != server.FlavorMySQL || f.Major < 9 {
		return nil, until, fmt.Errorf("on %s %s it is not proved that SHOW CREATE TABLE waits for a statement that is not over", f.Flavor, f.Version)
	}
	for try := 1; ; try++ {
		if t, until, err = r.once(ctx, n); err == nil {
			return t, until, nil
		}
		r.close()
		again := server.ErrorNumber(err) == 0 || server.ErrorNumber(err) == server.ErrLockWaitTimeout
		if !again || try == definitionTries || sleep(ctx, definitionPause) != nil {
			return nil, until, err
		}
	}
}

// once reads one definition in a transaction that says who answers (W6), and behind it the end of the log.
func (r *definitionReader) once(ctx context.Context, n schema.Name) (_ *schema.Table, until binlog.Position, err error) {
	ctx, cancel := context.WithTimeout(ctx, definitionTimeout)
	defer cancel()
	if r.conn == nil {
		if r.conn, err = r.server.Conn(ctx); err != nil {
			return nil, until, err
		}
	}
	tx, err := r.conn.BeginTx(ctx, nil)
	if err != nil {
		return nil, until, err
	}
	defer func() { err = errors.Join(err, ignoreDone(tx.Rollback())) }()
	var uuid, name, create string
	if err := tx.QueryRowContext(ctx, "SELECT "+r.server.Facts().Identity()).Scan(&uuid); err != nil {
		return nil, until, err
	}
	if facts := r.server.Facts(); uuid != facts.ServerUUID {
		return nil, until, fmt.Errorf("the address answered as server %s and as %s (W6)", facts.ServerUUID, uuid)
	}
	if err := tx.QueryRowContext(ctx, "SHOW CREATE TABLE "+n.Quoted()).Scan(&name, &create); err != nil {
		return nil, until, err
	}
	if err := tx.Commit(); err != nil {
		return nil, until, err
	}
	s, err := takeSample(ctx, r.conn, r.server.Facts())
	if err != nil {
		return nil, until, err
	}
	t, err := ddl.ParseCreateTable(create, n.Schema)
	if err != nil {
		return nil, until, err
	}
	return t, binlog.Position{File: s.file, Pos: s.pos}, nil
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}
