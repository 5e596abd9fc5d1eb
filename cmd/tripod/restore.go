package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/pitr"
	"github.com/tripod-db/tripod/storage/catalog"
)

// Values of --users.
const usersCreate, usersOmit = "create", "omit"

type restoreCommand struct {
	store, instance, target, backup        string
	toTime, toGTID, beforeGTID, toPosition string
	skipGTID                               string
	threads                                int
	events, onDivergence, verify, users    string
	databases, tables, exclude, rename     nameList
	dryRun, force                          bool
}

func newRestore(inv *invocation) *cobra.Command {
	c := &restoreCommand{}
	cmd := &cobra.Command{
		Use:   "restore --store URL --instance NAME --target URL [stop point]",
		Short: "Restore any moment into a server you may write to",
		Long: `Restore any moment into a server you may write to: a backup is loaded and the archive
replayed up to the stop point, which is inclusive and never inside a transaction. Without a
stop point it is the last transaction end of the archive.

The target user needs rights on the restored schemas only. An existing schema is no
obstacle; an existing object that the restore would make is: see --force.

--databases, --tables and --exclude name what there is at the stop point; what a table descends
from by RENAME, EXCHANGE PARTITION or CREATE .. LIKE is taken in, and is gone at the end. With
--rename nothing is made, read or dropped under an old name, until the end not under the new one
either; views, routines, triggers and events whose text names what is renamed have to be left out.

A backup that was made with --users restores users and roles too, when everything is restored:
the target user needs CREATE USER, SELECT on mysql.* and, WITH GRANT OPTION, what they hold. The
target user itself and the accounts of every server stay as they are.

--skip-gtid leaves transactions out. The rows that they changed are loose from there on: for them
the log wins where it would otherwise be held to account, and the result names them.

With --dry-run nothing is written: the plan says which backup and segments are used, how many
bytes are read, which grants are missing, and how long it takes, estimated by the rates of the
last restore into the same target from here, or by usual ones: it says which.
` + exitStatus,
		Example: `  tripod restore --store file:///backups --instance shop --target mysql://restorer@other:3306/ --to-time 2026-11-20T12:00:00Z
  tripod restore --store file:///backups --instance shop --target mysql://restorer@other:3306/ --to-position binlog.000042:1234 --dry-run
  tripod restore --store file:///backups --instance shop --target mysql://restorer@db:3306/ --tables shop.orders --rename shop.orders=rescue.orders --to-time 2026-11-20T12:00:00Z
  tripod restore --store file:///backups --instance shop --target mysql://restorer@other:3306/ --skip-gtid 3e11fa47-71ca-11e1-9e33-c80aa9429562:4711`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd, inv) },
	}
	f := cmd.Flags()
	f.StringVar(&c.store, "store", "", "store, `URL` file:///path")
	f.StringVar(&c.instance, "instance", "", "`NAME` of the source in the store")
	f.StringVar(&c.target, "target", "", "target server, `URL` mysql://user@host:port/")
	f.StringVar(&c.backup, "backup", "", "backup `ID` (default: the newest that serves the stop point)")
	f.StringVar(&c.toTime, "to-time", "", "stop before the first transaction committed later than `T`, RFC 3339 (without offset UTC, without fraction the end of that second)")
	f.StringVar(&c.toGTID, "to-gtid", "", "stop behind the last transaction of the GTID `SET`")
	f.StringVar(&c.beforeGTID, "before-gtid", "", "stop before the transaction `GTID`")
	f.StringVar(&c.toPosition, "to-position", "", "stop behind everything that ends at or before `[TIMELINE/]FILE:POS`")
	f.StringVar(&c.skipGTID, "skip-gtid", "", "leave out the transactions of the GTID `SET`; for the rows that they changed the log wins from there on, the result names them")
	f.IntVar(&c.threads, "threads", pitr.DefaultThreads, "connections that load")
	f.StringVar(&c.verify, "verify", string(pitr.VerifyNone), "read back what was loaded, in front of the replay, and compare it with the chunks: none, chunks")
	f.StringVar(&c.events, "events", string(pitr.KeepEvents), "keep the status of events, or disable them: keep, disable")
	f.Var(&c.databases, "databases", "only schemas of these `NAMES` (* and ? are globs, backticks where needed)")
	f.Var(&c.tables, "tables", "only tables, views, routines, triggers and events of these `NAMES`, schema.name")
	f.Var(&c.exclude, "exclude", "not schemas or objects of these `NAMES`")
	f.Var(&c.rename, "rename", "other `NAMES` on the target, schema.table=schema.table or schema=schema")
	f.StringVar(&c.onDivergence, "on-divergence", string(pitr.StopOnDivergence), "where the target does not hold what the log says, stop; or go on with what the log says, list each case, and exit 13: stop, binlog-wins")
	f.StringVar(&c.users, "users", usersCreate, "the users and roles of a backup that has them (backup --users), when everything is restored: create, omit")
	f.BoolVar(&c.dryRun, "dry-run", false, "print the plan and exit as the restore would, without writing")
	f.BoolVar(&c.force, "force", false, "drop the objects on the target that stand in the way, named first; never a schema, never anything else")
	mustHave(cmd, "store", "instance", "target")
	return cmd
}

