package history

import "fmt"

// DDL of tables. The kinds that change what rows mean are also aimed at tables being read.
var (
	columnChanges = Feature{
		Name: "columns", Doc: "columns are added, dropped, changed, renamed", Share: 100,
		DDL: []kind{
			{"add column", addColumn, meaning | staying, ""}, {"add column", addColumn, meaning | staying, ""}, {"drop column", dropColumn, meaning | staying, ""},
			{"modify column", modifyColumn, meaning | staying, ""}, {"rename column", renameColumn, meaning | staying, ""},
			{"default", setDefault, definitionOnly, ""},
		},
	}
	indexes  = Feature{Name: "indexes", Doc: "indexes and unique keys are added and dropped", Share: 80, DDL: []kind{{"index", index, definitionOnly, ""}, {"unique", unique, meaning | staying, ""}}}
	comments = Feature{Name: "comments", Doc: "comments of tables with quotes and comments in them", Share: 70, DDL: []kind{{"comment", comment, definitionOnly, ""}}}
	counters = Feature{
		Name: "counters", Doc: "AUTO_INCREMENT counters set, and spelled in statements that leave them", Share: 80,
		DDL: []kind{{"counter", setCounter, definitionOnly | setsBack | counting, ""}, {"counting column", countingColumn, meaning | staying | counting, ""}},
	}
	rebuilds   = Feature{Name: "rebuilds", Doc: "tables are rebuilt, and converted to another character set", Share: 80, DDL: []kind{{"rebuild", rebuild, meaning | staying, ""}, {"convert", convert, meaning | staying, ""}}}
	truncates  = Feature{Name: "truncate", Doc: "TRUNCATE TABLE", Share: 70, DDL: []kind{{"truncate", truncate, meaning | staying | setsBack, ""}}}
	tableMoves = Feature{Name: "rename-tables", Doc: "tables are renamed, in their schema and across schemas", Share: 80, DDL: []kind{{"rename", rename, meaning | setsBack, ""}, {"rename", rename, meaning | setsBack, ""}}}
	drops      = Feature{Name: "drops", Doc: "tables are dropped, made, and made anew in another shape", Share: 80, DDL: []kind{{"drop", drop, setsBack, ""}, {"recreate", recreate, meaning | setsBack, ""}, {"create", create, 0, ""}}}
	likes      = Feature{Name: "like", Doc: "CREATE TABLE .. LIKE", Share: 60, DDL: []kind{{"like", like, 0, ""}}}
	selects    = Feature{Name: "ctas", Doc: "CREATE TABLE .. SELECT", Share: 60, DDL: []kind{{"select", createSelect, 0, ""}}}
	databases  = Feature{Name: "databases", Doc: "a schema is dropped and made again, and the character set of another changed", Share: 60, DDL: []kind{{"database", database, 0, ""}, {"charset", charset, 0, ""}}}
	idles      = Feature{Name: "idle", Doc: "statements that are logged although they change nothing", Share: 60, DDL: []kind{{"idle", idle, idling, ""}}}
)

func (d *ddl) fresh(prefix string) string {
	d.count++
	return fmt.Sprintf("%s_%d", prefix, d.count)
}

func (d *ddl) newColumn() string {
	return quote(d.fresh("c")) + " " + d.run.kind().spell(pick(d.r, "INT", "VARCHAR(20) DEFAULT 'new'", "BIGINT UNSIGNED NOT NULL DEFAULT 9",
		"DATETIME(3)", "JSON", "DECIMAL(9,2) DEFAULT 1.5", "ENUM('p','q') DEFAULT 'q'", "TEXT", "VARBINARY(9)", "INT INVISIBLE DEFAULT 5"))
}

func (d *ddl) place(columns []column) string {
	switch d.r.IntN(4) {
	case 0:
		return " FIRST"
	case 1:
		return " AFTER " + quote(columns[d.r.IntN(len(columns))].name)
	}
	return ""
}

func addColumn(d *ddl, n name, columns []column) []string {
	return []string{"ALTER TABLE " + n.String() + " ADD COLUMN " + d.newColumn() + d.place(columns)}
}

// plain picks a column that is neither key nor generated.
func (d *ddl) plain(columns []column) (column, bool) {
	var of []column
	for _, c := range columns {
		if !c.key && !c.generated && !c.autoIncrement {
			of = append(of, c)
		}
	}
	if len(of) == 0 {
		return column{}, false
	}
	return of[d.r.IntN(len(of))], true
}

