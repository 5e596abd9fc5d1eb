package source_test

import (
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog/source"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
)

// The survey holds everything that is wrong at once, and leaves out what is not asked for.
func TestSurveyCollectsEverything(t *testing.T) {
	s := mysqltest.Take(t, mysqltest.Options{ExtraArgs: []string{"--binlog-format=MIXED", "--sync-binlog=0"}})
	mysqltest.Exec(t, s, "CREATE DATABASE d", "CREATE TABLE d.m (id INT) ENGINE=ARCHIVE", "CREATE TABLE d.k (id INT)",
		"CREATE TABLE d.g (id INT PRIMARY KEY, at TIMESTAMP NULL, h INT AS (HOUR(at)) STORED)")
	srv := asBackupUser(t, s)
	mysqltest.Exec(t, s, "REVOKE EVENT ON *.* FROM 'tripod_backup'@'%'")
	findings, tables, err := source.Survey(t.Context(), srv, source.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	wantFinding(t, findings, "binlog_format", source.LevelError, "MIXED", "ROW")
	wantFinding(t, findings, "grants", source.LevelError, "EVENT", "GRANT EVENT ON *.* TO 'tripod_backup'@'%'")
	wantFinding(t, findings, "engine", source.LevelError, "d.m", "--exclude d.m")
	wantFinding(t, findings, "generated", source.LevelError, "d.g", "--exclude d.g")
	wantFinding(t, findings, "keyless", source.LevelWarning, "d.k", "")
	wantFinding(t, findings, "sync_binlog", source.LevelWarning, "", "")
	classes := map[string]schema.Class{}
	for _, table := range tables {
		classes[table.Name.String()] = table.Class()
		if refused := table.Refused(); (refused != "") != (table.Engine == "ARCHIVE") {
			t.Errorf("%s: refused %q", table.Name, refused)
		}
	}
	if classes["d.m"] != schema.NonTransactional || classes["d.k"] != schema.Snapshot || classes["d.g"] != schema.Keyed || len(classes) != 3 {
		t.Errorf("classes %v", classes)
	}

	findings, tables, err = source.Survey(t.Context(), srv, source.Scope{
		Schemas: func(existing []string) []string {
			if !strings.Contains(strings.Join(existing, ","), "d") {
				t.Errorf("existing schemas: %v", existing)
			}
			return []string{"d"}
		},
		Table: func(n schema.Name) bool { return n.Name == "k" },
	})
	if err != nil || len(tables) != 1 {
		t.Fatalf("%v, %v", tables, err)
	}
	wantFinding(t, findings, "grants", source.LevelError, "EVENT on `d`.*", "")
	for _, f := range findings {
		if f.ID == "engine" || f.ID == "generated" {
			t.Errorf("%+v is not asked for", f)
		}
	}
}
