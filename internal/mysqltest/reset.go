package mysqltest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Reset makes the server as if new, without the second that a start takes: no schemas but its own, no accounts but root,
// no other connections, no prepared XA transactions, one binlog file, an empty GTID set. Its server_uuid and its global
// variables stay as they are.
func (s *Server) Reset(ctx context.Context) error {
	// What a test has set in a session ends with it.
	s.root.SetMaxIdleConns(0)
	s.root.SetMaxIdleConns(idleConnections)
	for _, step := range []struct {
		what string
		do   func(context.Context, *sql.Conn) error
	}{
		{"kill connections", killOthers},
		{"roll prepared transactions back", rollbackPrepared},
		{"drop schemas", s.dropSchemas},
		{"drop accounts", dropAccounts},
		{"empty the binlog", resetBinlog},
	} {
		conn, err := s.root.Conn(ctx)
		if err == nil {
			err = step.do(ctx, conn)
			_ = conn.Close() // returns it to the pool
		}
		if err != nil {
			return fmt.Errorf("reset a test server: %s: %w", step.what, err)
		}
	}
	return nil
}

// RemoveStrays removes what statements on partitions that failed have left in the folders of schemas: MySQL 5.6 drops no schema that
// holds such a file (error 1010). No statement on partitions may run meanwhile.
func (s *Server) RemoveStrays() error {
	if s.install.Kind != MySQL56 {
		return nil
	}
	strays, err := filepath.Glob(filepath.Join(s.DataDir(), "*", "#sql-*.par"))
	if err != nil {
		return fmt.Errorf("look for strays: %w", err)
	}
	for _, stray := range strays {
		if err := os.Remove(stray); err != nil {
			return fmt.Errorf("remove a stray: %w", err)
		}
	}
	return nil
}

func killOthers(ctx context.Context, conn *sql.Conn) error {
	ids, err := rows[int64](ctx, conn, `SELECT id FROM information_schema.processlist
		WHERE id <> CONNECTION_ID() AND user NOT IN ('system user', 'event_scheduler')`)
	if err != nil {
		return err
	}
	for _, id := range ids {
		// 1094, no such thread: it has gone by itself meanwhile.
		if _, err := conn.ExecContext(ctx, "KILL "+strconv.FormatInt(id, 10)); err != nil && !IsError(err, 1094) {
			return err
		}
	}
	return nil
}

func rollbackPrepared(ctx context.Context, conn *sql.Conn) error {
	prepared, err := conn.QueryContext(ctx, "XA RECOVER CONVERT XID")
	if IsError(err, 1064) { // MySQL since 5.7 alone knows it
		return rollbackPreparedText(ctx, conn)
	}
	if err != nil {
		return err
	}
	defer prepared.Close()
	var rollbacks []string
	for prepared.Next() {
		var format, global, branch int
		var xid string // 0x and the hex of both parts
		if err := prepared.Scan(&format, &global, &branch, &xid); err != nil {
			return err
		}
		hex := strings.TrimPrefix(xid, "0x")
		rollbacks = append(rollbacks, fmt.Sprintf("XA ROLLBACK X'%s', X'%s', %d", hex[:2*global], hex[2*global:], format))
	}
	if err := prepared.Err(); err != nil {
		return err
	}
	return execAll(ctx, conn, rollbacks)
}

// rollbackPreparedText is rollbackPrepared for servers that tell the two parts of an XID as they are.
func rollbackPreparedText(ctx context.Context, conn *sql.Conn) error {
	prepared, err := conn.QueryContext(ctx, "XA RECOVER")
	if err != nil {
		return err
	}
	defer prepared.Close()
	var rollbacks []string
	for prepared.Next() {
		var format, global, branch int
		var xid []byte
		if err := prepared.Scan(&format, &global, &branch, &xid); err != nil {
			return err
		}
		rollbacks = append(rollbacks, fmt.Sprintf("XA ROLLBACK X'%x', X'%x', %d", xid[:global], xid[global:], format))
	}
	if err := prepared.Err(); err != nil {
		return err
	}
	for _, rollback := range rollbacks {
		// 1402, the branch was rolled back: by the server, for its session has just been killed.
		if err := execAll(ctx, conn, []string{rollback}); err != nil && !IsError(err, 1402) {
			return err
		}
	}
	return nil
}

