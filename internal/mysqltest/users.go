package mysqltest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// User is an account of a test server.
type User struct {
	Name     string
	Password string
}

// Root may do everything, with an empty password, over 127.0.0.1 and the socket.
var Root = User{Name: "root"}

// The accounts that [Server.CreateBackupUser] and [Server.CreateRestoreUser] make. The passwords hold characters that
// go wrong when somebody forgets to escape them.
var (
	BackupUser  = User{Name: "tripod_backup", Password: `b@ck:up/ "p%w'`}
	RestoreUser = User{Name: "tripod_restore", Password: `r&store?#=\pw`}
)

// BackupGrants are the privileges, on *.*, of the least user that tripod backs up with from MySQL 9.7.
var BackupGrants = MySQL97.BackupGrants()

// BackupGrants are the privileges, on *.*, of the least user that tripod backs up with from a server of this kind.
func (k Kind) BackupGrants() []string { return slices.Clone(kinds[k].backupGrants) }

// CreateBackupUser creates [BackupUser] with the kind's BackupGrants, and no right more, and returns it.
func (s *Server) CreateBackupUser(ctx context.Context) (User, error) {
	grant := "GRANT " + strings.Join(kinds[s.install.Kind].backupGrants, ", ") + " ON *.* TO " + account(BackupUser)
	return BackupUser, s.createUser(ctx, BackupUser, grant)
}

// CreateRestoreUser creates [RestoreUser] with all rights on the given schemas, whether they exist or not, and no right
// beyond them, and returns it. A name is taken as it is: '%' and '_' are no patterns.
func (s *Server) CreateRestoreUser(ctx context.Context, schemas ...string) (User, error) {
	var grants []string
	for _, schema := range schemas {
		pattern := strings.NewReplacer(`\`, `\\`, `_`, `\_`, `%`, `\%`, "`", "``").Replace(schema)
		grants = append(grants, "GRANT ALL ON `"+pattern+"`.* TO "+account(RestoreUser))
	}
	return RestoreUser, s.createUser(ctx, RestoreUser, grants...)
}

// createUser makes u anew, with the plugin that is the server's default (caching_sha2_password, before 8.0 and in MariaDB
// mysql_native_password).
func (s *Server) createUser(ctx context.Context, u User, grants ...string) error {
	if err := s.Exec(ctx, "DROP USER "+account(u)); err != nil && !IsError(err, 1396) { // 1396: there is none
		return fmt.Errorf("create user %s: %w", u.Name, err)
	}
	statements := append([]string{
		"CREATE USER " + account(u) + " IDENTIFIED BY " + quote(u.Password),
	}, grants...)
	if err := s.Exec(ctx, statements...); err != nil {
		return fmt.Errorf("create user %s: %w", u.Name, err)
	}
	return nil
}

func account(u User) string { return quote(u.Name) + "@'%'" }

// quote renders a string literal for the default sql_mode.
func quote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(text) + "'"
}

// Root returns connections of the root user over TCP, with several statements per query allowed and parameters put into
// the text. They are closed by [Server.Stop].
func (s *Server) Root() *sql.DB { return s.root }

// Connect returns connections of u with the default schema (none if empty). The caller closes them.
func (s *Server) Connect(u User, schema string) *sql.DB { return sql.OpenDB(s.connector(u, schema)) }

// Exec runs statements as root, one after the other on one connection, and names the one that fails.
func (s *Server) Exec(ctx context.Context, statements ...string) error {
	conn, err := s.root.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect to the test server: %w", err)
	}
	defer conn.Close()
	for _, statement := range statements {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", firstLine(statement), err)
		}
	}
	return nil
}

// URL is the address as tripod's --source and --target take it, without a password.
func (s *Server) URL(u User) string {
	return (&url.URL{Scheme: "mysql", User: url.User(u.Name), Host: s.Addr(), Path: "/"}).String()
}

// SocketURL is [Server.URL] for the Unix socket.
func (s *Server) SocketURL(u User) string {
	return (&url.URL{Scheme: "mysql", User: url.User(u.Name), Path: s.Socket()}).String()
}

// Config returns the driver's settings for u, for callers who want some other.
func (s *Server) Config(u User, schema string) *mysql.Config {
	c := mysql.NewConfig()
	c.Net, c.Addr = "tcp", s.Addr()
	c.User, c.Passwd = u.Name, u.Password
	c.DBName = schema
	c.MultiStatements, c.InterpolateParams = true, true
	// A server that starts answers some connections with half a handshake: that is news to nobody.
	c.Logger = &mysql.NopLogger{}
	return c
}

func firstLine(statement string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(statement), "\n")
	if len(line) > 200 {
		line = line[:200] + "..."
	}
	return line
}

// badConnector reports settings that the driver refuses when they are used.
type badConnector struct{ err error }

func (c badConnector) Connect(context.Context) (driver.Conn, error) { return nil, c.err }
func (c badConnector) Driver() driver.Driver                        { return mysql.MySQLDriver{} }

func (s *Server) connector(u User, schema string) driver.Connector {
	connector, err := mysql.NewConnector(s.Config(u, schema))
	if err != nil {
		return badConnector{err: fmt.Errorf("connect to the test server: %w", err)}
	}
	return connector
}
