package history

import (
	"context"
	"fmt"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// temporary are transactions of which a server logs what they take back: beside a temporary table MySQL 5.6 and MariaDB leave in
// the log the rows that ROLLBACK and ROLLBACK TO undo. MySQL 9.7 does not.
var temporary = Feature{
	Name: "temporary", Doc: "transactions with temporary tables, that take back some of what they did", Share: 40,
	Transaction: besideTemporaryTables, Every: 6,
}

func besideTemporaryTables(ctx context.Context, w *writer) (int, error) {
	if err := w.exec(ctx, "BEGIN"); err != nil {
		return 0, lost(err)
	}
	made, gone := false, false
	var points []int // savepoints that are there: see TestAnUnknownSavepointOfMySQL56
	step := func(statement string) (bool, error) {
		err := w.exec(ctx, statement)
		return err == nil, lost(err)
	}
	for i := range 2 + w.r.IntN(5) {
		var err error
		switch w.r.IntN(6) {
		case 0:
			if made {
				gone, err = step("DROP TEMPORARY TABLE IF EXISTS `shop`.`passing`")
			} else {
				made, err = step("CREATE TEMPORARY TABLE IF NOT EXISTS `shop`.`passing` (id INT PRIMARY KEY, v TEXT)")
			}
		case 1:
			var set bool
			if set, err = step(fmt.Sprintf("SAVEPOINT `p %d`", i)); set { // one of a name that was there could be a trigger's
				points = append(points, i)
			}
		case 2:
			to := i // there is none of that name
			if len(points) > 0 {
				points = points[:1+w.r.IntN(len(points))]
				to = points[len(points)-1]
			} else if w.writers.run.kind().server == mysqltest.MySQL56 {
				continue
			}
			_, err = step(fmt.Sprintf("ROLLBACK TO `P %d`", to))
		default:
			if err = w.change(ctx); !isLost(err) {
				err = nil
			}
		}
		if err != nil {
			return 0, fmt.Errorf("step %d of a transaction with temporary tables: %w", i, err)
		}
	}
	done, err := step(pick(w.r, "COMMIT", "COMMIT", "ROLLBACK"))
	if done {
		w.committed.Add(1)
	}
	if made && gone && done {
		return 1, err
	}
	return 0, err
}
