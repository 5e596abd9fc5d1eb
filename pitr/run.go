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
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/rewriter"
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
	past     *past
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
	r.config.Catalog = p.reads.ofBackup
	defer func() { r.result.BytesRead = p.reads.bytes() }()
	defer r.close()
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	err := r.phases(ctx)
	if errors.Is(err, errDoubt) || r.past.resumed && server.ErrorNumber(err) == errTablespaceMissing {
		r.config.log().Warn("the restore begins anew", "because", err)
		if err = r.beginAnew(ctx); err == nil {
			err = r.phases(ctx)
		}
	}
	if err != nil {
		return nil, r.leftBehind(err)
	}
	r.result.Seconds.Total = seconds(time.Since(begun))
	r.result.Warnings = append(r.result.Warnings, r.director.warnings...)
	if n := len(r.result.Divergence); n > 0 {
		return r.result, fault.New(fault.CodeDifference, fault.KindDivergence, "the list of divergence names each row: compare them with the source",
			"the target did not hold what the log says in %d places; there the log won", n)
	}
	return r.result, nil
}

// errTablespaceMissing is what a server answers that was killed in the middle of a statement and has
// come back with a table that has no file.
const errTablespaceMissing = 1812

func (r *run) phases(ctx context.Context) error {
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
			return err
		}
		*phase.takes = seconds(time.Since(start))
	}
	return nil
}

// leftBehind says what a restore that failed leaves on the target.
func (r *run) leftBehind(err error) error {
	f := fault.Of(err)
	anew := "with --force it begins anew"
	if r.plan.Force {
		anew = "to begin anew, drop that table first"
	}
	rest := fmt.Sprintf("the target keeps what was restored so far, with table %s: the same command goes on from there; %s", r.progress.name, anew)
	if f.Kind == fault.KindDivergence { // which it would find again
		rest = fmt.Sprintf("the target keeps what was restored so far, with table %s; %s", r.progress.name, anew)
	}
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
	home := r.plan.Schemas[0].Name
	if r.plan.Resumes {
		home = r.plan.unfinished.home
	}
	r.target.presence.home = home
	r.progress = &progressTable{name: schema.Name{Schema: home, Name: ProgressTable}}
	r.result.BinlogWritten = r.config.Target.Facts().LogBin && !r.target.permits(noBinlog)
	// The first is the one that keeps other restores away; the others wait for those of a killed one.
	if r.main, err = r.target.session(ctx); err != nil {
		return err
	}
	if err := r.awaitOthers(ctx); err != nil {
		return err
	}
	for _, s := range []**session{&r.definitions, &r.reader} {
		if *s, err = r.target.session(ctx); err != nil {
			return err
		}
	}
	if r.director, err = newDirectorFor(r.plan.manifest, r.plan.wish, r.plan.part); err != nil {
		return err
	}
	r.newTables()
	return r.recall(ctx)
}

func (r *run) newTables() {
	r.tables = newTableSet(r.reader, r.director.fold)
	r.tables.asides.own, r.tables.asides.progress = r.main, r.progress
	r.director.keyless = func(n schema.Name) bool { return r.tables.keyless(r.director.onTarget(n)) }
	r.director.rollsBack = func(n schema.Name) bool { return r.tables.rollsBack(r.director.onTarget(n)) }
}

// load drops what --force named, and puts definitions and chunks into the target.
func (r *run) load(ctx context.Context) (err error) {
	l := &loader{
		catalog: r.config.Catalog, manifest: r.plan.manifest, director: r.director, loads: r.director.loads(r.plan.manifest), target: r.target,
		local: r.plan.Load.Local, packet: r.packet(), threads: r.plan.Load.Threads, memory: r.memory, sink: r.config.progress(),
		progress: r.progress, past: r.past,
	}
	if r.past.phase != phaseLoad {
		r.result.RowsLoaded, err = l.expect(ctx, r.tables)
		r.verified(r.past.verified)
		return err
	}
	if !r.past.resumed {
		if err := r.begin(ctx); err != nil {
			return err
		}
	}
	if err := l.schemas(ctx, r.main); err != nil {
		return err
	}
	if r.plan.part != nil { // private names need theirs from the beginning; else the log makes them
		for _, s := range r.plan.Schemas {
			if err := r.main.exec(ctx, rewriter.CreateDatabase(s.Name, "", "")); err != nil {
				return fmt.Errorf("create schema %s: %w", s.Name, err)
			}
		}
	}
	if err := l.definitions(ctx, r.main, r.tables); err != nil {
		return err
	}
	if r.result.RowsLoaded, err = l.chunks(ctx, r.tables); err != nil || r.plan.wish.Verify != VerifyChunks {
		return err
	}
	var n verifiedNote
	if n.Rows, n.Warnings, err = l.check(ctx, r.tables); err != nil {
		return err
	}
	r.verified(&n)
	return r.progress.write(ctx, r.main, newNote(noteVerified, "", n))
}

// verified reports what --verify has found, in this run or in an earlier one.
func (r *run) verified(n *verifiedNote) {
	switch {
	case r.plan.wish.Verify != VerifyChunks:
	case n == nil:
		r.result.Warnings = append(r.result.Warnings, "the loaded rows were not compared with the chunks: this run went on with a replay, and those before it were not asked to")
	default:
		r.result.RowsVerified, r.result.Warnings = &n.Rows, append(r.result.Warnings, n.Warnings...)
	}
}

