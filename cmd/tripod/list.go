package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/pitr"
	"github.com/tripod-db/tripod/storage/catalog"
)

type listCommand struct {
	store, instance string
	maxLag          time.Duration
	limited         bool // --max-lag was given
}

// listResult is the JSON of `tripod list`.
type listResult struct {
	Instances []listedInstance `json:"instances"`
}

type listedInstance struct {
	Name        string          `json:"name"`
	Backups     []listedBackup  `json:"backups"`
	Recoverable []pitr.Range    `json:"recoverable"`
	Ends        []pitr.RangeEnd `json:"ends"`
	Holes       []listedHole    `json:"holes"`
	AsOf        binlog.Time     `json:"as_of,omitzero"`
}

type listedBackup struct {
	ID              string       `json:"id"`
	RecoverableFrom binlog.Point `json:"recoverable_from"`
	BytesStored     uint64       `json:"bytes_stored"`
	Rows            uint64       `json:"rows"`
}

type listedHole struct {
	Timeline binlog.Timeline `json:"timeline"`
	From     binlog.Position `json:"from"`
	To       binlog.Position `json:"to"`
	Found    binlog.Time     `json:"found"`
	Reason   string          `json:"reason"`
}

func newList(inv *invocation) *cobra.Command {
	c := &listCommand{}
	cmd := &cobra.Command{
		Use:   "list --store URL",
		Short: "List backups, and which moments can be had back",
		Long: `List the backups of a store, the ranges of stop points that can be had back, and what ends
them: holes, and changes that no restore can replay. Such a change ends the range of its
tables; behind it they can be had from a later backup only, the others with --exclude.

With --max-lag it ends with exit 1 when the archive of an instance is complete only up to an
older moment than that (as_of), or the instance has no archive; the list is printed all the same.
` + exitStatus,
		Example: `  tripod list --store file:///backups
  tripod list --store file:///backups --instance shop --max-lag 60s --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c.limited = cmd.Flags().Changed("max-lag")
			return c.run(cmd.Context(), inv)
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.store, "store", "", "store, `URL` file:///path")
	f.StringVar(&c.instance, "instance", "", "only the instance of this `NAME`")
	f.DurationVar(&c.maxLag, "max-lag", 0, "fail when an archive is complete only up to a moment longer ago than this")
	mustHave(cmd, "store")
	return cmd
}

func (c *listCommand) run(ctx context.Context, inv *invocation) (err error) {
	if c.maxLag < 0 {
		return fault.New(fault.CodeUsage, fault.KindUsage, "write --max-lag 60s", "--max-lag %s is negative", c.maxLag)
	}
	cat, closeStore, err := inv.openStore(c.store, false)
	if err != nil {
		return err
	}
	defer closing(&err, closeStore)
	result := listResult{Instances: []listedInstance{}}
	var damage damages
	names, err := c.names(ctx, cat, &damage)
	if err != nil {
		return err
	}
	for _, name := range names {
		listed, err := listInstance(ctx, cat, name, &damage)
		if err = damage.note(err); err != nil {
			return ctxErr(ctx, err)
		}
		result.Instances = append(result.Instances, listed)
	}
	inv.result = result
	if !inv.global.json {
		if err := result.print(inv.st.out); err != nil {
			return err
		}
	}
	if c.limited {
		damage = append(damage, result.late(c.maxLag, time.Now()))
	}
	return errors.Join(damage...)
}

// names are those of the instances to list. One whose instance.json is lost is there all the same.
func (c *listCommand) names(ctx context.Context, cat *catalog.Catalog, damage *damages) ([]string, error) {
	if c.instance != "" {
		return []string{c.instance}, nil
	}
	folders, err := cat.Folders(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range folders {
		switch {
		case f.Holds && f.Name != "":
			names = append(names, f.Name)
		case f.Holds && f.Problem != nil:
			if err := damage.note(f.Problem); err != nil {
				return nil, err
			}
		}
	}
	if len(names) == 0 && c.limited && len(*damage) == 0 {
		return nil, fault.New(fault.CodeNotFound, fault.KindNotFound, "check --store, and that what should be mounted there is", "the store holds no instance")
	}
	return names, nil
}

// damages are the faults of single objects of a store; they end a listing, but not at once: in a
// disaster the rest is what counts.
type damages []error

// note keeps damage, and returns any other error.
func (d *damages) note(err error) error {
	if err == nil {
		return nil
	}
	if kind := fault.Of(err).Kind; kind != fault.KindIntegrity && kind != fault.KindVersion {
		return err
	}
	*d = append(*d, err)
	return nil
}

func listInstance(ctx context.Context, cat *catalog.Catalog, name string, damage *damages) (listedInstance, error) {
	out := listedInstance{Name: name, Backups: []listedBackup{}, Recoverable: []pitr.Range{}, Ends: []pitr.RangeEnd{}, Holes: []listedHole{}}
	if _, err := cat.Instance(ctx, name); err != nil {
		if err := damage.note(err); err != nil {
			return out, err
		}
	}
	ids, err := cat.FoundBackups(ctx, name)
	if err != nil {
		return out, err
	}
	var manifests []*catalog.Manifest
	for _, id := range ids {
		m, err := cat.Manifest(ctx, name, id)
		if err != nil {
			if err := damage.note(err); err != nil {
				return out, err
			}
			continue
		}
		b := listedBackup{ID: id, RecoverableFrom: m.RecoverableFrom}
		for _, n := range m.Names {
			b.Rows += n.RowCount
			for _, ch := range n.Chunks {
				b.BytesStored += ch.BytesStored
			}
		}
		out.Backups = append(out.Backups, b)
		manifests = append(manifests, m)
	}
	reader := archive.Open(cat, name)
	line, err := reader.Line(ctx)
	if err = damage.note(err); err != nil {
		return out, err
	}
	// The last one, not the greatest: the source's clock can have been set back.
	for _, stretch := range line {
		if stretch.AsOf != 0 {
			out.AsOf = stretch.AsOf
		}
	}
	// Without what ends ranges no range can be promised.
	ranges, ends, err := pitr.Recoverable(ctx, reader, manifests, line)
	if err = damage.note(err); err != nil {
		return out, err
	}
	out.Recoverable, out.Ends = append(out.Recoverable, ranges...), append(out.Ends, ends...)
	holes, err := cat.Holes(ctx, name)
	if err = damage.note(err); err != nil {
		return out, err
	}
	for _, h := range holes {
		out.Holes = append(out.Holes, listedHole{Timeline: h.From.Timeline, From: h.From, To: h.To, Found: h.Found, Reason: h.Reason})
	}
	return out, nil
}

// late is exit 1 for archives that are older than --max-lag, or are not there at all: all of them
// are named.
func (r *listResult) late(maxLag time.Duration, now time.Time) error {
	var messages []string
	hint := "see whether tripod archive is running, and its log"
	for _, i := range r.Instances {
		switch {
		case i.AsOf == 0:
			messages = append(messages, "instance "+i.Name+" has no archive")
			hint = "start tripod archive for each of them"
		case now.Sub(i.AsOf.Std()) > maxLag:
			messages = append(messages, fmt.Sprintf("the archive of instance %s is complete only up to %s, %s ago", i.Name, i.AsOf, now.Sub(i.AsOf.Std()).Round(time.Second)))
		}
	}
	if len(messages) == 0 {
		return nil
	}
	return fault.New(fault.CodeFailed, fault.KindRange, hint, "%s", strings.Join(messages, "; "))
}

func (r *listResult) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 2, 8, 2, ' ', 0)
	for _, i := range r.Instances {
		asOf := "nothing archived"
		if i.AsOf != 0 {
			asOf = "archived as of " + i.AsOf.String()
		}
		fmt.Fprintf(w, "instance %s: %s\n", i.Name, asOf)
		for _, b := range i.Backups {
			fmt.Fprintf(w, "  backup\t%s\t%d rows\t%d bytes\trecoverable from %s\n", b.ID, b.Rows, b.BytesStored, pointText(b.RecoverableFrom))
		}
		for _, s := range i.Recoverable {
			fmt.Fprintf(w, "  recoverable\tfrom %s\tto %s\n", pointText(s.From), pointText(s.To))
		}
		for _, e := range i.Ends {
			fmt.Fprintf(w, "  ENDS\tat %s\tfor %s\t%s\tbackups %s\n", pointText(e.Position), e.Name, e.Reason, strings.Join(e.Backups, ", "))
		}
		for _, h := range i.Holes {
			fmt.Fprintf(w, "  HOLE\tfrom %s\tto %s\t%s\n", h.From, h.To, h.Reason)
		}
	}
	return w.Flush()
}

func pointText(p binlog.Point) string {
	if p.Time == 0 {
		return p.Position.String()
	}
	return fmt.Sprintf("%s (%s)", p.Position, p.Time)
}
