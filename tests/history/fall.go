package history

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// setsCounter is the nature of the kinds that set a counter, of a table that stays as it is.
const setsCounter = definitionOnly | setsBack | counting

var nextNumber = regexp.MustCompile(`(?m)^\) ENGINE=\S+ AUTO_INCREMENT=(\d+)`)

// counterBefore is where a table's counter is before a kind of DDL that sets it, while the backup has not ended; 0 else, and
// where the server does not say it.
func (h *run) counterBefore(ctx context.Context, k kind, n name) (uint64, error) {
	if k.is&setsCounter != setsCounter || h.exists("manifest.json") {
		return 0, nil
	}
	next, err := h.nextNumber(ctx, n)
	if err != nil && !isLost(err) {
		return 0, nil // nor will it set it
	}
	return next, err
}

func (h *run) nextNumber(ctx context.Context, n name) (uint64, error) {
	var table, shown string
	if err := h.source.QueryRowContext(ctx, "SHOW CREATE TABLE "+n.String()).Scan(&table, &shown); err != nil {
		return 0, fmt.Errorf("read the counter of %s: %w", n, err)
	}
	found := nextNumber.FindStringSubmatch(shown)
	if found == nil {
		return 1, nil
	}
	next, err := strconv.ParseUint(found[1], 10, 64)
	if err != nil {
		return math.MaxUint64, nil //nolint:nilerr // the last number is given out
	}
	return next, nil
}

// fall notes what DDL has done to counters: a definition that is read behind it has the lower one, but the window of the
// rows may begin in front of it, and the values there are counted, too (docs/limits.md). So from then on a restored counter may be
// beyond the source's, under whatever name the table has.
func (h *run) fall(ctx context.Context, k kind, n name, before uint64, statements string) error {
	if before > 0 {
		next, err := h.nextNumber(ctx, n)
		if isLost(err) {
			return err
		}
		if err != nil || next < before {
			h.fallen(n)
		}
	}
	if k.is&setsBack == 0 {
		return nil
	}
	if strings.Contains(statements, "EXCHANGE PARTITION") { // each partition has a counter, which is not seen
		h.allFallen(statements)
	}
	for fell := range h.fell {
		if strings.Contains(statements, fell.String()) {
			h.allFallen(statements)
		}
	}
	return nil
}

// allFallen notes the tables that stand in statements.
func (h *run) allFallen(statements string) {
	for _, n := range h.live.names() {
		if strings.Contains(statements, n.String()) {
			h.fallen(n)
		}
	}
}

func (h *run) fallen(n name) {
	if !h.fell[n] {
		h.fell[n] = true
		h.record.mark(markFell, n)
	}
}

// hasFallen tells it of a table as truth calls it.
func (h *run) hasFallen(table string) bool {
	schema, plain, _ := strings.Cut(table, ".")
	return h.fell[name{schema, plain}]
}