// systemSchemas are those that stay, and the names of their folders.
var systemSchemas = []string{"mysql", "sys", "information_schema", "performance_schema"}

// dropSchemas drops all but those of the server itself, with the files in their folders that belong to no table: such as are left by
// a statement on partitions that failed, or by IMPORT TABLESPACE. Servers drop no schema that has such a file, or make none
// of its name any more.
func (s *Server) dropSchemas(ctx context.Context, conn *sql.Conn) error {
	drops, err := rows[string](ctx, conn, "SELECT CONCAT('DROP DATABASE `', REPLACE(schema_name, '`', '``'), '`') FROM information_schema.schemata "+
		"WHERE schema_name NOT IN ('"+strings.Join(systemSchemas, "', '")+"')")
	if err != nil {
		return err
	}
	// Foreign keys may cross schemas.
	if err := execAll(ctx, conn, []string{"SET foreign_key_checks = 0"}); err != nil {
		return err
	}
	for _, drop := range drops {
		if err := execAll(ctx, conn, []string{drop}); err != nil && !IsError(err, 1010) { // its folder is not empty
			return err
		}
	}
	if err := s.removeSchemaFolders(); err != nil {
		return err
	}
	return execAll(ctx, conn, []string{"SET foreign_key_checks = 1"})
}

func (s *Server) removeSchemaFolders() error {
	list, err := os.ReadDir(s.DataDir())
	if err != nil {
		return fmt.Errorf("look for folders of schemas: %w", err)
	}
	for _, entry := range list {
		if entry.IsDir() && !strings.HasPrefix(entry.Name(), "#") && !slices.Contains(systemSchemas, entry.Name()) { // the server's own begin with #
			if err := os.RemoveAll(filepath.Join(s.DataDir(), entry.Name())); err != nil {
				return fmt.Errorf("remove the folder of a schema: %w", err)
			}
		}
	}
	return nil
}

func dropAccounts(ctx context.Context, conn *sql.Conn) error {
	// MariaDB's roles have no host; what everybody may do there is kept as a role that cannot be dropped.
	drops, err := rows[string](ctx, conn, `SELECT CASE WHEN host <> '' OR VERSION() NOT LIKE '%MariaDB%' THEN CONCAT('DROP USER ', QUOTE(user), '@', QUOTE(host))
		WHEN user = 'PUBLIC' THEN 'REVOKE ALL PRIVILEGES, GRANT OPTION FROM PUBLIC' ELSE CONCAT('DROP ROLE ', QUOTE(user)) END FROM mysql.user
		WHERE user NOT IN ('root', 'mysql.sys', 'mysql.session', 'mysql.infoschema', 'mariadb.sys')`)
	if err != nil {
		return err
	}
	return execAll(ctx, conn, drops)
}

func resetBinlog(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "RESET BINARY LOGS AND GTIDS")
	if IsError(err, 1064) { // servers before 8.4 know it by its old name only
		_, err = conn.ExecContext(ctx, "RESET MASTER")
	}
	return err
}

// globals returns the global variables, without those that the server changes by itself.
func (s *Server) globals(ctx context.Context) (map[string]string, error) {
	variables := make(map[string]string)
	list, err := s.root.QueryContext(ctx, "SHOW GLOBAL VARIABLES")
	if err != nil {
		return nil, fmt.Errorf("read the global variables: %w", err)
	}
	defer list.Close()
	for list.Next() {
		var name, value string
		if err := list.Scan(&name, &value); err != nil {
			return nil, fmt.Errorf("read the global variables: %w", err)
		}
		variables[name] = value
	}
	if err := list.Err(); err != nil {
		return nil, fmt.Errorf("read the global variables: %w", err)
	}
	for _, changing := range []string{"gtid_executed", "gtid_purged", "gtid_binlog_pos", "gtid_binlog_state", "gtid_current_pos", "innodb_thread_sleep_delay"} {
		delete(variables, changing)
	}
	return variables, nil
}

// rows returns the only column of a query.
func rows[T any](ctx context.Context, conn *sql.Conn, query string) ([]T, error) {
	list, err := conn.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer list.Close()
	var values []T
	for list.Next() {
		var value T
		if err := list.Scan(&value); err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	return values, list.Err()
}

func execAll(ctx context.Context, conn *sql.Conn, statements []string) error {
	for _, statement := range statements {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", firstLine(statement), err)
		}
	}
	return nil
}
