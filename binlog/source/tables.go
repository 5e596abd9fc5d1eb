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

// TableFacts are what information_schema says of a table at some moment: what a backup will cost
// and whether it can be made, not what the backup goes by.
type TableFacts struct {
	schema.Name
	Engine      string
	Type        string // BASE TABLE, and on MariaDB SYSTEM VERSIONED or SEQUENCE
	Unread      string // a column whose type or format this version cannot read, and that
	Keyed       bool   // it has a key that a row can be found by
	Cascades    bool   // one of its foreign keys changes its rows by itself
	Numbered    bool   // a default takes numbers of a sequence (MariaDB)
	Rows, Bytes uint64 // estimates of the server
}

// Class is that of the backup, as far as it can be told from here.
func (t *TableFacts) Class() schema.Class {
	table := schema.Table{Engine: t.Engine}
	if class := table.Class(); class != schema.Snapshot || !t.Keyed {
		return class
	}
	return schema.Keyed
}

// Refused says why this version cannot back up a table; empty where it can.
func (t *TableFacts) Refused() string {
	switch {
	case t.Type == versionedTable:
		return "it is a system-versioned table, whose past rows this version cannot restore with their times"
	case t.Type == sequenceTable:
		return "it is a sequence, whose values this version cannot restore"
	case t.Unread != "":
		return "its column " + t.Unread + " is of a type that this version cannot restore"
	case t.unreadable():
		return "it is a table of engine " + t.Engine + ", whose rows this version cannot read exactly"
	}
	return ""
}

// The types of MariaDB's tables that are not tables like others. The past rows of a versioned table have
// times that only the server sets; a sequence is a table of one row that takes no INSERT.
const (
	versionedTable = "SYSTEM VERSIONED"
	sequenceTable  = "SEQUENCE"
)

// unreadable tells that nothing says when rows that are visible come to the log.
func (t *TableFacts) unreadable() bool {
	table := schema.Table{Engine: t.Engine}
	return table.Class() == schema.NonTransactional && !table.LocksTable()
}

// LogsCascades: 9.x logs what foreign keys cascade unless innodb_native_foreign_keys is on (facts
// 4.1, 4.2); older servers and MariaDB never do.
func LogsCascades(f server.Facts) bool {
	return f.Flavor == server.FlavorMySQL && f.Major >= 9 && !f.NativeForeignKeys
}

// Tables lists the tables that are selected, the largest first.
func Tables(ctx context.Context, srv *server.Server, selected func(schema.Name) bool) ([]TableFacts, error) {
	list, err := tables(ctx, srv, selected)
	if err != nil {
		return nil, fmt.Errorf("survey tables: %w", server.Classify(err))
	}
	return list, nil
}

func tables(ctx context.Context, srv *server.Server, selected func(schema.Name) bool) (list []TableFacts, err error) {
	keyed, err := nameSet(ctx, srv, keyedTables(srv.Facts()))
	if err != nil {
		return nil, err
	}
	cascading, err := nameSet(ctx, srv, "SELECT DISTINCT constraint_schema, table_name FROM information_schema.referential_constraints"+
		" WHERE (delete_rule IN ('CASCADE','SET NULL','SET DEFAULT') OR update_rule IN ('CASCADE','SET NULL','SET DEFAULT')) AND "+
		strings.Replace(notSystem(), "table_schema", "constraint_schema", 1))
	if err != nil {
		return nil, err
	}
	unread, err := unreadColumns(ctx, srv)
	if err != nil {
		return nil, err
	}
	var numbered map[schema.Name]bool
	if srv.Facts().Flavor == server.FlavorMariaDB {
		if numbered, err = nameSet(ctx, srv, "SELECT DISTINCT table_schema, table_name FROM information_schema.columns WHERE column_default LIKE '%nextval(%' AND "+notSystem()); err != nil {
			return nil, err
		}
	}
	rows, err := srv.DB().QueryContext(ctx, "SELECT table_schema, table_name, COALESCE(engine,''), COALESCE(table_rows,0), COALESCE(data_length,0), table_type"+
		" FROM information_schema.tables WHERE table_type IN ('BASE TABLE', '"+versionedTable+"', '"+sequenceTable+"') AND "+notSystem()+" ORDER BY 5 DESC, 1, 2")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var t TableFacts
		if err := rows.Scan(&t.Schema, &t.Name.Name, &t.Engine, &t.Rows, &t.Bytes, &t.Type); err != nil {
			return nil, err
		}
		if selected(t.Name) {
			t.Keyed, t.Cascades, t.Unread, t.Numbered = keyed[t.Name], cascading[t.Name], unread[t.Name], numbered[t.Name]
			list = append(list, t)
		}
	}
	return list, rows.Err()
}

