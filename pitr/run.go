package pitr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/progress"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/pitr/checkpoint"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/pitr/lanes"
	"github.com/tripod-db/tripod/pitr/target"
	"github.com/tripod-db/tripod/rewriter"
	"github.com/tripod-db/tripod/storage/catalog"
)

// run is one restore with its connections.
type run struct {
	config Config
	plan   *Plan
	target *target.Target
	// archived is the instance as which the store archives the target; "" where it does not.
	archived string

	main        *target.Session // creates, drops, notes progress
	definitions *target.Session // replays statements
	reader      *target.Session // reads definitions
	bare        *target.Session // see withoutSchema; nil until it is needed

	director *director.Director
	tables   *tableSet
	progress *checkpoint.Table
	past     *checkpoint.Past
	memory   *lanes.Memory
	result   *Result
	kept     []checkpoint.CollationNote // see giveBack
}

// Run carries a plan out. It refuses a plan with a Problem. Divergence under --on-divergence
// binlog-wins returns a result and a fault of code 13.
func Run(ctx context.Context, c Config, p *Plan) (*Result, error) {
	if err := p.Problem(); err != nil {
		return nil, err
	}
	r := &run{config: c, plan: p, memory: lanes.NewMemory(c.Memory), result: &Result{
		BackupID: p.BackupID, Stop: p.Stop, Warnings: append([]string{}, p.warnings...), DefinersChanged: []string{}, Loose: []string{}, Divergence: []checkpoint.Divergence{},
	}}
	begun := time.Now()
	r.config.Catalog = p.reads.ofBackup
	defer func() { r.result.BytesRead = p.reads.bytes() }()
	defer r.close()
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	err := r.phases(ctx)
	if errors.Is(err, errDoubt) || r.past.Resumed && server.ErrorNumber(err) == errTablespaceMissing {
		r.config.log().Warn("the restore begins anew", "because", err)
		if err = r.beginAnew(ctx); err == nil {
			err = r.phases(ctx)
		}
	}
	if err != nil {
		return nil, r.leftBehind(err)
	}
	r.result.Seconds.Total = seconds(time.Since(begun))
	r.result.Warnings = append(r.result.Warnings, r.director.Warnings...)
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
	rest := fmt.Sprintf("the target keeps what was restored so far, with table %s: the same command goes on from there; %s", r.progress.Name, anew)
	if f.Kind == fault.KindDivergence { // which it would find again
		rest = fmt.Sprintf("the target keeps what was restored so far, with table %s; %s", r.progress.Name, anew)
	}
	if f.Hint != "" {
		rest = f.Hint + "; " + rest
	}
	return fault.New(f.Code, f.Kind, rest, "%w", err)
}

func (r *run) close() {
	for _, s := range []*target.Session{r.main, r.definitions, r.reader, r.bare} {
		if s != nil {
			s.Close()
		}
	}
}

// prepare opens the sessions and builds the restore's catalogue.
func (r *run) prepare(ctx context.Context) (err error) {
	if err := r.findArchive(ctx); err != nil {
		return err
	}
	if r.target, err = target.Open(ctx, r.config.Target, r.archived != ""); err != nil {
		return err
	}
	home := r.plan.Schemas[0].Name
	if r.plan.Resumes {
		home = r.plan.unfinished.home
	}
	r.target.Claim(home)
	r.progress = &checkpoint.Table{Name: schema.Name{Schema: home, Name: checkpoint.ProgressTable}}
	r.result.BinlogWritten = r.config.Target.Facts().LogBin && !r.target.Permits(target.NoBinlog)
	// The first is the one that keeps other restores away; the others wait for those of a killed one.
	if r.main, err = r.target.Session(ctx); err != nil {
		return err
	}
	if err := r.awaitOthers(ctx); err != nil {
		return err
	}
	for _, s := range []**target.Session{&r.definitions, &r.reader} {
		if *s, err = r.target.Session(ctx); err != nil {
			return err
		}
	}
	if r.director, err = newDirector(r.config, r.plan.manifest, r.plan.wish, r.plan.part); err != nil {
		return err
	}
	r.plan.definitions.tell(ctx, r.director)
	r.newTables()
	return r.recall(ctx)
}

