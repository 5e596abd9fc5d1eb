package target

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

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/rewriter"
)

// permitted are settings that only some accounts may change (fact 10.1). They are tried on the
// first connection; what is refused there is not tried again.
var permitted = []string{
	NoBinlog,
	"sql_generate_invisible_primary_key=OFF",
	"sql_require_primary_key=OFF",
	"innodb_strict_mode=OFF",
	"explicit_defaults_for_timestamp=1",
	// In SHOW CREATE output utf8mb4 alone is the older collation: newer servers always spell theirs.
	"default_collation_for_utf8mb4=utf8mb4_general_ci",
	"restrict_fk_on_non_standard_key=OFF", // what the source accepted stays acceptable (8.4 and later)
	NoChecks,
	keepWarnings,
}

// NoChecks: on MariaDB any session may write what a CHECK forbids, and so may the source's have done. It is also how
// checks are put off there, in all sessions of a restore.
const NoChecks = "check_constraint_checks=OFF"

// NoBinlog keeps the restore out of the target's own binlog.
const NoBinlog = "sql_log_bin=0"

// Error numbers of refused or unknown settings.
const (
	errUnknownVariable = 1193
	errReadOnly        = 1238
	errNotInFunction   = 1231
)

// Target opens the sessions of a restore, all alike.
type Target struct {
	server   *server.Server
	settings []string // those of permitted that this account may change
	presence presence
}

// Open finds out what the account may change; logged keeps the restore in the target's binlog, whatever it may.
func Open(ctx context.Context, srv *server.Server, logged bool) (*Target, error) {
	t := &Target{server: srv}
	f := srv.Facts()
	t.presence.single = f.Flavor == server.FlavorMySQL && !f.AtLeast(5, 7, 5)
	conn, err := srv.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer discard(conn)
	for _, setting := range permitted {
		if logged && setting == NoBinlog {
			continue
		}
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

// Permits tells whether a setting is in force in all sessions.
func (t *Target) Permits(setting string) bool {
	for _, s := range t.settings {
		if s == setting {
			return true
		}
	}
	return false
}

// set puts the settings in force.
func (t *Target) set() string { return "SET SESSION " + strings.Join(t.settings, ", SESSION ") }

// Session opens a connection of the caller's own.
func (t *Target) Session(ctx context.Context) (*Session, error) {
	s, err := Connect(ctx, t.server)
	if err != nil {
		return nil, err
	}
	if err := t.begin(ctx, s); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// begin makes a new connection one of the restore's.
func (t *Target) begin(ctx context.Context, s interface {
	Querier
	Execer
}) error {
	if len(t.settings) > 0 {
		if err := s.Exec(ctx, t.set()); err != nil {
			return err
		}
	}
	return t.presence.enter(ctx, s)
}

// Session is one connection to the target. Not safe for concurrent use.
type Session struct {
	conn    *sql.Conn
	knows   rewriter.Knows
	schema  string
	changed map[string]string // variables that differ from the session's own values
}

// Connect opens a session as the server gives it: without the settings of a restore, and without a
// lock that tells of one.
func Connect(ctx context.Context, srv *server.Server) (*Session, error) {
	conn, err := srv.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &Session{conn: conn, knows: knownBy(srv.Facts()), changed: map[string]string{}}, nil
}

// knownBy tells what a server takes of the context of a statement.
func knownBy(f server.Facts) rewriter.Knows {
	mysql := f.Flavor == server.FlavorMySQL
	return rewriter.Knows{
		Modern: mysql && f.AtLeast(8, 0, 0), FixedTimestamps: mysql && !f.AtLeast(5, 7, 0), MariaDB: f.Flavor == server.FlavorMariaDB,
	}
}

// FindsListedRows tells whether the server finds rows by an index where (a,b) IN (..) lists several: MySQL before 5.7 walks the
// table for them (measured on 5.6.24).
func (s *Session) FindsListedRows() bool { return !s.knows.FixedTimestamps }

// Close ends the connection: its settings are nobody else's.
func (s *Session) Close() { discard(s.conn) }

// discard closes a connection instead of giving it back to the pool.
func discard(conn *sql.Conn) {
	// ErrBadConn is the way to tell the pool; it comes back as the error of Raw.
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = conn.Close() // ErrConnDone, for the pool has closed it already
}

// Exec runs statements and classifies what comes back.
func (s *Session) Exec(ctx context.Context, statements string) error {
	_, err := s.Counts(ctx, statements)
	return err
}

// Counts runs statements joined by semicolons and returns the affected rows of each. Of rows
// that an UPDATE finds, all count, changed or not.
func (s *Session) Counts(ctx context.Context, statements string) ([]int64, error) {
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

// QueryText returns the only row of a query as text; NULL is empty.
func (s *Session) QueryText(ctx context.Context, query string) ([]string, error) {
	return OneRow(ctx, s, query)
}

// OneRow returns the only row of a query as text; NULL is empty.
func OneRow(ctx context.Context, s Querier, query string) ([]string, error) {
	rows, err := s.QueryRows(ctx, query)
	if err != nil {
		return nil, err
	}
	if len(rows) != 1 {
		return nil, fmt.Errorf("%s: want one row, got %d", query, len(rows))
	}
	return rows[0], nil
}

// QueryRows returns all rows of a query as text; NULL is empty.
func (s *Session) QueryRows(ctx context.Context, query string) (list [][]string, err error) {
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

// Use makes a schema the default one.
func (s *Session) Use(ctx context.Context, name string) error {
	if name == "" || s.schema == name {
		return nil
	}
	if err := s.ReadUTF8(ctx); err != nil {
		return err
	}
	if err := s.Exec(ctx, "USE "+schema.Quote(name)); err != nil {
		return err
	}
	s.schema = name
	return nil
}

// ReadUTF8 lets the server read statements as UTF-8 again, whatever character set the last
// statement of the log came in.
func (s *Session) ReadUTF8(ctx context.Context) error {
	const variable = "character_set_client"
	utf8 := s.knows.Fit([]rewriter.Variable{{Name: variable, Value: strconv.Itoa(rewriter.CollationUTF8MB4)}})[0].Value
	if client, changed := s.changed[variable]; !changed || client == utf8 {
		return nil
	}
	if err := s.Exec(ctx, "SET SESSION "+variable+"="+utf8); err != nil {
		return err
	}
	s.changed[variable] = utf8
	return nil
}

// Set gives the session exactly these variables; what an earlier call changed and this one does
// not name goes back to its default (R10).
func (s *Session) Set(ctx context.Context, variables []rewriter.Variable) error {
	return s.give(ctx, s.knows.Fit(variables))
}

// SetTable is Set for a statement on a table.
func (s *Session) SetTable(ctx context.Context, variables []rewriter.Variable) error {
	return s.give(ctx, s.knows.FitTable(variables))
}

func (s *Session) give(ctx context.Context, variables []rewriter.Variable) error {
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
	return s.Exec(ctx, "SET "+strings.Join(clauses, ", "))
}
