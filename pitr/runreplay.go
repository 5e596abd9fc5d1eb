package pitr

import (
	"context"
	"errors"
	"slices"

	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/internal/progress"
	"github.com/tripod-db/tripod/pitr/checkpoint"
	"github.com/tripod-db/tripod/pitr/lanes"
)

// replay walks the log from floor to the stop point.
func (r *run) replay(ctx context.Context) (err error) {
	if r.past.Phase != checkpoint.PhaseFinish {
		if err := r.progress.Enter(ctx, r.main, checkpoint.PhaseReplay); err != nil {
			return err
		}
	}
	release, err := r.memory.Reserve(ctx, r.memory.Segment())
	if err != nil {
		return err
	}
	defer release()
	writers, err := r.writers(ctx)
	defer closeWriters(writers)
	if err != nil {
		return err
	}
	freeLane, err := r.memory.Reserve(ctx, int64(2*r.memory.Generation())+int64(len(writers)-1)*r.memory.BatchCost(writers[0].Wins))
	if err != nil {
		return err
	}
	defer freeLane()
	over := spanOf(r.plan.manifest, r.plan.Stop.Position)
	over.kept = r.memory.XA()
	freeXA, err := r.memory.Reserve(ctx, int64(2*over.kept))
	if err != nil {
		return err
	}
	defer freeXA()
	phase := r.config.progress().Begin("replay", progress.Amount{Bytes: int64(r.plan.Replay.Bytes)})
	defer phase.End()
	laneContext, stop := context.WithCancel(ctx)
	defer stop()
	play := &replay{
		director: r.director, tables: r.tables, definitions: r.definitions, own: r.main, bare: r.withoutSchema, progress: r.progress, past: r.past, phase: phase, journal: r.journalFor(),
		lanes: &lanes.Lanes{
			Ordered: lanes.StartOrdered(laneContext, writers[0], r.memory, r.past.Ordered()),
			Keyed:   lanes.StartKeyed(laneContext, r.flusher(writers[1:]), r.memory.Generation()),
			Large:   r.memory.Large(),
		},
	}
	err = play.run(ctx, archive.Open(r.plan.reads.ofArchive, r.plan.Instance, archive.HoldSegments(r.memory.Segment()), archive.Log(r.config.log())), over)
	if err != nil {
		stop()
	}
	// What ended the lane is the cause of whatever the walk ended with.
	if closed := play.lanes.Close(); closed != nil && !errors.Is(closed, context.Canceled) {
		err = closed
	}
	r.result.TransactionsReplayed, r.result.RowEvents = play.transactions, play.events
	r.result.RowsWritten, r.result.StatementsReplayed = play.rows, play.statements
	r.result.TransactionsSkipped = play.skipped
	r.result.LooseRows, r.result.Loose = play.loose.rows, append(r.result.Loose, play.loose.list()...)
	for _, w := range writers {
		// A case that ended an earlier run is met again by one that the binlog wins in.
		known := func(d checkpoint.Divergence) bool { return slices.Contains(r.past.Divergence, d) }
		r.result.Divergence = append(r.result.Divergence, slices.DeleteFunc(w.Divergence, known)...)
	}
	for i := range r.result.Divergence {
		r.result.Divergence[i].Name = r.director.Shown(r.result.Divergence[i].Name)
	}
	slices.SortStableFunc(r.result.Divergence, func(a, b checkpoint.Divergence) int { return a.Position.Compare(b.Position) })
	return err
}

func (r *run) flusher(writers []*lanes.Writer) *lanes.Flusher {
	return &lanes.Flusher{Writers: writers, Progress: r.progress, Fold: r.director.Fold, Batch: r.memory.Batch(), Noted: r.past.Keyed}
}

// writers opens the connections of the lanes: the first is the ordered lane's.
func (r *run) writers(ctx context.Context) (list []*lanes.Writer, err error) {
	wins := r.plan.wish.OnDivergence == BinlogWins
	for i := range 1 + r.memory.Writers(r.plan.Load.Threads, wins) {
		rows, err := r.target.RowSession(ctx)
		if err != nil {
			return list, err
		}
		list = append(list, &lanes.Writer{Session: rows, Packet: r.packet(), Progress: r.progress, Wins: wins})
		if i == 0 {
			list[0].Written = r.past.Written()
			continue
		}
		if err := rows.ReadCommitted(ctx); err != nil {
			return list, err
		}
	}
	return list, nil
}

func closeWriters(list []*lanes.Writer) {
	for _, w := range list {
		w.Session.Close()
	}
}
