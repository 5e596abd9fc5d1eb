package dumper

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
)

// definitions wants every definition that the manifest names to be there, and the one that it names.
func (s *site) definitions(m *catalog.Manifest) {
	s.t.Helper()
	for _, o := range m.SchemaObjects() {
		if _, err := s.catalog.OpenNamedSchemaObject(s.t.Context(), m, o); err != nil {
			s.t.Error(err)
		}
	}
}

// loses deletes the first chunks of tables: what was read of these is void for whoever goes on with the backup.
func (s *site) loses(id string, tables ...string) {
	s.t.Helper()
	for _, table := range tables {
		if err := s.gate.Bucket.Delete(s.t.Context(), catalog.BackupKey(instanceName, id, chunkKey(table, 1))); err != nil {
			s.t.Error(err)
		}
	}
}

// TestDefinitionsOfAnotherProcessStay: a process stands still when it is about to store its definitions,
// another one finishes the backup behind an ALTER, and the first one wakes. Its definitions are older.
func TestDefinitionsOfAnotherProcessStay(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.shopOfThree()
	s.exec("CREATE VIEW d.v AS SELECT 1")
	soon := func(c *Config) { c.tuning.renewEvery = 100 * time.Millisecond }
	frozen, wakes := make(chan struct{}), make(chan struct{})
	wake := sync.OnceFunc(func() { close(wakes) })
	defer wake()
	sleeper := *s
	sleeper.gate = &gate{Bucket: s.gate.Bucket}
	sleeper.catalog = catalog.New(sleeper.gate)
	sleeper.log = &syncBuffer{}
	sleeper.gate.before(func(_ context.Context, key string) {
		if strings.HasSuffix(key, "/schema/d/table.t.sql") {
			sleeper.gate.before(func(context.Context, string) { <-wakes })
			close(frozen)
			<-wakes
		}
	})
	ended := make(chan error, 1)
	go func() {
		_, err := sleeper.tryBackUp(context.WithoutCancel(t.Context()), inChunks, soon)
		ended <- err
	}()
	<-frozen
	id := s.unfinished()
	s.loses(id, "d.t")
	s.exec("ALTER TABLE d.t ADD COLUMN w INT NOT NULL DEFAULT 7", "CREATE OR REPLACE VIEW d.v AS SELECT 2", "ALTER DATABASE d CHARACTER SET latin1")
	other := t.TempDir()
	var r *Result
	var m *catalog.Manifest
	// It takes the lease over, too.
	mysqltest.FailpointWhile(t, "binlog/archive/stale", "return(1000)", func() {
		r, m = s.backUp(inChunks, soon, func(c *Config) { c.SpoolDir = other })
	})
	if r.BackupID != id {
		t.Errorf("backup %s does not go on with %s", r.BackupID, id)
	}
	wake()
	if f := fault.Of(<-ended); f == nil || f.Kind != fault.KindLease || !strings.Contains(f.Error(), id) {
		t.Errorf("the one that stood still ended with %v", f)
	}
	s.definitions(m)
	s.exec("DROP VIEW d.v")
	target := mysqltest.Target(t)
	s.load(target, m)
	s.equal(target, "d")
}

// TestDefinitionsOfAKilledRun: what a killed run has stored of definitions is not written over: another
// text gets a key of its own, which the manifest names, and what it does not name is removed.
func TestDefinitionsOfAKilledRun(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.shopOfThree()
	s.exec("CREATE VIEW d.v AS SELECT 1", "CREATE VIEW d.gone AS SELECT 1", "CREATE VIEW d.same AS SELECT 1")
	id := ""
	s.gate.before(func(_ context.Context, key string) {
		if strings.HasSuffix(key, "/manifest.json") {
			id = s.unfinished()
			s.gate.kill(true)
		}
	})
	if _, err := s.tryDying(t.Context(), inChunks); err == nil || id == "" {
		t.Fatalf("the backup was not killed: %v", err)
	}
	s.gate.before(nil)
	s.gate.kill(false)
	s.endLease()
	s.loses(id, "d.t", "d.z")
	s.exec("ALTER TABLE d.t COMMENT 'changed'", "DROP TABLE d.z", "DROP VIEW d.gone", "CREATE OR REPLACE VIEW d.v AS SELECT 2",
		"ALTER DATABASE d CHARACTER SET latin1")
	r, m := s.backUp(inChunks)
	if r.BackupID != id || r.Adopted.Tables == 0 {
		t.Errorf("backup %s of %s adopted %+v", r.BackupID, id, r.Adopted)
	}
	s.definitions(m)
	s.clean(id, m)
	keys := map[string]string{"d.t": baseOf(t, m, "d.t").SchemaKey, "d.a": baseOf(t, m, "d.a").SchemaKey}
	for _, sc := range m.Schemas {
		keys[sc.Name] = sc.SchemaKey
	}
	for _, o := range m.Objects {
		keys[o.Name.String()] = o.SchemaKey
	}
	for name, want := range map[string]string{
		"d.a": "schema/d/table.a.sql", "d.same": "schema/d/view.same.sql",
		"d.t": "schema/d/table.t~", "d.v": "schema/d/view.v~", "d": "schema/d/database.d~",
	} {
		if !strings.HasPrefix(keys[name], want) {
			t.Errorf("the definition of %s lies under %q, want %s", name, keys[name], want)
		}
	}
}

