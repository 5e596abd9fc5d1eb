package window

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
)

// session is one connection to the server. Not safe for concurrent use.
type session struct {
	*sql.Conn
	schema string
}

// replaySettings are those of the sessions of a replay (pitr).
const replaySettings = "SET NAMES utf8mb4, time_zone='+00:00', foreign_key_checks=0, sql_mode='STRICT_ALL_TABLES,ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO'"

// open connects to a server. The pool of connections is the caller's to close.
func open(s *mysqltest.Server) (*sql.DB, error) {
	c := s.Config(mysqltest.Root, "")
	c.ClientFoundRows = true // the account counts found rows
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, fmt.Errorf("connect to the server: %w", err)
	}
	return sql.OpenDB(connector), nil
}

// begin takes a connection, and makes the tables of all shapes in a schema of its own.
func begin(ctx context.Context, db *sql.DB, schemaName string, name func(shape int) string) (*session, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to the server: %w", err)
	}
	s := &session{Conn: conn, schema: schemaName}
	statements := []string{replaySettings, "DROP DATABASE IF EXISTS " + schemaName, "CREATE DATABASE " + schemaName + " CHARACTER SET utf8mb4", "USE " + schemaName}
	for i := range shapes {
		statements = append(statements, "CREATE TABLE "+name(i)+" ("+shapes[i].create+")")
	}
	if _, err := s.run(ctx, strings.Join(statements, ";")); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return s, nil
}

// run sends statements as one and returns the affected rows of each.
func (s *session) run(ctx context.Context, statements string) (counts []int64, err error) {
	err = s.Raw(func(conn any) error {
		result, err := conn.(driver.ExecerContext).ExecContext(ctx, statements, nil)
		if err == nil {
			counts = result.(mysql.Result).AllRowsAffected()
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("run %.200s: %w", statements, err)
	}
	return counts, nil
}

// rows returns the rows of a query as text.
func (s *session) rows(ctx context.Context, query string) (list []row, err error) {
	rs, err := s.QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("query %.200s: %w", query, err)
	}
	defer rs.Close()
	columns, err := rs.Columns()
	if err != nil {
		return nil, fmt.Errorf("query %.200s: %w", query, err)
	}
	for rs.Next() {
		r := make(row, len(columns))
		into := make([]any, len(columns))
		for i := range r {
			into[i] = &r[i]
		}
		if err := rs.Scan(into...); err != nil {
			return nil, fmt.Errorf("query %.200s: %w", query, err)
		}
		list = append(list, r)
	}
	return list, rs.Err()
}

// definition reads a table's definition.
func (s *session) definition(ctx context.Context, table string) (*schema.Table, error) {
	list, err := s.rows(ctx, "SHOW CREATE TABLE "+table)
	if err != nil {
		return nil, err
	}
	def, err := ddl.ParseCreateTable(list[0][1], s.schema)
	if err != nil {
		return nil, fmt.Errorf("understand the table %s: %w", table, err)
	}
	return def, nil
}

// contents is the query of all rows of a table, as the literals that row images are printed as.
func contents(def *schema.Table) string {
	list := make([]string, len(def.Columns))
	for i := range def.Columns {
		list[i] = literalOf(&def.Columns[i])
	}
	return "SELECT " + strings.Join(list, ",") + " FROM " + def.Name.Quoted()
}

// literalOf is the SQL of a column's literal.
func literalOf(c *schema.Column) string {
	name := schema.Quote(c.Name)
	switch {
	case c.IsCharacter(), c.Type == "binary", c.Type == "varbinary":
		return "IF(" + name + " IS NULL,'NULL',LOWER(CONCAT('x''',HEX(" + name + "),'''')))"
	case c.Type == "date":
		return "IF(" + name + " IS NULL,'NULL',CONCAT(''''," + name + ",''''))"
	}
	return "IFNULL(" + name + ",'NULL')"
}
