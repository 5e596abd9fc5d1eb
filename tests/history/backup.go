package history

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"time"
)

// backedUp is what the judge reads of a backup's result.
type backedUp struct {
	BackupID string `json:"backup_id"`
	Rows     int    `json:"rows"`
	Adopted  struct{ Chunks int }
	Tables   []struct {
		Schema, Name string
		ReadAgain    []struct{ Reason, Statement string } `json:"read_again"`
	} `json:"tables"`
}

// backUpUnderLoad starts the writers, runs the backup and changes definitions until enough
// changes lie inside it.
func (h *run) backUpUnderLoad(ctx context.Context) error {
	h.writers = h.startWriters(ctx, h.Seed, h.Writers)
	var err error
	if h.ddl, err = h.newDDL(ctx, rand.New(rand.NewPCG(h.Seed, 99))); err != nil {
		return err
	}
	// Three ways to begin: the archiver first, the backup alone (it archives by itself), both at once.
	how := h.r.IntN(3)
	if h.features.has(killArchivers.Name) {
		how = 0
	}
	if how != 1 {
		if err := h.startArchiver(ctx); err != nil {
			return err
		}
	}
	for range h.r.IntN(3) {
		if _, err := h.ddl.step(ctx); err != nil {
			return err
		}
	}
	type ended struct {
		o   outcome
		err error
	}
	done := make(chan ended, 1)
	var result backedUp
	flags := h.features.flags(func(f *Feature) []string { return f.Backup })
	go func() {
		o, err := h.backUp(ctx, &result, append(h.backupArgs(), flags...)...)
		done <- ended{o, err}
	}()
	h.stopKills = h.killArchiver(ctx)
	err = h.changeDuring(ctx, func() (bool, error) {
		select {
		case x := <-done:
			done <- x
			return true, x.err
		default:
			return false, nil
		}
	})
	x := <-done
	if err == nil {
		err = x.err
	}
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	h.chunkOf.Store("")
	h.record.mark(markBackedUp)
	h.report.Backup, h.report.Tables, h.report.Rows = x.o.took, len(result.Tables), result.Rows
	h.ddl.phase = behindPhase
	h.report.ReadAgain, h.report.Adopted = h.readAgain(result), result.Adopted.Chunks
	h.logf("backup %s: %d tables, %d rows, %d changes inside, %d aimed at a table being read, %d read again, %s", result.BackupID,
		h.report.Tables, h.report.Rows, h.report.Changes, h.report.Aimed, h.report.ReadAgain, x.o.took.Round(time.Millisecond))
	if how == 1 {
		return h.startArchiver(ctx)
	}
	return nil
}

func (h *run) backupArgs() []string {
	return h.sourceArgs("backup", "--threads", strconv.Itoa(h.threads), "--ddl-tries", "200", "--snapshot-tries", "200", "--log-level", "debug")
}

// readAgain counts how often a table of the backup was read once more because of a statement
// that a read of its rows cannot live with.
func (h *run) readAgain(b backedUp) int {
	count := 0
	for _, t := range b.Tables {
		for _, again := range t.ReadAgain {
			if again.Statement != "" && !h.ddl.definitionOnly[again.Statement] {
				count++
			}
		}
	}
	return count
}

func (h *run) startArchiver(ctx context.Context) error {
	var err error
	h.archiver, err = h.prog.start(ctx, h.sourceArgs("archive", "--flush", "200ms", "--segment-size", "64KiB")...)
	return err
}

// changeDuring runs DDL once the backup has written its intent (its floor is in the log then)
// until enough statements succeeded inside. The first that can (wantedMet) are aimed at tables
// that are being read, and leave them there: dropped or swapped for another, a table may need no
// second read, because the log makes what comes. Later half of them are aimed, by any way to
// change what rows mean, and the others go anywhere.
func (h *run) changeDuring(ctx context.Context, over func() (bool, error)) error {
	wanted := h.Changes + 1 + h.pace.IntN(4)
	for {
		finished, err := over()
		if finished || err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !h.exists("intent.json") || (h.report.Changes >= wanted && h.met.Load() >= wantedMet) {
			if err := pause(ctx, pollEvery); err != nil {
				return err
			}
			continue
		}
		if h.ddl.phase == beforePhase {
			h.record.mark(markBackup)
		}
		h.ddl.phase = insidePhase
		ok, aimed, err := h.changeOnce(ctx)
		if err != nil {
			return err
		}
		if h.looked > 0 {
			if err := pause(ctx, pollEvery); err != nil {
				return err
			}
			continue
		}
		if finished, err := over(); finished || err != nil {
			return err
		}
		if !h.exists("manifest.json") {
			h.report.Changes += ok
			if aimed {
				h.report.Aimed += ok
			}
		}
		// Spread over the backup.
		if err := pause(ctx, h.between()+time.Duration(h.pace.Int64N(int64(5*h.between())))); err != nil {
			return err
		}
	}
}

// wantedMet: a read may be over, or the table dropped by something later, when the first comes.
const wantedMet = 2

// looks is how often in a row the backup is asked for a table being read before DDL that has to meet one goes anywhere: short
// reads are not missed, and a backup that reads nothing for long gets its DDL all the same.
const looks = 10

// changeOnce runs one kind of DDL, and returns how many statements succeeded.
func (h *run) changeOnce(ctx context.Context) (ok int, aimed bool, err error) {
	stay := h.met.Load() < wantedMet
	if stay || h.pace.IntN(2) == 0 {
		reading, err := h.beingRead(ctx)
		if err != nil {
			return 0, false, err
		}
		if len(reading) > 0 {
			n, before := reading[h.pace.IntN(len(reading))], len(h.ddl.done)
			ok, err := h.ddl.meet(ctx, n, stay)
			for _, s := range h.ddl.done[before:] {
				h.logf("while %s was being read: %s", n, s)
			}
			if stay && ok > 0 {
				h.met.Add(1)
			}
			h.looked = 0
			return ok, true, err
		}
		if stay && h.looked < looks {
			h.looked++
			return 0, false, nil
		}
	}
	h.looked = 0
	ok, err = h.ddl.step(ctx)
	return ok, false, err
}

// exists tells whether the backup has written an object of its own.
func (h *run) exists(object string) bool {
	found, err := filepath.Glob(filepath.Join(h.folder, "store", instance, "backups", "*", object))
	return err == nil && len(found) > 0
}

// pollEvery is the time between two looks at a condition.
const pollEvery = 5 * time.Millisecond

// pause waits between two looks at a condition.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
