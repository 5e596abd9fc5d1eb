package history

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/tests/truth"
)

// Config says what one history is made of.
type Config struct {
	Seed         uint64
	Kind         string // of the source's servers; 9.7 where empty
	Into         string // kind of the target; what the seed draws where empty
	GTID         bool
	Transactions int           // at least so many are committed
	Changes      int           // at least so many DDL statements inside the backup
	Writers      int           // concurrent sessions
	Stops        int           // stop points that are restored and compared
	Rows         int           // about so many in a table before the history
	Between      time.Duration // about so long between two chunks of a table; defaultBetween where 0
	Pause        time.Duration // of a writer between two transactions; writerPause where 0
	Judges       int           // features at most that restore more than the stop points, but for those asked for; 0 for all
	Tables       int           // features at most that have tables, but for those asked for; 0 for all that the seed draws
	With         []string      // features that it holds whatever the seed draws; all for each that can be
	Without      []string      // features that it does not hold; all for none but those asked for
	Binary       string        // tripod, built with failpoints
	Failpoints   string        // one more: a rule switched off, such as dumper/bases/W3=return(true)
	Keep         string        // folder that keeps store and logs of a failed history; empty for none
	Shrink       time.Duration // how long a failed history that is kept is made smaller
	GoOn         bool          // a soak goes on behind a failed history
	Log          io.Writer     // one line a step; nil for none
}

// Servers are kept between histories: starting one takes seconds.
type Servers struct {
	Source, Target *mysqltest.Server
}

// StopPoint is where a restore has to arrive.
type stopPoint struct {
	flag, value string
	gtids       string // executed there
	truth       *truth.Truth
	accounts    truth.Accounts    // where users are part of the history
	exact       map[string]bool   // tables whose counter has to be the source's
	atLeast     map[string]uint64 // where counters are at least
}

// defaultBetween is the time between two chunks, in which writers commit.
const defaultBetween = 20 * time.Millisecond

func (c Config) between() time.Duration { return cmp.Or(c.Between, defaultBetween) }

const instance = "history"

// dumperPackage is where the failpoints lie that make chunks small and slow.
const (
	module        = "github.com/tripod-db/tripod/"
	dumperPackage = module + "dumper"
)

// Run makes one history on servers of the fleet. One that fails is kept where Keep says, and made smaller.
func (f *Fleet) Run(ctx context.Context, c Config) (Report, error) {
	before, began := f.starting, time.Now()
	s, err := f.Servers(ctx, c)
	if err != nil {
		return Report{Seed: c.Seed}, err
	}
	took := time.Since(began)
	report, failed, err := single(ctx, s, c)
	report.cost.took(partStart, took)
	report.cost.used(partStart, f.starting-before)
	if failed == nil || c.Keep == "" || c.Shrink == 0 || ctx.Err() != nil || errors.Is(err, ErrTooLittle) {
		return report, err
	}
	out := c.Log
	if out == nil {
		out = io.Discard
	}
	said, shrinkErr := f.shrinkKept(ctx, c, failed, out)
	if said != "" {
		err = fmt.Errorf("%w\n%s", err, said)
	}
	return report, errors.Join(err, shrinkErr)
}

// Run makes one history and judges every restore of it. The error tells the first difference.
func Run(ctx context.Context, s Servers, c Config) (Report, error) {
	report, _, err := single(ctx, s, c)
	return report, err
}

// single makes one history, and returns the record of one that failed.
func single(ctx context.Context, s Servers, c Config) (Report, *Recorded, error) {
	began := time.Now()
	h, err := newRun(s, c)
	if err != nil {
		return Report{Seed: c.Seed}, nil, err
	}
	source, target := h.report.cost.serving("source", s.Source), h.report.cost.serving("target", s.Target)
	err = h.all(ctx)
	source()
	target()
	h.report.Took = time.Since(began)
	if err == nil {
		return h.report, nil, h.cleanUp(nil)
	}
	err = fmt.Errorf("history of seed %d (%s into %s, GTIDs %v, features %s): %w", c.Seed, c.kind().Name, c.target().Name, c.GTID, h.features, err)
	return h.report, h.recorded(err), errors.Join(err, h.cleanUp(err))
}

