package cli

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/tests/program"
)

// endsWithin is what "within seconds" means here: the machine may be busy.
const endsWithin = 10 * time.Second

// interrupted sends a signal and wants exit 130 within seconds, with the error told once.
func (d *desk) interrupted(s *program.Service, sig syscall.Signal, json bool) {
	d.t.Helper()
	sent := time.Now()
	if err := s.Signal(sig); err != nil {
		d.t.Fatal(err)
	}
	o := s.Wait()
	took := time.Since(sent)
	d.checkOutput(o)
	if o.Code != 130 || took > endsWithin {
		d.t.Errorf("%v: exit %d after %s, want 130 within %s\n%s", sig, o.Code, took, endsWithin, o)
	}
	if !json {
		if n := strings.Count("\n"+o.Stderr, "\ntripod: "); n != 1 || !strings.Contains(o.Stderr, "tripod: interrupted") {
			d.t.Errorf("%d lines tell of the interruption\n%s", n, o)
		}
		return
	}
	var document errorDocument
	if err := o.JSON(&document); err != nil || document.Error == nil {
		d.t.Errorf("no error in the document: %v\n%s", err, o)
	} else if document.Error.Code != 130 || document.Error.Kind != "interrupted" {
		d.t.Errorf("the document says %+v", *document.Error)
	}
}

func TestInterruptedArchiver(t *testing.T) {
	source := sourceServer(t)
	smallShop(t, source)
	d := newDesk(t)
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		d.interrupted(d.startArchiver("a", source), sig, false)
	}
	// What it had is not lost, and nobody waits for its lease.
	var result archiveResult
	if o := d.must(&result, d.archiveIn("b", source, "--until-idle")...); o.Took > 8*time.Second {
		t.Errorf("going on behind an interruption took %s", o.Took)
	}

	// What it had archived is told beside the error.
	other := newDesk(t)
	told := other.start(other.archiveIn("a", source, "--json")...)
	mysqltest.Eventually(t, func() bool {
		return len(find(t, other.storeFolder(), filepath.Join(instance, "binlog", "*", "head.json"))) > 0
	}, "the archive's head")
	other.interrupted(told, syscall.SIGINT, true)
	if o := told.Wait(); o.JSON(&result) != nil || result.Instance != instance || result.End == nil {
		t.Errorf("the document does not tell what was archived\n%s", o)
	}

	// The same when the source does not answer any more.
	proxy := mysqltest.Through(t, source)
	args := d.archiveIn("b", source, "--json")
	args[2] = proxy.URL(mysqltest.BackupUser)
	leases := len(d.leases())
	service := d.start(args...)
	mysqltest.Eventually(t, func() bool { return len(d.leases()) > leases }, "the archiver's lease")
	proxy.Stall()
	d.interrupted(service, syscall.SIGINT, true)

	// A second one ends it at once, and is told in JSON all the same.
	proxy.Resume()
	leases = len(d.leases())
	service = d.start(args...)
	mysqltest.Eventually(t, func() bool { return len(d.leases()) > leases }, "the archiver's lease")
	proxy.Stall()
	if err := service.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	d.interrupted(service, syscall.SIGINT, true)
}

func (d *desk) leases() []string {
	return find(d.t, d.storeFolder(), filepath.Join(instance, "lease", "*.json"))
}

// bigShop is a source whose backup takes a while.
func bigShop(t *testing.T, s *mysqltest.Server) {
	t.Helper()
	mysqltest.Exec(t, s, "CREATE DATABASE shop", "CREATE TABLE shop.big (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(200), n INT)", "INSERT INTO shop.big (v, n) VALUES (REPEAT('x', 200), 1)")
	for range 17 {
		mysqltest.Exec(t, s, "INSERT INTO shop.big (v, n) SELECT v, n + id FROM shop.big")
	}
}

func TestInterruptedBackup(t *testing.T) {
	source, target := sourceServer(t), targetServer(t)
	bigShop(t, source)
	d := newDesk(t)
	for _, stall := range []bool{false, true} {
		proxy := mysqltest.Through(t, source)
		args := d.source("backup", source, "--json")
		args[2] = proxy.URL(mysqltest.BackupUser)
		intents := len(d.intents())
		service := d.start(args...)
		mysqltest.Eventually(t, func() bool { return len(d.intents()) > intents || !service.Running() }, "the backup's intent")
		if stall {
			proxy.Stall()
		}
		d.interrupted(service, syscall.SIGINT, true)
	}
	var listed struct {
		Instances []struct{ Backups []any }
	}
	d.must(&listed, "list", "--store", d.store(), "--instance", instance)
	if len(listed.Instances) != 1 || len(listed.Instances[0].Backups) != 0 {
		t.Errorf("an interrupted backup is listed: %+v", listed)
	}
	d.works(d.source("backup", source)...)
	d.works(d.restore(target)...)
	if n := count(t, target, "SELECT COUNT(*) FROM shop.big"); n != 1<<17 {
		t.Errorf("%d rows restored, want %d", n, 1<<17)
	}
}

func (d *desk) intents() []string {
	return find(d.t, d.storeFolder(), filepath.Join(instance, "backups", "*", "intent.json"))
}

// An interrupted restore is gone on with by the same command; another wish is refused.
func TestInterruptedRestore(t *testing.T) {
	source, target := sourceServer(t), targetServer(t)
	bigShop(t, source)
	d := newDesk(t)
	d.works(d.source("backup", source)...)
	mysqltest.Exec(t, source, "UPDATE shop.big SET n = n + 1 WHERE id % 100 = 0", "CREATE TABLE shop.later (id INT PRIMARY KEY)")
	d.works(d.source("archive", source, "--until-idle")...)
	want := count(t, source, "SELECT SUM(CRC32(CONCAT_WS('#', id, v, n))) % 1000000007 FROM shop.big")

	proxy := mysqltest.Through(t, target)
	args := d.restore(target)
	args[len(args)-1] = proxy.URL(mysqltest.RestoreUser)
	service := d.start(append(args, "--json")...)
	mysqltest.Eventually(t, func() bool {
		return !service.Running() || count(t, target, "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema='shop' AND table_name='big'") > 0
	}, "the restore's first table")
	proxy.Stall()
	d.interrupted(service, syscall.SIGINT, true)
	proxy.Resume()
	d.refused(refusal{code: 1, kind: "target"}, append(args[:len(args):len(args)], "--events", "disable")...)
	d.again(args...)
	if got := count(t, target, "SELECT SUM(CRC32(CONCAT_WS('#', id, v, n))) % 1000000007 FROM shop.big"); got != want {
		t.Errorf("the restore that went on differs: %d, want %d", got, want)
	}
	if n := count(t, target, "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema='shop'"); n != 2 {
		t.Errorf("%d tables after the restore, want 2", n)
	}
}
