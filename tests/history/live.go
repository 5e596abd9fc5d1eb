package history

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
)

// live is the generator's picture of the source's tables. It is refreshed after each DDL; a
// writer that works from an older picture meets an error, as an application would.
type live struct {
	mu     sync.Mutex
	tables map[name][]column
	order  []name
	parted map[name]bool // partitioned
	engine map[name]string
}

const columnsQuery = `SELECT c.TABLE_SCHEMA, c.TABLE_NAME, c.COLUMN_NAME, c.DATA_TYPE, c.COLUMN_TYPE, c.IS_NULLABLE = 'YES',
	c.EXTRA LIKE '%%VIRTUAL GENERATED%%' OR c.EXTRA LIKE '%%STORED GENERATED%%', c.EXTRA LIKE '%%auto_increment%%',
	IFNULL(c.CHARACTER_SET_NAME, ''), IFNULL(c.CHARACTER_MAXIMUM_LENGTH, 0), IFNULL(c.NUMERIC_PRECISION, 0),
	IFNULL(c.NUMERIC_SCALE, 0), %s, c.COLUMN_KEY = 'PRI', IFNULL(t.CREATE_OPTIONS LIKE '%%partitioned%%', FALSE), IFNULL(t.ENGINE, '')
	FROM information_schema.COLUMNS c JOIN information_schema.TABLES t USING (TABLE_SCHEMA, TABLE_NAME)
	WHERE t.TABLE_TYPE = 'BASE TABLE' AND c.TABLE_SCHEMA IN (?, ?, ?) AND c.TABLE_NAME NOT LIKE CONCAT(?, '%%') ORDER BY 1, 2, c.ORDINAL_POSITION`

// uniqueQuery asks for the columns of unique keys. Older servers would answer it anew for each column.
const uniqueQuery = `SELECT DISTINCT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME FROM information_schema.STATISTICS
	WHERE NON_UNIQUE = 0 AND COLUMN_NAME IS NOT NULL AND TABLE_SCHEMA IN (?, ?, ?)`

// folded is the name as the history calls it, whatever the server made of it.
func folded(n name) name {
	if strings.EqualFold(n.schema, otherSchema) {
		n.schema = otherSchema
	}
	return n
}

func (l *live) refresh(ctx context.Context, db *sql.DB, kind *Kind) error {
	unique, err := uniqueColumns(ctx, db)
	if err != nil {
		return err
	}
	reference := "-1"
	if kind.spatialReferences {
		reference = "IFNULL(c.SRS_ID, -1)"
	}
	rows, err := db.QueryContext(ctx, fmt.Sprintf(columnsQuery, reference), schemas[0], schemas[1], schemas[2], heldPrefix)
	if err != nil {
		return fmt.Errorf("list columns: %w", err)
	}
	defer rows.Close()
	tables, parted, engines := map[name][]column{}, map[name]bool{}, map[name]string{}
	var order []name
	for rows.Next() {
		var n name
		var c column
		var partitioned bool
		var engine string
		if err := rows.Scan(&n.schema, &n.table, &c.name, &c.dataType, &c.columnType, &c.nullable, &c.generated,
			&c.autoIncrement, &c.charset, &c.length, &c.precision, &c.scale, &c.srid, &c.primary, &partitioned, &engine); err != nil {
			return fmt.Errorf("list columns: %w", err)
		}
		n = folded(n)
		if tables[n] == nil {
			order = append(order, n)
		}
		c.key = unique[n][c.name]
		tables[n] = append(tables[n], c)
		parted[n], engines[n] = partitioned, engine
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("list columns: %w", err)
	}
	l.mu.Lock()
	l.tables, l.order, l.parted, l.engine = tables, order, parted, engines
	l.mu.Unlock()
	return nil
}

func uniqueColumns(ctx context.Context, db *sql.DB) (map[name]map[string]bool, error) {
	rows, err := db.QueryContext(ctx, uniqueQuery, schemas[0], schemas[1], schemas[2])
	if err != nil {
		return nil, fmt.Errorf("list unique keys: %w", err)
	}
	defer rows.Close()
	unique := map[name]map[string]bool{}
	for rows.Next() {
		var n name
		var column string
		if err := rows.Scan(&n.schema, &n.table, &column); err != nil {
			return nil, fmt.Errorf("list unique keys: %w", err)
		}
		n = folded(n)
		if unique[n] == nil {
			unique[n] = map[string]bool{}
		}
		unique[n][column] = true
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list unique keys: %w", err)
	}
	return unique, nil
}

// names returns the tables as last seen, in a stable order.
func (l *live) names() []name {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]name(nil), l.order...)
}

func (l *live) columns(n name) []column {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tables[n]
}

// mayPart tells whether the table's engine has partitions on every MySQL.
func (l *live) mayPart(n name) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.engine[n] == "InnoDB"
}

func (l *live) isPartitioned(n name) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.parted[n]
}
