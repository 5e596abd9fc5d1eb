package history

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// heldPrefix begins the names of tables on which XA transactions stay prepared: nobody else writes to them, or changes
// their definitions, for whoever did would wait for these.
const heldPrefix = "xa_"

// xa prepares transactions that are ended at once, on any table, and others that stay open over the floor of the
// backup, and over stop points, on tables of their own.
var xa = Feature{
	Name: "xa", Doc: "XA transactions, prepared for long, committed, rolled back, in one phase", Share: 40,
	Linked: []string{
		"CREATE TABLE `shop`.`xa_rows` (id INT NOT NULL PRIMARY KEY, v VARCHAR(200), u INT, UNIQUE KEY (u))",
		"CREATE TABLE `shop`.`xa_heap` (n INT, v INT)",
		"INSERT INTO `shop`.`xa_rows` VALUES (1,'one',1),(2,'two',2),(3,'three',3),(40,'forty',40)",
		"INSERT INTO `shop`.`xa_heap` VALUES (1,1),(1,1),(2,2),(3,3)",
	},
	Transaction: endedXA, Every: 10,
	Beside: prepareXA,
	Logged: "XA PREPARE",
}

// endedXA is a transaction of a writer in the form of XA.
func endedXA(ctx context.Context, w *writer) (int, error) {
	id := fmt.Sprintf("'%s',x'00%04x'", w.name, w.r.IntN(1<<16))
	if err := w.exec(ctx, "XA START "+id); err != nil {
		return 0, err
	}
	changed := false
	for range w.r.IntN(4) + 1 {
		err := w.change(ctx)
		if isLost(err) {
			return 0, err
		}
		changed = changed || err == nil
	}
	prepare := "XA PREPARE " + id
	ends := [][]string{{"XA COMMIT " + id + " ONE PHASE"}, {prepare, "XA COMMIT " + id}, {prepare, "XA COMMIT " + id}, {prepare, "XA ROLLBACK " + id}}[w.r.IntN(4)]
	for _, end := range append([]string{"XA END " + id}, ends...) {
		if err := w.exec(ctx, end); isLost(err) {
			return 0, err
		} else if err != nil { // a deadlock has rolled it back
			return 0, lost(w.exec(ctx, "XA ROLLBACK "+id))
		}
	}
	switch {
	case strings.HasPrefix(ends[len(ends)-1], "XA ROLLBACK"):
		w.rolledBack.Add(1)
		return 0, nil
	case changed:
		w.committed.Add(1)
	}
	return 1, nil
}

// mostPrepared are prepared at once, longestPrepared how many steps one is at most where nothing may be held for
// long: without GTIDs the backup reads a table behind a barrier that waits for what is prepared.
const (
	mostPrepared    = 8
	longestPrepared = 10
)

// prepareXA keeps transactions prepared. Their ids come again, and have bytes that need quoting.
func prepareXA() func(context.Context, *writer) (int, error) {
	var open []string
	held, number := 0, 0
	return func(ctx context.Context, w *writer) (int, error) {
		if number == 0 { // gaps that are locked would keep the others from their rows
			if err := w.exec(ctx, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"); err != nil {
				return 0, err
			}
		}
		number++
		most, stays := mostPrepared, w.writers.run.kind().heldXA
		if !w.writers.run.GTID || stays {
			most = 1
		}
		held++
		switch {
		case len(open) < most && w.r.IntN(3) == 0:
			held = 0
			id := fmt.Sprintf("'a''b\\0',x'27%02x00',%s", w.r.IntN(12), pick(w.r, "1", "0", "4294967294"))
			if slices.Contains(open, id) {
				return 0, nil
			}
			prepared, err := w.prepareHeld(ctx, id)
			if prepared {
				open = append(open, id)
			}
			return 0, err
		case stays && len(open) > 0 && held < longestPrepared && w.r.IntN(3) > 0:
			return 0, nil // the session can do nothing else
		case len(open) == 0 || most > 1 && w.r.IntN(5) > 0 || held < longestPrepared && w.r.IntN(3) > 0:
			return 0, w.exec(ctx, heldChange(w))
		}
		i := w.r.IntN(len(open))
		id := open[i]
		open = slices.Delete(open, i, i+1)
		if w.r.IntN(4) == 0 {
			return 0, w.exec(ctx, "XA ROLLBACK "+id)
		}
		return 1, w.exec(ctx, "XA COMMIT "+id)
	}
}

// prepareHeld prepares one on the tables that nobody else writes to.
func (w *writer) prepareHeld(ctx context.Context, id string) (bool, error) {
	if err := w.exec(ctx, "XA START "+id); err != nil {
		return false, err
	}
	for range w.r.IntN(4) + 1 {
		if err := w.exec(ctx, heldChange(w)); isLost(err) {
			return false, err
		}
	}
	for _, verb := range []string{"XA END ", "XA PREPARE "} {
		if err := w.exec(ctx, verb+id); isLost(err) {
			return false, err
		} else if err != nil {
			return false, lost(w.exec(ctx, "XA ROLLBACK "+id))
		}
	}
	return true, nil
}

// heldChange draws a statement on the tables that nobody else writes to.
func heldChange(w *writer) string {
	id, u := w.r.IntN(300), w.r.IntN(600)
	switch w.r.IntN(7) {
	case 0, 1:
		return fmt.Sprintf("INSERT INTO `shop`.`xa_rows` VALUES (%d,'new',%d),(%d,REPEAT('x',%d),NULL)", id, u, id+300, w.r.IntN(200))
	case 2:
		return fmt.Sprintf("UPDATE `shop`.`xa_rows` SET v='%d', u=%d WHERE id=%d", w.r.IntN(1000), u, id)
	case 3:
		return fmt.Sprintf("UPDATE `shop`.`xa_rows` SET id=id+1000 WHERE id=%d", id)
	case 4:
		return fmt.Sprintf("DELETE FROM `shop`.`xa_rows` WHERE id=%d", id)
	case 5:
		return fmt.Sprintf("UPDATE `shop`.`xa_heap` SET v=v+1 WHERE n=%d LIMIT 1", w.r.IntN(9))
	}
	return fmt.Sprintf("INSERT INTO `shop`.`xa_heap` VALUES (%d,%d),(1,1)", w.r.IntN(9), w.r.IntN(3))
}