// begin makes the progress table, in its schema, which may come into being only later on the source.
func (r *run) begin(ctx context.Context) error {
	if err := r.dropExisting(ctx); err != nil {
		return err
	}
	home := r.progress.name.Schema
	if err := r.main.exec(ctx, rewriter.CreateDatabase(home, "", "")); err != nil {
		return fmt.Errorf("create schema %s: %w", home, err)
	}
	if err := r.progress.prepare(ctx, r.main); err != nil {
		return err
	}
	n := restoreNote{
		Format: progressFormat, Program: r.config.Program, Wish: r.plan.wish.identity(), Force: r.plan.Force, Instance: r.plan.Instance,
		BackupID: r.plan.BackupID, Stop: r.plan.Stop, Made: []string{}, Connections: connections(r.plan.Load.Threads),
	}
	for _, s := range r.plan.Schemas {
		if !s.OnTarget {
			n.Made = append(n.Made, s.Name)
		}
	}
	return r.progress.begin(ctx, r.main, n)
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
		r.config.log().Info("drop what is in the way, as --force asks", "object", o.String())
		// IF EXISTS: a trigger goes with its table.
		drop := "DROP " + objectKeywords[o.Kind] + " IF EXISTS " + o.Quoted()
		if err := r.main.exec(ctx, drop); err != nil {
			f := fault.Of(err)
			return fault.New(f.Code, fault.KindTarget, "drop it by an account that may, on the target: "+drop, "drop %s: %w", o, err)
		}
	}
	return nil
}

// replay walks the log from floor to the stop point.
func (r *run) replay(ctx context.Context) (err error) {
	if r.past.phase != phaseFinish {
		if err := r.progress.enter(ctx, r.main, phaseReplay); err != nil {
			return err
		}
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
		director: r.director, tables: r.tables, definitions: r.definitions, own: r.main, progress: r.progress, past: r.past, phase: phase, journal: r.journalFor(),
		lanes: &lanes{
			ordered: startOrdered(laneContext, writers[0], r.memory),
			keyed:   startKeyed(laneContext, r.flusher(writers[1:]), r.memory.generation()),
			large:   r.memory.large(),
		},
	}
	err = play.run(ctx, archive.Open(r.plan.reads.ofArchive, r.plan.Instance, archive.HoldSegments(r.memory.segment()), archive.Log(r.config.log())), r.plan.From.Position, r.plan.Stop.Position)
	if err != nil {
		stop()
	}
	// What ended the lane is the cause of whatever the walk ended with.
	if closed := play.lanes.Close(); closed != nil && !errors.Is(closed, context.Canceled) {
		err = closed
	}
	r.result.TransactionsReplayed, r.result.RowEvents = play.transactions, play.events
	r.result.RowsWritten, r.result.StatementsReplayed = play.rows, play.statements
	r.result.TransactionsSkipped = play.skipped
	r.result.LooseRows, r.result.Loose = play.loose.rows, append(r.result.Loose, play.loose.list()...)
	for _, w := range writers {
		r.result.Divergence = append(r.result.Divergence, w.divergence...)
	}
	for i := range r.result.Divergence {
		r.result.Divergence[i].Name = r.director.shown(r.result.Divergence[i].Name)
	}
	slices.SortStableFunc(r.result.Divergence, func(a, b Divergence) int { return a.Position.Compare(b.Position) })
	return err
}

func (r *run) flusher(writers []*batchWriter) *flusher {
	return &flusher{writers: writers, progress: r.progress, fold: r.director.fold, batch: r.memory.batch(), noted: r.past.keyed}
}

// writers opens the connections of the lanes: the first is the ordered lane's.
func (r *run) writers(ctx context.Context) (list []*batchWriter, err error) {
	wins := r.plan.wish.OnDivergence == BinlogWins
	for i := range 1 + r.memory.writers(r.plan.Load.Threads, wins) {
		rows, err := r.target.rowSession(ctx)
		if err != nil {
			return list, err
		}
		list = append(list, &batchWriter{session: rows, packet: r.packet(), progress: r.progress, wins: wins})
		if i == 0 {
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
		session: r.definitions, own: r.main, progress: r.progress, reader: r.reader, director: r.director, tables: r.tables, stop: r.plan.Stop,
		disable: r.plan.wish.Events == DisableEvents, log: r.config.log(), result: r.result, made: map[string]bool{},
	}
	for _, s := range r.plan.Schemas {
		f.made[r.director.foldSchema(s.Name)] = !s.OnTarget
	}
	if r.plan.Resumes {
		clear(f.made)
		for _, name := range r.plan.unfinished.Made {
			f.made[r.director.foldSchema(name)] = true
		}
		if err := f.defaults(ctx); err != nil {
			return err
		}
	}
	if err := f.run(ctx); err != nil {
		return err
	}
	// The schema of the progress table comes last: while it is there, another run goes on.
	if err := f.dropSchemas(ctx, r.progress.name.Schema); err != nil {
		return err
	}
	if err := r.progress.drop(ctx, r.main); err != nil {
		return err
	}
	return f.dropSchema(ctx, r.director.foldSchema(r.progress.name.Schema))
}

// newDirectorFor builds the director of a wish; p is nil where it is no part.
func newDirectorFor(m *catalog.Manifest, w Wish, p *part) (*director, error) {
	selected, err := newSelection(w.Selection, m, foldOf(m))
	if err != nil {
		return nil, err
	}
	d, err := newDirector(m, selected, p)
	if err == nil {
		d.skip = w.SkipGTID
	}
	return d, err
}

// foldOf is how the source compares names.
func foldOf(m *catalog.Manifest) func(schema.Name) schema.Name {
	return func(n schema.Name) schema.Name { return ddl.Fold(n, m.Source.LowerCaseTableNames) }
}