func (r *run) newTables() {
	r.tables = newTableSet(r.reader, r.director.Fold)
	r.tables.logsCascades = !slices.ContainsFunc(r.plan.manifest.Names, func(n catalog.NameBase) bool { return n.Class == string(schema.Cascading) })
	r.tables.archived = r.archived != ""
	r.tables.checksOff = r.target.Permits(target.NoChecks)
	r.tables.asides.own, r.tables.asides.progress = r.main, r.progress
	r.director.Keyless = func(n schema.Name) bool { return r.tables.keyless(r.director.OnTarget(n)) }
	r.director.Class = func(n schema.Name) schema.Class { return r.tables.class(r.director.OnTarget(n)) }
}

// load drops what --force named, and puts definitions and chunks into the target.
func (r *run) load(ctx context.Context) (err error) {
	l := &loader{
		catalog: r.config.Catalog, manifest: r.plan.manifest, director: r.director, loads: r.director.Loads(r.plan.manifest), target: r.target,
		local: r.plan.Load.Local, packet: r.packet(), threads: r.plan.Load.Threads, memory: r.memory, sink: r.config.progress(),
		progress: r.progress, past: r.past,
	}
	if r.past.Phase != checkpoint.PhaseLoad {
		r.result.RowsLoaded, err = l.expect(ctx, r.tables)
		r.verified(r.past.Verified)
		return err
	}
	if !r.past.Resumed {
		if err := r.begin(ctx); err != nil {
			return err
		}
	}
	if err := l.schemas(ctx, r.main); err != nil {
		return err
	}
	if r.plan.part != nil { // private names need theirs from the beginning; else the log makes them
		for _, s := range r.plan.Schemas {
			if err := r.main.Exec(ctx, rewriter.CreateDatabase(s.Name, "", "")); err != nil {
				return fmt.Errorf("create schema %s: %w", s.Name, err)
			}
		}
	}
	if err := l.definitions(ctx, r.main, r.tables); err != nil {
		return err
	}
	if err := l.doubts(ctx, r.main, r.tables); err != nil {
		return err
	}
	if r.result.RowsLoaded, err = l.chunks(ctx, r.tables); err != nil || r.plan.wish.Verify != VerifyChunks {
		return err
	}
	var n checkpoint.VerifiedNote
	if n.Rows, n.Warnings, err = l.check(ctx, r.tables); err != nil {
		return err
	}
	r.verified(&n)
	return r.progress.Write(ctx, r.main, checkpoint.NewNote(checkpoint.NoteVerified, "", n))
}

// verified reports what --verify has found, in this run or in an earlier one.
func (r *run) verified(n *checkpoint.VerifiedNote) {
	switch {
	case r.plan.wish.Verify != VerifyChunks:
	case n == nil:
		r.result.Warnings = append(r.result.Warnings, "the loaded rows were not compared with the chunks: this run went on with a replay, and those before it were not asked to")
	default:
		r.result.RowsVerified, r.result.Warnings = &n.Rows, append(r.result.Warnings, n.Warnings...)
	}
}