func dropColumn(d *ddl, n name, columns []column) []string {
	c, ok := d.plain(columns)
	if !ok || len(columns) < 3 {
		return nil
	}
	return []string{"ALTER TABLE " + n.String() + " DROP COLUMN " + quote(c.name)}
}

func modifyColumn(d *ddl, n name, columns []column) []string {
	c, ok := d.plain(columns)
	if !ok {
		return nil
	}
	to := map[string]string{"int": "BIGINT", "tinyint": "INT", "smallint": "INT UNSIGNED", "varchar": "VARCHAR(400)",
		"char": "VARCHAR(30)", "text": "MEDIUMTEXT", "datetime": "DATETIME(6)", "enum": "VARCHAR(20)", "date": "DATETIME"}[c.dataType]
	if to == "" {
		return nil
	}
	return []string{"ALTER TABLE " + n.String() + " MODIFY COLUMN " + quote(c.name) + " " + to + d.place(columns)}
}

func renameColumn(d *ddl, n name, columns []column) []string {
	c, ok := d.plain(columns)
	if !ok {
		return nil
	}
	to := quote(d.fresh("r"))
	if d.run.kind().noRename { // what else the column was is gone, as in many an application's statement
		return []string{"ALTER TABLE " + n.String() + " CHANGE COLUMN " + quote(c.name) + " " + to + " " + c.columnType}
	}
	return []string{"ALTER TABLE " + n.String() + " RENAME COLUMN " + quote(c.name) + " TO " + to}
}

// keyable picks a column as plain does, for an index. Keys over a part of a geometry, as MySQL 5.6 has them, no later one has.
func (d *ddl) keyable(columns []column) (column, bool) {
	c, ok := d.plain(columns)
	return c, ok && (!c.spatial() || d.run.kind() == d.run.target())
}

func index(d *ddl, n name, columns []column) []string {
	c, ok := d.keyable(columns)
	if !ok {
		return nil
	}
	part := quote(c.name)
	switch c.dataType {
	case "tinytext", "text", "mediumtext", "longtext", "tinyblob", "blob", "mediumblob", "longblob":
		part += "(7)"
	}
	k := quote(d.fresh("k"))
	made := []string{"CREATE INDEX " + k + " ON " + n.String() + " (" + part + ")"}
	if d.r.IntN(2) == 0 {
		made = append(made, "DROP INDEX "+k+" ON "+n.String())
	}
	return made
}

func unique(d *ddl, n name, columns []column) []string {
	c, ok := d.keyable(columns)
	if !ok {
		return nil
	}
	parts := quote(c.name)
	if d.r.IntN(2) == 0 { // alone it mostly has duplicates
		for _, k := range columns {
			if k.key {
				parts += ", " + quote(k.name)
			}
		}
	}
	return []string{"ALTER TABLE " + n.String() + " ADD UNIQUE KEY " + quote(d.fresh("uk")) + " (" + parts + ")"}
}

func comment(d *ddl, n name, _ []column) []string {
	return []string{fmt.Sprintf("ALTER TABLE %s COMMENT='comment %d; it''s -- /* fine */'", n, d.r.IntN(1000))}
}

func setDefault(d *ddl, n name, columns []column) []string {
	c, ok := d.plain(columns)
	if !ok {
		return nil
	}
	if c.dataType != "int" && c.dataType != "varchar" {
		return nil
	}
	return []string{"ALTER TABLE " + n.String() + " ALTER COLUMN " + quote(c.name) + " SET DEFAULT 42"}
}

// setCounter raises a counter, or lowers it as far as the rows allow.
func setCounter(d *ddl, n name, columns []column) []string {
	if _, ok := counted(columns); !ok {
		return nil
	}
	return []string{"ALTER TABLE " + n.String() + " AUTO_INCREMENT=" + pick(d.r, "1", "50", "1000", "3000")}
}

// countingColumn spells AUTO_INCREMENT in a statement that leaves the counter alone.
func countingColumn(d *ddl, n name, columns []column) []string {
	c, ok := counted(columns)
	if !ok {
		return nil
	}
	return []string{"ALTER TABLE " + n.String() + " MODIFY COLUMN " + quote(c.name) + " " +
		pick(d.r, "INT NOT NULL AUTO_INCREMENT", "BIGINT NOT NULL AUTO_INCREMENT COMMENT 'counts'", "BIGINT UNSIGNED NOT NULL AUTO_INCREMENT")}
}

func rebuild(d *ddl, n name, _ []column) []string {
	return []string{"ALTER TABLE " + n.String() + " ENGINE=InnoDB"}
}

