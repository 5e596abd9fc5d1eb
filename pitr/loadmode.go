package pitr

import (
	"context"
	"errors"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/pitr/target"
)

// load puts one chunk into its table. A chunk that met somebody's lock is loaded again.
func (l *loader) load(ctx context.Context, s rowLoader, j loadJob) error {
	computed := target.ComputedOf(j.def)
	// What stays cannot be written again.
	if _, cut := l.cut.Load(j.base.Name); computed.Any() && (cut || j.stays) {
		j.computed = &computed
	}
	if err := l.mode(ctx, s, &j); err != nil {
		return err
	}
	var strict error // without computed
	for try := 1; ; try++ {
		err := l.once(ctx, s, j)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || server.IsTransient(err) {
			return err
		}
		if strict != nil && !target.IsLockConflict(err) {
			err = strict
		}
		if j.stays {
			return loadFailed(j, err)
		}
		if back := s.Exec(ctx, "ROLLBACK"); back != nil {
			return errors.Join(err, back)
		}
		switch kind := fault.Of(err).Kind; {
		case target.IsLockConflict(err) && try < target.LockTries:
		case target.IsLockConflict(err), strict != nil, j.computed != nil, !computed.Any(), kind == fault.KindIntegrity, kind == fault.KindDivergence:
			return loadFailed(j, err)
		default:
			strict, j.computed = err, &computed
			l.cut.Store(j.base.Name, true)
			if err := l.mode(ctx, s, &j); err != nil {
				return err
			}
		}
	}
}

// mode sets the sql_mode in which a chunk is written.
func (l *loader) mode(ctx context.Context, s rowLoader, j *loadJob) (err error) {
	mode := target.StrictMode
	if j.chunk.ZeroEnum || j.computed != nil {
		mode = target.LenientMode
	}
	if err := s.Exec(ctx, "SET SESSION sql_mode="+mode); err != nil || j.computed == nil {
		return err
	}
	if err := s.Exec(ctx, target.WarningsInEnglish); err != nil {
		return err
	}
	j.atOnce, err = target.LenientRows(ctx, s)
	return err
}
