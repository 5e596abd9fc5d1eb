package history

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// largeRows is a table that nothing else writes to: each of its images is as large as its row.
var largeRows = name{mainSchema, heldPrefix + "large"}

// mostInPacket is the longest payload of one packet of the protocol; one of just that length has an empty one behind it.
const mostInPacket = 1<<24 - 1

// largePacket is the max_allowed_packet of all servers.
const largePacket = 64 << 20

// What stands around the value of largeRows in an event of one row (headers, bitmaps, lengths, checksum, and the byte in
// front of each event), and in the packet of a row that is selected.
const (
	aroundEvent = 45
	aroundRow   = 6
)

// largeEvents also restores into a target that takes no such row: what is over its max_allowed_packet has to be told by
// that name, or be restored all the same.
var largeEvents = Feature{
	Name: "large-events", Doc: "rows whose events, and packets, are as long as a packet of the protocol, or longer; a target that takes no such row", Share: 4,
	Linked: []string{"CREATE TABLE " + largeRows.String() + " (id INT NOT NULL PRIMARY KEY, b LONGBLOB)"},
	DDL:    []kind{{"large", large, idling | once, ""}},
	Judge:  restoreIntoSmall,
}

func large(d *ddl, _ name, _ []column) []string {
	insert := func(id, length int) string {
		return fmt.Sprintf("INSERT INTO %s VALUES (%d, REPEAT('x', %d))", largeRows, id, length)
	}
	return []string{
		insert(1, mostInPacket-aroundEvent-1+d.r.IntN(3)),
		insert(2, mostInPacket-aroundRow-1+d.r.IntN(3)),
		fmt.Sprintf("UPDATE %s SET b=CONCAT(b, 'yz') WHERE id=1", largeRows),
		insert(3, mostInPacket+d.r.IntN(1<<20)),
		fmt.Sprintf("DELETE FROM %s WHERE id=%d", largeRows, d.r.IntN(3)+1),
	}
}

func restoreIntoSmall(ctx context.Context, h *run) (n int, err error) {
	if err := h.servers.Target.Exec(ctx, "SET GLOBAL max_allowed_packet="+strconv.Itoa(1<<24)); err != nil {
		return 0, err
	}
	defer func() {
		if back := h.servers.Target.Exec(context.WithoutCancel(ctx), "SET GLOBAL max_allowed_packet="+strconv.Itoa(largePacket)); err == nil {
			err = back
		}
	}()
	p := h.stops[len(h.stops)-1]
	if err := h.emptyTarget(ctx); err != nil {
		return 0, err
	}
	o, err := h.prog.run(ctx, append(h.restoreArgs(p), "--json")...)
	if err != nil {
		return 0, err
	}
	var refused struct{ Error struct{ Kind, Hint string } }
	if err := json.Unmarshal(o.stdout, &refused); err != nil {
		return 0, fmt.Errorf("read the result of a restore into a small target %q: %w", o.stdout, err)
	}
	switch hint := refused.Error.Hint; {
	case o.code == 1 && refused.Error.Kind == "target" && strings.Contains(hint, "max_allowed_packet"):
		h.logf("restored into a target that takes no large row: refused with %q", hint)
		return 1, nil
	case o.code == 12 && refused.Error.Kind == "statement" && h.endsRanges():
		return 0, nil // a statement of which the log does not hold the rows comes first, and is judged elsewhere
	case o.code != 0:
		return 0, fmt.Errorf("tripod restore into a small target: exit %d: %s\n%s", o.code, o.stdout, lastLines(o.stderr, 25))
	}
	_, d, err := h.differences(ctx, p)
	if err == nil && len(d) > 0 {
		err = fmt.Errorf("restored into a small target, but it differs:\n%s", strings.Join(d[:min(len(d), 30)], "\n"))
	}
	return 1, err
}
