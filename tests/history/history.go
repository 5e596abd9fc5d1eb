package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/tests/truth"
)

// Config says what one history is made of.
type Config struct {
	Seed         uint64
	GTID         bool
	Transactions int           // at least so many are committed
	Changes      int           // at least so many DDL statements inside the backup
	Writers      int           // concurrent sessions
	KillArchiver time.Duration // kill -9 of the archiver at this interval; 0 for never
	Binary       string        // tripod, built with failpoints
	Keep         string        // folder that keeps store and logs of a failed history; empty for none
	GoOn         bool          // a soak goes on behind a failed history
	Log          io.Writer     // one line a step; nil for none
}

// Servers are kept between histories: starting one takes seconds.
type Servers struct {
	Source, Target *mysqltest.Server
}

// Report counts what a history held.
type Report struct {
	Seed         uint64
	Transactions int64
	RolledBack   int64
	Changes      int // DDL statements inside the backup
	AllChanges   int
	ReadAgain    int // tables read again, with repeats
	StopPoints   int
	Tables       int
	Rows         int
	Kills        int
	Files        int // of the source's binlog that the archive was compared with
	Backup       time.Duration
	Restores     time.Duration
	Took         time.Duration
}

// StopPoint is where a restore has to arrive.
type stopPoint struct {
	flag, value string
	truth       *truth.Truth
}

const instance = "history"

// dumperPackage is where the failpoints lie that make chunks small and slow.
const dumperPackage = "github.com/tripod-db/tripod/dumper"

// Run makes one history and judges every restore of it. The error tells the first difference.
func Run(ctx context.Context, s Servers, c Config) (Report, error) {
	began := time.Now()
	h := &run{Config: c, servers: s, report: Report{Seed: c.Seed}, r: rand.New(rand.NewPCG(c.Seed, 7))}
	err := h.all(ctx)
	h.report.Took = time.Since(began)
	if err != nil {
		err = fmt.Errorf("history of seed %d (GTIDs %v): %w", c.Seed, c.GTID, err)
	}
	return h.report, errors.Join(err, h.cleanUp(err != nil))
}

type run struct {
	Config
	servers  Servers
	report   Report
	r        *rand.Rand
	folder   string
	prog     program
	source   *sql.DB
	live     *live
	writers  *writers
	ddl      *ddl
	archiver *service
	stops    []stopPoint
	// stopKills ends the killing of the archiver and leaves one running.
	stopKills func() error
}

func (h *run) logf(format string, args ...any) {
	if h.Log != nil {
		fmt.Fprintf(h.Log, format+"\n", args...)
	}
}

