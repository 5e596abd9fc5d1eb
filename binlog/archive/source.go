package archive

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/server"
)

// sample says that everything that was committed on the source up to asOf lies before end.
type sample struct {
	asOf binlog.Time // the source's clock
	file string
	pos  uint64
}

// takeSample reads the source's clock, then the end of its log, on one connection. A commit's
// time is taken before its bytes are in the log and under the same lock as the end is read, so
// what is not before end has a later time.
func takeSample(ctx context.Context, conn *sql.Conn, facts server.Facts) (sample, error) {
	var uuid, now string
	if err := conn.QueryRowContext(ctx, "SELECT "+facts.Identity()+", UTC_TIMESTAMP(6)").Scan(&uuid, &now); err != nil {
		return sample{}, server.Classify(fmt.Errorf("read the source's clock: %w", err))
	}
	if uuid != facts.ServerUUID {
		return sample{}, fault.New(fault.CodeFailed, fault.KindSource, "give the address of one server: this one leads to several",
			"the address answered as server %s and as %s (W6)", facts.ServerUUID, uuid)
	}
	at, err := time.ParseInLocation("2006-01-02 15:04:05.999999", now, time.UTC)
	if err != nil {
		return sample{}, fmt.Errorf("read the source's clock: %w", err)
	}
	rows, err := queryTexts(ctx, conn, facts.BinlogStatus())
	if err != nil {
		return sample{}, grantFault(facts, fmt.Errorf("read the end of the source's log: %w", err))
	}
	if len(rows) != 1 || len(rows[0]) < 2 {
		return sample{}, fault.New(fault.CodeFailed, fault.KindSource, "start the source with log_bin", "the source writes no binlog")
	}
	s := sample{asOf: binlog.TimeOf(at), file: rows[0][0]}
	if _, err := fmt.Sscan(rows[0][1], &s.pos); err != nil {
		return sample{}, fmt.Errorf("read the end of the source's log: %w", err)
	}
	return s, nil
}

// sourceFiles returns the names of the files that the source has, in their order.
func sourceFiles(ctx context.Context, conn *sql.Conn, facts server.Facts) ([]string, error) {
	rows, err := queryTexts(ctx, conn, "SHOW BINARY LOGS")
	if err != nil {
		return nil, grantFault(facts, fmt.Errorf("list the source's binlog files: %w", err))
	}
	var names []string
	for _, row := range rows {
		names = append(names, row[0])
	}
	if len(names) == 0 {
		return nil, fault.New(fault.CodeFailed, fault.KindSource, "start the source with log_bin", "the source has no binlog files")
	}
	slices.SortFunc(names, binlog.CompareFiles)
	return names, nil
}

// grantFault gives an error of a privilege that was taken away the statement that gives it back.
func grantFault(facts server.Facts, err error) error {
	err = server.Classify(err)
	if f := fault.Of(err); f != nil && f.Kind == fault.KindGrant {
		statements := server.GrantStatements(facts.CurrentUser, []server.Need{
			{Privilege: "REPLICATION CLIENT", On: server.Everywhere}, {Privilege: "REPLICATION SLAVE", On: server.Everywhere},
		})
		return fault.New(f.Code, f.Kind, statements[0], "%w", err)
	}
	return err
}

// queryTexts returns a small result as text, NULL as "".
func queryTexts(ctx context.Context, conn *sql.Conn, query string) (_ [][]string, err error) {
	rows, err := conn.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var out [][]string
	for rows.Next() {
		values := make([]sql.NullString, len(columns))
		targets := make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		row := make([]string, len(columns))
		for i, v := range values {
			row[i] = v.String
		}
		out = append(out, row)
	}
	return out, rows.Err()
}
