package pitr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/progress"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// run is one restore with its connections.
type run struct {
	config Config
	plan   *Plan
	target *target

	main        *session // creates, drops, notes progress
	definitions *session // replays statements
	reader      *session // reads definitions

	director *director
	tables   *tableSet
	progress *progressTable
	memory   *memory
	result   *Result
}

// Run carries a plan out. It refuses a plan with a Problem. Divergence under --on-divergence
// binlog-wins returns a result and a fault of code 13.
func Run(ctx context.Context, c Config, p *Plan) (*Result, error) {
	if err := p.Problem(); err != nil {
		return nil, err
	}
	r := &run{config: c, plan: p, memory: newMemory(c.Memory), result: &Result{
		BackupID: p.BackupID, Stop: p.Stop, Warnings: append([]string{}, p.warnings...), DefinersChanged: []string{}, Loose: []string{}, Divergence: []Divergence{},
	}}
	begun := time.Now()
	defer r.close()
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	for _, phase := range []struct {
		do    func(context.Context) error
		takes *float64
	}{
		{r.load, &r.result.Seconds.Load},
		{r.replay, &r.result.Seconds.Replay},
		{r.finish, &r.result.Seconds.Finish},
	} {
		start := time.Now()
		if err := phase.do(ctx); err != nil {
			return nil, unfinished(err, r.progress)
		}
		*phase.takes = seconds(time.Since(start))
	}
	r.result.Seconds.Total = seconds(time.Since(begun))
	r.result.Warnings = append(r.result.Warnings, r.director.warnings...)
	if n := len(r.result.Divergence); n > 0 {
		return r.result, fault.New(fault.CodeDifference, fault.KindDivergence, "the list of divergence names each row: compare them with the source",
			"the target did not hold what the log says in %d places; there the log won", n)
	}
	return r.result, nil
}

// unfinished says what a restore that failed leaves behind.
func unfinished(err error, p *progressTable) error {
	f := fault.Of(err)
	rest := fmt.Sprintf("the target keeps what was restored so far, with table %s; repeat with --force to begin anew", p.name)
	if f.Hint != "" {
		rest = f.Hint + "; " + rest
	}
	return fault.New(f.Code, f.Kind, rest, "%w", err)
}

func (r *run) close() {
	for _, s := range []*session{r.main, r.definitions, r.reader} {
		if s != nil {
			s.close()
		}
	}
}

// prepare opens the sessions and builds the restore's catalogue.
func (r *run) prepare(ctx context.Context) (err error) {
	if r.target, err = openTarget(ctx, r.config.Target); err != nil {
		return err
	}
	r.result.BinlogWritten = r.config.Target.Facts().LogBin && !r.target.permits(noBinlog)
	for _, s := range []**session{&r.main, &r.definitions, &r.reader} {
		if *s, err = r.target.session(ctx); err != nil {
			return err
		}
	}
	if r.director, err = newDirectorFor(r.plan.manifest, r.plan.wish); err != nil {
		return err
	}
	r.tables = newTableSet(r.reader, r.director.fold)
	r.director.keyless, r.director.rollsBack = r.tables.keyless, r.tables.rollsBack
	r.progress = &progressTable{name: schema.Name{Schema: r.plan.Schemas[0].Name, Name: ProgressTable}}
	return nil
}

// load drops what --force named, and puts definitions and chunks into the target.
func (r *run) load(ctx context.Context) error {
	if err := r.dropExisting(ctx); err != nil {
		return err
	}
	l := &loader{
		catalog: r.config.Catalog, manifest: r.plan.manifest, selected: r.director.selected, target: r.target,
		local: r.plan.Load.Local, packet: r.packet(), threads: r.plan.Load.Threads, memory: r.memory, sink: r.config.progress(),
	}
	if err := l.schemas(ctx, r.main, r.plan.Schemas[0].Name); err != nil {
		return err
	}
	if err := r.progress.create(ctx, r.main, progressWish{
		Instance: r.plan.Instance, BackupID: r.plan.BackupID, Wanted: r.plan.Wanted, Stop: r.plan.Stop.Position, Program: r.config.Program,
	}); err != nil {
		return err
	}
	if err := l.definitions(ctx, r.main, r.tables); err != nil {
		return err
	}
	rows, err := l.chunks(ctx, r.tables)
	r.result.RowsLoaded = rows
	return err
}

// packet is how many bytes of SQL the target takes at once.
func (r *run) packet() int {
	const unknown = 4 << 20 // the default of 5.7, the smallest of the versions that a target may have
	n := r.config.Target.Facts().MaxAllowedPacket
	if n == 0 {
		return unknown
	}
	return int(min(n, 1<<30)) - packetSlack
}

