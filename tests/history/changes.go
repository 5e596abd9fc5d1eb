package history

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
)

// ddl runs statements that change definitions, one at a time.
type ddl struct {
	conn  *sql.Conn
	db    *sql.DB
	live  *live
	r     *rand.Rand
	count int   // names made so far
	deck  []int // kinds not drawn since the last shuffle: every kind comes up
	// done are the statements that succeeded, in order.
	done []string
}

// kinds of DDL, each a list of statements for a table as it is now.
var kinds = []struct {
	name string
	make func(d *ddl, n name, columns []column) []string
}{
	{"add column", addColumn}, {"add column", addColumn}, {"drop column", dropColumn}, {"modify column", modifyColumn},
	{"rename column", renameColumn}, {"index", index}, {"unique", unique}, {"comment", comment}, {"default", setDefault},
	{"rebuild", rebuild}, {"truncate", truncate}, {"rename", rename}, {"rename", rename}, {"swap", swap}, {"swap", swap},
	{"drop", drop}, {"create", create}, {"like", like}, {"select", createSelect}, {"database", database}, {"charset", charset},
	{"view", view}, {"routine", routine}, {"trigger", trigger}, {"event", event}, {"partition", partition}, {"idle", idle},
}

func newDDL(ctx context.Context, db *sql.DB, l *live, r *rand.Rand) (*ddl, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect for DDL: %w", err)
	}
	if _, err := conn.ExecContext(ctx, "SET NAMES utf8mb4, lock_wait_timeout=3, sql_mode='ALLOW_INVALID_DATES'"); err != nil {
		return nil, fmt.Errorf("set the session for DDL: %w", err)
	}
	return &ddl{conn: conn, db: db, live: l, r: r}, nil
}

func (d *ddl) close() error { return d.conn.Close() }

// step runs one kind of DDL on one table; it returns how many statements succeeded. What the
// server refuses (a column that a generated one needs, a duplicate) is no failure.
func (d *ddl) step(ctx context.Context) (int, error) {
	names := d.live.names()
	if len(names) == 0 {
		return 0, nil
	}
	n := names[d.r.IntN(len(names))]
	if len(d.deck) == 0 {
		d.deck = d.r.Perm(len(kinds))
	}
	kind := kinds[d.deck[0]]
	d.deck = d.deck[1:]
	statements := kind.make(d, n, d.live.columns(n))
	ok := 0
	for _, s := range statements {
		_, err := d.conn.ExecContext(ctx, s)
		if isLost(err) {
			return ok, fmt.Errorf("%s: %w", s, err)
		}
		if err != nil {
			break
		}
		ok++
		d.done = append(d.done, s)
	}
	if ok == 0 {
		return 0, nil
	}
	return ok, d.live.refresh(ctx, d.db)
}

func (d *ddl) fresh(prefix string) string {
	d.count++
	return fmt.Sprintf("%s_%d", prefix, d.count)
}

func (d *ddl) newColumn() string {
	return quote(d.fresh("c")) + " " + pick(d.r, "INT", "VARCHAR(20) DEFAULT 'new'", "BIGINT UNSIGNED NOT NULL DEFAULT 9",
		"DATETIME(3)", "JSON", "DECIMAL(9,2) DEFAULT 1.5", "ENUM('p','q') DEFAULT 'q'", "TEXT", "VARBINARY(9)", "INT INVISIBLE DEFAULT 5")
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
	return []string{"ALTER TABLE " + n.String() + " RENAME COLUMN " + quote(c.name) + " TO " + quote(d.fresh("r"))}
}

func index(d *ddl, n name, columns []column) []string {
	c, ok := d.plain(columns)
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
	c, ok := d.plain(columns)
	if !ok {
		return nil
	}
	return []string{"ALTER TABLE " + n.String() + " ADD UNIQUE KEY " + quote(d.fresh("uk")) + " (" + quote(c.name) + ")"}
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
		return []string{"ALTER TABLE " + n.String() + " AUTO_INCREMENT=1000"}
	}
	return []string{"ALTER TABLE " + n.String() + " ALTER COLUMN " + quote(c.name) + " SET DEFAULT 42"}
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

// swap is the cut-over of gh-ost: a ghost of another shape, filled by copying, takes the name.
func swap(d *ddl, n name, columns []column) []string {
	ghost, old := name{n.schema, d.fresh("_gho")}, name{n.schema, d.fresh("_del")}
	list := ""
	for _, c := range columns {
		if !c.generated {
			list += ", " + quote(c.name)
		}
	}
	if list == "" {
		return nil
	}
	list = list[2:]
	statements := []string{
		"CREATE TABLE " + ghost.String() + " LIKE " + n.String(),
		"ALTER TABLE " + ghost.String() + " ADD COLUMN " + d.newColumn(),
		"INSERT IGNORE INTO " + ghost.String() + " (" + list + ") SELECT " + list + " FROM " + n.String(),
		"RENAME TABLE " + n.String() + " TO " + old.String() + ", " + ghost.String() + " TO " + n.String(),
	}
	if d.r.IntN(2) == 0 {
		statements = append(statements, "DROP TABLE "+old.String())
	}
	return statements
}