func newRun(s Servers, c Config) (*run, error) {
	on, err := choose(c)
	if err != nil {
		return nil, err
	}
	random := func(use uint64) *rand.Rand { return rand.New(rand.NewPCG(c.Seed, use)) }
	return &run{
		Config: c, servers: s, report: Report{Seed: c.Seed, cost: newCost()}, features: on, census: newCensus(), record: &record{},
		failedStop: -1,
		live:       &live{}, counters: map[name]uint64{}, fell: map[name]bool{},
		r: random(7), pace: random(8), probes: random(9), kills: random(10), early: random(14),
	}, nil
}

type run struct {
	Config
	servers  Servers
	report   Report
	features chosen
	census   *census
	record   *record
	changed  []string          // global settings of the source, to be put back
	shapes   map[string]string // features by the names of their tables
	r        *rand.Rand        // what is the same for a seed: tables, rows before the history, flags
	pace     *rand.Rand        // drawn from as often as time has it
	probes   *rand.Rand        // of counters
	kills    *rand.Rand        // of the backup
	early    *rand.Rand        // of whether the first stop point is where the backup ends
	folder   string
	prog     program
	source   *sql.DB
	live     *live
	writers  *writers
	ddl      *ddl
	archiver *service
	stops    []stopPoint
	// chunkRows is how many rows the backup reads at once.
	chunkRows int
	threads   int // that read
	gate      *gate
	// failedStop is the number of the stop point whose restore failed, -1 for none.
	failedStop int
	// mayDefine: the account that restores may set any definer.
	mayDefine bool
	// met is how often DDL changed a table that was being read by the run of the backup that goes on, and left it there.
	met atomic.Int64
	// chunkOf is the table, quoted, of which the backup has asked for a chunk last; empty before the first, and behind the backup.
	chunkOf atomic.Value
	// looked is how often in a row no table was seen being read.
	looked int
	// counters are where AUTO_INCREMENT counters are at least, as long as nothing sets them back.
	counters map[name]uint64
	// fell are tables whose counters were set back before the backup had ended; see fall.
	fell map[name]bool
	// stopKills ends the killing of the archiver and leaves one running.
	stopKills func() error
}

func (h *run) logf(format string, args ...any) {
	if h.Log != nil {
		fmt.Fprintf(h.Log, format+"\n", args...)
	}
}

func (h *run) all(ctx context.Context) error {
	if err := h.stage("prepare", func() error { return h.prepare(ctx) }); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	if err := h.stage("back up", func() error { return h.backUpUnderLoad(ctx) }); err != nil {
		return err
	}
	if err := h.stage("stop points", func() error { return h.takeStopPoints(ctx) }); err != nil {
		return err
	}
	if err := h.stage("end of the archive", func() error { return h.endArchive(ctx) }); err != nil {
		return err
	}
	if err := h.stage("check of the archive", func() error { return h.checkArchive(ctx) }); err != nil {
		return err
	}
	if err := h.stage("restores", func() error { return h.judgeAll(ctx) }); err != nil {
		return err
	}
	return h.enough()
}

// stage logs how long a part of a history took.
func (h *run) stage(name string, do func() error) error {
	began := time.Now()
	err := do()
	h.report.cost.took(name, time.Since(began))
	h.logf("%s: %.2f s", name, time.Since(began).Seconds())
	return err
}

