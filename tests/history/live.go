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
}

const columnsQuery = `SELECT c.TABLE_SCHEMA, c.TABLE_NAME, c.COLUMN_NAME, c.DATA_TYPE, c.COLUMN_TYPE, c.IS_NULLABLE = 'YES',
	c.EXTRA LIKE '%VIRTUAL GENERATED%' OR c.EXTRA LIKE '%STORED GENERATED%', c.EXTRA LIKE '%auto_increment%',
	IFNULL(c.CHARACTER_SET_NAME, ''), IFNULL(c.CHARACTER_MAXIMUM_LENGTH, 0), IFNULL(c.NUMERIC_PRECISION, 0),
	IFNULL(c.NUMERIC_SCALE, 0), IFNULL(c.SRS_ID, -1), c.COLUMN_KEY <> '' AND EXISTS (SELECT 1 FROM information_schema.STATISTICS s
		WHERE s.TABLE_SCHEMA = c.TABLE_SCHEMA AND s.TABLE_NAME = c.TABLE_NAME AND s.COLUMN_NAME = c.COLUMN_NAME AND s.NON_UNIQUE = 0),
	c.COLUMN_KEY = 'PRI', t.CREATE_OPTIONS LIKE '%partitioned%'
	FROM information_schema.COLUMNS c JOIN information_schema.TABLES t USING (TABLE_SCHEMA, TABLE_NAME)
	WHERE t.TABLE_TYPE = 'BASE TABLE' AND c.TABLE_SCHEMA IN (?, ?, ?) AND c.TABLE_NAME NOT LIKE CONCAT(?, '%') ORDER BY 1, 2, c.ORDINAL_POSITION`

func (l *live) refresh(ctx context.Context, db *sql.DB) error {
	rows, err := db.QueryContext(ctx, columnsQuery, schemas[0], schemas[1], schemas[2], heldPrefix)
	if err != nil {
		return fmt.Errorf("list columns: %w", err)
	}
	defer rows.Close()
	tables, parted := map[name][]column{}, map[name]bool{}
	var order []name
	for rows.Next() {
		var n name
		var c column
		var partitioned bool
		if err := rows.Scan(&n.schema, &n.table, &c.name, &c.dataType, &c.columnType, &c.nullable, &c.generated,
			&c.autoIncrement, &c.charset, &c.length, &c.precision, &c.scale, &c.srid, &c.key, &c.primary, &partitioned); err != nil {
			return fmt.Errorf("list columns: %w", err)
		}
		if strings.EqualFold(n.schema, otherSchema) { // folded by the server
			n.schema = otherSchema
		}
		if tables[n] == nil {
			order = append(order, n)
		}
		tables[n] = append(tables[n], c)
		parted[n] = partitioned
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("list columns: %w", err)
	}
	l.mu.Lock()
	l.tables, l.order, l.parted = tables, order, parted
	l.mu.Unlock()
	return nil
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

func (l *live) isPartitioned(n name) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.parted[n]
}
