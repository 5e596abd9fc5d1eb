package dumper

import (
	"context"
	"fmt"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/internal/progress"
)

// archiving is the archiver of the backup itself. It writes while nobody else does.
type archiving struct {
	done chan struct{}
	err  error
}

// archive starts it; it ends with ctx.
func (b *backup) archive(ctx context.Context, firstFile string) *archiving {
	a := &archiving{done: make(chan struct{})}
	go func() {
		defer close(a.done)
		cfg := b.cfg.archive(firstFile)
		cfg.Wanted = b.wanted
		_, err := archive.Run(ctx, cfg)
		if err != nil && ctx.Err() == nil {
			a.err = fmt.Errorf("archive the binlog: %w", err)
		}
	}()
	return a
}

// watch returns when the archiver fails.
func (a *archiving) watch(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-a.done:
		return a.err
	}
}

// named waits until the archive of a source without a server_uuid (MariaDB) has begun: the file that it begins with
// gives the timeline its name.
func (b *backup) named(ctx context.Context, archiving *archiving) (timeline binlog.Timeline, err error) {
	phase := b.cfg.Progress.Begin("archive", progress.Amount{})
	defer phase.End()
	phase.Doing("wait for the archive to begin")
	err = b.bounded(ctx, "the beginning of the archive", func(ctx context.Context) error {
		for {
			timeline, err = archive.CurrentTimeline(ctx, b.cfg.Catalog, b.cfg.Instance, b.cfg.Source.Facts().ServerUUID)
			if err != nil || timeline != "" {
				return err
			}
			if err := archiving.reason(nil); err != nil {
				return err
			}
			if err := sleep(ctx, coverEvery/10); err != nil {
				return err
			}
		}
	})
	return timeline, err
}

func (a *archiving) wait() error {
	<-a.done
	return a.err
}

// reason prefers the archiver's failure to what followed from it.
func (a *archiving) reason(err error) error {
	select {
	case <-a.done:
		if a.err != nil {
			return a.err
		}
	default:
	}
	return err
}