// TestFinishedByAnother: whoever has finished the backup has removed its journal, and all that tells of
// the run that it began. The manifest tells, before anything more is stored.
func TestFinishedByAnother(t *testing.T) {
	for _, waits := range []bool{false, true} {
		t.Run(fmt.Sprintf("waits=%v", waits), func(t *testing.T) {
			s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
			s.shopOfThree()
			id, change := "", []func(*Config){inChunks}
			if waits {
				change = append(change, func(c *Config) { c.tuning.renewEvery = 20 * time.Millisecond })
			}
			s.gate.before(func(ctx context.Context, key string) {
				switch {
				case strings.HasSuffix(key, "/"+chunkKey("d.t", 6)) && id == "":
					id = s.unfinished()
					s.foreign(id)
					if err := s.catalog.RemoveJournal(context.WithoutCancel(ctx), instanceName, id); err != nil { // the backup may end as soon as the manifest is there
						t.Error(err)
					}
					if waits {
						select {
						case <-ctx.Done():
						case <-time.After(time.Minute):
							t.Error("the backup does not end by itself")
						}
					}
				case strings.Contains(key, "/schema/"), strings.HasSuffix(key, "/manifest.json"):
					t.Errorf("%s is stored behind the other's manifest", key)
				}
			})
			_, err := s.tryBackUp(t.Context(), change...)
			s.gate.before(nil)
			if f := fault.Of(err); err == nil || f.Kind != fault.KindLease || !strings.Contains(f.Error(), "has finished backup "+id) {
				t.Errorf("the backup ended with %v", err)
			}
			s.wantForeign(id)
		})
	}
}

// TestManifestStaysThoughAnotherRunBegan: a process that was taken for dead puts its manifest before the
// other one's run begins. That one leaves the backup alone; it is good, and stays.
func TestManifestStaysThoughAnotherRunBegan(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec(append([]string{"CREATE DATABASE d"}, fill("d.t", 15)...)...)
	id := ""
	bucket := &behindManifest{Bucket: s.gate, do: func(ctx context.Context) {
		ids, err := s.catalog.Backups(ctx, instanceName)
		if err != nil || len(ids) != 1 {
			t.Errorf("backups %v, %v", ids, err)
			return
		}
		id = ids[0]
		if err := s.catalog.PutJournal(ctx, instanceName, catalog.JournalPart{Backup: id, Run: 2}); err != nil {
			t.Error(err)
		}
		last, times := catalog.Intent{}, 0
		mysqltest.Eventually(t, func() bool {
			i, err := s.catalog.Intent(context.WithoutCancel(ctx), instanceName, id)
			if err != nil {
				t.Error(err)
			}
			if i.Renewed != last.Renewed {
				last, times = i, times+1
			}
			return times > 3 || ctx.Err() != nil
		}, "the intent is renewed")
	}}
	_, err := s.tryBackUp(t.Context(), inChunks, func(c *Config) {
		c.Catalog, c.tuning.renewEvery = catalog.New(bucket), 20*time.Millisecond
	})
	if err != nil || id == "" {
		t.Errorf("the backup ended with %v", err)
	}
	if there, err := s.catalog.HasManifest(t.Context(), instanceName, id); err != nil || !there {
		t.Errorf("the manifest is there: %v, %v", there, err)
	}
}

// TestManifestThatIsLeftIsToldFirst: what has to be done by hand comes before why the backup failed.
func TestManifestThatIsLeftIsToldFirst(t *testing.T) {
	b := &backup{id: "b"}
	lost := b.takenOver("goes on with")
	plain := errors.New("the store does not answer")
	left := fault.New(fault.CodeFailed, fault.KindStore, "delete it", "backup b failed and %w: %w", errManifestLeft, plain)
	for _, c := range []struct {
		err  error
		kind fault.Kind
	}{
		{left, fault.KindStore},
		{plain, fault.KindLease},
		{fault.New(fault.CodeFailed, fault.KindTimeout, "", "late: %w", plain), fault.KindLease},
		{fmt.Errorf("read: %w", lost), fault.KindLease},
	} {
		r := &renewing{cancel: func(error) {}, done: make(chan error, 1)}
		r.done <- lost
		got := r.end(c.err)
		if f := fault.Of(got); f == nil || f.Kind != c.kind {
			t.Errorf("%v became %v", c.err, got)
		}
		if !errors.Is(got, c.err) || !errors.Is(got, lost) || strings.Count(got.Error(), "another tripod") != 1 {
			t.Errorf("%v became %v", c.err, got)
		}
	}
	r := &renewing{cancel: func(error) {}, done: make(chan error, 2)}
	r.done <- lost
	r.done <- nil
	if err := r.end(nil); err != nil {
		t.Errorf("a backup that is complete ended with %v", err)
	}
	if err := r.end(plain); !errors.Is(err, plain) || errors.Is(err, lost) {
		t.Errorf("a backup that was not taken over ended with %v", err)
	}
}

