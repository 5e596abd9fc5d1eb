package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

const instance = "shop"

// ignoreDeadlock drops what every application meets and repeats: deadlocks, lock waits.
func ignoreDeadlock(err error) error {
	if mysqltest.IsError(err, 1213) || mysqltest.IsError(err, 1205) {
		return nil
	}
	return err
}

func (d *demo) store() string { return "file://" + filepath.Join(d.folder, "store") }

func (d *demo) sourceArgs(command string) []string {
	return []string{
		command, "--source", d.source.URL(mysqltest.BackupUser), "--store", d.store(), "--instance", instance,
		"--spool", filepath.Join(d.folder, "spool"),
	}
}

func (d *demo) command(ctx context.Context, args ...string) *exec.Cmd {
	fmt.Fprintf(d.out, "          $ tripod %s\n", strings.ReplaceAll(strings.Join(args, " "), d.folder, "..."))
	cmd := exec.CommandContext(ctx, d.binary, args...)
	cmd.Env = d.env
	return cmd
}

// must runs tripod to its end and reads its JSON result.
func (d *demo) must(ctx context.Context, result any, args ...string) error {
	cmd := d.command(ctx, args...)
	cmd.Args = append(cmd.Args, "--json")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("tripod %s: %w\n%s\n%s", args[0], err, out, errs.String())
	}
	return json.Unmarshal(out, result)
}

// archiver is the daemon beside the story.
type archiver struct {
	cmd  *exec.Cmd
	logs bytes.Buffer
	done chan struct{}
}

func (d *demo) startArchiver(ctx context.Context) (*archiver, error) {
	d.say("the archiver begins; from now on the binlog lands in the store every second")
	a := &archiver{cmd: d.command(ctx, d.sourceArgs("archive")...), done: make(chan struct{})}
	a.cmd.Stdout, a.cmd.Stderr = &a.logs, &a.logs
	if err := a.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(a.done)
		_ = a.cmd.Wait() // an end before its time shows in the story: the archive stops growing
	}()
	return a, nil
}

func (a *archiver) kill() {
	_ = a.cmd.Process.Kill() // it may have ended already
	<-a.done
}

// backup runs the backup while an ALTER and a cut-over in the way of gh-ost come in.
func (d *demo) backup(ctx context.Context, clerks *clerks) error {
	d.say("the backup begins, no lock, while %d clerks write", 4)
	var result struct {
		Seconds float64 `json:"seconds"`
		Rows    int64   `json:"rows"`
		Tables  []struct {
			Name      string
			ReadAgain []struct{ Reason, Statement string } `json:"read_again"`
		} `json:"tables"`
	}
	before := clerks.committed.Load()
	done := make(chan error, 1)
	go func() { done <- d.must(ctx, &result, append(d.sourceArgs("backup"), "--threads", "2")...) }()
	err := d.changeTables(ctx)
	if err := errors.Join(<-done, err); err != nil {
		return err
	}
	again := 0
	for _, t := range result.Tables {
		for _, r := range t.ReadAgain {
			again++
			d.say("    %s was read again: %s", t.Name, r.Reason)
		}
	}
	d.say("the backup is done: %d tables, %d rows in %.1f s; %d tables read again; %d transactions were committed meanwhile",
		len(result.Tables), result.Rows, result.Seconds, again, clerks.committed.Load()-before)
	return nil
}

// changeTables waits for the backup's floor and then changes tables under its hands.
func (d *demo) changeTables(ctx context.Context) error {
	for {
		found, err := filepath.Glob(filepath.Join(d.folder, "store", instance, "backups", "*", "intent.json"))
		if err != nil {
			return err
		}
		if len(found) > 0 {
			break
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(5 * time.Millisecond):
		}
	}
	d.say("    meanwhile: ALTER TABLE orders ADD COLUMN, and a swap of stock in the way of gh-ost")
	return d.source.Exec(ctx,
		"ALTER TABLE shop.orders ADD COLUMN note VARCHAR(30) DEFAULT 'new' AFTER total",
		"CREATE TABLE shop._stock_gho LIKE shop.stock",
		"ALTER TABLE shop._stock_gho ADD COLUMN shelf INT DEFAULT 1",
		"INSERT IGNORE INTO shop._stock_gho (sku, pieces, price) SELECT sku, pieces, price FROM shop.stock",
		"RENAME TABLE shop.stock TO shop._stock_del, shop._stock_gho TO shop.stock",
		"DROP TABLE shop._stock_del",
	)
}

// awaitArchive ends the archiver once the archive holds all that the source had.
func (d *demo) awaitArchive(ctx context.Context, a *archiver) error {
	if err := a.cmd.Process.Signal(os.Interrupt); err != nil {
		return fmt.Errorf("interrupt the archiver: %w\n%s", err, a.logs.String())
	}
	<-a.done
	var result struct{ Segments int }
	return d.must(ctx, &result, append(d.sourceArgs("archive"), "--until-idle")...)
}

func (d *demo) restore(ctx context.Context, moment string) error {
	d.say("the restore of the moment before the mistake, into the other server, by a user with rights on the schema shop only")
	var result struct {
		Seconds      struct{ Load, Replay, Finish, Total float64 }
		Rows         int64 `json:"rows_loaded"`
		Transactions int64 `json:"transactions_replayed"`
	}
	err := d.must(ctx, &result, "restore", "--store", d.store(), "--instance", instance, "--target", d.target.URL(mysqltest.RestoreUser), "--to-time", moment)
	if err != nil {
		return err
	}
	d.say("restored: %d rows loaded in %.1f s, %d transactions replayed in %.1f s", result.Rows, result.Seconds.Load, result.Transactions, result.Seconds.Replay)
	return nil
}