func truncate(d *ddl, n name, _ []column) []string { return []string{"TRUNCATE TABLE " + n.String()} }

func rename(d *ddl, n name, _ []column) []string {
	to := name{n.schema, d.fresh(n.table)}
	if d.r.IntN(4) == 0 {
		to.schema = pick(d.r, mainSchema, otherSchema)
	}
	if len(to.table) > 60 {
		to.table = d.fresh("t")
	}
	if d.r.IntN(3) == 0 {
		return []string{"ALTER TABLE " + n.String() + " RENAME TO " + to.String()}
	}
	return []string{"RENAME TABLE " + n.String() + " TO " + to.String()}
}

func drop(d *ddl, n name, _ []column) []string {
	if d.r.IntN(2) == 0 {
		return []string{"DROP TABLE IF EXISTS " + n.String() + ", " + quoteName(n.schema, "never_there")}
	}
	return []string{"DROP TABLE " + n.String()}
}

// template draws a shape that has a key.
func (d *ddl) template() (template, bool) {
	templates := d.run.features.templates()
	if len(templates) == 0 {
		return template{}, false
	}
	t := templates[d.r.IntN(len(templates))]
	return t, !t.keyless
}

// recreate gives the name to a table of another shape.
func recreate(d *ddl, n name, _ []column) []string {
	t, ok := d.template()
	if !ok {
		return nil
	}
	return []string{"DROP TABLE " + n.String(), t.create(n.schema, n.table)}
}

func create(d *ddl, n name, _ []column) []string {
	t, ok := d.template()
	if !ok {
		return nil
	}
	return []string{t.create(n.schema, d.fresh(t.name))}
}

func like(d *ddl, n name, columns []column) []string {
	to := name{n.schema, d.fresh("like")}
	return []string{"CREATE TABLE " + to.String() + " LIKE " + n.String()}
}

// createSelect leaves out text. Whether the columns of the SELECT had their character sets
// spelled or inherited goes over to the new table, and is shown; the log spells them all, and so
// a replica, or a restore, shows more than the source.
func createSelect(d *ddl, n name, columns []column) []string {
	to := name{n.schema, d.fresh("ctas")}
	list := ""
	for _, c := range columns {
		if c.charset == "" {
			list += ", " + quote(c.name)
		}
	}
	if list == "" {
		return nil
	}
	options := pick(d.r, "", " COMMENT 'chosen'", " ENGINE=InnoDB DEFAULT CHARSET latin1", " ROW_FORMAT=DYNAMIC PARTITION BY HASH(pk) PARTITIONS 2")
	return []string{fmt.Sprintf("CREATE TABLE %s (pk INT NOT NULL AUTO_INCREMENT PRIMARY KEY)%s SELECT %s FROM %s LIMIT 20", to, options, list[2:], n)}
}

func database(d *ddl, _ name, _ []column) []string {
	options := quote(guestSchema) + " DEFAULT CHARACTER SET " + d.run.kind().spell(pick(d.r, "latin1", "utf8mb4", "utf8mb3"))
	made := []string{"DROP DATABASE IF EXISTS " + quote(guestSchema), "CREATE DATABASE " + options}
	if d.run.kind().replaces && d.r.IntN(2) == 0 {
		made = []string{"CREATE OR REPLACE DATABASE " + options}
	}
	return append(made, charsets.Tables[1].create(guestSchema, d.fresh("latin")),
		"CREATE TABLE "+quoteName(guestSchema, d.fresh("plain"))+" (id INT PRIMARY KEY, v VARCHAR(30))")
}

func charset(d *ddl, _ name, _ []column) []string {
	return []string{
		"ALTER DATABASE " + quote(otherSchema) + " DEFAULT CHARACTER SET " + pick(d.r, "latin1", "utf8mb4", "gbk"),
		"CREATE TABLE " + quoteName(otherSchema, d.fresh("inherits")) + " (id INT PRIMARY KEY, v VARCHAR(30))",
	}
}

func convert(d *ddl, n name, _ []column) []string {
	return []string{"ALTER TABLE " + n.String() + " CONVERT TO CHARACTER SET utf8mb4"}
}

// idle statements are logged although they change nothing (facts 8.9, 15.4).
func idle(d *ddl, n name, _ []column) []string {
	return []string{
		"CREATE TABLE IF NOT EXISTS " + n.String() + " (id INT PRIMARY KEY)",
		"DROP TABLE IF EXISTS " + quoteName(n.schema, "never_there"),
		"ANALYZE TABLE " + n.String(),
		"FLUSH TABLES " + n.String(),
	}
}
