package dumper

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/binlog/source"
	"github.com/tripod-db/tripod/dumper/bases"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage/catalog"
)

// preparedXA is an XA transaction that waits for its end: its rows and statements count where it is
// committed (fact 15.5).
type preparedXA struct {
	at    binlog.Position // of the entry that prepared it
	entry *event.Entry    // what it changes; nil where nobody knows
	// hidden is what it did whose cascades are not logged, images what its images lack.
	hidden map[schema.Name]bases.Hidden
	images rowImages
}

// archivedXA is one that was prepared in front of the stream, as the archive knows it. What is in
// statement format is not in its frame, nor what its foreign keys did, nor what its images lack: whatever
// is read while it is committed is read again.
func (w *watch) archivedXA(x segment.OpenXA) preparedXA {
	p := preparedXA{at: x.Prepare}
	if len(x.Tables) == 0 || !w.cascadesLogged || len(x.Limits) > 0 {
		return p
	}
	p.entry, p.images = &event.Entry{Start: x.Prepare, XID: x.XID}, rowImages{}
	for _, n := range x.Tables {
		p.entry.Tables = append(p.entry.Tables, event.Touch{Name: n})
		p.images[n] = imageFacts{diff: true}
	}
	return p
}

// committed is what the commit of an XA transaction brings.
func (w *watch) committed(e *event.Entry, out *bases.Entry) preparedXA {
	x := w.prepared[e.XID]
	delete(w.prepared, e.XID)
	if x.entry != nil {
		return x
	}
	// It may have changed any table; what is read behind it holds it.
	out.Statements = append(out.Statements, bases.Statement{
		Text:       "XA COMMIT " + e.XID + " of a transaction that was prepared before the backup's log begins",
		EveryTable: true, LowWindow: true, Unlogged: true,
	})
	return preparedXA{entry: &event.Entry{}}
}

// expect tells which XA transactions were prepared in front of the stream: those that the archive
// knows, and those that the source lists as prepared, some of which the stream will show.
func (w *watch) expect(archived []segment.OpenXA, listed []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, x := range archived {
		w.prepared[x.XID] = w.archivedXA(x)
	}
	for _, xid := range listed {
		if _, known := w.prepared[xid]; !known {
			w.strangers[xid] = true
		}
	}
}

// end notes that the stream has shown the prepare, or the end, of an XA transaction.
func (w *watch) end(xid string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.strangers, xid)
}

// strange lists the XA transactions that are prepared and that neither stream nor archive have shown
// yet.
func (w *watch) strange() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []string
	for xid := range w.strangers {
		list = append(list, xid)
	}
	slices.Sort(list)
	return list
}

// lookForXA finds out which XA transactions are prepared in front of the stream. It is called before
// anything is read of the stream, and behind the first tick: whatever is prepared later is in it.
func (b *backup) lookForXA(ctx context.Context, start binlog.Position) ([]segment.OpenXA, error) {
	archived, _, err := b.archivedXA(ctx, start)
	if err != nil {
		return nil, err
	}
	if !source.LogsPrepares(b.cfg.Source.Facts()) {
		return archived, nil // what is prepared comes to the log with its commit, as any transaction does
	}
	listed, err := source.OpenXA(ctx, b.cfg.Source)
	if err != nil && !lacksGrant(err) { // preflight warns of it
		return nil, err
	}
	b.watch.expect(archived, listed)
	return archived, nil
}

func lacksGrant(err error) bool { return fault.Of(server.Classify(err)).Kind == fault.KindGrant }

// archivedXA asks the archive which XA transactions are prepared at a place. known is false where it
// does not hold that place.
func (b *backup) archivedXA(ctx context.Context, at binlog.Position) (open []segment.OpenXA, known bool, err error) {
	err = b.bounded(ctx, "the store, asked for XA transactions,", func(ctx context.Context) (err error) {
		open, err = archive.Open(b.cfg.Catalog, b.cfg.Instance).OpenXA(ctx, at)
		return err
	})
	if f := fault.Of(err); f != nil && f.Code == fault.CodeRange {
		return nil, false, nil
	}
	return open, err == nil, err
}

