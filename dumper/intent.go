package dumper

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage/catalog"
)

// intend writes the intent of a backup that begins, or renews that of the one that goes on.
func (b *backup) intend(ctx context.Context, start, oldestPrepare binlog.Position) (err error) {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown" // it is for people
	}
	if b.adopted != nil {
		b.intent, b.id = b.adopted.intent, b.adopted.intent.ID
		b.intent.Program, b.intent.Host, b.intent.Proof, b.intent.Renewed = b.cfg.Program, host, b.proof.Name, binlog.TimeOf(time.Now())
		return b.cfg.Catalog.PutIntent(ctx, b.intent)
	}
	b.intent = catalog.Intent{
		Instance: b.cfg.Instance, Program: b.cfg.Program, Host: host, Started: binlog.TimeOf(b.started), Renewed: binlog.TimeOf(time.Now()),
		Selection: b.selection.manifest(b.cfg), Compression: b.cfg.Compression, Floor: binlog.Point{Position: start},
		FormatTime: b.watch.follower.FormatTime(), Proof: b.proof.Name, OldestPrepare: oldestPrepare,
		Server: serverOf(b.cfg.Source.Facts()),
	}
	if b.id, err = b.cfg.Catalog.CreateIntent(ctx, b.intent, b.started); err != nil {
		return err
	}
	b.intent.ID = b.id
	b.cfg.Log.Info("backup begun", "id", b.id, "instance", b.cfg.Instance, "from", start.String())
	b.journal = b.newJournal(b.id, 1)
	if err := b.journal.begin(ctx); err != nil {
		return err
	}
	b.journalFloor()
	return nil
}

// renewedFor bounds how long the intent may not be renewed: it is a pin, too, a promise until it is a day old.
const renewedFor = time.Hour

// renewing renews the intent beside the backup, to its very end.
type renewing struct {
	cancel context.CancelCauseFunc
	done   chan error
}

// renewing returns a context that ends when another process has taken the backup over.
func (b *backup) renewing(ctx context.Context) (context.Context, *renewing) {
	ctx, cancel := context.WithCancelCause(ctx)
	r := &renewing{cancel: cancel, done: make(chan error, 1)}
	go func() {
		err := b.renewIntent(ctx)
		if err != nil {
			cancel(err)
		}
		r.done <- err
	}()
	return ctx, r
}

// end ends it. Of a backup that failed because it was taken over that is the reason, unless a manifest
// that has to go is left of it.
func (r *renewing) end(err error) error {
	r.cancel(nil)
	lost := <-r.done
	switch {
	case lost == nil || err == nil || errors.Is(err, lost):
		return err
	case errors.Is(err, errManifestLeft):
		return errors.Join(err, lost)
	}
	return errors.Join(lost, err)
}

// renewIntent keeps the backup's pin fresh, for as long as no other process has taken it over. When the
// manifest is being put it does that alone: whoever has begun another run meanwhile stops at the manifest,
// and an end of this one, with its manifest in the store, would take that away again.
func (b *backup) renewIntent(ctx context.Context) error {
	ticker := time.NewTicker(b.cfg.tuning.renewEvery)
	defer ticker.Stop()
	for renewed := time.Now(); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		var err error
		if !b.deciding.Load() {
			err = b.inCharge(ctx)
		}
		deciding := b.deciding.Load() // behind the look: it may have seen this process's own manifest
		if lost := fault.Of(err); lost != nil && lost.Kind == fault.KindLease && !deciding {
			return err
		}
		if err == nil || deciding {
			b.intent.Renewed = binlog.TimeOf(time.Now())
			err = b.cfg.Catalog.PutIntent(ctx, b.intent)
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			renewed = time.Now()
		case time.Since(renewed) > renewedFor && !deciding:
			return err
		default:
			b.cfg.Log.Warn("the backup's intent could not be renewed", "error", err)
		}
	}
}
