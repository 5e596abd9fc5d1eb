package dumper

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/binlog/source"
	"github.com/tripod-db/tripod/dumper/bases"
	"github.com/tripod-db/tripod/internal/budget"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/progress"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage/catalog"
)

// backup is one run. Its fields are set before the goroutines that use them start.
type backup struct {
	cfg       Config
	selection selection
	started   time.Time
	timeline  binlog.Timeline
	id        string
	intent    catalog.Intent

	adopted  *adoption // nil for a backup that begins
	journal  *journal
	proof    *archive.Proof
	board    *board
	watch    *watch
	clock    *source.Clock
	resolver *source.Resolver
	contents *contents
	room     *budget.Budget
	wanted   *archive.Wanted // what the archive is waited for
	phase    progress.Phase
	// estimates of the rows of tables, set by discovery before anything is read.
	estimates map[schema.Name]uint64
	warnings  []string

	// later runs something beside the workers, as part of the run: its error ends the run.
	later     func(work func(context.Context) error)
	bytesRead atomic.Uint64
	// deciding is set before the manifest is put: from then on that alone decides whose backup it is.
	deciding atomic.Bool
	advances advances
	lag      lag
	unions   unions
}

// Run makes a backup. It returns when the manifest is written and W4 was checked behind it, or
// with an error after which no backup exists. With KeylessMissing the result may lack tables:
// NotBackedUp lists them, and the error is nil. Faults: grant, source, keyless, ddl, store,
// timeout.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	cfg, wish, err := settle(cfg)
	if err != nil {
		return nil, err
	}
	b := &backup{
		cfg: cfg, selection: wish, started: time.Now(), contents: newContents(),
		room: budget.New(cfg.Memory), wanted: archive.NewWanted(),
	}
	if err := b.preflight(ctx); err != nil {
		return nil, err
	}
	if err := b.bounded(ctx, "the store, asked for the instance,", func(ctx context.Context) error {
		return cfg.Catalog.EnsureInstance(ctx, catalog.Instance{
			Name: cfg.Instance, Created: binlog.TimeOf(b.started), Flavor: cfg.Source.Facts().Flavor,
		})
	}); err != nil {
		return nil, err
	}
	return b.run(ctx)
}

// settle completes the wish and says what is wrong with it.
func settle(cfg Config) (Config, selection, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Check(); err != nil {
		return cfg, selection{}, err
	}
	wish, err := newSelection(cfg)
	wish.fold = cfg.Source.Facts().LowerCaseTableNames != 0
	return cfg, wish, err
}

// preflight refuses a source that cannot be backed up, and keeps the warnings.
func (b *backup) preflight(ctx context.Context) error {
	findings, _, err := source.Survey(ctx, b.cfg.Source, b.selection.scope(b.cfg.Users))
	if err != nil {
		return err
	}
	for _, f := range findings {
		if f.Level == source.LevelWarning {
			b.warnings = append(b.warnings, f.Message)
			b.cfg.Log.Warn(f.Message, "finding", f.ID, "remedy", f.Remedy)
		}
	}
	return source.Refuse(findings)
}