func (c *restoreCommand) run(cmd *cobra.Command, inv *invocation) (err error) {
	ctx := cmd.Context()
	wish, err := c.wish()
	if err != nil {
		return err
	}
	address, err := inv.address(c.target, server.Target)
	if err != nil {
		return err
	}
	cat, closeStore, err := inv.openStore(c.store, false)
	if err != nil {
		return err
	}
	defer closing(&err, closeStore)
	target, err := server.Open(ctx, address, server.Target)
	if err != nil {
		return err
	}
	defer closing(&err, target.Close)
	unwatch := inv.watch()
	defer unwatch()
	config := pitr.Config{Catalog: cat, Target: target, Program: version, Memory: int64(inv.global.memory), Log: inv.log, Progress: inv.board, Rates: inv.knownRates(address.Redacted())}
	plan, err := pitr.MakePlan(ctx, config, wish)
	if err != nil {
		return ctxErr(ctx, err)
	}
	if c.dryRun {
		unwatch()
		inv.result = plan
		if !inv.global.json {
			if _, err := io.WriteString(inv.st.out, plan.Text()); err != nil {
				return err
			}
		}
		return plan.Problem()
	}
	r, err := pitr.Run(ctx, config, plan)
	unwatch()
	if r != nil {
		inv.result = r
	}
	if err == nil {
		inv.keepRates(address.Redacted(), plan, r)
	}
	if r != nil && !inv.global.json {
		if printErr := printRestore(inv.st.out, r); err == nil {
			err = printErr
		}
	}
	if err != nil {
		return ctxErr(ctx, err)
	}
	return nil
}

func printRestore(out io.Writer, r *pitr.Result) error {
	for _, w := range r.Warnings {
		fmt.Fprintln(out, "warning:", w)
	}
	for _, d := range r.DefinersChanged {
		fmt.Fprintln(out, "definer changed:", d)
	}
	for _, l := range r.Loose {
		fmt.Fprintln(out, "loose:", l)
	}
	for _, d := range r.Divergence {
		fmt.Fprintf(out, "divergence: %s of %s (%s) at %s: %s\n", d.Change, d.Name, d.Key, d.Position, d.Problem)
	}
	_, err := fmt.Fprintf(out, "restored backup %s to %s: %d rows loaded in %.1f s, %d transactions with %d row changes replayed in %.1f s, finished in %.1f s\n",
		r.BackupID, r.Stop.Position, r.RowsLoaded, r.Seconds.Load, r.TransactionsReplayed, r.RowsWritten, r.Seconds.Replay, r.Seconds.Finish)
	return err
}

