package dumper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/binlog/limit"
	"github.com/tripod-db/tripod/binlog/source"
	"github.com/tripod-db/tripod/binlog/stream"
	"github.com/tripod-db/tripod/dumper/bases"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage/catalog"
)

// watch follows the source's log on a connection of the backup's own and tells resolver and
// board of every entry (DESIGN section 4, "DDL watch").
type watch struct {
	config    stream.Config
	follower  *stream.Follower
	assembler *event.Assembler
	resolver  *source.Resolver
	board     *board
	file      string // of the event that came last
	fileEnd   uint64 // where the last event of that file ended; 0 before the first
	reader    reader
	log       *slog.Logger
	union     func(child, merge schema.Name) // is told what MERGE tables are made of
	// past reads what the source has purged, from from on up to where the follower begins; nil for nothing.
	past *archive.Reader
	from binlog.Position

	// prepared are the XA transactions that are open at the place the stream has come to: their
	// rows count where they are committed (fact 15.5).
	prepared map[string]preparedXA
	// cascadesLogged: what foreign keys do is in the log, by the source's settings (fact 4.2).
	cascadesLogged bool
	// hidden is what the open entry did whose cascades are not logged, images what its images lack.
	hidden map[schema.Name]bases.Hidden
	images rowImages

	mu    sync.Mutex
	floor floorFacts
	// strangers are XA transactions that the source lists as prepared and nobody has shown yet.
	strangers map[string]bool
}

// floorFacts is what the watch notes while the stream passes floor.
type floorFacts struct {
	known  bool
	gtids  string // executed up to floor
	time   binlog.Time
	openXA []catalog.OpenXA
}

// openWatch begins at start, the start of a file that was current before the first tick (W4).
func openWatch(ctx context.Context, cfg Config, start binlog.Position, resolver *source.Resolver) (*watch, error) {
	config := streamOf(cfg)
	follower, err := stream.Follow(ctx, config, stream.Resume{Position: start})
	if err != nil {
		return nil, followError(err)
	}
	return &watch{
		config:    config,
		file:      start.File,
		follower:  follower,
		assembler: event.NewAssembler(start.Timeline, event.WithoutRowCounts()),
		resolver:  resolver,
		reader:    reader{facts: cfg.Source.Facts(), users: cfg.Users, temporaries: &limit.Temporaries{}},
		log:       cfg.Log,
		prepared:  map[string]preparedXA{},
		strangers: map[string]bool{},

		cascadesLogged: source.LogsCascades(cfg.Source.Facts()),
		union:          func(schema.Name, schema.Name) {},
	}, nil
}

// follow opens the watch at start. What the source does not have any more of a killed run's time
// comes from the archive.
func (b *backup) follow(ctx context.Context, start binlog.Position) (*watch, error) {
	if b.adopted == nil || b.adopted.until.IsZero() {
		return openWatch(ctx, b.cfg, start, b.resolver)
	}
	w, err := openWatch(ctx, b.cfg, b.adopted.until, b.resolver)
	if err == nil {
		w.past, w.from = archive.Open(b.cfg.Catalog, b.cfg.Instance), start
	}
	return w, err
}

// streamOf is how the backup's own replication connections find the source.
func streamOf(cfg Config) stream.Config {
	return stream.Config{
		Address: cfg.Source.Address(), ServerID: 0,
		Expect: stream.Identity{ServerUUID: cfg.Source.Facts().ServerUUID}, Log: cfg.Log,
	}
}

// run follows the log until ctx ends.
func (w *watch) run(ctx context.Context, b *board) error {
	w.board = b
	w.assembler.OnBegin(w.begin)
	w.assembler.OnCutOff(w.cutOff)
	w.assembler.OnRows(func(_ *event.Entry, rows *event.Rows) error { return errors.Join(w.hides(rows), w.images.note(rows)) })
	if err := w.catchUp(ctx); err != nil {
		return err
	}
	for {
		e, err := w.follower.Next(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return followError(err)
		}
		if e.File != w.file && w.fileEnd > 0 {
			if err := w.resolver.FileEnded(w.file, w.fileEnd); err != nil {
				return err
			}
			w.fileEnd = 0
		}
		w.file = e.File
		if e.Raw == nil {
			continue
		}
		w.fileEnd = max(w.fileEnd, e.Start+uint64(len(e.Raw)))
		if err := w.event(e.File, e.Start, e.Raw); err != nil {
			return err
		}
		if w.assembler.AtBoundary() {
			if err := w.follower.Acknowledge(); err != nil {
				return err
			}
			w.passed(w.assembler.Position())
		}
	}
}

