// Command demo tells tripod's main story on real servers: a shop that never stops writing, an
// archiver, a backup beside it while tables are altered and swapped, a DROP by mistake, and the
// restore of the moment before it into another server. It ends with a table that compares every
// table's rows and checksum with what the source held at that moment.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/tests/truth"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// demo is one telling of the story.
type demo struct {
	binary         string
	folder         string
	out            io.Writer
	source, target *mysqltest.Server
	env            []string
	began          time.Time
}

func run(ctx context.Context) (err error) {
	d := &demo{out: os.Stdout, began: time.Now()}
	flag.StringVar(&d.binary, "tripod", "bin/tripod", "the program that is shown")
	keep := flag.Bool("keep", false, "keep the store for a look at it")
	flag.Parse()
	if d.folder, err = os.MkdirTemp("", "tripod-demo-"); err != nil {
		return err
	}
	if *keep {
		defer fmt.Fprintln(d.out, "\nThe store is kept in", filepath.Join(d.folder, "store"))
	} else {
		defer func() { err = errors.Join(err, os.RemoveAll(d.folder)) }()
	}
	install, err := mysqltest.Find(mysqltest.MySQL97)
	if err != nil {
		return err
	}
	d.say("starting two MySQL servers: a source with GTIDs, and an empty target")
	for _, s := range []struct {
		into    **mysqltest.Server
		options mysqltest.Options
	}{
		{&d.source, mysqltest.Options{GTID: true}},
		{&d.target, mysqltest.Options{Relaxed: true, LocalInfile: true, TrustFunctionCreators: true}},
	} {
		server, err := install.Start(ctx, s.options)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, server.Stop(context.WithoutCancel(ctx))) }()
		*s.into = server
	}
	return d.story(ctx)
}

func (d *demo) say(format string, args ...any) {
	fmt.Fprintf(d.out, "%6.1f s  %s\n", time.Since(d.began).Seconds(), fmt.Sprintf(format, args...))
}

func (d *demo) story(ctx context.Context) error {
	if err := d.users(ctx); err != nil {
		return err
	}
	d.say("filling the shop: customers, orders, items, stock, visits (no key), and what hangs on them")
	if err := openShop(ctx, d.source.Root()); err != nil {
		return fmt.Errorf("open the shop: %w", err)
	}
	clerks := startClerks(ctx, d.source.Root(), 4)
	defer clerks.goHome() //nolint:errcheck // told by the call at the end of the story
	archiver, err := d.startArchiver(ctx)
	if err != nil {
		return err
	}
	defer archiver.kill()
	if err := d.backup(ctx, clerks); err != nil {
		return err
	}
	moment, want, err := d.mistake(ctx, clerks)
	if err != nil {
		return err
	}
	if err := clerks.goHome(); err != nil {
		return fmt.Errorf("write to the shop: %w", err)
	}
	d.say("the clerks committed %d transactions; the longest of them took %s", clerks.committed.Load(), clerks.longest().Round(time.Millisecond))
	if err := d.awaitArchive(ctx, archiver); err != nil {
		return err
	}
	if err := d.restore(ctx, moment); err != nil {
		return err
	}
	return d.compare(ctx, want)
}

// users makes the two accounts that tripod works with: no SUPER, no locks, no more than it needs.
func (d *demo) users(ctx context.Context) error {
	backup, err := d.source.CreateBackupUser(ctx)
	if err != nil {
		return err
	}
	restore, err := d.target.CreateRestoreUser(ctx, shop)
	if err != nil {
		return err
	}
	d.env = append(os.Environ(), "TRIPOD_SOURCE_PASSWORD="+backup.Password, "TRIPOD_TARGET_PASSWORD="+restore.Password)
	return nil
}

// mistake notes the moment, takes the truth of it while the clerks pause, and drops a table.
func (d *demo) mistake(ctx context.Context, clerks *clerks) (string, *truth.Truth, error) {
	clerks.gate.Lock()
	defer clerks.gate.Unlock()
	want, err := truth.Take(ctx, d.source.Root(), shop)
	if err != nil {
		return "", nil, err
	}
	var moment string
	if err := d.source.Root().QueryRowContext(ctx, "SELECT DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%dT%H:%i:%s.%fZ')").Scan(&moment); err != nil {
		return "", nil, fmt.Errorf("read the source's clock: %w", err)
	}
	d.say("%s: somebody types DROP TABLE orders on the wrong server", moment)
	if err := d.source.Exec(ctx, "SET foreign_key_checks=0; DROP TABLE shop.orders; SET foreign_key_checks=1"); err != nil {
		return "", nil, err
	}
	return moment, want, nil
}

func (d *demo) compare(ctx context.Context, want *truth.Truth) error {
	got, err := truth.Take(ctx, d.target.Root(), shop)
	if err != nil {
		return err
	}
	restored := map[string]truth.Table{}
	for _, t := range got.Tables() {
		restored[t.Name] = t
	}
	fmt.Fprintln(d.out)
	w := tabwriter.NewWriter(d.out, 2, 8, 2, ' ', 0)
	fmt.Fprintln(w, "table\trows then\trows restored\tchecksum then\tchecksum restored\t")
	for _, t := range want.Tables() {
		r, verdict := restored[t.Name], "equal"
		if r != t {
			verdict = "DIFFERENT"
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%.16s\t%.16s\t%s\n", t.Name, t.Rows, r.Rows, t.SHA256, r.SHA256, verdict)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if differences := want.Differences(got); len(differences) > 0 {
		for _, line := range differences[:min(20, len(differences))] {
			fmt.Fprintln(d.out, line)
		}
		return errors.New("the restored shop differs from the shop before the mistake")
	}
	fmt.Fprintln(d.out, "\nEvery table, view, routine, trigger and event equals what the source held before the mistake.")
	return nil
}