// wish turns the flags into what pitr is asked for.
func (c *restoreCommand) wish() (pitr.Wish, error) {
	w := pitr.Wish{
		Instance: c.instance, Backup: c.backup, Threads: c.threads, Force: c.force,
		Events: pitr.EventStatus(c.events), Verify: pitr.Verify(c.verify), OnDivergence: pitr.OnDivergence(c.onDivergence),
		Selection: catalog.Selection{Databases: c.databases, Tables: c.tables, Exclude: c.exclude}, Rename: c.rename,
	}
	if w.Events != pitr.KeepEvents && w.Events != pitr.DisableEvents {
		return w, fault.New(fault.CodeUsage, fault.KindUsage, "use keep or disable", "--events %q is unknown", c.events)
	}
	if w.Verify != pitr.VerifyNone && w.Verify != pitr.VerifyChunks {
		return w, fault.New(fault.CodeUsage, fault.KindUsage, "use none or chunks", "--verify %q is unknown", c.verify)
	}
	if w.OnDivergence != pitr.StopOnDivergence && w.OnDivergence != pitr.BinlogWins {
		return w, fault.New(fault.CodeUsage, fault.KindUsage, "use stop or binlog-wins", "--on-divergence %q is unknown", c.onDivergence)
	}
	// backup has a switch of this name: one setting may serve both.
	if create, err := strconv.ParseBool(c.users); err == nil {
		c.users = map[bool]string{true: usersCreate, false: usersOmit}[create]
	}
	if c.users != usersCreate && c.users != usersOmit {
		return w, fault.New(fault.CodeUsage, fault.KindUsage, "use create or omit", "--users %q is unknown", c.users)
	}
	w.OmitUsers = c.users == usersOmit
	if c.threads < 1 || c.threads > 128 {
		return w, fault.New(fault.CodeUsage, fault.KindUsage, fmt.Sprintf("--threads %d is the default", pitr.DefaultThreads), "%d threads: want 1 to 128", c.threads)
	}
	var err error
	if c.skipGTID != "" {
		if w.SkipGTID, err = parseGTIDs(c.skipGTID); err != nil {
			return w, fault.New(fault.CodeUsage, fault.KindUsage, "write GTIDs as uuid:number or uuid:first-last, joined by commas", "--skip-gtid: %w", err)
		}
	}
	w.Stop, err = c.stopPoint()
	return w, err
}

func (c *restoreCommand) stopPoint() (binlog.StopPoint, error) {
	var stop binlog.StopPoint
	var given []string
	for flag, v := range map[string]string{"--to-time": c.toTime, "--to-gtid": c.toGTID, "--before-gtid": c.beforeGTID, "--to-position": c.toPosition} {
		if v != "" {
			given = append(given, flag)
		}
	}
	if len(given) > 1 {
		return stop, fault.New(fault.CodeUsage, fault.KindUsage, "give one stop point", "%d stop points are given", len(given))
	}
	var err error
	switch {
	case c.toTime != "":
		stop.Kind = binlog.StopTime
		stop.Time, err = parseStopTime(c.toTime)
	case c.toGTID != "":
		stop.Kind = binlog.StopGTID
		stop.GTIDs, err = parseGTIDs(c.toGTID)
	case c.beforeGTID != "":
		stop.Kind = binlog.StopBeforeGTID
		if stop.GTIDs, err = parseGTIDs(c.beforeGTID); err == nil {
			if _, one := stop.GTIDs.Single(); !one {
				err = fmt.Errorf("%q is not one GTID", c.beforeGTID)
			}
		}
	case c.toPosition != "":
		stop.Kind = binlog.StopPosition
		stop.Position, err = binlog.ParsePosition(c.toPosition)
	}
	if err != nil {
		return stop, fault.New(fault.CodeUsage, fault.KindUsage, "tripod help restore shows how stop points are written", "read the stop point: %w", err)
	}
	return stop, nil
}

func parseGTIDs(s string) (binlog.GTIDSet, error) {
	set, err := binlog.ParseGTIDSet(s)
	if err == nil && set.IsEmpty() {
		err = fmt.Errorf("the GTID set is empty")
	}
	return set, err
}

// stopTimeLayouts are RFC 3339 with and without an offset; a blank instead of T is common.
var stopTimeLayouts = []string{"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999"}

// parseStopTime reads --to-time: without an offset UTC, without a fraction the end of that second.
func parseStopTime(s string) (binlog.Time, error) {
	text := strings.ToUpper(strings.Replace(s, " ", "T", 1))
	for _, layout := range stopTimeLayouts {
		t, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		if !strings.ContainsAny(text, ".,") {
			t = t.Add(time.Second - time.Microsecond)
		}
		return binlog.TimeOf(t), nil
	}
	return 0, fmt.Errorf("%q is no RFC 3339 time such as 2026-11-20T12:00:00Z", s)
}