// unreadColumns returns, of the tables that have one, a column whose images in MariaDB's log nobody reads: of
// its own types, compressed, or in the format of times before 10.1.
func unreadColumns(ctx context.Context, srv *server.Server) (columns map[schema.Name]string, err error) {
	if srv.Facts().Flavor != server.FlavorMariaDB {
		return nil, nil
	}
	rows, err := srv.DB().QueryContext(ctx, "SELECT table_schema, table_name, CONCAT(column_name, ' (', column_type, ')') FROM information_schema.columns"+
		" WHERE (data_type IN ('uuid', 'inet4', 'inet6') OR column_type LIKE '%COMPRESSED*/%' OR column_type LIKE '%/* mariadb-5.3 */%') AND "+notSystem())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns = map[schema.Name]string{}
	for rows.Next() {
		var n schema.Name
		var column string
		if err := rows.Scan(&n.Schema, &n.Name, &column); err != nil {
			return nil, err
		}
		columns[n] = column
	}
	return columns, rows.Err()
}

// keyedTables asks for those with a key that a row is found by: the primary key, or a unique key
// over whole, stored, NOT NULL columns.
func keyedTables(f server.Facts) string {
	expression := ""
	if f.Flavor == server.FlavorMySQL && f.AtLeast(8, 0, 13) {
		expression = " OR expression IS NOT NULL"
	}
	return "SELECT DISTINCT table_schema, table_name FROM (SELECT table_schema, table_name FROM information_schema.statistics WHERE non_unique=0 AND " + notSystem() +
		" GROUP BY table_schema, table_name, index_name HAVING SUM(nullable='YES' OR sub_part IS NOT NULL" + expression + ")=0) k"
}

