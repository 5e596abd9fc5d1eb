package history

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// sourceOptions let the source remember each session's last statements, and nothing else: that
// is how DDL finds the tables that are being read.
func sourceOptions(dir string, kind *Kind, gtid bool) mysqltest.Options {
	return mysqltest.Options{
		Kind: kind.server, Dir: dir, GTID: gtid, Relaxed: true, PerformanceSchema: true,
		ExtraArgs: append([]string{"--performance-schema-instrument=%=OFF", "--performance-schema-instrument=statement/%=ON"}, kind.watched...),
	}
}

// beingReadQuery asks for the last statements of the sessions that are the backup's, the latest
// of each session first.
const beingReadQuery = `SELECT h.THREAD_ID, h.SQL_TEXT, h.ROWS_SENT
	FROM performance_schema.events_statements_history h JOIN performance_schema.threads t USING (THREAD_ID)
	WHERE t.PROCESSLIST_USER = ? AND h.SQL_TEXT LIKE 'SELECT%' ORDER BY h.THREAD_ID, h.EVENT_ID DESC`

// beingRead asks the source which tables are between their first chunk and their end: the last
// thing that a session of the backup selected were rows of the table, and as many as a chunk
// holds, so that another SELECT of the same table has to come. A read that was given up stays in
// the list until its session does something else.
func (h *run) beingRead(ctx context.Context) ([]name, error) {
	rows, err := h.source.QueryContext(ctx, beingReadQuery, mysqltest.BackupUser.Name)
	if err != nil {
		return nil, fmt.Errorf("ask what is being read: %w", err)
	}
	defer rows.Close()
	known := h.live.names()
	done := map[int64]bool{}
	var found []name
	for rows.Next() {
		var thread, sent int64
		var text sql.NullString
		if err := rows.Scan(&thread, &text, &sent); err != nil {
			return nil, fmt.Errorf("ask what is being read: %w", err)
		}
		if done[thread] {
			continue
		}
		for _, n := range known {
			if strings.Contains(strings.ToLower(text.String), " from "+strings.ToLower(n.String())+" ") {
				done[thread] = true
				if sent == int64(h.chunkRows) {
					found = append(found, n)
				}
				break
			}
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("ask what is being read: %w", err)
	}
	return found, nil
}
