package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/tripod-db/tripod/dumper"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage/chunk"
)

type backupCommand struct {
	sourceFlags
	databases, tables, exclude nameList
	threads                    int
	maxHold                    time.Duration
	compress                   string
	users, fresh               bool
	keylessMissing             bool
	wait                       time.Duration
	ddlTries, snapshotTries    int
	singleWriter, dryRun       bool
}

func newBackup(inv *invocation) *cobra.Command {
	c := &backupCommand{}
	cmd := &cobra.Command{
		Use:   "backup --source URL --store URL --instance NAME",
		Short: "Back up the source without a lock",
		Long: `Back up the source without a lock: tables are read in short chunks while the application
writes and changes its tables, and the binlog makes them agree. Beside an archiver it waits
for the archive; without one it archives by itself.

The manifest is written last: a backup without one does not exist. One that was killed is gone
on with by the next that has the same selection: what it had finished is not read again.

With --dry-run nothing is read but the server's own tables, and nothing is written: it says
which tables would be read, of which class, how large the server thinks they are, and what
would be refused or warned about, and exits as the backup would.
` + exitStatus,
		Example: `  tripod backup --source mysql://tripod@db:3306/ --store file:///backups --instance shop
  tripod backup --source mysql://tripod@/run/mysqld/mysqld.sock --store file:///backups --instance shop --databases 'shop*' --exclude 'shop.tmp_*'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context(), inv) },
	}
	c.add(cmd)
	f := cmd.Flags()
	f.Var(&c.databases, "databases", "only schemas of these `NAMES` (* and ? are globs, backticks where needed)")
	f.Var(&c.tables, "tables", "only tables of these `NAMES`, schema.table")
	f.Var(&c.exclude, "exclude", "not schemas or tables of these `NAMES`")
	f.IntVar(&c.threads, "threads", dumper.DefaultThreads, "how many read at once: tables, and key ranges of large ones")
	f.DurationVar(&c.maxHold, "max-hold", dumper.DefaultMaxHold, "longest time for which a read view or a metadata lock is held")
	f.StringVar(&c.compress, "compress", chunk.Zstd, "zstd, gzip or none")
	f.BoolVar(&c.users, "users", false, "users and roles with their privileges as well (MySQL 9); the hashes of their passwords lie in the store then")
	f.BoolVar(&c.fresh, "fresh", false, "begin anew instead of going on with a backup that was killed")
	f.BoolVar(&c.keylessMissing, "keyless-missing", false, "finish without tables that have no key and cannot be read exactly; they are listed, and the exit code is 1")
	f.DurationVar(&c.wait, "wait", dumper.DefaultWait, "longest wait without progress")
	f.IntVar(&c.ddlTries, "ddl-tries", dumper.DefaultDDLTries, "how often a table is read again because of DDL")
	f.IntVar(&c.snapshotTries, "snapshot-tries", dumper.DefaultSnapshotTries, "how often a table without a key is read again because of writes")
	f.BoolVar(&c.singleWriter, "single-writer", false, "promise that nobody else writes this instance, for stores without put-if-absent")
	f.BoolVar(&c.dryRun, "dry-run", false, "say what would be read and what would be refused, and exit as the backup would, without writing")
	return cmd
}

// config is what the flags ask for; where it reads and writes comes later.
func (c *backupCommand) config(inv *invocation) dumper.Config {
	return dumper.Config{
		Instance:  c.instance,
		Databases: c.databases, Tables: c.tables, Exclude: c.exclude,
		Threads: c.threads, MaxHold: c.maxHold, Compression: c.compress, Wait: c.wait,
		DDLTries: c.ddlTries, SnapshotTries: c.snapshotTries, KeylessMissing: c.keylessMissing, Fresh: c.fresh, Users: c.users,
		Memory: int64(inv.global.memory), SingleWriter: c.singleWriter, Program: version, Log: inv.log,
	}
}

func (c *backupCommand) run(ctx context.Context, inv *invocation) (err error) {
	config := c.config(inv)
	if err := config.Check(); err != nil {
		return err
	}
	source, cat, end, err := c.open(ctx, inv)
	if err != nil {
		return err
	}
	defer closing(&err, end)
	config.Source, config.Catalog = source, cat
	if c.dryRun {
		return c.plan(ctx, inv, config)
	}
	if config.SpoolDir, err = inv.spoolFolder(c.sourceFlags); err != nil {
		return err
	}
	config.Progress = inv.board
	unwatch := inv.watch()
	r, err := dumper.Run(ctx, config)
	unwatch()
	if r != nil {
		inv.result = r
	}
	if err != nil {
		return ctxErr(ctx, err)
	}
	if !inv.global.json {
		if err := printBackup(inv.st.out, r); err != nil {
			return err
		}
	}
	if len(r.NotBackedUp) > 0 {
		return fault.New(fault.CodeFailed, fault.KindKeyless, "give them a primary key, or leave them out with --exclude",
			"the backup %s is complete but for %d tables", r.BackupID, len(r.NotBackedUp))
	}
	return nil
}

// plan is --dry-run.
func (c *backupCommand) plan(ctx context.Context, inv *invocation, config dumper.Config) error {
	p, err := dumper.DryRun(ctx, config)
	if p == nil {
		return ctxErr(ctx, err)
	}
	if err == nil {
		err = mayWrite(c.store)
	}
	inv.result = p
	if !inv.global.json {
		if printErr := printBackupPlan(inv.st.out, p); printErr != nil {
			return printErr
		}
	}
	return ctxErr(ctx, err)
}

func printBackupPlan(out io.Writer, p *dumper.Plan) error {
	w := tabwriter.NewWriter(out, 2, 8, 2, ' ', 0)
	fmt.Fprintln(w, "table\tclass\trows (estimate)\tbytes (estimate)\t")
	for _, t := range p.Tables {
		refused := ""
		if t.Refused != "" {
			refused = "REFUSED: " + t.Refused
		}
		fmt.Fprintf(w, "%s.%s\t%s\t%d\t%d\t%s\n", t.Schema, t.Name, t.Class, t.Rows, t.Bytes, refused)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, o := range p.Objects {
		fmt.Fprintf(out, "%s %s.%s\n", o.Kind, o.Schema, o.Name)
	}
	for _, f := range p.Findings {
		fmt.Fprintf(out, "%s: %s\n", f.Level, oneLine(f.Message))
		if f.Remedy != "" {
			fmt.Fprintf(out, "  remedy: %s\n", f.Remedy)
		}
	}
	_, err := fmt.Fprintf(out, "backup of instance %s: %d tables, about %d rows and %d bytes; nothing was written\n", p.Instance, len(p.Tables), p.Rows, p.Bytes)
	return err
}

func printBackup(out io.Writer, r *dumper.Result) error {
	w := tabwriter.NewWriter(out, 2, 8, 2, ' ', 0)
	fmt.Fprintln(w, "table\tclass\trows\tchunks\tread again")
	for _, t := range r.Tables {
		fmt.Fprintf(w, "%s.%s\t%s\t%d\t%d\t%d\n", t.Schema, t.Name, t.Class, t.Rows, t.Chunks, len(t.ReadAgain))
	}
	for _, n := range r.NotBackedUp {
		fmt.Fprintf(w, "%s\tnot backed up: %s\n", n.Name, n.Reason)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, warning := range r.Warnings {
		fmt.Fprintln(out, "warning:", warning)
	}
	if a := r.Adopted; a.Chunks > 0 {
		fmt.Fprintf(out, "adopted from a run that was killed: %d chunks, %d rows, of %d tables\n", a.Chunks, a.Rows, a.Tables)
	}
	_, err := fmt.Fprintf(out, "backup %s: %d rows, %d bytes read, %d bytes stored in %.1f s; recoverable from %s\n",
		r.BackupID, r.Rows, r.BytesRead, r.BytesStored, r.Seconds, r.RecoverableFrom.Position)
	return err
}
