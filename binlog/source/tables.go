package source

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
)

// namesShown is how many tables a finding lists; the rest is counted.
const namesShown = 10

// PreflightTables says which tables cost more than others or cannot be backed up: engines other
// than InnoDB, tables without a key that a row can be found by, foreign keys whose cascades the
// server does not log. It asks information_schema, so it is a survey at some moment and not what
// the backup goes by. No schema means all.
func PreflightTables(ctx context.Context, srv *server.Server, schemas ...string) ([]Finding, error) {
	var findings []Finding
	for _, survey := range []func(context.Context, *server.Server, string) ([]Finding, error){
		surveyEngines, surveyKeys, surveyCascades,
	} {
		more, err := survey(ctx, srv, inSchemas(schemas))
		if err != nil {
			return nil, fmt.Errorf("survey tables: %w", server.Classify(err))
		}
		findings = append(findings, more...)
	}
	return findings, nil
}

// inSchemas returns the condition on a column named table_schema.
func inSchemas(schemas []string) string {
	list, not := schemas, ""
	if len(schemas) == 0 {
		list, not = schema.SystemSchemas, "NOT "
	}
	literals := make([]string, len(list))
	for i, name := range list {
		// Information_schema compares as utf8; the session's literals are binary.
		literals[i] = fmt.Sprintf("_utf8mb4 x'%x'", name)
	}
	return "table_schema " + not + "IN (" + strings.Join(literals, ", ") + ")"
}

// survey returns the first column of the query's rows, or schema.name of the first two.
func survey(ctx context.Context, srv *server.Server, query string) (names []string, err error) {
	rows, err := srv.DB().QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var n schema.Name
		if err := rows.Scan(&n.Schema, &n.Name); err != nil {
			return nil, err
		}
		names = append(names, n.String())
	}
	return names, rows.Err()
}

// listed prints the first names and how many more there are.
func listed(names []string) string {
	if len(names) <= namesShown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:namesShown], ", "), len(names)-namesShown)
}

func surveyEngines(ctx context.Context, srv *server.Server, condition string) ([]Finding, error) {
	names, err := survey(ctx, srv, "SELECT table_schema, table_name FROM information_schema.tables"+
		" WHERE table_type='BASE TABLE' AND engine<>'InnoDB' AND "+condition+" ORDER BY 1, 2")
	if err != nil || len(names) == 0 {
		return nil, err
	}
	return []Finding{{
		ID: "engine", Level: LevelWarning,
		Message: fmt.Sprintf("%d tables are not of InnoDB, so no read view covers them: %s", len(names), listed(names)),
		Remedy:  "ALTER TABLE ... ENGINE=InnoDB, or leave them out with --exclude",
	}}, nil
}

// surveyKeys: a row is found by the primary key, or by a unique key over whole, NOT NULL columns.
func surveyKeys(ctx context.Context, srv *server.Server, condition string) ([]Finding, error) {
	expression := ""
	if f := srv.Facts(); f.Flavor == server.FlavorMySQL && f.AtLeast(8, 0, 13) {
		expression = " OR expression IS NOT NULL"
	}
	names, err := survey(ctx, srv, "SELECT t.table_schema, t.table_name FROM information_schema.tables t LEFT JOIN"+
		" (SELECT table_schema AS s, table_name AS n FROM information_schema.statistics WHERE non_unique=0 AND "+condition+
		" GROUP BY table_schema, table_name, index_name HAVING SUM(nullable='YES' OR sub_part IS NOT NULL"+expression+")=0) k"+
		" ON k.s=t.table_schema AND k.n=t.table_name WHERE k.n IS NULL AND t.table_type='BASE TABLE' AND t."+condition+" ORDER BY 1, 2")
	if err != nil || len(names) == 0 {
		return nil, err
	}
	return []Finding{{
		ID: "keyless", Level: LevelWarning,
		Message: fmt.Sprintf("%d tables have no key that a row can be found by, so each is read in one SELECT: %s", len(names), listed(names)),
		Remedy:  "ALTER TABLE ... ADD PRIMARY KEY; large ones that are written to all the time cannot be backed up otherwise",
	}}, nil
}

// surveyCascades: 9.x logs what foreign keys cascade unless innodb_native_foreign_keys is on
// (facts 4.1, 4.2); older servers never do.
func surveyCascades(ctx context.Context, srv *server.Server, condition string) ([]Finding, error) {
	if f := srv.Facts(); f.Major >= 9 && !f.NativeForeignKeys {
		return nil, nil
	}
	names, err := survey(ctx, srv, "SELECT DISTINCT constraint_schema, table_name FROM information_schema.referential_constraints"+
		" WHERE (delete_rule IN ('CASCADE','SET NULL','SET DEFAULT') OR update_rule IN ('CASCADE','SET NULL','SET DEFAULT')) AND "+
		strings.Replace(condition, "table_schema", "constraint_schema", 1)+" ORDER BY 1, 2")
	if err != nil || len(names) == 0 {
		return nil, err
	}
	return []Finding{{
		ID: "cascade", Level: LevelWarning,
		Message: fmt.Sprintf("the server does not log what foreign keys cascade into %d tables: %s", len(names), listed(names)),
		Remedy:  "on MySQL 9 set innodb_native_foreign_keys=OFF and restart the server",
	}}, nil
}
