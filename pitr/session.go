package pitr

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/rewriter"
)

// permitted are settings that only some accounts may change (fact 10.1). They are tried on the
// first connection; what is refused there is not tried again.
var permitted = []string{
	noBinlog,
	"sql_generate_invisible_primary_key=OFF",
	"sql_require_primary_key=OFF",
	"innodb_strict_mode=OFF",
	"explicit_defaults_for_timestamp=1",
	"restrict_fk_on_non_standard_key=OFF", // what the source accepted stays acceptable (8.4 and later)
}

// noBinlog keeps the restore out of the target's own binlog.
const noBinlog = "sql_log_bin=0"

// Error numbers of refused or unknown settings.
const (
	errUnknownVariable = 1193
	errReadOnly        = 1238
	errNotInFunction   = 1231
)

// target opens the sessions of a restore, all alike.
type target struct {
	server   *server.Server
	settings []string // those of permitted that this account may change
	presence presence
}

// openTarget finds out what the account may change.
func openTarget(ctx context.Context, srv *server.Server) (*target, error) {
	t := &target{server: srv}
	conn, err := srv.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer discard(conn)
	for _, setting := range permitted {
		_, err := conn.ExecContext(ctx, "SET SESSION "+setting)
		switch server.ErrorNumber(err) {
		case server.ErrPrivilegeNeeded, errUnknownVariable, errReadOnly, errNotInFunction:
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("set %s: %w", setting, server.Classify(err))
		}
		t.settings = append(t.settings, setting)
	}
	return t, nil
}

// permits tells whether a setting is in force in all sessions.
func (t *target) permits(setting string) bool {
	for _, s := range t.settings {
		if s == setting {
			return true
		}
	}
	return false
}

// set puts the settings in force.
func (t *target) set() string { return "SET SESSION " + strings.Join(t.settings, ", SESSION ") }

// session opens a connection of the caller's own.
func (t *target) session(ctx context.Context) (*session, error) {
	conn, err := t.server.Conn(ctx)
	if err != nil {
		return nil, err
	}
	s := &session{conn: conn, changed: map[string]string{}}
	if err := t.begin(ctx, s); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// begin makes a new connection one of the restore's.
func (t *target) begin(ctx context.Context, s interface {
	querier
	execer
}) error {
	if len(t.settings) > 0 {
		if err := s.exec(ctx, t.set()); err != nil {
			return err
		}
	}
	return t.presence.enter(ctx, s)
}

// session is one connection to the target. Not safe for concurrent use.
type session struct {
	conn    *sql.Conn
	schema  string
	changed map[string]string // variables that differ from the session's own values
}

// close ends the connection: its settings are nobody else's.
func (s *session) close() { discard(s.conn) }

// discard closes a connection instead of giving it back to the pool.
func discard(conn *sql.Conn) {
	// ErrBadConn is the way to tell the pool; it comes back as the error of Raw.
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = conn.Close() // ErrConnDone, for the pool has closed it already
}

// exec runs statements and classifies what comes back.
func (s *session) exec(ctx context.Context, statements string) error {
	_, err := s.counts(ctx, statements)
	return err
}

// counts runs statements joined by semicolons and returns the affected rows of each. Of rows
// that an UPDATE finds, all count, changed or not.
func (s *session) counts(ctx context.Context, statements string) ([]int64, error) {
	var counts []int64
	failpoint.InjectCall("roundTrip")
	err := s.conn.Raw(func(driverConn any) error {
		execer, ok := driverConn.(driver.ExecerContext)
		if !ok {
			return errors.New("the driver cannot execute text")
		}
		result, err := execer.ExecContext(ctx, statements, nil)
		if err != nil {
			return err
		}
		all, ok := result.(mysql.Result)
		if !ok {
			return errors.New("the driver tells only the last statement's count")
		}
		counts = all.AllRowsAffected()
		return nil
	})
	failpoint.InjectCall("roundTrip")
	return counts, server.Classify(err)
}

// queryText returns the only row of a query as text; NULL is empty.
func (s *session) queryText(ctx context.Context, query string) ([]string, error) {
	return oneRow(ctx, s, query)
}

// oneRow returns the only row of a query as text; NULL is empty.
func oneRow(ctx context.Context, s querier, query string) ([]string, error) {
	rows, err := s.queryRows(ctx, query)
	if err != nil {
		return nil, err
	}
	if len(rows) != 1 {
		return nil, fmt.Errorf("%s: want one row, got %d", query, len(rows))
	}
	return rows[0], nil
}

// queryRows returns all rows of a query as text; NULL is empty.
func (s *session) queryRows(ctx context.Context, query string) (list [][]string, err error) {
	rows, err := s.conn.QueryContext(ctx, query)
	if err != nil {
		return nil, server.Classify(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		values := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		row := make([]string, len(columns))
		for i := range values {
			row[i] = values[i].String
		}
		list = append(list, row)
	}
	return list, server.Classify(rows.Err())
}

// use makes a schema the default one.
func (s *session) use(ctx context.Context, name string) error {
	if name == "" || s.schema == name {
		return nil
	}
	if err := s.readUTF8(ctx); err != nil {
		return err
	}
	if err := s.exec(ctx, "USE "+schema.Quote(name)); err != nil {
		return err
	}
	s.schema = name
	return nil
}

// readUTF8 lets the server read statements as UTF-8 again, whatever character set the last
// statement of the log came in.
func (s *session) readUTF8(ctx context.Context) error {
	const variable = "character_set_client"
	utf8 := strconv.Itoa(rewriter.CollationUTF8MB4)
	if client, changed := s.changed[variable]; !changed || client == utf8 {
		return nil
	}
	if err := s.exec(ctx, "SET SESSION "+variable+"="+utf8); err != nil {
		return err
	}
	s.changed[variable] = utf8
	return nil
}

// set gives the session exactly these variables; what an earlier call changed and this one does
// not name goes back to its default (R10).
func (s *session) set(ctx context.Context, variables []rewriter.Variable) error {
	var clauses []string
	wanted := map[string]bool{}
	for _, v := range variables {
		wanted[v.Name] = true
		if s.changed[v.Name] != v.Value {
			clauses = append(clauses, "SESSION "+v.Name+"="+v.Value)
			s.changed[v.Name] = v.Value
		}
	}
	for name := range s.changed {
		if !wanted[name] {
			clauses = append(clauses, "SESSION "+name+"=DEFAULT")
			delete(s.changed, name)
		}
	}
	if len(clauses) == 0 {
		return nil
	}
	return s.exec(ctx, "SET "+strings.Join(clauses, ", "))
}

// run sends one statement in its context. The text goes out in the client character set that
// the context names.
func (s *session) run(ctx context.Context, e *execution) error {
	if err := s.use(ctx, e.schema); err != nil {
		return fmt.Errorf("use schema %s: %w", e.schema, err)
	}
	if err := s.set(ctx, e.variables); err != nil {
		return fmt.Errorf("set the session context: %w", err)
	}
	text := e.raw
	if text == nil {
		var err error
		if text, err = ddl.EncodeText(e.text, e.client); err != nil {
			return err
		}
	}
	return s.exec(ctx, string(text))
}