// dropExisting drops exactly the objects that plan named.
func (r *run) dropExisting(ctx context.Context) error {
	if !r.plan.Force {
		return nil
	}
	for _, o := range r.plan.Existing {
		kind := map[string]string{"table": "TABLE", "view": "VIEW", "procedure": "PROCEDURE", "function": "FUNCTION", "trigger": "TRIGGER", "event": "EVENT"}[o.Kind]
		r.config.log().Info("drop what is in the way, as --force asks", "object", o.String())
		// IF EXISTS: a trigger goes with its table.
		drop := "DROP " + kind + " IF EXISTS " + o.Quoted()
		if err := r.main.exec(ctx, drop); err != nil {
			f := fault.Of(err)
			return fault.New(f.Code, fault.KindTarget, "drop it by an account that may, on the target: "+drop, "drop %s: %w", o, err)
		}
	}
	return nil
}

// replay walks the log from floor to the stop point.
func (r *run) replay(ctx context.Context) (err error) {
	if err := r.progress.enter(ctx, r.main, phaseReplay); err != nil {
		return err
	}
	release, err := r.memory.Reserve(ctx, r.memory.segment())
	if err != nil {
		return err
	}
	defer release()
	writers, err := r.writers(ctx)
	defer closeWriters(writers)
	if err != nil {
		return err
	}
	freeLane, err := r.memory.Reserve(ctx, int64(2*r.memory.generation())+int64(len(writers)-1)*r.memory.batchCost(writers[0].wins))
	if err != nil {
		return err
	}
	defer freeLane()
	phase := r.config.progress().Begin("replay", progress.Amount{Bytes: int64(r.plan.Replay.Bytes)})
	defer phase.End()
	laneContext, stop := context.WithCancel(ctx)
	defer stop()
	play := &replay{
		director: r.director, tables: r.tables, definitions: r.definitions, progress: r.progress, phase: phase,
		lanes: &lanes{
			ordered: startOrdered(laneContext, writers[0], r.memory),
			keyed:   startKeyed(laneContext, &flusher{writers: writers[1:], fold: r.director.fold, batch: r.memory.batch()}, r.memory.generation()),
			large:   r.memory.large(),
		},
	}
	err = play.run(ctx, archive.Open(r.config.Catalog, r.plan.Instance, archive.HoldSegments(r.memory.segment())), r.plan.From.Position, r.plan.Stop.Position)
	if err != nil {
		stop()
	}
	// What ended the lane is the cause of whatever the walk ended with.
	if closed := play.lanes.Close(); closed != nil && !errors.Is(closed, context.Canceled) {
		err = closed
	}
	r.result.TransactionsReplayed, r.result.RowEvents = play.transactions, play.events
	r.result.RowsWritten, r.result.StatementsReplayed = play.rows, play.statements
	for _, w := range writers {
		r.result.Divergence = append(r.result.Divergence, w.divergence...)
	}
	slices.SortStableFunc(r.result.Divergence, func(a, b Divergence) int { return a.Position.Compare(b.Position) })
	return err
}

// writers opens the connections of the lanes: the first is the ordered lane's, which notes how far
// it has come.
func (r *run) writers(ctx context.Context) (list []*batchWriter, err error) {
	wins := r.plan.wish.OnDivergence == BinlogWins
	for i := range 1 + r.memory.writers(r.plan.Load.Threads, wins) {
		rows, err := r.target.rowSession(ctx)
		if err != nil {
			return list, err
		}
		w := &batchWriter{session: rows, packet: r.packet(), wins: wins}
		list = append(list, w)
		if i == 0 {
			w.progress = r.progress
			continue
		}
		if err := rows.readCommitted(ctx); err != nil {
			return list, err
		}
	}
	return list, nil
}

func closeWriters(list []*batchWriter) {
	for _, w := range list {
		w.session.close()
	}
}

// finish makes everything that is no table, and ends the restore.
func (r *run) finish(ctx context.Context) error {
	if err := r.progress.enter(ctx, r.main, phaseFinish); err != nil {
		return err
	}
	phase := r.config.progress().Begin("finish", progress.Amount{})
	defer phase.End()
	f := &finisher{
		session: r.definitions, own: r.main, reader: r.reader, director: r.director, tables: r.tables, stop: r.plan.Stop,
		disable: r.plan.wish.Events == DisableEvents, log: r.config.log(), result: r.result, made: map[string]bool{},
	}
	for _, s := range r.plan.Schemas {
		f.made[r.director.foldSchema(s.Name)] = !s.OnTarget
	}
	if err := f.run(ctx); err != nil {
		return err
	}
	if err := r.progress.drop(ctx, r.main); err != nil {
		return err
	}
	return f.dropSchemas(ctx)
}

// newDirectorFor builds the director of a wish.
func newDirectorFor(m *catalog.Manifest, w Wish) (*director, error) {
	fold := func(n schema.Name) schema.Name { return ddl.Fold(n, m.Source.LowerCaseTableNames) }
	selected, err := newSelection(w.Selection, m, fold)
	if err != nil {
		return nil, err
	}
	return newDirector(m, selected)
}
