package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage/verify"
)

type verifyCommand struct {
	store, instance, backup string
	deep                    bool
}

func newVerify(inv *invocation) *cobra.Command {
	c := &verifyCommand{}
	cmd := &cobra.Command{
		Use:   "verify --store URL",
		Short: "Look whether everything in a store is there and as it was written",
		Long: `Look whether everything in a store is there and as it was written: every manifest can be read,
every object that it names is there with its size, definitions match their SHA-256, segments
join without a gap, and the archive covers the windows of every backup. It may run beside
archivers and backups, and writes nothing.

With --deep every object is read whole and every hash and row count is compared. Objects that
nothing in the store names (what a crash left) are counted and listed; they are no damage.

Problems are of these kinds: missing, altered, unreadable, chain (a segment does not join its
neighbours), window (the archive lacks what a backup needs), version (a newer tripod wrote it).
` + exitStatus,
		Example: `  tripod verify --store file:///backups
  tripod verify --store file:///backups --instance shop --deep --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context(), inv) },
	}
	f := cmd.Flags()
	f.StringVar(&c.store, "store", "", "store, `URL` file:///path")
	f.StringVar(&c.instance, "instance", "", "only the instance of this `NAME`")
	f.StringVar(&c.backup, "backup", "", "only the backup of this `ID`, and the archive from its beginning on")
	f.BoolVar(&c.deep, "deep", false, "read every object whole")
	mustHave(cmd, "store")
	return cmd
}

func (c *verifyCommand) run(ctx context.Context, inv *invocation) (err error) {
	if c.backup != "" && c.instance == "" {
		return fault.New(fault.CodeUsage, fault.KindUsage, "name its instance with --instance", "--backup %s needs --instance", c.backup)
	}
	cat, closeStore, err := inv.openStore(c.store, false)
	if err != nil {
		return err
	}
	defer closing(&err, closeStore)
	unwatch := inv.watch()
	r, err := verify.Run(ctx, verify.Config{Catalog: cat, Instance: c.instance, Backup: c.backup, Deep: c.deep, Progress: inv.board})
	unwatch()
	if err != nil {
		return ctxErr(ctx, err)
	}
	inv.result = r
	if !inv.global.json {
		if err := printVerify(inv.st.out, r); err != nil {
			return err
		}
	}
	return r.Problem()
}

func printVerify(out io.Writer, r *verify.Result) error {
	for _, p := range r.Problems {
		fmt.Fprintln(out, oneLine(p.String()))
	}
	if r.More > 0 {
		fmt.Fprintf(out, "and %d problems more\n", r.More)
	}
	for _, key := range r.Unowned {
		fmt.Fprintln(out, "belongs to nobody:", key)
	}
	if r.UnownedObjects != nil && *r.UnownedObjects > 0 {
		fmt.Fprintf(out, "%d objects of %d bytes belong to no backup and to no archive: what a crash left, no damage\n", *r.UnownedObjects, r.UnownedBytes)
	}
	state := "all is well"
	if n := uint64(len(r.Problems)) + r.More; n > 0 {
		state = fmt.Sprintf("%d problems", n)
	}
	how := "looked at"
	if r.Deep {
		how = "read whole"
	}
	_, err := fmt.Fprintf(out, "%d objects of %d bytes %s: %s\n", r.Objects, r.Bytes, how, state)
	return err
}
