package pitr

import (
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/storage/catalog"
	"github.com/tripod-db/tripod/storage/storagetest"
)

// TestADamagedManifestLeavesTheOtherBackups: what another backup serves is restored, with a
// warning; what none does is refused by the damage, and the hint names the others.
func TestADamagedManifestLeavesTheOtherBackups(t *testing.T) {
	s := simple(t, permissive, "d")
	early := s.position()
	s.on("INSERT INTO d.t VALUES (2)")
	take := func() string {
		b := s.begin()
		b.schema("d")
		b.table("d.t", "")
		b.table("d.heap", "")
		b.objectsOf("d")
		return b.end()
	}
	second, third := take(), take()
	damage := func(id string) {
		key := catalog.ManifestKey(instance, id)
		text := storagetest.Get(t, s.catalog.Bucket(), key)
		storagetest.Put(t, s.catalog.Bucket(), key, text[:len(text)/2])
	}
	damage(third)
	p, result, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
	if f := finding(p, "manifest"); p.BackupID != second || f == nil || f.Level != LevelWarning || !strings.Contains(f.Message, third) {
		t.Errorf("backup %s, findings %+v", p.BackupID, p.Findings)
	}
	if len(result.Warnings) != 1 || !strings.Contains(result.Warnings[0], third) {
		t.Errorf("warnings %q", result.Warnings)
	}
	_, _, err = s.restore(Wish{Backup: third, Force: true})
	s.wantFault(err, fault.CodeDifference, fault.KindIntegrity, third)

	ids, err := s.catalog.Backups(t.Context(), instance)
	s.must(err)
	damage(ids[0])
	_, _, err = s.restore(Wish{Stop: stopAt(early), Force: true})
	s.wantFault(err, fault.CodeDifference, fault.KindIntegrity, "--backup "+second)
	damage(second)
	_, _, err = s.restore(Wish{Stop: binlog.StopPoint{}, Force: true})
	s.wantFault(err, fault.CodeDifference, fault.KindIntegrity, ids[0])
	mysqltest.Exec(t, s.dest, "DROP DATABASE d")
}

// TestAnotherDefinitionThanTheManifestNames: a text that is whole, but not the one that the backup read, is
// not what its rows belong to.
func TestAnotherDefinitionThanTheManifestNames(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1)")
	b := s.begin()
	b.schema("d")
	base := b.table("d.t", "")
	base.SchemaSHA256 = catalog.TextSHA256(s.row("SHOW CREATE TABLE d.t")[1])
	s.on("ALTER TABLE d.t ADD CHECK (id > 0)")
	later := s.row("SHOW CREATE TABLE d.t")[1]
	s.on("ALTER TABLE d.t DROP CHECK t_chk_1")
	b.end()
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
	s.must(s.catalog.PutSchemaObject(t.Context(), instance, b.ID, base.SchemaKey, []byte(later)))
	_, _, err = s.restore(Wish{Force: true})
	s.wantFault(err, fault.CodeDifference, fault.KindIntegrity, base.SchemaKey)
	if got := s.query(s.dest.Root(), "SELECT COUNT(*) FROM d.t")[0][0]; got != "1" {
		t.Errorf("the refused restore has touched the target: %s rows", got)
	}
}
