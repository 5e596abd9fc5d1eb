package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	logsource "github.com/tripod-db/tripod/binlog/source"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/progress"
)

type archiveCommand struct {
	sourceFlags
	flush        time.Duration
	segmentSize  byteSize
	spoolSize    byteSize
	serverID     uint32
	fromOldest   bool
	newTimeline  bool
	singleWriter bool
	untilIdle    bool
}

// archiveResult is the JSON of `tripod archive`.
type archiveResult struct {
	Instance string       `json:"instance"`
	Segments uint64       `json:"segments"`
	Bytes    uint64       `json:"bytes"`
	End      binlog.Point `json:"end"`
	AsOf     binlog.Time  `json:"as_of,omitzero"`
	// Ends are the places, in what this run received, at which the range of a table ends.
	Ends []archive.End `json:"ends"`
}

func newArchive(inv *invocation) *cobra.Command {
	c := &archiveCommand{flush: archive.DefaultFlush, segmentSize: archive.DefaultSegmentSize, spoolSize: archive.DefaultSpoolSize}
	cmd := &cobra.Command{
		Use:   "archive --source URL --store URL --instance NAME",
		Short: "Archive the source's binlog into the store, without a break",
		Long: `Archive the source's binlog into the store, without a break: committed transactions are
there within --flush plus one upload. It runs until it is interrupted; killed or cut off at
any moment, the next run goes on where the archive ends.

One archiver writes an instance at a time; a second one ends with exit 11. A backup that
archives by itself hands over to an archiver that starts.
` + exitStatus,
		Example: `  tripod archive --source mysql://tripod@db:3306/ --store file:///backups --instance shop
  tripod archive --source mysql://tripod@db:3306/ --store file:///backups --instance shop --until-idle --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context(), inv) },
	}
	c.add(cmd)
	f := cmd.Flags()
	f.DurationVar(&c.flush, "flush", c.flush, "longest time from a commit's arrival to its upload")
	f.Var(&c.segmentSize, "segment-size", "`BYTES` at which a segment is cut before that")
	f.Var(&c.spoolSize, "spool-size", "`BYTES` that the local spool may hold")
	f.Uint32Var(&c.serverID, "server-id", 0, "server id of the replication connection (default: random above 2^31)")
	f.BoolVar(&c.fromOldest, "from-oldest", false, "begin a new archive with the oldest file that the source still has")
	f.BoolVar(&c.newTimeline, "new-timeline", false, "go on under <uuid>~2 where the source's history began again")
	f.BoolVar(&c.singleWriter, "single-writer", false, "promise that nobody else writes this instance, for stores without put-if-absent")
	f.BoolVar(&c.untilIdle, "until-idle", false, "end when everything is archived that the source had at the start")
	return cmd
}

// check refuses values that no archiver can work with.
func (c *archiveCommand) check() error {
	switch {
	case c.flush <= 0:
		return fault.New(fault.CodeUsage, fault.KindUsage, "write --flush 1s", "--flush %s: want more than nothing", c.flush)
	case c.segmentSize < minSegment:
		return fault.New(fault.CodeUsage, fault.KindUsage, "write --segment-size 16MiB", "--segment-size %s: want 4KiB or more", &c.segmentSize)
	}
	return nil
}

// minSegment: smaller ones would be mostly header, one for each transaction.
const minSegment = 4 << 10

func (c *archiveCommand) run(ctx context.Context, inv *invocation) (err error) {
	if err := c.check(); err != nil {
		return err
	}
	source, cat, end, err := c.open(ctx, inv)
	if err != nil {
		return err
	}
	defer closing(&err, end)
	// Before the lease is asked for: an archiver that can read nothing must not take it from one that can.
	findings, err := logsource.PreflightArchive(ctx, source)
	if err != nil {
		return ctxErr(ctx, err)
	}
	if err := logsource.Refuse(findings); err != nil {
		return err
	}
	spool, err := inv.spoolFolder(c.sourceFlags)
	if err != nil {
		return err
	}
	shown := newArchiveProgress(inv)
	r, err := archive.Run(ctx, archive.Config{
		Server: source, Catalog: cat, Instance: c.instance, Role: archive.RoleArchive, SpoolDir: spool,
		Flush: c.flush, SegmentSize: int64(c.segmentSize), SpoolSize: int64(c.spoolSize), ServerID: c.serverID,
		FromOldest: c.fromOldest, NewTimeline: c.newTimeline, SingleWriter: c.singleWriter, UntilIdle: c.untilIdle,
		Log: inv.log, Progress: shown.report, Waits: shown.phase.Waits,
	})
	shown.end()
	if err != nil && r.End.Position.IsZero() {
		return ctxErr(ctx, err)
	}
	// An archiver that was interrupted, or has failed, has archived something all the same.
	inv.result = archiveResult{Instance: c.instance, Segments: r.Segments, Bytes: r.Bytes, End: r.End, AsOf: r.AsOf, Ends: append([]archive.End{}, r.Ends...)}
	if err != nil || inv.global.json {
		return ctxErr(ctx, err)
	}
	_, err = fmt.Fprintf(inv.st.out, "archived %d bytes in %d segments; the archive ends at %s, complete up to %s\n", r.Bytes, r.Segments, r.End.Position, r.AsOf)
	return err
}

// archiveProgress tells how far the archive has come: on a terminal all the time, else in a
// line at the rhythm of progressInterval.
type archiveProgress struct {
	inv     *invocation
	phase   progress.Phase
	unwatch func()
	logged  time.Time
	before  archive.Progress
}

func newArchiveProgress(inv *invocation) *archiveProgress {
	a := &archiveProgress{inv: inv, phase: inv.board.Begin("archive", progress.Amount{})}
	if inv.screen.canDraw {
		a.unwatch = inv.watch()
	} else {
		a.unwatch = logProgress(inv.log, inv.board, func(s progress.Snapshot) bool { return s.Waiting != "" })
	}
	return a
}

// report takes over what one upload has brought.
func (a *archiveProgress) report(p archive.Progress) {
	a.phase.Add(progress.Amount{Bytes: int64(p.Bytes - a.before.Bytes), Items: int64(p.Segments - a.before.Segments)})
	a.phase.Doing(fmt.Sprintf("the archive ends at %s, complete up to %s", p.End, p.AsOf))
	a.before = p
	if a.inv.screen.canDraw || time.Since(a.logged) < progressInterval {
		return
	}
	a.logged = time.Now()
	a.inv.log.Info("archived", "segments", p.Segments, "bytes", p.Bytes, "end", p.End.String(), "as_of", p.AsOf.String(), "spooled", p.Spooled)
}

func (a *archiveProgress) end() {
	a.phase.End()
	a.unwatch()
}
