package byhand

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/tests/truth"
)

// TestPage makes one store, from which the page is followed in several ways.
func TestPage(t *testing.T) {
	s := makeStore(t)
	target := mysqltest.Target(t)
	t.Run("restores without tripod", func(t *testing.T) { restoresWithoutTripod(t, s, target) })
	t.Run("names the rights that are needed", func(t *testing.T) { namesTheRights(t, s, target) })
	t.Run("stops at damage and at what it cannot make", func(t *testing.T) { stopsAtDamage(t, s, target) })
}

// equals compares the target with the source, and wants nothing of the table that is not exact.
func (d *desk) equals() {
	d.t.Helper()
	got, err := truth.Take(d.t.Context(), d.target.Root(), restored...)
	if err != nil {
		d.t.Fatal(err)
	}
	want := d.store.truth
	if diff := want.Differences(got); len(diff) > 0 {
		d.t.Errorf("the target differs from the source:\n%s", strings.Join(diff[:min(len(diff), 12)], "\n"))
	}
	if diff := want.DefinerDifferences(got, keeper.Name+"@%", true, nil); len(diff) > 0 {
		d.t.Errorf("definers differ:\n%s", strings.Join(diff, "\n"))
	}
}

// Two backups of one source: the first while it was written to, in zstd; the second in gzip.
func restoresWithoutTripod(t *testing.T, s *store, target *mysqltest.Server) {
	d := newDesk(t, s, target)
	said := d.works(s.zstd)
	d.equals()
	if !strings.Contains(said, "not exact by hand, left out: `noise`.`busy`\n") || strings.Count(said, "left out") != 1 {
		t.Errorf("it does not say which table it leaves out, and only that:\n%s", said)
	}
	var tables int
	if err := target.Root().QueryRowContext(t.Context(), "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'noise'").Scan(&tables); err != nil || tables != 0 {
		t.Errorf("schema noise has %d tables (%v)", tables, err)
	}
	d.sameFiles()

	d = newDesk(t, s, target)
	if said := d.works(s.gzip); strings.Contains(said, "left out") {
		t.Errorf("of a quiet source something is left out:\n%s", said)
	}
	d.equals()
}

// sameFiles compares the joined files with the source's.
func (d *desk) sameFiles() {
	d.t.Helper()
	s, several := d.store, 0
	for _, path := range s.closed {
		want, err := os.ReadFile(path)
		if err != nil {
			d.t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(d.work, filepath.Base(path)))
		if err != nil {
			d.t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			d.t.Errorf("the segments of %s, joined, are %d bytes; the source's file has %d, and they are not the same", filepath.Base(path), len(got), len(want))
		}
		segments, err := filepath.Glob(filepath.Join(s.folder, instance, "binlog", "*", strings.ReplaceAll(filepath.Base(path), ".", "%2E"), "*.seg"))
		if err != nil {
			d.t.Fatal(err)
		}
		several = max(several, len(segments))
	}
	if len(s.closed) < 2 || several < 2 {
		d.t.Errorf("%d closed files with up to %d segments prove nothing", len(s.closed), several)
	}
}

func namesTheRights(t *testing.T, s *store, target *mysqltest.Server) {
	for _, c := range []struct {
		scheduler string
		without   []string
	}{
		{"ON", []string{"SYSTEM_VARIABLES_ADMIN"}},
		{"OFF", []string{"SESSION_VARIABLES_ADMIN", "SYSTEM_VARIABLES_ADMIN"}}, // either is enough
		{"OFF", []string{"REPLICATION_APPLIER"}},
		{"OFF", []string{"SET_ANY_DEFINER"}},
	} {
		mysqltest.Exec(t, target, "SET GLOBAL event_scheduler = "+c.scheduler)
		newDesk(t, s, target, c.without...).stops(s.folder, s.zstd, "ERROR 1227")
	}
}

func stopsAtDamage(t *testing.T, s *store, target *mysqltest.Server) {
	newDesk(t, s, target).stops(s.folder, s.altered, "in the time of the backup: ALTER TABLE noise.busy")
	backup := filepath.Join(instance, "backups", s.zstd)
	for _, c := range []struct {
		pattern string
		change  func(path string) error
		why     string
	}{
		{filepath.Join(backup, "manifest.json"), flip, "STOP: the manifest was changed"},
		{filepath.Join(backup, "schema", "shop", "table.kinds.sql"), flip, "table.kinds.sql was changed"},
		{filepath.Join(backup, "data", "shop", "orders", "00000002.tsv.zst"), flip, "orders/00000002.tsv.zst: FAILED"},
		{filepath.Join(backup, "data", "shop", "orders", "00000003.tsv.zst"), os.Remove, "No such file"},
		{filepath.Join(instance, "binlog", "*", "binlog%2E000001", "*0-*.seg"), os.Remove, "are not in the archive"},
	} {
		copied := filepath.Join(t.TempDir(), "store")
		if err := os.CopyFS(copied, os.DirFS(s.folder)); err != nil {
			t.Fatal(err)
		}
		found, err := filepath.Glob(filepath.Join(copied, c.pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("nothing is called %s (%v)", c.pattern, err)
		}
		if err := c.change(found[0]); err != nil {
			t.Fatal(err)
		}
		newDesk(t, s, target).stops(copied, s.zstd, c.why)
	}
}

// flip changes one byte in the middle of a file.
func flip(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text[len(text)/2] ^= 1
	return os.WriteFile(path, text, 0o600)
}