func (h *run) all(ctx context.Context) error {
	if err := h.prepare(ctx); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	if err := h.backUpUnderLoad(ctx); err != nil {
		return err
	}
	if err := h.takeStopPoints(ctx); err != nil {
		return err
	}
	if err := h.endArchive(ctx); err != nil {
		return err
	}
	if err := h.checkArchive(ctx); err != nil {
		return err
	}
	for _, p := range h.stops {
		if err := h.restore(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func (h *run) prepare(ctx context.Context) error {
	var err error
	if h.folder, err = os.MkdirTemp("", "tripod-history-"); err != nil {
		return err
	}
	for _, s := range []*mysqltest.Server{h.servers.Source, h.servers.Target} {
		if err := s.Reset(ctx); err != nil {
			return err
		}
	}
	backup, err := h.servers.Source.CreateBackupUser(ctx)
	if err != nil {
		return err
	}
	restore, err := h.servers.Target.CreateRestoreUser(ctx, schemas...)
	if err != nil {
		return err
	}
	h.prog = program{binary: h.Binary, env: []string{
		"TRIPOD_SOURCE_PASSWORD=" + backup.Password, "TRIPOD_TARGET_PASSWORD=" + restore.Password,
		"XDG_STATE_HOME=" + filepath.Join(h.folder, "state"),
		// Little data, but many chunks and time between them: wide windows.
		fmt.Sprintf("GO_FAILPOINTS=%[1]s/chunkRows=return(%[2]d);%[1]s/betweenChunks=sleep(%[3]d)", dumperPackage, 10+h.r.IntN(30), 15+h.r.IntN(20)),
	}}
	h.source = h.servers.Source.Root()
	statements, names := layout(h.r, true)
	if err := h.servers.Source.Exec(ctx, statements...); err != nil {
		return err
	}
	h.live = &live{}
	if err := h.live.refresh(ctx, h.source); err != nil {
		return err
	}
	return h.fill(ctx, names)
}

// fill puts rows into every table before the history begins: chunks need something to hold.
func (h *run) fill(ctx context.Context, names map[name]template) error {
	conn, err := h.source.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "SET NAMES utf8mb4, sql_mode='ALLOW_INVALID_DATES', foreign_key_checks=0"); err != nil {
		return err
	}
	for _, n := range h.live.names() {
		columns := h.live.columns(n)
		var usable []column
		for _, c := range columns {
			if !c.generated {
				usable = append(usable, c)
			}
		}
		if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
			return err
		}
		for range 40 + h.r.IntN(60) {
			if _, err := conn.ExecContext(ctx, insert(h.r, "REPLACE", n, usable)); isLost(err) {
				return err
			}
		}
		if _, err := conn.ExecContext(ctx, "COMMIT"); err != nil {
			return err
		}
	}
	_, err = conn.ExecContext(ctx, "SET foreign_key_checks=1, sql_mode=DEFAULT")
	return err
}

func (h *run) store() string { return "file://" + filepath.Join(h.folder, "store") }

func (h *run) sourceArgs(command string, more ...string) []string {
	return append([]string{
		command, "--source", h.servers.Source.URL(mysqltest.BackupUser), "--store", h.store(), "--instance", instance,
		"--spool", filepath.Join(h.folder, "spool"),
	}, more...)
}

// backUpUnderLoad starts the writers, runs the backup and changes definitions until enough
// changes lie inside it.
func (h *run) backUpUnderLoad(ctx context.Context) error {
	h.writers = startWriters(ctx, h.source, h.live, h.Seed, h.Writers)
	var err error
	if h.ddl, err = newDDL(ctx, h.source, h.live, rand.New(rand.NewPCG(h.Seed, 99))); err != nil {
		return err
	}
	// Three ways to begin: the archiver first, the backup alone (it archives by itself), both at once.
	how := h.r.IntN(3)
	if h.KillArchiver > 0 {
		how = 0
	}
	if how != 1 {
		if err := h.startArchiver(ctx); err != nil {
			return err
		}
	}
	type ended struct {
		o   outcome
		err error
	}
	done := make(chan ended, 1)
	var result struct {
		BackupID string `json:"backup_id"`
		Rows     int    `json:"rows"`
		Tables   []struct {
			Schema, Name string
			ReadAgain    []struct{ Reason, Statement string } `json:"read_again"`
		} `json:"tables"`
	}
	go func() {
		o, err := h.prog.must(ctx, &result, h.sourceArgs("backup", "--threads", "6", "--ddl-tries", "200", "--snapshot-tries", "200", "--log-level", "debug")...)
		done <- ended{o, err}
	}()
	h.stopKills = h.killArchiver(ctx)
	e, err := h.changeDuring(ctx, func() (bool, error) {
		select {
		case x := <-done:
			done <- x
			return true, x.err
		default:
			return false, nil
		}
	})
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	x := <-done
	if x.err != nil {
		return fmt.Errorf("back up: %w", x.err)
	}
	h.report.Changes, h.report.Backup = e, x.o.took
	h.report.Tables = len(result.Tables)
	h.report.Rows = result.Rows
	for _, t := range result.Tables {
		h.report.ReadAgain += len(t.ReadAgain)
	}
	h.logf("backup %s: %d tables, %d rows, %d changes inside, %d read again, %s", result.BackupID, len(result.Tables), result.Rows, e, h.report.ReadAgain, x.o.took.Round(time.Millisecond))
	if how == 1 {
		return h.startArchiver(ctx)
	}
	return nil
}

func (h *run) startArchiver(ctx context.Context) error {
	var err error
	h.archiver, err = h.prog.start(ctx, h.sourceArgs("archive", "--flush", "200ms", "--segment-size", "64KiB")...)
	return err
}

// changeDuring runs DDL once the backup has written its intent (its floor is in the log then)
// until enough statements succeeded inside; it returns how many.
func (h *run) changeDuring(ctx context.Context, over func() (bool, error)) (int, error) {
	inside := 0
	for {
		finished, err := over()
		if finished {
			return inside, err
		}
		if ctx.Err() != nil {
			return inside, context.Cause(ctx)
		}
		if !h.intentWritten() || inside >= h.Changes+h.r.IntN(4) {
			if err := pause(ctx, 5*time.Millisecond); err != nil {
				return inside, err
			}
			continue
		}
		n, err := h.ddl.step(ctx)
		if err != nil {
			return inside, err
		}
		if finished, err := over(); finished || err != nil {
			return inside, err
		}
		inside += n
		// Spread over the backup, so that every table has a chance to be met while it is read.
		if err := pause(ctx, time.Duration(20+h.r.IntN(100))*time.Millisecond); err != nil {
			return inside, err
		}
	}
}

func (h *run) intentWritten() bool {
	found, err := filepath.Glob(filepath.Join(h.folder, "store", instance, "backups", "*", "intent.json"))
	return err == nil && len(found) > 0
}

// pause waits between two looks at a condition.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// takeStopPoints lets the history go on, stops it three times, and notes what the source held.
func (h *run) takeStopPoints(ctx context.Context) error {
	flags := []string{"--to-position", "--to-time", "--to-gtid"}
	if !h.GTID {
		flags[2] = "" // the end of the archive: the last stop point of all
	}
	h.r.Shuffle(2, func(i, j int) { flags[i], flags[j] = flags[j], flags[i] })
	share := int64(h.Transactions) / 4
	for i, flag := range flags {
		if i > 0 {
			want := h.writers.committed.Load() + share
			if i == len(flags)-1 {
				want = max(want, int64(h.Transactions))
			}
			for h.writers.committed.Load() < want {
				if h.r.IntN(4) == 0 {
					if _, err := h.ddl.step(ctx); err != nil {
						return err
					}
				}
				if err := pause(ctx, 2*time.Millisecond); err != nil {
					return err
				}
				if err := h.writers.failed(); err != nil {
					return fmt.Errorf("write: %w", err)
				}
			}
		}
		if flag == "" { // nothing may come behind the end
			if err := h.writers.finish(); err != nil {
				return fmt.Errorf("write: %w", err)
			}
		}
		if err := h.stopPoint(ctx, flag); err != nil {
			return err
		}
	}
	err := h.writers.finish()
	h.report.Transactions, h.report.RolledBack = h.writers.committed.Load(), h.writers.rolledBack.Load()
	h.report.AllChanges = len(h.ddl.done)
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return h.ddl.close()
}

func (w *writers) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

func (h *run) stopPoint(ctx context.Context, flag string) error {
	h.writers.gate.Lock()
	defer h.writers.gate.Unlock()
	var err error
	p := stopPoint{flag: flag}
	switch flag {
	case "--to-time":
		var at string
		err = h.source.QueryRowContext(ctx, "SELECT DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%dT%H:%i:%s.%fZ')").Scan(&at)
		p.value = at
	case "--to-gtid":
		err = h.source.QueryRowContext(ctx, "SELECT REPLACE(@@GLOBAL.gtid_executed, '\n', '')").Scan(&p.value)
	default:
		var file, a, b, c string
		var pos uint64
		err = h.source.QueryRowContext(ctx, "SHOW BINARY LOG STATUS").Scan(&file, &pos, &a, &b, &c)
		p.value = fmt.Sprintf("%s:%d", file, pos)
	}
	if err != nil {
		return fmt.Errorf("note a stop point: %w", err)
	}
	if p.truth, err = truth.Take(ctx, h.source, schemas...); err != nil {
		return err
	}
	h.stops = append(h.stops, p)
	h.report.StopPoints++
	return h.rotate(ctx)
}

// endArchive brings the archive up to the source's end and ends the archiver.
func (h *run) endArchive(ctx context.Context) error {
	if err := h.endKills(); err != nil {
		return err
	}
	if over, how := h.archiver.ended(); over {
		return fmt.Errorf("the archiver ended by itself: %s", how)
	}
	if h.KillArchiver > 0 {
		h.archiver.kill()
	} else if err := h.archiver.interrupt(); err != nil {
		return err
	}
	h.archiver = nil
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

func (h *run) restore(ctx context.Context, p stopPoint) error {
	target := h.servers.Target
	drops := []string{"SET foreign_key_checks=0"} // keys may cross schemas
	for _, s := range schemas {
		drops = append(drops, "DROP DATABASE IF EXISTS "+quote(s))
	}
	drops = append(drops, "SET foreign_key_checks=1")
	if err := target.Exec(ctx, drops...); err != nil {
		return err
	}
	args := []string{"restore", "--store", h.store(), "--instance", instance, "--target", target.URL(mysqltest.RestoreUser)}
	if p.flag != "" {
		args = append(args, p.flag, p.value)
	}
	var result struct {
		Rows int `json:"rows_loaded"`
		Txns int `json:"transactions_replayed"`
	}
	o, err := h.prog.must(ctx, &result, args...)
	if err != nil {
		return fmt.Errorf("restore %s %s: %w", p.flag, p.value, err)
	}
	h.report.Restores += o.took
	restored, err := truth.Take(ctx, target.Root(), schemas...)
	if err != nil {
		return err
	}
	if d := p.truth.Differences(restored); len(d) > 0 {
		return fmt.Errorf("restored %s %s, but it differs:\n%s", p.flag, p.value, strings.Join(d[:min(len(d), 30)], "\n"))
	}
	h.logf("restored %s: %d rows loaded, %d transactions replayed, %s: equal", p.flag, result.Rows, result.Txns, o.took.Round(time.Millisecond))
	return nil
}

// cleanUp ends what runs and removes the folder, or moves it where a failure is kept.
func (h *run) cleanUp(failed bool) error {
	errs := []error{h.endKills()}
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
	if h.folder == "" {
		return errors.Join(errs...)
	}
	if failed && h.Keep != "" {
		kept := filepath.Join(h.Keep, fmt.Sprintf("seed-%d", h.Seed))
		if err := os.CopyFS(kept, os.DirFS(h.folder)); err != nil {
			errs = append(errs, err)
		} else {
			errs = append(errs, fmt.Errorf("kept in %s", kept))
		}
	}
	return errors.Join(append(errs, os.RemoveAll(h.folder))...)
}
