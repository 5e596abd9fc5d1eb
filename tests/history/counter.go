package history

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// probeSession is the name of the session that moves counters.
const probeSession = "probe"

// moveCounters commits, in half of the tables with an AUTO_INCREMENT column, a row with a value
// beyond all that were given out, and in most cases deletes it again: the log, or a definition
// that is read later, says exactly where the counter is then. Nobody else writes meanwhile. It
// returns the tables, and notes their counters.
func (h *run) moveCounters(ctx context.Context) (map[string]bool, error) {
	probe, err := h.open(ctx, probeSession, "SET NAMES utf8mb4, sql_mode='ALLOW_INVALID_DATES', foreign_key_checks=0"+h.kind().probed)
	if err != nil {
		return nil, err
	}
	defer probe.close()
	moved := map[string]bool{}
	for _, n := range h.live.names() {
		columns := h.live.columns(n)
		counting, ok := counted(columns)
		if !ok || h.probes.IntN(2) == 0 {
			continue
		}
		next, err := moveCounter(ctx, probe, h.probes, n, counting, columns)
		if err != nil {
			return nil, fmt.Errorf("move the counter of %s: %w", n, err)
		}
		if next > 0 {
			moved[n.schema+"."+n.table] = true
			h.counters[n] = next
			h.record.mark(markCounter, next, n)
		}
	}
	return moved, nil
}

// counted returns the AUTO_INCREMENT column.
func counted(columns []column) (column, bool) {
	for _, c := range columns {
		if c.autoIncrement {
			return c, true
		}
	}
	return column{}, false
}

// countersFall tells whether the source sets counters back by itself: MySQL 5.6 keeps one in each partition, and a rebuilt or
// exchanged table has what its rows, or the other's, say.
func (h *run) countersFall() bool {
	return h.kind().countersOfParts && (h.features.has(partitions.Name) || h.features.has(partitionKinds.Name))
}

// moveCounter returns where the counter is now, 0 where the table took no row.
func moveCounter(ctx context.Context, probe *session, r *rand.Rand, n name, counting column, columns []column) (uint64, error) {
	var next sql.NullInt64
	err := probe.conn.QueryRowContext(ctx, "SELECT AUTO_INCREMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?", n.schema, n.table).Scan(&next)
	if err != nil {
		return 0, err
	}
	value := uint64(max(next.Int64, 1)) + r.Uint64N(30)
	one, del := r.IntN(2) == 0, r.IntN(4) > 0
	if one {
		if err := probe.exec(ctx, "BEGIN"); err != nil {
			return 0, err
		}
	}
	taken := false
	for range 6 {
		err := probe.exec(ctx, rowWith(r, n, counting, value, columns))
		if isLost(err) {
			return 0, err
		}
		if taken = err == nil; taken {
			break
		}
	}
	if taken && del {
		if err := probe.exec(ctx, fmt.Sprintf("DELETE FROM %s WHERE %s = %d", n, quote(counting.name), value)); err != nil {
			return 0, err
		}
	}
	if one {
		if err := probe.exec(ctx, "COMMIT"); err != nil {
			return 0, err
		}
	}
	if !taken {
		return 0, nil
	}
	return value + 1, nil
}

// rowWith inserts a row with the wanted value in its AUTO_INCREMENT column.
func rowWith(r *rand.Rand, n name, counting column, value uint64, columns []column) string {
	var list, values []string
	for _, c := range columns {
		switch {
		case c.generated:
			continue
		case c.name == counting.name:
			values = append(values, strconv.FormatUint(value, 10))
		default:
			values = append(values, literal(r, c))
		}
		list = append(list, quote(c.name))
	}
	return "INSERT INTO " + n.String() + " (" + strings.Join(list, ",") + ") VALUES (" + strings.Join(values, ",") + ")"
}
