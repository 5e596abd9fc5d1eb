package history

import (
	"context"
	"fmt"
	"strings"

	"github.com/tripod-db/tripod/tests/truth"
)

// position is the end of the source's log, as tripod takes one.
func (h *run) position(ctx context.Context) (string, error) {
	var file, ignored string
	var pos uint64
	into := []any{&file, &pos}
	for len(into) < h.kind().statusColumns {
		into = append(into, &ignored)
	}
	if err := h.source.QueryRowContext(ctx, h.kind().status).Scan(into...); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s:%d", file, pos), nil
}

// executed is what the source has committed, by its GTIDs.
func (h *run) executed(ctx context.Context) (set string, err error) {
	err = h.source.QueryRowContext(ctx, "SELECT "+h.kind().gtids).Scan(&set)
	return strings.ReplaceAll(set, "\n", ""), err
}

// sourceTime is the time of the source's clock, as exact as its log tells the times of commits.
func (h *run) sourceTime(ctx context.Context) (at string, err error) {
	format := "%Y-%m-%dT%H:%i:%s.%fZ"
	if h.kind().wholeSeconds {
		format = "%Y-%m-%dT%H:%i:%sZ"
	}
	err = h.source.QueryRowContext(ctx, "SELECT DATE_FORMAT(UTC_TIMESTAMP(6), ?)", format).Scan(&at)
	return at, err
}

// passTime waits, where the log has whole seconds, until the second of a stop point is over: what were committed later in it
// would belong to it.
func (h *run) passTime(ctx context.Context, p stopPoint) error {
	for p.flag == "--to-time" && h.kind().wholeSeconds {
		now, err := h.sourceTime(ctx)
		if err != nil {
			return err
		}
		if now > p.value {
			break
		}
		if err := pause(ctx, pollEvery); err != nil {
			return err
		}
	}
	return nil
}

// translate makes the truths of all stop points what the target says, where that is another kind of server: each table's
// definition as it prints it, and names that have changed since.
func (h *run) translate(ctx context.Context) error {
	if h.kind() == h.target() {
		return nil
	}
	for i := range h.stops {
		printed, err := h.stops[i].truth.PrintedBy(ctx, h.servers.Target.Root())
		if err != nil {
			return fmt.Errorf("translate the truth of stop point %d: %w", i, err)
		}
		h.stops[i].truth = printed.Unspelled()
	}
	return nil
}

// takeRestored is what the target holds, to be compared with the truths of stop points.
func (h *run) takeRestored(ctx context.Context) (*truth.Truth, error) {
	restored, err := truth.Take(ctx, h.servers.Target.Root(), schemas...)
	if err != nil || h.kind() == h.target() {
		return restored, err
	}
	return restored.Unspelled(), nil
}