// catchUp takes from the archive what lies before the file that the follower begins with.
func (w *watch) catchUp(ctx context.Context) error {
	if w.past == nil {
		return nil
	}
	for e, err := range w.past.Events(ctx, w.from) {
		if err != nil {
			return fmt.Errorf("read the log that the source has purged: %w", err)
		}
		if e.File == w.file {
			return nil
		}
		if err := w.event(e.File, e.Pos, e.Raw); err != nil {
			return err
		}
		if w.assembler.AtBoundary() {
			w.passed(w.assembler.Position())
		}
	}
	return nil
}

// event takes one event.
func (w *watch) event(file string, start uint64, raw []byte) error {
	w.resolver.Event(raw)
	entry, err := w.assembler.Add(file, start, raw)
	if err != nil {
		return fmt.Errorf("follow the source's log: %w", err)
	}
	if entry == nil {
		return nil
	}
	failpoint.Inject("slowStream", nil)
	failpoint.InjectCall("entryStreamed")
	return w.entry(entry)
}

func (w *watch) close() error { return w.follower.Close() }

// followError makes the stream's error the operator's.
func followError(err error) error {
	if errors.Is(err, stream.ErrIdentity) && !errors.Is(err, stream.ErrOtherServer) {
		err = source.OtherHistory("%w", err)
	}
	return fmt.Errorf("follow the source's log: %w", err)
}

// prove compares the last entry that was read, with all before it by the chain, with what the
// source sends on a new connection: the watch's own hears nothing of a RESET behind which the log
// grew longer than it was (fact 13.9). It is called when run has returned. A source that cannot
// be reached is tried again for as long as wait.
func (w *watch) prove(ctx context.Context, wait time.Duration) error {
	deadline := time.Now().Add(wait)
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := w.compare(ctx)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case fault.Of(err).Kind == fault.KindSource && !errors.Is(err, stream.ErrOtherServer):
			// Inside an event of another history, whatever stands there is read as an event.
			return followError(source.OtherHistory("%w", err))
		case !errors.Is(err, stream.ErrDisconnected) && !server.IsTransient(err) || time.Now().After(deadline):
			return followError(err)
		}
		w.log.Warn("cannot compare the source's log with what was read of it; trying again", "error", err)
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// compare is one attempt of prove.
func (w *watch) compare(ctx context.Context) (err error) {
	before, last := w.follower.Marks()
	chain, err := binlog.ResumeChain(last.State)
	if err != nil {
		return err
	}
	config := w.config
	config.Expect.FormatTime = w.follower.FormatTime()
	again, err := stream.Follow(ctx, config, stream.Resume{
		Position: binlog.Position{Timeline: w.follower.Timeline(), File: w.file, Pos: before.Offset}, State: before.State,
		Held: last.Offset, Sum: chain.Sum(),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, again.Close()) }()
	for compared := before.Offset; compared < last.Offset; {
		e, err := again.Next(ctx)
		if err != nil {
			return err
		}
		compared = e.End
	}
	return nil
}

// begin tells the resolver of an entry, and notes what is known at floor when it is the first behind it.
func (w *watch) begin(e *event.Entry) error {
	w.hidden, w.images = nil, nil
	w.resolver.Entry(e.Start, e.GTID)
	w.noteFloor(e.Start)
	return nil
}

// cutOff drops what was noted of an entry that the source was killed in the middle of: it was never committed.
func (w *watch) cutOff(e *event.Entry) error {
	w.log.Warn("the source was killed while it wrote a transaction; what it wrote of it counts for nothing", "start", e.Start.String(), "gtid", e.GTID.String())
	w.hidden, w.images = nil, nil
	return nil
}

func (w *watch) passed(p binlog.Position) {
	w.resolver.Passed(p)
	w.noteFloor(p)
	w.board.feed(func(s *bases.Bases) { s.Passed(p) })
}

// noteFloor keeps what the stream knows when it has come to floor, and no entry behind that has been
// taken yet. A floor that is a place in the log, or that of a killed run, is known before.
func (w *watch) noteFloor(at binlog.Position) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.floor.known {
		return
	}
	if floor, known := w.boardFloor(); !known || at.Before(floor) {
		return
	}
	w.floor.known = true
	w.floor.gtids = w.assembler.Executed().String()
	for xid, x := range w.prepared {
		w.floor.openXA = append(w.floor.openXA, catalog.OpenXA{XID: xid, Prepare: x.at})
	}
}