// run begins stream, clock and archive in the order that W4 wants, reads, and finishes.
func (b *backup) run(ctx context.Context) (result *Result, err error) {
	// A source whose history began again is archived under another timeline than its uuid.
	if err := b.bounded(ctx, "the store, asked for the archive's head,", func(ctx context.Context) (err error) {
		b.timeline, err = archive.CurrentTimeline(ctx, b.cfg.Catalog, b.cfg.Instance, b.cfg.Source.Facts().ServerUUID)
		return err
	}); err != nil {
		return nil, err
	}
	if b.proof, err = archive.HoldProof(b.cfg.SpoolDir); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.proof.Release(err != nil)) }()
	if b.adopted, err = b.killed(ctx); err != nil {
		return nil, err
	}
	interrupted := ctx.Err
	defer func() {
		if err != nil && b.adopted != nil && interrupted() == nil {
			err = orFresh(err)
		}
	}()
	// The file with which stream and archive begin is chosen before the first tick.
	start, err := b.streamStart(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	archiving := b.archive(ctx, start.File)
	defer func() {
		cancel()
		if ended := archiving.wait(); ended != nil && err == nil {
			// Behind the manifest the archive was found to hold all that the backup needs.
			b.cfg.Log.Warn("the backup is complete; its archiver failed at the end", "error", ended)
		}
	}()
	if b.timeline == "" {
		if b.timeline, err = b.named(ctx, archiving); err != nil {
			return nil, err
		}
		start.Timeline = b.timeline
	}
	b.resolver = source.NewResolver(start)
	b.clock, err = source.StartClock(ctx, b.cfg.Source, source.ClockConfig{Timeline: b.timeline, Resolver: b.resolver, Log: b.cfg.Log})
	if err != nil {
		return nil, err
	}
	defer b.clock.Close()
	if b.watch, err = b.follow(ctx, start); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.watch.close()) }()
	b.watch.union = func(child, merge schema.Name) { b.unions.add(map[schema.Name]schema.Name{child: merge}) }
	if err := b.begin(ctx, start); err != nil {
		return nil, err
	}
	defer func() {
		if err == nil {
			return
		}
		if last := b.journal.end(ctx); last != nil {
			b.cfg.Log.Warn("the last part of the journal could not be written: the next backup reads again what it would have told", "error", last)
		}
	}()
	ctx, renewing := b.renewing(ctx)
	defer func() { err = renewing.end(err) }()
	if err := b.readAll(ctx, archiving); err != nil {
		return nil, archiving.reason(err)
	}
	return b.finish(ctx, archiving)
}

// orFresh tells the way round what a run that goes on with another one would meet each time: it reads
// the same log again.
func orFresh(err error) error {
	f := fault.Of(err)
	hint := "if it ends here each time: --fresh begins a new backup instead of going on with the one that was killed"
	if f.Hint != "" {
		hint = f.Hint + "; " + hint
	}
	return fault.New(f.Code, f.Kind, hint, "%w", err)
}

// streamStart is the start of the file that the stream begins with.
func (b *backup) streamStart(ctx context.Context) (binlog.Position, error) {
	if b.adopted != nil {
		return b.adopted.intent.Floor.Position, nil
	}
	return startOfFile(ctx, b.cfg, b.timeline)
}

// begin writes the intent, which pins floor: the beginning of the stream's file lies before it.
func (b *backup) begin(ctx context.Context, start binlog.Position) error {
	first := b.mark(b.clock.First())
	if b.adopted != nil {
		first = pastMark(b.adopted.floor)
	}
	openXA, err := b.lookForXA(ctx, start)
	if err != nil {
		return err
	}
	if err := b.bounded(ctx, "the store, given the intent,", func(ctx context.Context) error { return b.intend(ctx, start, oldestPrepare(openXA)) }); err != nil {
		return err
	}
	b.board = newBoard(b.cfg.Wait, &b.lag, bases.New(bases.Config{
		First:    first,
		Selected: b.selection.table,
		SelectedObject: func(kind catalog.ObjectKind, n schema.Name) bool {
			return kind == catalog.KindUser && b.cfg.Users || kind != catalog.KindUser && b.selection.object(kind, n)
		},
		Locked:    showsWhatIsLogged(b.cfg.Source.Facts()),
		PlaceLow:  !source.ProvedGTIDLow(b.cfg.Source.Facts()),
		FoldNames: b.cfg.Source.Facts().LowerCaseTableNames != 0,
	}))
	b.adopt()
	return nil
}

// showsWhatIsLogged tells whether SHOW CREATE of schemas, views, routines, triggers, events and users is
// proved, by a test, to show every statement that stood in the log when it was sent. On 9.x it waits
// for one that is in the log and not committed yet; 5.6 and MariaDB change their files before they log.
func showsWhatIsLogged(f server.Facts) bool {
	if f.Flavor == server.FlavorMariaDB {
		return f.Major == 10 && f.Minor == 11
	}
	return f.Major == 9 || f.Major == 5 && f.Minor == 6
}

