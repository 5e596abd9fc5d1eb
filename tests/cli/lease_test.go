package cli

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/tests/program"
)

// archiveIn renders the arguments of an archiver with a spool folder of its own.
func (d *desk) archiveIn(spool string, s *mysqltest.Server, more ...string) []string {
	args := d.source("archive", s, more...)
	for i := range args {
		if args[i] == "--spool" {
			args[i+1] = filepath.Join(d.folder, spool)
		}
	}
	return args
}

// startArchiver starts an archiver and waits until its head is in the store: from then on it
// holds the lease and its archive can be gone on with.
func (d *desk) startArchiver(spool string, s *mysqltest.Server) *program.Service {
	d.t.Helper()
	leases := len(find(d.t, d.storeFolder(), filepath.Join(instance, "lease", "*.json")))
	service := d.start(d.archiveIn(spool, s)...)
	mysqltest.Eventually(d.t, func() bool {
		if !service.Running() {
			d.t.Fatalf("the archiver ended by itself\n%s", service.Wait())
		}
		return len(find(d.t, d.storeFolder(), filepath.Join(instance, "lease", "*.json"))) > leases &&
			len(find(d.t, d.storeFolder(), filepath.Join(instance, "binlog", "*", "head.json"))) > 0
	}, "the archiver's lease and head")
	return service
}

// leaseLimit is the time without a beat after which a lease may be taken.
const leaseLimit = 15 * time.Second

func TestTwoArchivers(t *testing.T) {
	t.Parallel() // it waits more than it works
	source := sourceServer(t)
	smallShop(t, source)
	d := newDesk(t)
	held := refusal{code: 11, kind: "lease", says: []string{"another archiver"}}

	first := d.startArchiver("a", source)
	// With the same spool folder its lock tells at once.
	if o := d.refusedText(held, d.archiveIn("a", source)...); o.Took > 5*time.Second {
		t.Errorf("the second archiver in the same spool was told after %s", o.Took)
	}
	d.refusedJSON(held, d.archiveIn("a", source, "--until-idle")...)
	// With another one it is told as soon as the holder's beat is seen to change.
	if o := d.refusedJSON(held, d.archiveIn("b", source)...); o.Took > 2*leaseLimit {
		t.Errorf("the second archiver was told after %s", o.Took)
	}
	if !first.Running() {
		t.Fatalf("the first archiver ended\n%s", first.Wait())
	}

	// Killed, its lock proves its death: who comes with the same spool takes over at once.
	first.Kill()
	mysqltest.Exec(t, source, "INSERT INTO shop.t VALUES (3, 'c')")
	var result archiveResult
	if o := d.must(&result, d.archiveIn("a", source, "--until-idle")...); o.Took > 8*time.Second {
		t.Errorf("taking over from a dead archiver in the same spool took %s", o.Took)
	}
	result.check(t)

	// Ended cleanly, nobody has to wait for it, wherever they come from.
	second := d.startArchiver("a", source)
	if err := second.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if o := second.Wait(); o.Code != 130 {
		t.Errorf("an interrupted archiver\n%s", o)
	}
	if o := d.must(&result, d.archiveIn("b", source, "--until-idle")...); o.Took > 8*time.Second {
		t.Errorf("going on behind a clean end took %s", o.Took)
	}

	// Killed, and the next one comes from another machine: it waits for 15 s without a beat.
	third := d.startArchiver("a", source)
	third.Kill()
	mysqltest.Exec(t, source, "INSERT INTO shop.t VALUES (4, 'd')")
	o := d.must(&result, d.archiveIn("c", source, "--until-idle")...)
	if o.Took < leaseLimit-5*time.Second || o.Took > 3*leaseLimit {
		t.Errorf("taking over from a dead archiver of another spool took %s, want about %s", o.Took, leaseLimit)
	}
	result.check(t)
	d.works(d.source("backup", source)...)
	var listed listResult
	d.must(&listed, "list", "--store", d.store())
	listed.check(t, instance)
}

// An archiver that is robbed of its lease while it stands still stops by itself and leaves the
// archive to its successor.
func TestFrozenArchiverStopsWhenItWakes(t *testing.T) {
	t.Parallel() // it waits more than it works
	source := sourceServer(t)
	smallShop(t, source)
	d := newDesk(t)
	frozen := d.startArchiver("a", source)
	if err := frozen.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	successor := d.startArchiver("b", source)
	if err := frozen.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	mysqltest.Exec(t, source, "INSERT INTO shop.t VALUES (3, 'c')")
	mysqltest.Eventually(t, func() bool { return !frozen.Running() }, "the end of the archiver that lost its lease")
	o := frozen.Wait()
	d.checkOutput(o)
	if o.Code != 11 {
		t.Errorf("an archiver that lost its lease\n%s", o)
	}
	if !successor.Running() {
		t.Errorf("the successor ended\n%s", successor.Wait())
	}
	successor.Kill()
	var result archiveResult
	d.must(&result, d.archiveIn("b", source, "--until-idle")...)
}

// archiveResult is what scripts may rely on in the result of archive.
type archiveResult struct {
	Instance string    `json:"instance"`
	Segments *int64    `json:"segments"`
	Bytes    *int64    `json:"bytes"`
	End      *position `json:"end"`
	AsOf     string    `json:"as_of"`
}

func (r archiveResult) check(t *testing.T) {
	t.Helper()
	if r.Instance != instance || r.Segments == nil || r.Bytes == nil || r.End == nil || r.AsOf == "" {
		t.Errorf("the result of archive lacks fields: %+v", r)
		return
	}
	r.End.check(t, "end", "")
	parseTime(t, r.AsOf)
}