func (w *watch) boardFloor() (p binlog.Position, known bool) {
	w.board.feed(func(s *bases.Bases) { p, known = s.Floor() })
	return p, known
}

// atFloor returns what was noted there.
func (w *watch) atFloor() floorFacts {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.floor
}

// entry tells the board of one entry.
func (w *watch) entry(e *event.Entry) error {
	out := &bases.Entry{Start: e.Start, End: e.End, Time: commitTime(e), XA: e.Kind == event.XACommit}
	w.noteTime(out.Time)
	effect := preparedXA{at: e.Start, entry: e, hidden: w.hidden, images: w.images}
	switch e.Kind {
	case event.XAPrepared:
		w.prepared[e.XID] = effect
		effect = preparedXA{entry: &event.Entry{}}
	case event.XARollback:
		delete(w.prepared, e.XID)
	case event.XACommit:
		effect = w.committed(e, out)
	case event.Transaction, event.Statement:
	}
	if e.XID != "" {
		w.end(e.XID)
	}
	for _, t := range effect.entry.Tables {
		found := effect.images[t.Name]
		out.Rows = append(out.Rows, bases.RowTouch{
			Name: t.Name, Partial: t.PartialImage || found.diff, Diff: found.diff, Changed: found.changed, Hidden: effect.hidden[t.Name],
		})
	}
	w.doubts(effect.entry, out)
	if err := w.statements(effect.entry, out); err != nil {
		return err
	}
	if len(out.Statements) > 0 {
		w.board.update(func(s *bases.Bases) { s.Receive(out) })
		return nil
	}
	w.board.feed(func(s *bases.Bases) { s.Receive(out) })
	return nil
}

// doubts makes a statement that the log does not hold of row images of which nobody can say what they leave out, of rows of
// which nobody can say whether they were taken back, of one that may stand for two, and of what the source itself has noted to be missing: what
// is read behind them is right.
func (w *watch) doubts(e *event.Entry, out *bases.Entry) {
	unclear := bases.Statement{Text: "a change whose row images lack what a REPLACE sets to defaults", LowWindow: true, Unlogged: true}
	if e.UndoneUnclear {
		unclear.Text = "a ROLLBACK TO of which cannot be told what it takes back"
	}
	bare := bases.Statement{Text: "a row of which the log holds no column, beside which there may be one more", LowWindow: true, Unlogged: true, NonTransactional: true}
	if e.Incident {
		out.Statements = append(out.Statements, bases.Statement{
			Text: "an incident: the source notes that something is missing from its log", EveryTable: true, LowWindow: true, Unlogged: true,
		})
	}
	for _, t := range e.Tables {
		touch := bases.Touch{Name: t.Name, Role: bases.Changed}
		switch {
		case t.Doubtful || e.UndoneUnclear:
			unclear.Touches = append(unclear.Touches, touch)
		case t.Bare:
			bare.Touches = append(bare.Touches, touch)
		}
	}
	for _, s := range []bases.Statement{unclear, bare} {
		if len(s.Touches) > 0 {
			out.Statements = append(out.Statements, s)
		}
	}
}

// statements reads the statements of an entry.
func (w *watch) statements(e *event.Entry, out *bases.Entry) error {
	w.reader.temporaries.Enter(e)
	for _, q := range e.Queries {
		s, relevant, err := w.reader.statement(q, w.union)
		if err != nil {
			return fmt.Errorf("read the statement at %s: %w", e.Start, err)
		}
		if relevant {
			w.log.Debug("statement in the log", "position", e.Start.String(), "statement", s.Text)
			out.Statements = append(out.Statements, s)
		}
	}
	if e.OmittedQueries > 0 {
		out.Statements = append(out.Statements, bases.Statement{
			Text:       fmt.Sprintf("a transaction of %d statements in statement format", e.OmittedQueries+len(e.Queries)),
			EveryTable: true, LowWindow: true, Unlogged: true,
		})
	}
	return nil
}

func (w *watch) noteTime(t binlog.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.floor.known && t != 0 {
		w.floor.time = t
	}
}

// commitTime is that of the GTID event, else the header time of the entry's last event.
func commitTime(e *event.Entry) binlog.Time {
	if e.CommitTime != 0 {
		return e.CommitTime
	}
	return binlog.TimeOf(time.Unix(int64(e.Timestamp), 0))
}
