package pitr

import (
	"context"
	"fmt"
	"strings"

	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/internal/server"
)

// rowSession is a connection that writes rows: statements go out while they are rendered, so a
// large one does not lie in memory (promise 8). Not safe for concurrent use.
type rowSession struct{ conn *server.RawConn }

// rowSession opens a connection of the caller's own.
func (t *target) rowSession(ctx context.Context) (*rowSession, error) {
	conn, err := t.server.RawConn(ctx)
	if err != nil {
		return nil, server.Classify(err)
	}
	s := &rowSession{conn: conn}
	if err := t.begin(ctx, s); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// readCommitted lets writers side by side lock the rows that they write and no gaps between them. A
// target whose own binlog takes statements would refuse every row (error 1665).
func (s *rowSession) readCommitted(ctx context.Context) error {
	row, err := oneRow(ctx, s, "SELECT @@log_bin AND @@sql_log_bin AND @@binlog_format='STATEMENT'")
	if err != nil {
		return fmt.Errorf("ask for the target's binlog_format: %w", err)
	}
	if row[0] == "1" {
		return nil
	}
	return s.exec(ctx, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
}

func (s *rowSession) close() { _ = s.conn.Close() } // is never anything but nil

// exec runs statements and classifies what comes back.
func (s *rowSession) exec(ctx context.Context, statements string) error {
	_, err := s.counts(ctx, strings.NewReader(statements))
	return err
}

// counts runs statements and returns the affected rows of each, as session.counts does.
func (s *rowSession) counts(ctx context.Context, text server.Text) ([]int64, error) {
	failpoint.InjectCall("roundTrip")
	counts, err := s.conn.Exec(ctx, text)
	failpoint.InjectCall("roundTrip")
	return counts, server.Classify(err)
}

// queryRows returns all rows of a query as text; NULL is empty.
func (s *rowSession) queryRows(ctx context.Context, query string) ([][]string, error) {
	rows, err := s.conn.Rows(ctx, query)
	return rows, server.Classify(err)
}

// querier is a session of either kind.
type querier interface {
	queryRows(ctx context.Context, query string) ([][]string, error)
}
