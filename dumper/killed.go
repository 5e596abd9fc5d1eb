package dumper

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
)

// pinned is for how long an intent is a promise: what it needs of the archive may be gone behind it.
const pinned = 24 * time.Hour

// killed looks for the newest unfinished backup of the same wish that can be gone on with, and
// takes it over; nil for none. Why another one cannot is said in the log.
func (b *backup) killed(ctx context.Context) (*adoption, error) {
	if b.cfg.Fresh {
		return nil, nil
	}
	var ids []string
	if err := b.bounded(ctx, "the store, asked for unfinished backups,", func(ctx context.Context) (err error) {
		ids, err = b.cfg.Catalog.Unfinished(ctx, b.cfg.Instance)
		return err
	}); err != nil {
		return nil, err
	}
	for _, id := range slices.Backward(ids) {
		a, why, err := b.candidate(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("look whether the backup can go on with %s: %w", id, err)
		}
		if a != nil {
			return a, nil
		}
		if why != "" {
			b.cfg.Log.Info("an unfinished backup is left alone", "id", id, "reason", why)
		}
	}
	return nil, nil
}

// candidate takes over an unfinished backup, or says why not.
func (b *backup) candidate(ctx context.Context, id string) (a *adoption, why string, err error) {
	err = b.bounded(ctx, "the look at it", func(ctx context.Context) (err error) {
		a, why, err = b.fit(ctx, id)
		return err
	})
	if a == nil || err != nil {
		return nil, why, err
	}
	if why, err = b.alive(ctx, a.intent); why != "" || err != nil {
		return nil, why, err
	}
	err = b.bounded(ctx, "the store, told who goes on with it,", func(ctx context.Context) (err error) {
		a, why, err = b.takeOver(ctx, a)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return a, why, nil
}

// fit reads what there is of an unfinished backup. Nil: it cannot be gone on with.
func (b *backup) fit(ctx context.Context, id string) (_ *adoption, why string, err error) {
	intent, err := b.cfg.Catalog.Intent(ctx, b.cfg.Instance, id)
	if err != nil {
		why, err = unreadable(err)
		return nil, why, err
	}
	if why = b.otherWish(intent); why != "" {
		return nil, why, nil
	}
	a, why, err := b.pastOf(ctx, intent)
	if a == nil {
		return nil, why, err
	}
	if why, err = b.unbroken(ctx, a); why != "" || err != nil {
		return nil, why, err
	}
	return a, "", nil
}

// takeOver begins a run of an unfinished backup whose process is dead.
func (b *backup) takeOver(ctx context.Context, a *adoption) (_ *adoption, why string, err error) {
	// Once more: what its last second brought.
	latest, why, err := b.pastOf(ctx, a.intent)
	if latest == nil {
		return nil, why, err
	}
	if latest.run != a.run {
		// Whoever has begun it lives: the look was at the process before.
		return nil, "another backup goes on with it", nil
	}
	const cameToItsEnd = "it has come to its end meanwhile"
	if complete, err := b.cfg.Catalog.HasManifest(ctx, b.cfg.Instance, a.intent.ID); err != nil || complete {
		return nil, cameToItsEnd, err
	}
	latest.until = a.until
	b.journal = b.newJournal(a.intent.ID, latest.run+1)
	b.journal.follows = &latest.partsOfRun
	if err := b.journal.begin(ctx); errors.Is(err, storage.ErrExists) {
		return nil, "another backup goes on with it", nil
	} else if err != nil {
		return nil, "", err
	}
	if complete, err := b.cfg.Catalog.HasManifest(ctx, b.cfg.Instance, a.intent.ID); err != nil || complete {
		return nil, cameToItsEnd, err
	}
	return latest, "", archive.RemoveProof(b.cfg.SpoolDir, a.intent.Proof)
}

// unreadable makes an object that is gone, damaged or of another version the reason to leave a
// backup alone, and leaves failures of the store what they are.
func unreadable(err error) (why string, _ error) {
	kind := fault.Of(err).Kind
	if errors.Is(err, storage.ErrNotFound) || kind == fault.KindIntegrity || kind == fault.KindVersion {
		return err.Error(), nil
	}
	return "", err
}

// otherWish tells why a backup is none that this run was asked for.
func (b *backup) otherWish(i catalog.Intent) string {
	mine := b.selection.manifest(b.cfg)
	same := func(a, b []string) bool {
		return slices.Equal(slices.Compact(slices.Sorted(slices.Values(a))), slices.Compact(slices.Sorted(slices.Values(b))))
	}
	switch {
	case !same(i.Selection.Databases, mine.Databases) || !same(i.Selection.Tables, mine.Tables) || !same(i.Selection.Exclude, mine.Exclude):
		return "it is of another selection"
	case i.Compression != b.cfg.Compression:
		return "its chunks are compressed by " + i.Compression
	case i.Floor.Position.Timeline != b.timeline:
		return fmt.Sprintf("it is of timeline %s, and the source's is %s", i.Floor.Position.Timeline, b.timeline)
	case i.Server != "" && i.Server != serverOf(b.cfg.Source.Facts()):
		return "the source was " + i.Server + ", and is " + serverOf(b.cfg.Source.Facts())
	case time.Since(i.Renewed.Std()) > pinned:
		return "it was given up more than a day ago"
	}
	return ""
}

// serverOf is what a run and one that goes on with it have to find alike: definitions are read by the version, and what
// foreign keys do is in the log or not.
func serverOf(f server.Facts) string {
	text := fmt.Sprintf("%s %s", f.Flavor, f.Version)
	if f.NativeForeignKeys {
		text += " with innodb_native_foreign_keys"
	}
	return text
}

// pastOf reads the journal of a backup. Nil: nothing can be gone on with.
func (b *backup) pastOf(ctx context.Context, i catalog.Intent) (_ *adoption, why string, err error) {
	parts, err := b.cfg.Catalog.Journal(ctx, b.cfg.Instance, i.ID)
	if err != nil {
		why, err = unreadable(err)
		return nil, why, err
	}
	sizes, err := b.cfg.Catalog.ChunkSizes(ctx, b.cfg.Instance, i.ID)
	if err != nil {
		return nil, "", err
	}
	a, err := adoptionOf(i, parts, sizes)
	if err != nil {
		return nil, err.Error(), nil //nolint:nilerr // what cannot be understood is begun anew
	}
	if a == nil {
		return nil, "it has finished nothing", nil
	}
	return a, "", nil
}

// unbroken tells why the log since the floor of a killed run cannot be had without a gap, or is not
// the one that it read. Where the source has purged a part of it, the archive must hold that.
func (b *backup) unbroken(ctx context.Context, a *adoption) (why string, err error) {
	start := a.intent.Floor.Position
	holes, err := b.cfg.Catalog.Holes(ctx, b.cfg.Instance)
	if err != nil {
		return "", err
	}
	for _, h := range holes {
		if h.From.Timeline == start.Timeline && !h.From.Before(start) {
			return fmt.Sprintf("the archive has a hole at %s", h.From), nil
		}
	}
	files, err := b.sourceFiles(ctx)
	if err != nil {
		return "", err
	}
	first, last := files[0], files[len(files)-1]
	end := a.highest
	for _, f := range files {
		if f.File == end.File && f.Before(end) {
			return fmt.Sprintf("the source has lost the end of %s: it has read up to %s", f.File, end), nil
		}
	}
	reader := archive.Open(b.cfg.Catalog, b.cfg.Instance)
	switch {
	case last.Before(end):
		return fmt.Sprintf("the source's log ends at %s, and it has read up to %s", last, end), nil
	case binlog.CompareFiles(first.File, start.File) > 0:
		a.until = binlog.Position{Timeline: start.Timeline, File: first.File, Pos: binlog.FirstOffset}
		if err := reader.Covers(ctx, start, a.until); err != nil {
			return unavailable(err)
		}
		return "", nil
	}
	began, err := beganAt(ctx, b.cfg, start)
	if err != nil {
		return "", err
	}
	if began.Unix() != int64(a.intent.FormatTime) {
		return fmt.Sprintf("the source's %s is another file of that name", start.File), nil
	}
	head, known, err := b.cfg.Catalog.Head(ctx, b.cfg.Instance, start.Timeline)
	if err != nil || !known || head.End.Position.AtOrBefore(start) {
		return "", err // the archive has not come there yet
	}
	if err := reader.Covers(ctx, start, start); err != nil {
		return unavailable(err)
	}
	return "", nil
}

// unavailable makes what the archive does not hold the reason to leave a backup alone.
func unavailable(err error) (why string, _ error) {
	if f := fault.Of(err); f.Code == fault.CodeRange || f.Code == fault.CodeDifference {
		return err.Error(), nil
	}
	return "", err
}

// sourceFiles returns where the source's binlog files end, in their order.
func (b *backup) sourceFiles(ctx context.Context) (ends []binlog.Position, err error) {
	conn, err := b.cfg.Source.RawConn(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	rows, err := conn.Rows(ctx, "SHOW BINARY LOGS")
	if err != nil {
		return nil, fmt.Errorf("list the source's binlog files: %w", err)
	}
	for _, row := range rows {
		size, err := strconv.ParseUint(row[1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("list the source's binlog files: %w", err)
		}
		ends = append(ends, binlog.Position{Timeline: b.timeline, File: row[0], Pos: size})
	}
	if len(ends) == 0 {
		return nil, errors.New("list the source's binlog files: it has none")
	}
	slices.SortFunc(ends, binlog.Position.Compare)
	return ends, nil
}

// alive tells that the process of an unfinished backup may still run: the file that it has locked
// says so on the same machine; on another one its intent, that is renewed or, seen by this process's
// own clock, is not for three times as long as it should.
func (b *backup) alive(ctx context.Context, i catalog.Intent) (why string, err error) {
	life, err := archive.LookAtProof(b.cfg.SpoolDir, i.Proof)
	if err != nil {
		return "", err
	}
	switch life {
	case archive.LifeGoesOn:
		return "it is running", nil
	case archive.LifeEnded:
		return "", nil
	case archive.LifeUnknown:
	}
	every := b.cfg.tuning.renewEvery
	stale := 3 * every
	b.cfg.Log.Info("looking whether an unfinished backup still runs on another machine", "id", i.ID, "host", i.Host, "for", stale.String())
	for began := time.Now(); time.Since(began) < stale; {
		if err := sleep(ctx, every/5); err != nil {
			return "", err
		}
		var now catalog.Intent
		err := b.bounded(ctx, "the store, asked for its intent,", func(ctx context.Context) (err error) {
			now, err = b.cfg.Catalog.Intent(ctx, b.cfg.Instance, i.ID)
			return err
		})
		if err != nil {
			return unreadable(err)
		}
		if now.Renewed != i.Renewed || now.Proof != i.Proof {
			return "it is running", nil
		}
	}
	return "", nil
}

// inCharge fails when another process goes on with this backup, or has finished it, before this one puts
// its manifest: it has not heard of this one for long, and this one must write nothing any more that could
// be taken for a backup. Who has finished it has removed the journal, and the beginning of its run in it.
func (b *backup) inCharge(ctx context.Context) error {
	taken, err := b.cfg.Catalog.HasRun(ctx, b.cfg.Instance, b.id, b.journal.run+1)
	if err != nil {
		return err
	}
	if taken {
		return b.takenOver("goes on with")
	}
	// Asked behind the run: its manifest is put before its journal is removed.
	finished, err := b.cfg.Catalog.HasManifest(ctx, b.cfg.Instance, b.id)
	if err != nil || !finished {
		return err
	}
	return b.finishedByAnother()
}

func (b *backup) finishedByAnother() error { return b.takenOver("has finished") }

func (b *backup) takenOver(does string) error {
	return fault.New(fault.CodeFailed, fault.KindLease, "nothing has to be done; see why this process stood still, or could not reach the store",
		"another tripod %s backup %s: this process had not been heard of", does, b.id)
}

func (b *backup) newJournal(id string, run uint64) *journal {
	b.contents.before = (run - 1) * readsOfRun
	return &journal{catalog: b.cfg.Catalog, instance: b.cfg.Instance, id: id, run: run, began: time.Now()}
}
