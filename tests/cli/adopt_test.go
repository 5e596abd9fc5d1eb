package cli

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// adoptedResult is what a backup tells of a killed one.
type adoptedResult struct {
	ID      string `json:"backup_id"`
	Rows    int
	Adopted *struct{ Tables, Chunks, Rows int }
}

// slowly has chunks be small and come one after the other, and the journal follow at once.
func (d *desk) slowly(more string) *desk {
	const dumper = "github.com/tripod-db/tripod/dumper/"
	return d.with(fmt.Sprintf("GO_FAILPOINTS=%[1]schunkRows=return(400);%[1]sbetweenChunks=sleep(30);%[1]sjournalOften=return(1)%[2]s", dumper, more))
}

// stopAt is a failpoint at which a backup stands still.
func stopAt(name string) string {
	return ";github.com/tripod-db/tripod/dumper/" + name + "=sleep(100000)"
}

// wideShop is a source with tables of each kind of reading, and one for each kind of change.
func wideShop(t *testing.T, s *mysqltest.Server) {
	t.Helper()
	everyTable(t, s)
	mysqltest.Exec(t, s, "SET SESSION cte_max_recursion_depth = 10000")
}

// everyTable makes what wideShop has, on any server.
func everyTable(t *testing.T, s *mysqltest.Server) {
	t.Helper()
	mysqltest.Exec(t, s, "CREATE DATABASE shop")
	for _, table := range []string{"a", "b", "c", "e", "f", "g", "h", "i", "j", "k"} {
		mysqltest.Exec(t, s, "CREATE TABLE shop."+table+" (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(50), UNIQUE KEY u (v, id))",
			"INSERT INTO shop."+table+" (v) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<1000) SELECT CONCAT('row ', i) FROM n")
	}
	mysqltest.Exec(t, s, "CREATE TABLE shop.log (a INT, b VARCHAR(10))", "INSERT INTO shop.log VALUES (1, 'x'), (1, 'x'), (NULL, NULL)",
		"CREATE TABLE shop.part (id INT PRIMARY KEY, v INT) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (500), PARTITION p1 VALUES LESS THAN MAXVALUE)",
		"INSERT INTO shop.part SELECT id, id FROM shop.a", "CREATE TABLE shop.swap (id INT PRIMARY KEY, v INT)", "INSERT INTO shop.swap VALUES (1, 7)",
		"CREATE VIEW shop.v AS SELECT id FROM shop.a", "CREATE PROCEDURE shop.p() SELECT 1", "CREATE TRIGGER shop.tr BEFORE INSERT ON shop.a FOR EACH ROW SET NEW.v = TRIM(NEW.v)")
}

// meanwhile changes each table of wideShop in another way, and rows of all.
func meanwhile(t *testing.T, s *mysqltest.Server) {
	t.Helper()
	for _, table := range []string{"a", "b", "c", "e", "f", "g", "h", "i", "j", "k"} {
		mysqltest.Exec(t, s, "UPDATE shop."+table+" SET v = CONCAT('changed ', id) WHERE id % 7 = 1", "DELETE FROM shop."+table+" WHERE id % 11 = 3",
			"INSERT INTO shop."+table+" (v) VALUES ('new'), ('new')", "UPDATE shop."+table+" SET id = id + 5000 WHERE id % 13 = 2")
	}
	mysqltest.Exec(t, s, "INSERT INTO shop.log VALUES (2, 'y')", "DELETE FROM shop.log WHERE a = 1 LIMIT 1",
		"ALTER TABLE shop.b ADD COLUMN w INT NOT NULL DEFAULT 3 FIRST", "UPDATE shop.b SET w = id",
		"ALTER TABLE shop.c DROP KEY u, DROP COLUMN v", "TRUNCATE TABLE shop.e", "INSERT INTO shop.e (v) VALUES ('again')",
		"DROP TABLE shop.f", "CREATE TABLE shop.f (other VARCHAR(20) PRIMARY KEY)", "INSERT INTO shop.f VALUES ('x')",
		"RENAME TABLE shop.g TO shop.moved", "UPDATE shop.moved SET v = 'moved' WHERE id < 100",
		"CREATE TABLE shop.ghost LIKE shop.h", "ALTER TABLE shop.ghost ADD COLUMN g INT", "INSERT INTO shop.ghost (id, v) SELECT id, v FROM shop.h", "RENAME TABLE shop.h TO shop._h_del, shop.ghost TO shop.h",
		"ALTER TABLE shop.i COMMENT 'changed', ADD INDEX i (v)", "DROP TABLE shop.j", "ALTER TABLE shop.k CHANGE v w VARBINARY(60)",
		"ALTER TABLE shop.part EXCHANGE PARTITION p0 WITH TABLE shop.swap",
		"DROP VIEW shop.v", "ALTER PROCEDURE shop.p COMMENT 'later'", "DROP TRIGGER shop.tr", "CREATE TABLE shop.made SELECT id FROM shop.a WHERE id < 10")
}

