package pitr

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/progress"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/pitr/checkpoint"
	"github.com/tripod-db/tripod/pitr/lanes"
	"github.com/tripod-db/tripod/pitr/target"
	"github.com/tripod-db/tripod/storage/catalog"
)

// What a run does first where a killed one has left something on the target, and where nobody can
// tell what that is.

// awaitOthers waits for the connections of a killed restore.
func (r *run) awaitOthers(ctx context.Context) error {
	if !r.plan.Resumes && !r.plan.Force {
		return nil
	}
	s, err := target.Connect(ctx, r.config.Target) // of its own: old servers give a connection one lock
	if err != nil {
		return err
	}
	defer s.Close()
	phase := r.config.progress().Begin("wait", progress.Amount{})
	defer phase.End()
	return r.target.AwaitOthers(ctx, s, max(target.Connections(r.plan.Load.Threads), r.plan.begun.connections), phase.Waits)
}

// recall finds out what earlier runs have done.
func (r *run) recall(ctx context.Context) (err error) {
	r.past = checkpoint.NewPast(r.director.Fold)
	if !r.plan.Resumes {
		return nil
	}
	r.past, err = checkpoint.ReadPast(ctx, r.reader, r.progress, r.director.Fold)
	if server.ErrorNumber(err) == server.ErrNoSuchTable {
		return fault.New(fault.CodeFailed, fault.KindTarget, "look at the target, and restore again with --force where it is not what you want",
			"another run of this restore has come to its end meanwhile")
	}
	if err != nil {
		return err
	}
	r.tables.asides.list = r.past.Asides
	if err := r.past.CompareStart(ctx, r.main); err != nil {
		return err
	}
	if len(r.past.Divergence) > 0 && r.plan.wish.OnDivergence != BinlogWins {
		return r.leftBehind(lanes.DivergenceFault(r.past.Divergence[0]))
	}
	r.result.Resumed, r.result.Divergence = true, append(r.result.Divergence, r.past.Divergence...)
	note := r.plan.unfinished.RestoreNote
	r.kept = note.Kept
	note.Connections = target.Connections(r.plan.Load.Threads)
	r.config.log().Info("the restore goes on where it was", "phase", r.past.Phase, "stop", note.Stop.Position.String())
	if err := r.progress.Write(ctx, r.main, checkpoint.NewNote(checkpoint.NoteRestore, "", note)); err != nil {
		return err
	}
	if len(r.past.Anew) > 0 {
		if err := r.dropAnew(ctx, r.past.Anew); err != nil {
			return err
		}
	}
	return r.dropObjects(ctx)
}

// errNotView is what DROP VIEW IF EXISTS says of a table.
const errNotView = 1347

// dropObjects drops the views, routines, triggers and events that a killed run has made, or was
// about to make: they are made again.
func (r *run) dropObjects(ctx context.Context) error {
	for _, o := range r.past.Objects {
		if o.Kind == catalog.KindUser {
			continue
		}
		err := r.main.Exec(ctx, "DROP "+objectKeywords[o.Kind]+" IF EXISTS "+o.Quoted())
		if server.ErrorNumber(err) == errNotView {
			continue // the replay has dropped the view since, and a table has its name
		}
		if err != nil {
			return fmt.Errorf("drop %s of the killed run: %w", o, err)
		}
	}
	return r.dropAccounts(ctx)
}

// objectKeywords are the kinds of objects as DROP names them.
var objectKeywords = map[string]string{"table": "TABLE", "view": "VIEW", "procedure": "PROCEDURE", "function": "FUNCTION", "trigger": "TRIGGER", "event": "EVENT"}

// beginAnew drops what the restore has made so far, and forgets it. Its catalogue may not be where an
// earlier run was: what that has made behind it, the plan names.
func (r *run) beginAnew(ctx context.Context) (err error) {
	drop := map[schema.Name]bool{}
	for _, n := range r.director.Tables() {
		drop[r.director.OnTarget(n)] = true
	}
	for _, o := range r.plan.Creates {
		if o.Kind == "table" {
			drop[o.Name] = true
		}
	}
	if err := r.progress.Forget(ctx, r.main, slices.Collect(maps.Keys(drop))); err != nil {
		return err
	}
	if err := r.dropAnew(ctx, slices.Collect(maps.Keys(drop))); err != nil {
		return err
	}
	if r.director, err = newDirector(r.config, r.plan.manifest, r.plan.wish, r.plan.part); err != nil {
		return err
	}
	r.plan.definitions.tell(ctx, r.director)
	r.past = checkpoint.NewPast(r.director.Fold)
	r.past.Resumed = true
	r.target.OthersEnded()
	// What was found so far is found again.
	r.result.Divergence, r.result.Loose, r.result.RowsVerified = r.result.Divergence[:0], r.result.Loose[:0], nil
	r.result.Warnings = append([]string{}, r.plan.warnings...)
	r.newTables()
	return r.noteStart(ctx)
}

// dropAnew drops the tables of a restore that begins anew.
func (r *run) dropAnew(ctx context.Context, tables []schema.Name) error {
	for _, n := range tables {
		if err := r.main.Exec(ctx, "DROP TABLE IF EXISTS "+n.Quoted()); err != nil {
			return fmt.Errorf("begin the restore anew: drop %s: %w", n, err)
		}
	}
	return r.progress.Forgotten(ctx, r.main)
}

// noteStart notes since when the target's server runs.
func (r *run) noteStart(ctx context.Context) error {
	n, err := checkpoint.Started(ctx, r.main)
	if err != nil {
		return err
	}
	return r.progress.Write(ctx, r.main, checkpoint.NewNote(checkpoint.NoteStarted, "", n))
}
