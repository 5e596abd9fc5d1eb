package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// checkResult is what scripts may rely on in the result of check.
type checkResult struct {
	OK       *bool `json:"ok"`
	Findings []struct {
		ID      string  `json:"id"`
		Level   string  `json:"level"`
		Message string  `json:"message"`
		Remedy  *string `json:"remedy"`
	} `json:"findings"`
}

// wants fails unless there is a finding of the id and level whose message and remedy hold the texts.
func (r checkResult) wants(t *testing.T, id, level, message, remedy string) {
	t.Helper()
	for _, f := range r.Findings {
		if f.ID == id && f.Level == level && strings.Contains(f.Message, message) && f.Remedy != nil && strings.Contains(*f.Remedy, remedy) {
			return
		}
	}
	t.Errorf("no %s %s with %q and %q: %+v", level, id, message, remedy, r.Findings)
}

// lacks fails if there is a finding of the id.
func (r checkResult) lacks(t *testing.T, id string) {
	t.Helper()
	for _, f := range r.Findings {
		if f.ID == id {
			t.Errorf("%+v", f)
		}
	}
}

// checks wants exit 0 and ok.
func (d *desk) checks(args ...string) (r checkResult) {
	d.t.Helper()
	if o := d.must(&r, append([]string{"check"}, args...)...); r.OK == nil || !*r.OK || len(r.Findings) == 0 {
		d.t.Errorf("want ok and findings\n%s", o)
	}
	return r
}

// checksNot wants exit 1, ok false and the error of both, for people and for scripts.
func (d *desk) checksNot(want refusal, args ...string) (r checkResult) {
	d.t.Helper()
	want.code = 1
	args = append([]string{"check"}, args...)
	text := d.refusedText(want, args...)
	if err := d.refusedJSON(want, args...).JSON(&r); err != nil || r.OK == nil || *r.OK {
		d.t.Errorf("want ok false: %v, %+v", err, r)
	}
	for _, f := range r.Findings {
		if !strings.Contains(text.Stdout, f.ID) || f.Level != "error" && f.Level != "warning" && f.Level != "info" || f.Message == "" || f.Remedy == nil {
			d.t.Errorf("%+v is not told, or lacks fields\n%s", f, text)
		}
	}
	return r
}

func TestCheck(t *testing.T) {
	source, target := sourceServer(t), targetServer(t)
	smallShop(t, source)
	d := newDesk(t)
	if err := os.Mkdir(d.storeFolder(), 0o700); err != nil {
		t.Fatal(err)
	}
	from, to := source.URL(mysqltest.BackupUser), target.URL(mysqltest.RestoreUser)
	r := d.checks("--source", from, "--target", to, "--store", d.store())
	r.wants(t, "source-version", "info", "9.", "")
	r.wants(t, "target-schemas", "info", "`shop`.*", "")
	r.wants(t, "store-works", "info", "put-if-absent", "")
	if left := find(t, d.storeFolder(), "*"); len(left) > 0 {
		t.Errorf("check left %v in the store", left)
	}
	d.checks("--source", from)
	d.checks("--target", to)
	d.refused(refusal{code: 2, kind: "usage", says: []string{"--source", "--target", "--store"}}, "check")
	d.refused(refusal{code: 2, kind: "usage", says: []string{"ftp"}}, "check", "--store", "ftp://x/y")
	d.refused(refusal{code: 2, kind: "usage", says: []string{"mysql://"}}, "check", "--source", "localhost", "--store", d.store())

	// A store that is not there yet is no error, and is not made either.
	missing := filepath.Join(d.folder, "none", "store")
	r = d.checks("--store", "file://"+missing)
	r.wants(t, "store-missing", "warning", missing, "path")
	if exists(d.folder, "none") {
		t.Error("check has made the store's folder")
	}
}

// A store that a newer tripod has written, or that is damaged, is told before a backup meets it.
func TestCheckOfAStoreWithInstances(t *testing.T) {
	story := tell(t)
	d := newDesk(t)
	copyFolder(t, story.store, d.storeFolder())
	d.checks("--store", d.store()).wants(t, "store-instances", "info", instance, "")
	path := story.object(t, d.storeFolder(), "instance")
	newerVersion.do(t, path, read(t, path))
	r := d.checksNot(refusal{kind: "version", says: []string{instance}, hint: []string{"newer"}}, "--store", d.store())
	r.wants(t, "store-instance", "error", instance, "newer")
	r.wants(t, "store-works", "info", "", "")
}