// oldestPrepare is where the first of them was prepared; zero for none.
func oldestPrepare(open []segment.OpenXA) (at binlog.Position) {
	for _, x := range open {
		if at.IsZero() || x.Prepare.Before(at) {
			at = x.Prepare
		}
	}
	return at
}

// strangers waits, when everything is read, for XA transactions of which nobody has the prepare: one
// that is committed meanwhile has everything read again, one that is committed later ends the range of
// all tables.
type strangers struct {
	backup *backup
	// still is about the transactions, reach about the archive, which has to come to floor before it is asked.
	still, reach stillness
	reached      bool
	asked        time.Time
}

func (b *backup) strangers() *strangers {
	return &strangers{backup: b, still: stillness{limit: b.cfg.Wait}, reach: stillness{limit: b.cfg.Wait}}
}

// askEvery is how often the archive is asked for what its archiver may have brought.
const askEvery = time.Second

// wait tells for what to wait; empty when that is over. What is left then is a warning of the backup.
func (s *strangers) wait(ctx context.Context) (string, error) {
	b := s.backup
	left := b.watch.strange()
	if len(left) > 0 && time.Since(s.asked) >= askEvery {
		s.asked = time.Now()
		if err := s.ask(ctx); err != nil {
			return "", err
		}
		left = b.watch.strange()
	}
	switch {
	case len(left) == 0:
		return "", nil
	case !s.reached:
		return "the archive to reach the backup's floor", nil
	}
	names := strings.Join(left, "; ")
	if !s.still.lasts(names) {
		return "XA transactions that were prepared before the archive begins, to be committed or rolled back: " + names, nil
	}
	message := fmt.Sprintf("%d XA transactions were prepared before the archive begins and are not finished: %s. Whichever is committed ends the range of this backup for every table", len(left), names)
	b.warnings = append(b.warnings, message)
	b.cfg.Log.Warn(message, "remedy", "XA COMMIT or XA ROLLBACK those that nobody will finish, and take a new backup")
	return "", nil
}

// ask asks the archive for what was prepared at floor, if it has come there.
func (s *strangers) ask(ctx context.Context) error {
	b, floor := s.backup, look(s.backup.board, floorOf)
	open, known, err := b.archivedXA(ctx, floor)
	if err != nil {
		return err
	}
	for _, x := range open {
		b.watch.end(x.XID)
	}
	if s.reached = known; known {
		return nil
	}
	b.wanted.Tell(floor)
	var head catalog.Head
	err = b.bounded(ctx, "the store, asked for the archive's head,", func(ctx context.Context) (err error) {
		head, _, err = b.cfg.Catalog.Head(ctx, b.cfg.Instance, floor.Timeline)
		return err
	})
	if err != nil {
		return err
	}
	return s.reach.check("at "+nearer(head.End.Position, floor).String(), "the archive does not reach the backup's floor")
}

func floorOf(s *bases.Bases) binlog.Position {
	p, _ := s.Floor()
	return p
}

// addOpenXA completes the XA transactions that were prepared at floor by those that only the archive
// has seen prepared, and has the archive cover all of them (W4).
func (b *backup) addOpenXA(ctx context.Context, reader *archive.Reader, m *catalog.Manifest) error {
	return b.bounded(ctx, "the store, asked for XA transactions,", func(ctx context.Context) error {
		open, err := reader.OpenXA(ctx, m.Floor.Position)
		if err != nil {
			return err
		}
		for _, x := range open {
			if !slices.ContainsFunc(m.OpenXA, func(o catalog.OpenXA) bool { return o.XID == x.XID }) {
				m.OpenXA = append(m.OpenXA, catalog.OpenXA{XID: x.XID, Prepare: x.Prepare})
			}
		}
		slices.SortFunc(m.OpenXA, func(x, y catalog.OpenXA) int { return x.Prepare.Compare(y.Prepare) })
		return reader.Covers(ctx, neededFrom(m), m.End.Position)
	})
}