// begin makes the progress table, in its schema, which may come into being only later on the source.
func (r *run) begin(ctx context.Context) (err error) {
	if err := r.dropExisting(ctx); err != nil {
		return err
	}
	home := r.progress.Name.Schema
	if err := r.main.Exec(ctx, rewriter.CreateDatabase(home, "", "")); err != nil {
		return fmt.Errorf("create schema %s: %w", home, err)
	}
	if err := r.progress.Prepare(ctx, r.main); err != nil {
		return err
	}
	n := checkpoint.RestoreNote{
		Format: checkpoint.Format, Program: r.config.Program, Wish: r.plan.wish.identity(), Force: r.plan.Force, Instance: r.plan.Instance,
		BackupID: r.plan.BackupID, Stop: r.plan.Stop, Made: r.made(), Connections: target.Connections(r.plan.Load.Threads), Archived: r.archived != "",
	}
	if n.Kept, err = r.defaultsToKeep(ctx); err != nil {
		return err
	}
	r.kept = n.Kept
	if err := r.progress.Begin(ctx, r.main, n); err != nil {
		return err
	}
	return r.noteStart(ctx)
}

// packet is how many bytes of SQL the target takes at once.
func (r *run) packet() int {
	const unknown = 4 << 20 // the default of 5.7, the smallest of the versions that a target may have
	n := r.config.Target.Facts().MaxAllowedPacket
	if n == 0 {
		return unknown
	}
	return int(min(n, 1<<30)) - target.PacketSlack
}

// dropExisting drops exactly the objects that plan named.
func (r *run) dropExisting(ctx context.Context) error {
	if !r.plan.Force {
		return nil
	}
	// What an unfinished restore has noted is no longer true from the first DROP on: were this run
	// killed, nobody may go on by it.
	for _, o := range r.plan.Existing {
		if o.Kind != "table" || o.Name.Name != checkpoint.ProgressTable {
			continue
		}
		if err := r.main.Exec(ctx, "DELETE FROM "+o.Quoted()); err != nil {
			return fmt.Errorf("empty %s: %w", o, err)
		}
	}
	for _, o := range r.plan.Existing {
		r.config.log().Info("drop what is in the way, as --force asks", "object", o.String())
		// IF EXISTS: a trigger goes with its table.
		drop := "DROP " + objectKeywords[o.Kind] + " IF EXISTS " + o.Quoted()
		if err := r.main.Exec(ctx, drop); err != nil {
			f := fault.Of(err)
			return fault.New(f.Code, fault.KindTarget, "drop it by an account that may, on the target: "+drop, "drop %s: %w", o, err)
		}
	}
	return r.dropExistingAccounts(ctx)
}

// finish makes everything that is no table, and ends the restore.
func (r *run) finish(ctx context.Context) error {
	facts := r.config.Target.Facts()
	if err := r.progress.Enter(ctx, r.main, checkpoint.PhaseFinish); err != nil {
		return err
	}
	phase := r.config.progress().Begin("finish", progress.Amount{})
	defer phase.End()
	f := &finisher{
		session: r.definitions, bare: r.withoutSchema, own: r.main, progress: r.progress, reader: r.reader, director: r.director, tables: r.tables, stop: r.plan.Stop,
		disable: r.plan.wish.Events == DisableEvents, log: r.config.log(), result: r.result, made: map[string]bool{},
		comments: facts.Flavor == server.FlavorMariaDB && facts.AtLeast(10, 5, 0),
	}
	for _, name := range r.made() {
		f.made[r.director.FoldSchema(name)] = true
	}
	if r.plan.Resumes {
		if err := f.defaults(ctx, r.past.Collations); err != nil {
			return err
		}
	}
	steps, err := accountSteps(ctx, r.config.Catalog, r.plan.manifest, r.director)
	if err != nil {
		return err
	}
	f.accounts = &accountMaker{finisher: f, steps: steps, protected: protectedOn(r.config.Target.Facts()), left: map[ddl.AccountName]bool{}}
	if err := f.run(ctx); err != nil {
		return err
	}
	if err := r.giveBack(ctx); err != nil {
		return err
	}
	// The schema of the progress table comes last: while it is there, another run goes on.
	if err := f.dropSchemas(ctx, r.progress.Name.Schema); err != nil {
		return err
	}
	if err := r.progress.Drop(ctx, r.main); err != nil {
		return err
	}
	return f.dropSchema(ctx, r.director.FoldSchema(r.progress.Name.Schema))
}