// One subject that fails does not hide the others, and all that is wrong with one is told at once.
func TestCheckCollectsEverything(t *testing.T) {
	source, target := sourceServer(t), targetServer(t)
	smallShop(t, source)
	d := newDesk(t)
	file := filepath.Join(d.folder, "file")
	write(t, file, nil)
	from, to := source.URL(mysqltest.BackupUser), target.URL(mysqltest.RestoreUser)

	wrong := d.with("TRIPOD_SOURCE_PASSWORD=" + wrongPassword)
	r := wrong.checksNot(refusal{kind: "password", hint: []string{"TRIPOD_SOURCE_PASSWORD"}}, "--source", from, "--target", "mysql://u@127.0.0.1:1/", "--store", "file://"+file)
	r.wants(t, "source-password", "error", mysqltest.BackupUser.Name, "TRIPOD_SOURCE_PASSWORD")
	r.wants(t, "target-connect", "error", "127.0.0.1:1", "host")
	r.wants(t, "store-failed", "error", file, "--store")
	r = wrong.checksNot(refusal{kind: "password"}, "--source", from, "--target", to)
	r.wants(t, "target-schemas", "info", "`shop`.*", "")

	mysqltest.Exec(t, source, "SET GLOBAL binlog_format=STATEMENT", "SET GLOBAL sync_binlog=0", "REVOKE EVENT, TRIGGER ON *.* FROM 'tripod_backup'@'%'",
		"CREATE TABLE shop.m (id INT ) ENGINE=ARCHIVE", "CREATE TABLE shop.k (id INT)")
	mysqltest.Exec(t, target, "SET GLOBAL local_infile=OFF", "SET GLOBAL log_bin_trust_function_creators=OFF")
	r = d.checksNot(refusal{says: []string{"errors"}}, "--source", from, "--target", to)
	r.wants(t, "source-binlog-format", "error", "STATEMENT", "ROW")
	r.wants(t, "source-grants", "error", "TRIGGER, EVENT", "GRANT TRIGGER, EVENT ON *.* TO 'tripod_backup'@'%'")
	r.wants(t, "source-engine", "error", "shop.m", "--exclude shop.m")
	r.wants(t, "source-keyless", "warning", "shop.k", "PRIMARY KEY")
	r.wants(t, "source-sync-binlog", "warning", "0", "sync_binlog=1")
	r.wants(t, "target-local-infile", "warning", "", "local_infile")
	d.refused(refusal{code: 1}, d.source("backup", source)...)

	// The remedies, as they stand.
	for _, f := range r.Findings {
		if f.ID == "source-grants" {
			mysqltest.Exec(t, source, *f.Remedy)
		}
	}
	mysqltest.Exec(t, source, "SET GLOBAL binlog_format=ROW")
	r = d.checksNot(refusal{kind: "source", says: []string{"shop.m"}, hint: []string{"--exclude shop.m"}}, "--source", from)
	r.lacks(t, "source-grants")
	r.lacks(t, "source-binlog-format")
	d.refused(refusal{code: 1, kind: "source", says: []string{"shop.m"}, hint: []string{"--exclude shop.m"}}, d.source("backup", source)...)
	d.works(d.source("backup", source, "--exclude", "shop.m")...)
	mysqltest.Exec(t, source, "ALTER TABLE shop.m ENGINE=InnoDB")
	d.checks("--source", from)
	d.works(d.source("backup", source)...)
}

// A read-only store is an error, whoever asks.
func TestCheckOfAReadOnlyStore(t *testing.T) {
	d := newDesk(t)
	for path := d.folder; path != os.TempDir() && path != "/"; path = filepath.Dir(path) {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(d.storeFolder(), 0o755); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		d.UID = unprivileged
	} else if err := os.Chmod(d.storeFolder(), 0o555); err != nil {
		t.Fatal(err)
	}
	r := d.checksNot(refusal{kind: "store", says: []string{"put"}}, "--store", d.store())
	r.wants(t, "store-put", "error", "not writable", "right to write")
	if slices.ContainsFunc(find(t, d.storeFolder(), "*"), func(string) bool { return true }) {
		t.Error("check left something in the store")
	}
}
