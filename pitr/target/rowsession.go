package target

import (
	"context"
	"fmt"
	"strings"

	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/internal/server"
)

// RowSession is a connection that writes rows: statements go out while they are rendered, so a
// large one does not lie in memory (promise 8). Not safe for concurrent use.
type RowSession struct{ conn *server.RawConn }

// RowSession opens a connection of the caller's own.
func (t *Target) RowSession(ctx context.Context) (*RowSession, error) {
	conn, err := t.server.RawConn(ctx)
	if err != nil {
		return nil, server.Classify(err)
	}
	s := &RowSession{conn: conn}
	if err := t.begin(ctx, s); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// ReadCommitted lets writers side by side lock the rows that they write and no gaps between them. A
// target whose own binlog takes statements would refuse every row (error 1665).
func (s *RowSession) ReadCommitted(ctx context.Context) error {
	row, err := OneRow(ctx, s, "SELECT @@log_bin AND @@sql_log_bin AND @@binlog_format='STATEMENT'")
	if err != nil {
		return fmt.Errorf("ask for the target's binlog_format: %w", err)
	}
	if row[0] == "1" {
		return nil
	}
	return s.Exec(ctx, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
}

// Close ends the connection, and with it its settings and its lock.
func (s *RowSession) Close() { _ = s.conn.Close() } // is never anything but nil

// Exec runs statements and classifies what comes back.
func (s *RowSession) Exec(ctx context.Context, statements string) error {
	_, err := s.Counts(ctx, strings.NewReader(statements))
	return err
}

// Counts runs statements and returns the affected rows of each, as Session.Counts does.
func (s *RowSession) Counts(ctx context.Context, text server.Text) ([]int64, error) {
	failpoint.InjectCall("roundTrip")
	counts, err := s.conn.Exec(ctx, text)
	failpoint.InjectCall("roundTrip")
	return counts, server.Classify(err)
}

// QueryRows returns all rows of a query as text; NULL is empty.
func (s *RowSession) QueryRows(ctx context.Context, query string) ([][]string, error) {
	rows, err := s.conn.Rows(ctx, query)
	return rows, server.Classify(err)
}

// EachRow hands over the rows of a query one by one, as the server packs them: a table does not lie in
// memory. A packet is valid until row returns.
func (s *RowSession) EachRow(ctx context.Context, query string, row func(packet []byte) error) error {
	_, err := s.conn.Query(ctx, query, row)
	return server.Classify(err)
}

// Querier is a session of either kind that answers.
type Querier interface {
	QueryRows(ctx context.Context, query string) ([][]string, error)
}

// Execer is a session of either kind that runs statements.
type Execer interface {
	Exec(ctx context.Context, statements string) error
}
