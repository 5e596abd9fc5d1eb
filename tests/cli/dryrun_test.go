package cli

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// The plan of a restore names what it reads, what is missing, and how long it may take.
func TestRestoreDryRunTellsCostAndGrants(t *testing.T) {
	story, target := tell(t), targetServer(t)
	d := newDesk(t)
	copyFolder(t, story.store, d.storeFolder())
	var plan struct {
		BackupID string `json:"backup_id"`
		Bytes    int64  `json:"bytes"`
		Load     struct {
			BytesStored int64 `json:"bytes_stored"`
		}
		Replay struct {
			BytesStored int64 `json:"bytes_stored"`
		}
		Segments struct {
			Count       int
			First, Last string
			BytesStored int64 `json:"bytes_stored"`
		}
		MissingGrants []string `json:"missing_grants"`
		Estimate      struct {
			Minutes float64
			Rates   struct{ From string }
		}
		Findings []struct{ ID, Level string }
	}
	d.must(&plan, d.restore(target, "--dry-run")...)
	if plan.BackupID != story.backup || plan.Load.BytesStored <= 0 || plan.Bytes != plan.Load.BytesStored+plan.Replay.BytesStored || plan.Bytes <= plan.Load.BytesStored || plan.Segments.Count < 6 || plan.Segments.BytesStored <= 0 ||
		!exists(d.storeFolder(), plan.Segments.First) || !exists(d.storeFolder(), plan.Segments.Last) || plan.Segments.First == plan.Segments.Last {
		t.Errorf("%+v", plan)
	}
	if plan.MissingGrants == nil || len(plan.MissingGrants) != 0 || plan.Estimate.Minutes <= 0 || plan.Estimate.Rates.From == "" {
		t.Errorf("%+v", plan)
	}
	if exists(d.folder, "home") {
		t.Error("a dry run has written to the home folder")
	}

	// A stop point further back needs less.
	all := plan.Segments.Count
	d.must(&plan, d.restore(target, "--dry-run", "--to-gtid", story.moments["first"].gtids)...)
	if plan.Segments.Count >= all {
		t.Errorf("%d segments for the first change, %d for all", plan.Segments.Count, all)
	}

	mysqltest.Exec(t, target, "REVOKE TRIGGER, INSERT ON `shop`.* FROM 'tripod_restore'@'%'")
	want := refusal{code: 1, kind: "grant", says: []string{"TRIGGER", "INSERT"}, hint: []string{"GRANT "}}
	if err := d.refusedJSON(want, d.restore(target, "--dry-run")...).JSON(&plan); err != nil || len(plan.MissingGrants) != 1 {
		t.Fatalf("%v: %+v", err, plan)
	}
	text := d.refusedText(want, d.restore(target, "--dry-run")...)
	for _, part := range []string{story.backup, "segments", "about ", plan.MissingGrants[0]} {
		if !strings.Contains(text.Stdout, part) {
			t.Errorf("the plan lacks %q\n%s", part, text)
		}
	}
	mysqltest.Exec(t, target, plan.MissingGrants...)
	d.must(&plan, d.restore(target, "--dry-run")...)
}

// backupPlan is what backup --dry-run prints.
type backupPlan struct {
	Tables []struct {
		Schema, Name, Class, Refused string
		Rows, Bytes                  *uint64
	}
	Objects  []struct{ Kind, Schema, Name string }
	Findings []struct{ ID, Level, Message, Remedy string }
}

// A dry run of a backup says what would be read, ends as the backup would, and writes nothing.
func TestBackupDryRun(t *testing.T) {
	source := sourceServer(t)
	smallShop(t, source)
	mysqltest.Exec(t, source, "CREATE TABLE shop.k (id INT)", "CREATE DATABASE other", "CREATE TABLE other.t (id INT PRIMARY KEY)", "ANALYZE TABLE shop.t")
	d := newDesk(t)
	var plan backupPlan
	d.must(&plan, d.source("backup", source, "--dry-run", "--databases", "shop")...)
	classes := map[string]string{}
	for _, table := range plan.Tables {
		classes[table.Schema+"."+table.Name] = table.Class
		if table.Rows == nil || table.Bytes == nil || table.Refused != "" {
			t.Errorf("%+v", table)
		}
	}
	if len(classes) != 2 || classes["shop.t"] != "keyed" || classes["shop.k"] != "snapshot" || len(plan.Objects) != 4 || len(plan.Findings) == 0 {
		t.Errorf("%+v", plan)
	}
	if text := d.run(d.source("backup", source, "--dry-run")...); text.Code != 0 || !strings.Contains(text.Stdout, "other.t") || !strings.Contains(text.Stdout, "nothing was written") {
		t.Errorf("the plan for people\n%s", text)
	}

	// What the backup would be refused for, the dry run is too, and tells the rest all the same.
	mysqltest.Exec(t, source, "CREATE TABLE shop.m (id INT ) ENGINE=ARCHIVE", "REVOKE EVENT ON *.* FROM 'tripod_backup'@'%'")
	grant := refusal{code: 1, kind: "grant", says: []string{"EVENT"}, hint: []string{"GRANT EVENT"}}
	if err := d.refusedJSON(grant, d.source("backup", source, "--dry-run")...).JSON(&plan); err != nil || len(plan.Tables) != 4 {
		t.Errorf("%v: %+v", err, plan)
	}
	refused := 0
	for _, table := range plan.Tables {
		if table.Refused != "" && table.Name == "m" {
			refused++
		}
	}
	if refused != 1 {
		t.Errorf("shop.m is not refused: %+v", plan.Tables)
	}
	mysqltest.Exec(t, source, "GRANT EVENT ON *.* TO 'tripod_backup'@'%'")
	engine := refusal{code: 1, kind: "source", says: []string{"shop.m"}, hint: []string{"--exclude shop.m"}}
	d.refused(engine, d.source("backup", source, "--dry-run")...)
	none := refusal{code: 2, kind: "usage", says: []string{"nowhere"}}
	d.refused(none, d.source("backup", source, "--dry-run", "--databases", "nowhere")...)

	for _, folder := range []string{"store", "spool", "home"} {
		if exists(d.folder, folder) {
			t.Errorf("a dry run has made %s: %v", folder, find(t, filepath.Join(d.folder, folder), "*"))
		}
	}
	d.refused(engine, d.source("backup", source)...)
	d.refused(none, d.source("backup", source, "--databases", "nowhere")...)
	d.works(d.source("backup", source, "--dry-run", "--exclude", "shop.m")...)
	d.works(d.source("backup", source, "--exclude", "shop.m")...)
	before := find(t, d.storeFolder(), "*/*")
	d.works(d.source("backup", source, "--dry-run", "--exclude", "shop.m")...)
	if after := find(t, d.storeFolder(), "*/*"); len(after) != len(before) {
		t.Errorf("a dry run has written to the store: %v, before %v", after, before)
	}
}
