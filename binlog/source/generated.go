package source

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
)

// PreflightGenerated finds tables of which a restore would compute other values than the source
// holds: a STORED column over a TIMESTAMP depends on the time_zone of whoever wrote the row, and
// neither chunk nor log keeps that, and so does one that FROM_UNIXTIME or UNIX_TIMESTAMP computes where the server's
// own zone is not UTC, which a restore has. Of what depends on the session in other ways it warns. Tables that are not
// selected do not count.
func PreflightGenerated(ctx context.Context, srv *server.Server, selected func(schema.Name) bool) ([]Finding, error) {
	// Older servers have no generated columns, or do not show their expressions.
	if f := srv.Facts(); !f.AtLeast(5, 7, 6) || f.Flavor != server.FlavorMySQL && !f.AtLeast(10, 2, 5) {
		return nil, nil
	}
	columns, err := generatedTables(ctx, srv)
	if err != nil {
		return nil, fmt.Errorf("look for generated columns: %w", server.Classify(err))
	}
	var utc bool
	if len(columns) > 0 {
		if err := srv.DB().QueryRowContext(ctx, "SELECT CONVERT_TZ(CAST('2026-01-15' AS DATETIME), '+00:00', @@global.time_zone) = '2026-01-15' AND CONVERT_TZ(CAST('2026-07-15' AS DATETIME), '+00:00', @@global.time_zone) = '2026-07-15'").Scan(&utc); err != nil {
			return nil, fmt.Errorf("ask for the time zone: %w", server.Classify(err))
		}
	}
	var findings []Finding
	for begin := 0; begin < len(columns); {
		end := begin
		for end < len(columns) && columns[end].table == columns[begin].table {
			end++
		}
		if name := columns[begin].table; selected(name) {
			c := zoneDependent(columns[begin:end], utc)
			if depend := sessionDependent(columns[begin:end]); c == "" && len(depend) > 0 {
				findings = append(findings, Finding{
					ID: "generated_session", Level: LevelWarning,
					Message: fmt.Sprintf("the values of the stored column %s of table %s may depend on the session that wrote them: a restore has the target compute them anew, in UTC and with the settings of its own sessions", strings.Join(depend, ", "), name),
					Remedy:  "where the source's sessions set others (sql_mode, time_zone, lc_time_names, div_precision_increment, block_encryption_mode), make the column VIRTUAL, or compute it anew after a restore",
				})
			}
			if c != "" {
				findings = append(findings, Finding{
					ID: "generated", Level: LevelError,
					Message: fmt.Sprintf("the stored column %s of table %s is computed from a TIMESTAMP or by the time zone: its values depend on the time zone of the session that wrote them, and would come back with other ones", c, name),
					Remedy:  "leave the table out with --exclude " + schema.Patterns(name) + ", or make the column VIRTUAL",
				})
			}
		}
		begin = end
	}
	return findings, nil
}

// generatedColumn is a column of a table that has generated ones.
type generatedColumn struct {
	table                  schema.Name
	name, kind, expression string
	stored                 bool
	digits                 int // of a second
}

// generatedTables lists all columns of the tables that have stored generated columns, table by
// table in their order.
func generatedTables(ctx context.Context, srv *server.Server) (list []generatedColumn, err error) {
	rows, err := srv.DB().QueryContext(ctx, "SELECT c.table_schema, c.table_name, c.column_name, c.data_type, COALESCE(c.generation_expression,''), c.extra LIKE '%STORED GENERATED%', COALESCE(c.datetime_precision,0)"+
		" FROM information_schema.columns c JOIN (SELECT DISTINCT table_schema AS s, table_name AS n FROM information_schema.columns WHERE extra LIKE '%STORED GENERATED%' AND "+notSystem()+
		") g ON g.s=c.table_schema AND g.n=c.table_name ORDER BY 1, 2, c.ordinal_position")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var c generatedColumn
		if err := rows.Scan(&c.table.Schema, &c.table.Name, &c.name, &c.kind, &c.expression, &c.stored, &c.digits); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

// zoneDependent returns the first stored column of a table whose expression names a TIMESTAMP
// column, itself or by a virtual one, or, where the server's zone is not UTC, converts by it. A generated TIMESTAMP that is a copy of one is the same
// moment in every time zone.
func zoneDependent(columns []generatedColumn, utc bool) string {
	depends := map[string]bool{}
	for _, c := range columns {
		if c.kind == "timestamp" {
			depends[c.name] = true
		}
	}
	// A generated column may name generated ones only if they stand before it.
	for _, c := range columns {
		if c.expression == "" {
			continue
		}
		if !utc && c.kind != "timestamp" && schema.ConvertsByTimeZone(printed(c.expression)) {
			if c.stored {
				return c.name
			}
			depends[c.name] = true
			continue
		}
		for name := range depends {
			quoted := schema.Quote(name)
			if !containsFold(c.expression, quoted) || c.kind == "timestamp" && strings.EqualFold(c.expression, quoted) {
				continue
			}
			if c.stored {
				return c.name
			}
			depends[c.name] = true
			break
		}
	}
	return ""
}

// sessionDependent are the stored columns that another session may compute in another way.
func sessionDependent(columns []generatedColumn) []string {
	var t schema.Table
	for _, c := range columns {
		column := schema.Column{Name: c.name, Type: c.kind, Length: c.digits, Expression: printed(c.expression)}
		switch {
		case c.stored:
			column.Generated = schema.Stored
		case c.expression != "":
			column.Generated = schema.Virtual
		}
		t.Columns = append(t.Columns, column)
	}
	t.MarkSessionDependent()
	return t.SessionDependent()
}

// printed is an expression as SHOW CREATE TABLE has it: information_schema of a MySQL escapes its quotes once more.
func printed(expression string) string {
	if !strings.Contains(expression, `\'`) {
		return expression
	}
	return strings.NewReplacer(`\\`, `\`, `\'`, `'`).Replace(expression)
}

// containsFold: column names have no case.
func containsFold(text, part string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(part))
}