// judgeAll restores every stop point, and what features want more.
func (h *run) judgeAll(ctx context.Context) error {
	if err := h.translate(ctx); err != nil {
		return err
	}
	for i, p := range h.stops {
		if err := h.restore(ctx, p); err != nil {
			h.failedStop = i
			return err
		}
	}
	for _, f := range h.features {
		if f.Judge != nil {
			n, err := f.Judge(ctx, h)
			if err != nil {
				return fmt.Errorf("%s: %w", f.Name, err)
			}
			h.holds(f.Name, n)
		}
	}
	return nil
}

// ErrTooLittle: every restore was equal, and the history proves less than it was asked for.
var ErrTooLittle = errors.New("the history held too little")

// enough: a history that held less than was asked for proves less than it claims.
func (h *run) enough() error {
	var idle []string
	h.report.Features, idle = h.census.held(h.features)
	h.report.Phases = h.census.copyPhases()
	if len(idle) > 0 {
		return fmt.Errorf("%w, nothing of %s", ErrTooLittle, strings.Join(idle, ", "))
	}
	if r := h.report; r.Transactions < int64(h.Transactions) || r.Changes < h.Changes || r.StopPoints != h.Stops {
		return fmt.Errorf("%w: %+v", ErrTooLittle, r)
	}
	return nil
}

// holds counts what a feature did.
func (h *run) holds(feature string, n int) { h.census.add(feature, byItself, n) }

func (h *run) store() string { return "file://" + filepath.Join(h.folder, "store") }

func (h *run) sourceArgs(command string, more ...string) []string {
	return append([]string{
		command, "--source", h.servers.Source.URL(mysqltest.BackupUser), "--store", h.store(), "--instance", instance,
		"--spool", filepath.Join(h.folder, "spool"),
	}, more...)
}

// endArchive brings the archive up to the source's end and ends the archiver.
func (h *run) endArchive(ctx context.Context) error {
	if err := h.endKills(); err != nil {
		return err
	}
	if over, how := h.archiver.ended(); over {
		return fmt.Errorf("the archiver ended by itself: %s", how)
	}
	if h.features.has(killArchivers.Name) {
		h.archiver.kill()
	} else if err := h.archiver.interrupt(); err != nil {
		return err
	}
	h.archiver = nil
	if err := h.lateCheckpoint(ctx); err != nil {
		return fmt.Errorf("wait for the checkpoint of the newest binlog: %w", err)
	}
	var result struct{ Segments int }
	if _, err := h.prog.must(ctx, &result, h.sourceArgs("archive", "--until-idle")...); err != nil {
		return fmt.Errorf("archive the rest: %w", err)
	}
	return nil
}

func (h *run) endKills() error {
	stop := h.stopKills
	h.stopKills = nil
	if stop == nil {
		return nil
	}
	return stop()
}

// kept is the folder of what is kept of a failed history.
func (c Config) kept() string { return filepath.Join(c.Keep, fmt.Sprintf("seed-%d", c.Seed)) }

// cleanUp ends what runs and removes the folder, or moves it where a failure is kept.
func (h *run) cleanUp(failure error) error {
	failed := failure != nil
	errs := []error{h.endKills(), h.putBack()}
	if h.writers != nil {
		h.writers.stop()
		h.writers.done.Wait()
	}
	if h.archiver != nil {
		h.archiver.kill()
		if failed {
			errs = append(errs, fmt.Errorf("archiver's log:\n%s", lastLines(h.archiver.logs.String(), 15)))
		}
	}
	if h.gate != nil {
		errs = append(errs, h.gate.close())
	}
	if h.folder == "" {
		return errors.Join(errs...)
	}
	if failed && h.Keep != "" {
		errs = append(errs, h.recorded(failure).Save(filepath.Join(h.folder, recordFile)))
		kept := h.kept()
		if err := errors.Join(os.RemoveAll(kept), os.CopyFS(kept, os.DirFS(h.folder))); err != nil {
			errs = append(errs, err)
		} else {
			errs = append(errs, fmt.Errorf("kept in %s", kept))
		}
	}
	return errors.Join(append(errs, os.RemoveAll(h.folder))...)
}
