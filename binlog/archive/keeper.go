package archive

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
)

// keeper looks after the files that are closed: the store's head names a later one. It works
// beside the uploader, one file at a time, and keeps nothing: what is to be done is seen in the
// store, so a run goes on where another was killed. Nothing that goes wrong in it ends archiving.
type keeper struct {
	config Config
	tenure *tenure
	reader *Reader

	mu     sync.Mutex
	files  []closedFile // to be looked at
	later  []laterFile
	begun  bool // the backlog is in files, or will be
	ended  bool // no more is added
	change chan struct{}
}

// closedFile is a file to which nothing is added any more.
type closedFile struct {
	timeline binlog.Timeline
	name     string
}

// laterFile is to be looked at again at a time.
type laterFile struct {
	closedFile
	due time.Time
}

func newKeeper(cfg Config, t *tenure) *keeper {
	return &keeper{config: cfg, tenure: t, reader: Open(cfg.Catalog, cfg.Instance, Log(cfg.Log)), change: make(chan struct{}, 1)}
}

// add takes files that were closed; the first time it says that the archiver is under way.
func (k *keeper) add(files ...closedFile) {
	k.update(func() { k.files, k.begun = append(k.files, files...), true })
}

// end lets run return when it has nothing more to do.
func (k *keeper) end() { k.update(func() { k.ended = true }) }

func (k *keeper) update(change func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change()
	select {
	case k.change <- struct{}{}:
	default:
	}
}

// next returns the file to look at, if there is one; else how long to wait for one that is due,
// 0 if there is none. ended tells that nothing will come.
func (k *keeper) next() (f closedFile, ok bool, wait time.Duration, ended bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.config.now()
	k.later = slices.DeleteFunc(k.later, func(l laterFile) bool {
		if l.due.After(now) {
			return false
		}
		k.files = append(k.files, l.closedFile)
		return true
	})
	if len(k.files) > 0 {
		f, k.files = k.files[0], k.files[1:]
		return f, true, 0, false
	}
	for _, l := range k.later {
		if d := l.due.Sub(now); wait == 0 || d < wait {
			wait = d
		}
	}
	return f, false, wait, k.ended
}

// again has a file looked at once more.
func (k *keeper) again(f closedFile, due time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.later = append(k.later, laterFile{f, due})
}

// run looks after closed files until ctx ends, the lease is lost, or nothing is left to do.
func (k *keeper) run(ctx context.Context) {
	if !k.awaitBegin(ctx) {
		return
	}
	backlog, err := k.backlog(ctx)
	if err != nil && ctx.Err() == nil {
		k.config.Log.Warn("could not look for closed binlog files without index; the next run does", "error", err)
	}
	k.mu.Lock()
	k.files = append(backlog, k.files...)
	k.mu.Unlock()
	for {
		f, ok, wait, ended := k.next()
		switch {
		case ended:
			return
		case !ok:
			if !k.await(ctx, wait) {
				return
			}
			continue
		}
		err := k.tend(ctx, f)
		switch {
		case ctx.Err() != nil || errors.Is(err, errLeaseLost):
			return
		case err == nil:
		case unusable(err):
			k.config.Log.Warn("a closed binlog file is left as it is", "file", f.name, "error", err)
		default:
			k.config.Log.Warn("could not look after a closed binlog file; trying again", "file", f.name, "in", k.config.timing.tendAgain, "error", err)
			k.again(f, k.config.now().Add(k.config.timing.tendAgain))
		}
	}
}

// awaitBegin waits until the archiver is under way.
func (k *keeper) awaitBegin(ctx context.Context) bool {
	for {
		if !k.await(ctx, 0) {
			return false
		}
		k.mu.Lock()
		begun := k.begun || k.ended
		k.mu.Unlock()
		if begun {
			return true
		}
	}
}

// await waits for a change, for no longer than limit if that is not 0; false when ctx ends.
func (k *keeper) await(ctx context.Context, limit time.Duration) bool {
	var due <-chan time.Time
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
		return false
	case <-k.change:
	case <-due:
	}
	return true
}

// backlog lists the closed files of the whole archive.
func (k *keeper) backlog(ctx context.Context) ([]closedFile, error) {
	timelines, err := k.config.Catalog.Timelines(ctx, k.config.Instance)
	if err != nil {
		return nil, err
	}
	var list []closedFile
	for _, timeline := range timelines {
		head, ok, err := k.config.Catalog.Head(ctx, k.config.Instance, timeline)
		if err != nil {
			return list, err
		}
		if !ok || head.Last == (catalog.HeadSegment{}) {
			continue
		}
		files, err := k.config.Catalog.Files(ctx, k.config.Instance, timeline)
		if err != nil {
			return list, err
		}
		for _, f := range files {
			if binlog.CompareFiles(f, head.Last.File) < 0 {
				list = append(list, closedFile{timeline, f})
			}
		}
	}
	return list, nil
}

// tend does for a closed file what is still to be done: its index, then large segments and the
// index of these, then, when no reader goes by an old listing any more, the small ones are removed.
func (k *keeper) tend(ctx context.Context, f closedFile) error {
	x, err := k.config.Catalog.Index(ctx, k.config.Instance, f.timeline, f.name)
	switch {
	case err == nil && k.isCompact(x):
		return k.removeDue(ctx, f, x)
	case err != nil && fault.Of(err).Kind == fault.KindVersion, err != nil && !errors.Is(err, storage.ErrNotFound) && !unusable(err):
		return err
	}
	c, errLook := k.look(ctx, f)
	if errLook != nil || c == nil {
		return errLook
	}
	if err != nil && c.headers != nil {
		if err := k.makeIndex(ctx, c); err != nil {
			return err
		}
	}
	if len(k.groups(c.parts)) == len(c.parts) {
		return nil
	}
	if err := k.compact(ctx, c); err != nil {
		return err
	}
	k.again(f, k.config.now().Add(k.config.timing.keepSmall))
	return nil
}

// isCompact tells whether nothing can be put together any more.
func (k *keeper) isCompact(x *catalog.Index) bool {
	parts, end := make([]part, len(x.Objects)), uint64(0)
	for i, ref := range x.Refs(k.config.Instance) {
		parts[i], end = part{SegmentRef: ref, from: end}, ref.End
	}
	return len(k.groups(parts)) == len(parts)
}

// removeDue removes the segments that an index has superseded for long enough, or says when that will be.
func (k *keeper) removeDue(ctx context.Context, f closedFile, x *catalog.Index) error {
	list, err := k.superseded(ctx, x)
	if err != nil || len(list) == 0 {
		return err
	}
	if due := x.Written.Std().Add(k.config.timing.keepSmall); k.config.now().Before(due) {
		k.again(f, due)
		return nil
	}
	for i, ref := range x.Refs(k.config.Instance) {
		if len(list[i]) > 0 {
			if err := k.remove(ctx, ref, list[i]); err != nil {
				return err
			}
		}
	}
	return nil
}