func drop(d *ddl, n name, _ []column) []string {
	switch d.r.IntN(3) {
	case 0:
		return []string{"DROP TABLE IF EXISTS " + n.String() + ", " + quoteName(n.schema, "never_there")}
	case 1:
		t := templates[d.r.IntN(len(templates))]
		if t.keyless {
			return nil
		}
		return []string{"DROP TABLE " + n.String(), t.create(n.schema, n.table)}
	}
	return []string{"DROP TABLE " + n.String()}
}

func create(d *ddl, n name, _ []column) []string {
	t := templates[d.r.IntN(len(templates))]
	if t.keyless {
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
	return []string{fmt.Sprintf("CREATE TABLE %s (pk INT NOT NULL AUTO_INCREMENT PRIMARY KEY) SELECT %s FROM %s LIMIT 20", to, list[2:], n)}
}

func database(d *ddl, _ name, _ []column) []string {
	return []string{
		"DROP DATABASE IF EXISTS " + quote(guestSchema),
		"CREATE DATABASE " + quote(guestSchema) + " DEFAULT CHARACTER SET " + pick(d.r, "latin1", "utf8mb4", "utf8mb3"),
		templates[3].create(guestSchema, d.fresh("latin")),
		"CREATE TABLE " + quoteName(guestSchema, d.fresh("plain")) + " (id INT PRIMARY KEY, v VARCHAR(30))",
	}
}

func charset(d *ddl, n name, _ []column) []string {
	if d.r.IntN(2) == 0 {
		return []string{
			"ALTER DATABASE " + quote(otherSchema) + " DEFAULT CHARACTER SET " + pick(d.r, "latin1", "utf8mb4", "gbk"),
			"CREATE TABLE " + quoteName(otherSchema, d.fresh("inherits")) + " (id INT PRIMARY KEY, v VARCHAR(30))",
		}
	}
	return []string{"ALTER TABLE " + n.String() + " CONVERT TO CHARACTER SET utf8mb4"}
}

func view(d *ddl, n name, _ []column) []string {
	v := quoteName(n.schema, pick(d.r, "v_a", "v_b"))
	switch d.r.IntN(4) {
	case 0:
		return []string{"DROP VIEW IF EXISTS " + v}
	case 1:
		return []string{"CREATE OR REPLACE VIEW " + v + " AS SELECT 1 AS one, 'it''s' AS two"}
	}
	return []string{"CREATE OR REPLACE VIEW " + v + " AS SELECT * FROM " + n.String()}
}

func routine(d *ddl, n name, _ []column) []string {
	p := quoteName(n.schema, pick(d.r, "proc_a", "proc_b"))
	switch d.r.IntN(4) {
	case 0:
		return []string{"DROP PROCEDURE IF EXISTS " + p}
	case 1:
		f := quoteName(n.schema, "func_a")
		return []string{"DROP FUNCTION IF EXISTS " + f, "CREATE FUNCTION " + f + "(a VARCHAR(20)) RETURNS VARCHAR(50) NO SQL COMMENT 'f' RETURN CONCAT(a, 'é')"}
	case 2:
		return []string{"ALTER PROCEDURE " + p + " COMMENT 'changed'"}
	}
	return []string{"CREATE PROCEDURE " + p + "(OUT o INT) READS SQL DATA\nBEGIN -- body\n  SELECT COUNT(*) INTO o FROM " + n.String() + ";\nEND"}
}

func trigger(d *ddl, n name, columns []column) []string {
	t := quoteName(n.schema, d.fresh("tr"))
	made := []string{"CREATE TRIGGER " + t + " AFTER " + pick(d.r, "INSERT", "UPDATE", "DELETE") + " ON " + n.String() +
		" FOR EACH ROW SET @seen = IFNULL(@seen, 0) + 1"}
	if d.r.IntN(3) == 0 {
		made = append(made, "DROP TRIGGER "+t)
	}
	return made
}

func event(d *ddl, n name, _ []column) []string {
	e := quoteName(n.schema, pick(d.r, "ev_a", "ev_b"))
	switch d.r.IntN(4) {
	case 0:
		return []string{"DROP EVENT IF EXISTS " + e}
	case 1:
		return []string{"ALTER EVENT " + e + " " + pick(d.r, "DISABLE", "ENABLE", "COMMENT 'later'")}
	}
	return []string{"CREATE EVENT " + e + " ON SCHEDULE EVERY 2 HOUR STARTS '2036-05-01 10:00:00' ON COMPLETION PRESERVE DO SET @x = 1"}
}

func partition(d *ddl, n name, columns []column) []string {
	if n.table != "parts" {
		return nil
	}
	return []string{"ALTER TABLE " + n.String() + " " + pick(d.r, "TRUNCATE PARTITION p1", "DROP PARTITION p0",
		"REORGANIZE PARTITION px INTO (PARTITION p5 VALUES LESS THAN (500), PARTITION px VALUES LESS THAN MAXVALUE)", "REBUILD PARTITION p2")}
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