// journal tells whether a part of a journal holds a text.
func (d *desk) journal(text string) bool {
	for _, part := range find(d.t, d.storeFolder(), filepath.Join(instance, "backups", "*", "journal", "*.json")) {
		if bytes.Contains(read(d.t, part), []byte(text)) {
			return true
		}
	}
	return false
}

// Promise 5: kill -9 in every phase of a backup, statements of every kind, then the same command
// again: it goes on with what was finished, and what it makes can be restored.
func TestKilledBackupIsAdopted(t *testing.T) {
	const none = -1
	source, target := sourceServer(t), targetServer(t)
	for _, c := range []struct {
		phase   string
		stop    string             // a failpoint to stand still at
		reached func(d *desk) bool // the phase
		chunks  int                // adopted, at least
		flags   []string           // of the second run
		same    bool               // it is the same backup
	}{
		{"begun", "", func(d *desk) bool { return len(d.intents()) > 0 }, none, nil, false},
		{"first chunk", "", func(d *desk) bool { return d.journal(`"chunk"`) }, 0, nil, true},
		{"tables are complete", "", func(d *desk) bool { return d.journal(`"done"`) }, 3, nil, true},
		{"much is read", "", func(d *desk) bool { return d.journal("data/shop/j/00000002") }, 15, nil, true},
		{"all is read", stopAt("beforeManifest"), func(d *desk) bool { return d.journal("data/shop/swap/00000001") }, 20, nil, true},
		{"the manifest is written", stopAt("behindManifest"), func(d *desk) bool { return len(d.manifests()) > 0 }, none, nil, false},
		{"fresh", "", func(d *desk) bool { return d.journal(`"done"`) }, none, []string{"--fresh"}, false},
	} {
		t.Run(c.phase, func(t *testing.T) {
			d := newDesk(t)
			emptySource(t, source)
			wideShop(t, source)
			service := d.slowly(c.stop).start(d.source("backup", source, "--threads", "2")...)
			mysqltest.Eventually(t, func() bool { return c.reached(d) || !service.Running() }, c.phase)
			if o := service.Kill(); o.Code != -1 {
				t.Fatalf("the backup ended by itself\n%s", o)
			}
			backups := len(d.manifests())
			meanwhile(t, source)
			var r adoptedResult
			d.slowly("").must(&r, d.source("backup", source, append([]string{"--threads", "2"}, c.flags...)...)...)
			if r.Adopted == nil || r.Adopted.Chunks < c.chunks || c.chunks == none && r.Adopted.Chunks > 0 {
				t.Errorf("adopted %+v, want %d chunks at least", r.Adopted, c.chunks)
			}
			if n := len(d.manifests()); n != backups+1 || c.same && len(d.intents()) != 1 {
				t.Errorf("%d backups, there were %d, with %d intents", n, backups, len(d.intents()))
			}
			if left := find(t, d.storeFolder(), filepath.Join(instance, "backups", r.ID, "journal", "*")); len(left) > 0 {
				t.Errorf("the journal is left: %v", left)
			}
			mysqltest.Exec(t, source, "INSERT INTO shop.a (v) VALUES ('behind the backup')")
			d.works(d.source("archive", source, "--until-idle")...)
			emptyTarget(t, target)
			d.works(d.restore(target)...)
			takeHere(t, source).equals(t, target, c.phase)
		})
	}
}

func emptySource(t *testing.T, source *mysqltest.Server) {
	t.Helper()
	mysqltest.Exec(t, source, "DROP DATABASE IF EXISTS shop")
}