// PreflightTables says which of the tables cost more than others or cannot be backed up: engines
// without transactions, tables without a key that a row can be found by, foreign keys whose cascades
// the server does not log. It is pure.
func PreflightTables(f server.Facts, list []TableFacts) []Finding {
	var engines, special, unread, locked, quiet, rowless, keyless, cascades, numbered []string
	var exclude []schema.Name
	for i := range list {
		t := &list[i]
		name := t.Name.String()
		class := t.Class()
		if t.Refused() != "" {
			exclude = append(exclude, t.Name)
		}
		switch {
		case t.Type == versionedTable || t.Type == sequenceTable:
			special = append(special, name+" ("+strings.ToLower(t.Type)+")")
			continue
		case t.Unread != "":
			unread = append(unread, name+", column "+t.Unread)
			continue
		case t.unreadable():
			engines = append(engines, name+" ("+t.Engine+")")
		case class == schema.NonTransactional && t.Keyed:
			locked = append(locked, name+" ("+t.Engine+")")
		case class == schema.NonTransactional:
			quiet = append(quiet, name+" ("+t.Engine+")")
		case class == schema.NoRows:
			rowless = append(rowless, name+" ("+t.Engine+")")
		case class == schema.Snapshot:
			keyless = append(keyless, name)
		}
		if t.Cascades && !LogsCascades(f) {
			cascades = append(cascades, name)
		}
		if t.Numbered {
			numbered = append(numbered, name)
		}
	}
	var findings []Finding
	add := func(names []string, id string, level Level, message, remedy string) {
		if len(names) > 0 {
			findings = append(findings, Finding{ID: id, Level: level, Message: fmt.Sprintf(message, counted(names), listed(names)), Remedy: remedy})
		}
	}
	leaveOut := "leave them out with --exclude " + excluded(exclude)
	add(engines, "engine", LevelError, "%s of an engine whose rows cannot be read exactly: %s", "ALTER TABLE ... ENGINE=InnoDB, or "+leaveOut)
	add(special, "table_type", LevelError, "%s system-versioned or a sequence, which this version cannot restore exactly: %s", "ALTER TABLE ... DROP SYSTEM VERSIONING, or "+leaveOut)
	add(unread, "column_type", LevelError, "%s with a column of a type that this version cannot restore: %s", leaveOut)
	add(quiet, "engine", LevelWarning, "%s neither transactional nor with a key that a row can be found by: writers wait while it is read in one SELECT, and the backup fails if rows change during each of --snapshot-tries: %s",
		"ALTER TABLE ... ENGINE=InnoDB, or ADD PRIMARY KEY; --keyless-missing leaves out what is never quiet")
	add(locked, "engine", LevelInfo, "%s not transactional: writers of one wait while a part of it is read, some 20 milliseconds each time: %s", "ALTER TABLE ... ENGINE=InnoDB, where that is too long")
	add(cascades, "cascade", LevelWarning, "%s in a foreign key whose cascades the source does not log, so they are carried out by the restore, and the table may have to be read again: %s",
		"take the tables along that these refer to; on MySQL 9 innodb_native_foreign_keys=OFF makes the log whole")
	add(numbered, "sequence_default", LevelWarning, "%s with a default that takes numbers of a sequence, which is not backed up: %s",
		"before a restore create the sequence on the target, with START WITH behind its last number")
	add(rowless, "rowless", LevelWarning, "%s of an engine that keeps its rows elsewhere, only the definition is backed up: %s", "back up the rows where they are kept")
	add(keyless, "keyless", LevelWarning, "%s without a key that a row can be found by, so each is read in one SELECT: %s", "ALTER TABLE ... ADD PRIMARY KEY; large ones that are written to all the time cannot be backed up otherwise")
	return findings
}

// CascadeRemedy is how a server can be made to log what its foreign keys do, in front of another
// remedy; empty for one that cannot.
func CascadeRemedy(f server.Facts) string {
	if f.Flavor == server.FlavorMySQL && f.Major >= 9 {
		return "set innodb_native_foreign_keys=OFF on the source and restart it, or "
	}
	return ""
}

func counted(names []string) string {
	if len(names) == 1 {
		return "1 table is"
	}
	return fmt.Sprintf("%d tables are", len(names))
}

// excluded prints names as --exclude takes them.
func excluded(names []schema.Name) string {
	if len(names) > namesShown {
		return schema.Patterns(names[:namesShown]...) + ",..."
	}
	return schema.Patterns(names...)
}

// notSystem returns the condition on a column named table_schema.
func notSystem() string {
	literals := make([]string, len(schema.SystemSchemas))
	for i, name := range schema.SystemSchemas {
		// Information_schema compares as utf8; the session's literals are binary.
		literals[i] = fmt.Sprintf("_utf8mb4 x'%x'", name)
	}
	return "table_schema NOT IN (" + strings.Join(literals, ", ") + ")"
}

// survey returns schema and name of the query's rows.
func survey(ctx context.Context, srv *server.Server, query string) (names []schema.Name, err error) {
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
		names = append(names, n)
	}
	return names, rows.Err()
}

func nameSet(ctx context.Context, srv *server.Server, query string) (map[schema.Name]bool, error) {
	names, err := survey(ctx, srv, query)
	set := make(map[schema.Name]bool, len(names))
	for _, n := range names {
		set[n] = true
	}
	return set, err
}

// listed prints the first names and how many more there are.
func listed(names []string) string {
	if len(names) <= namesShown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:namesShown], ", "), len(names)-namesShown)
}