// low is bases.Mark.Low of a tick.
func (b *backup) low(t source.Tick) func() (binlog.Position, bool) {
	return func() (binlog.Position, bool) { return b.resolver.Low(t) }
}

// errRead ends the readers: everything is read and the rules hold.
var errRead = errors.New("everything is read")

// readAll discovers, reads, and reads again until the rules say that it is done (R6).
func (b *backup) readAll(ctx context.Context, archiving *archiving) error {
	b.phase = b.cfg.Progress.Begin("backup", progress.Amount{})
	defer b.phase.End()
	group, running := errgroup.WithContext(ctx)
	b.later = func(work func(context.Context) error) {
		group.Go(func() error { return work(running) })
	}
	b.later(func(ctx context.Context) error { return b.watch.run(ctx, b.board) })
	b.later(archiving.watch)
	b.later(b.clock.Watch)
	b.later(b.journal.keep)
	b.later(b.untilDone)
	b.later(func(ctx context.Context) error {
		if err := b.list(ctx); err != nil {
			return err
		}
		for range b.cfg.Threads {
			b.later((&worker{backup: b}).run)
		}
		return nil
	})
	if err := group.Wait(); !errors.Is(err, errRead) {
		return err
	}
	return nil
}

// list is discovery, behind the first tick.
func (b *backup) list(ctx context.Context) error {
	found, err := b.discover(ctx)
	if err != nil {
		return err
	}
	if err := b.selection.matchNothing(&found); err != nil {
		return err
	}
	received := time.Now()
	b.unions.add(found.unions)
	if b.cfg.Users {
		found.objects = append(found.objects, listedObject{kind: catalog.KindUser, name: catalog.AccountsName})
	}
	b.countAdopted()
	b.estimates = map[schema.Name]uint64{}
	for _, t := range found.tables {
		b.estimates[t.Name] = t.rows
	}
	b.phase.SetTotal(progress.Amount{Rows: int64(found.rows), Bytes: int64(found.bytes)})
	after, err := b.clock.After(ctx, received)
	if err != nil {
		return err
	}
	b.board.update(func(s *bases.Bases) {
		found.tell(s)
		s.Listed(b.mark(after))
	})
	b.cfg.Log.Info("discovery is complete", "schemas", len(found.schemas), "tables", len(found.tables), "objects", len(found.objects))
	return nil
}

const (
	// evaluateEvery is how often the rules look at what the log brought: a tick's interval is the
	// grain of all windows, half of it adds little to them.
	evaluateEvery = 50 * time.Millisecond
	// evaluateRest: with many statements and names a look takes longer than evaluateEvery. The
	// stream, which tells the rules of each entry, has the lock for that many times as long.
	evaluateRest = 3
)

// untilDone has the rules look at everything again and again, and returns errRead when they
// are content. It gives up when nothing has come nearer to its end for as long as cfg.Wait.
func (b *backup) untilDone(ctx context.Context) error {
	still := stillness{limit: b.cfg.Wait, since: time.Now()}
	held := b.held()
	defer held.over()
	strangers := b.strangers()
	for {
		began := time.Now()
		done, waiting := b.board.evaluate()
		if done {
			waiting, err := strangers.wait(ctx)
			switch {
			case err != nil:
				return err
			case waiting == "":
				return errRead
			}
			held.because("for " + waiting)
			if err := sleep(ctx, evaluateEvery); err != nil {
				return err
			}
			still.since = began
			continue
		}
		if b.board.idle() {
			held.because("for " + waiting)
		} else {
			held.over()
		}
		reached := b.resolver.Reached()
		b.lag.look(time.Now(), reached, b.clock.Latest())
		if err := still.check(b.progressMark(), fmt.Sprintf("the backup waits for %s (the stream stands at %s)", waiting, reached)); err != nil {
			return err
		}
		if err := sleep(ctx, max(evaluateEvery, evaluateRest*time.Since(began))); err != nil {
			return err
		}
	}
}