// behindGet is a store that calls do behind each get.
type behindGet struct {
	storage.Bucket
	do func(key string)
}

func (b *behindGet) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	r, err := b.Bucket.Get(ctx, key, offset, length)
	b.do(key)
	return r, err
}

// TestTwoTakeOver: whoever looks for a sign of life sees that of the process that was killed. Of the one
// that has begun to go on with the backup meanwhile, or has finished it, it sees none, and leaves it alone.
func TestTwoTakeOver(t *testing.T) {
	for _, c := range []struct {
		name  string
		other func(s *site, id string)
		run   uint64 // that is not begun
	}{
		{"another run has begun", func(s *site, id string) {
			if err := s.catalog.PutJournal(s.t.Context(), instanceName, catalog.JournalPart{Backup: id, Run: 2}); err != nil {
				s.t.Error(err)
			}
		}, 3},
		{"it has come to its end", func(s *site, id string) { s.foreign(id) }, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
			s.shopOfThree()
			id := s.killedAt("d.t", 6)
			reads, other := 0, t.TempDir()
			bucket := &behindGet{Bucket: s.gate, do: func(key string) {
				if key != catalog.IntentKey(instanceName, id) {
					return
				}
				if reads++; reads == 2 { // the first one was to see what backup it is
					c.other(s, id)
				}
			}}
			r, m := s.backUp(inChunks, func(c *Config) {
				c.Catalog, c.SpoolDir, c.tuning.renewEvery = catalog.New(bucket), other, 20*time.Millisecond
			})
			if r.BackupID == id || r.Adopted != (Adopted{}) || reads < 2 {
				t.Errorf("backup %s of %s adopted %+v", r.BackupID, id, r.Adopted)
			}
			if begun, err := s.catalog.HasRun(t.Context(), instanceName, id, c.run); err != nil || begun {
				t.Errorf("run %d is begun: %v, %v", c.run, begun, err)
			}
			s.definitions(m)
		})
	}
}

// lastManifest is a store that puts manifests whether or not there is one, and calls do behind that.
type lastManifest struct {
	storage.Bucket
	do func()
}

func (b *lastManifest) PutIfAbsent(ctx context.Context, key string, body io.Reader, size int64) error {
	if strings.HasSuffix(key, "/manifest.json") {
		return storage.ErrNoConditionalPut
	}
	return b.Bucket.PutIfAbsent(ctx, key, body, size)
}

func (b *lastManifest) Put(ctx context.Context, key string, body io.Reader, size int64) error {
	err := b.Bucket.Put(ctx, key, body, size)
	if strings.HasSuffix(key, "/manifest.json") && err == nil {
		b.do()
	}
	return err
}

// TestManifestThatAnotherOneReplaced: without put-if-absent two processes may both put their manifest. What
// the one that lies there names is not removed.
func TestManifestThatAnotherOneReplaced(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.shopOfThree()
	id := s.killedAt("d.t", 6)
	others := catalog.BackupKey(instanceName, id, "data/d/t/00000099.tsv.zst")
	body := "the other process's"
	if err := s.gate.Bucket.Put(t.Context(), others, strings.NewReader(body), int64(len(body))); err != nil {
		t.Fatal(err)
	}
	replace := sync.OnceFunc(func() {
		if err := s.gate.Bucket.Delete(t.Context(), catalog.ManifestKey(instanceName, id)); err != nil {
			t.Error(err)
		}
		s.foreign(id)
	})
	if _, err := s.tryBackUp(t.Context(), inChunks, func(c *Config) { c.Catalog = catalog.New(&lastManifest{s.gate, replace}) }); err != nil {
		t.Error(err)
	}
	s.wantForeign(id)
	if !strings.Contains(s.log.String(), "has finished backup "+id) {
		t.Error("the log does not tell whose manifest it is")
	}
	if _, err := s.gate.Bucket.Stat(t.Context(), others); err != nil {
		t.Errorf("a chunk of the other one is gone: %v", err)
	}
	if parts, err := s.catalog.Journal(t.Context(), instanceName, id); err != nil || len(parts) == 0 {
		t.Errorf("the journal is gone: %v", err)
	}
}
