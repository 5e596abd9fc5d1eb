package cli

import (
	"context"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// smallShop is what the tests of refusals back up when nothing is refused any more.
func smallShop(t *testing.T, s *mysqltest.Server) {
	t.Helper()
	mysqltest.Exec(t, s, "CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY, v VARCHAR(10))", "INSERT INTO shop.t VALUES (1, 'a'), (2, 'b')",
		"CREATE PROCEDURE shop.p() SELECT 1", "CREATE VIEW shop.v AS SELECT id FROM shop.t",
		"CREATE TRIGGER shop.g BEFORE INSERT ON shop.t FOR EACH ROW SET @x = 1",
		"CREATE EVENT shop.e ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO SET @x = 1")
}

func TestWrongPassword(t *testing.T) {
	source, target := sourceServer(t), targetServer(t)
	smallShop(t, source)
	d := newDesk(t)
	wrong := d.with("TRIPOD_SOURCE_PASSWORD="+wrongPassword, "TRIPOD_TARGET_PASSWORD="+wrongPassword)
	none := d.with("TRIPOD_SOURCE_PASSWORD=", "TRIPOD_TARGET_PASSWORD=")
	password := refusal{code: 1, kind: "password", says: []string{mysqltest.BackupUser.Name, source.Addr()}, hint: []string{"TRIPOD_SOURCE_PASSWORD"}}
	for _, command := range []string{"backup", "archive"} {
		wrong.refused(password, d.source(command, source)...)
		none.refused(password, d.source(command, source)...)
	}
	d.works(d.source("backup", source)...)
	wrong.refused(refusal{code: 1, kind: "password", says: []string{mysqltest.RestoreUser.Name}, hint: []string{"TRIPOD_TARGET_PASSWORD"}}, d.restore(target)...)
	d.works(d.restore(target)...)
}

func TestUnknownHost(t *testing.T) {
	source, target := sourceServer(t), targetServer(t)
	smallShop(t, source)
	d := newDesk(t)
	// A port that nothing listens on, found by listening on it for a moment.
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"no-such-host.invalid:3306", closed} {
		want := refusal{code: 1, kind: "connect", says: []string{host}}
		for _, command := range []string{"backup", "archive"} {
			args := d.source(command, source)
			args[2] = "mysql://u@" + host + "/"
			d.refused(want, args...)
		}
	}
	args := d.source("backup", source)
	args[2] = "mysql://u@" + d.folder + "/no.sock"
	d.refused(refusal{code: 1, kind: "connect", says: []string{"no.sock"}}, args...)
	d.works(d.source("backup", source)...)

	args = d.restore(target)
	args[len(args)-1] = "mysql://u@" + closed + "/"
	d.refused(refusal{code: 1, kind: "connect", says: []string{closed}}, args...)
	d.works(d.restore(target)...)
}

// A server that swallows what is sent to it is told within seconds, and interrupted at once.
func TestSilentHost(t *testing.T) {
	t.Parallel() // it waits more than it works
	source := sourceServer(t)
	d := newDesk(t)
	if err := source.Freeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := source.Thaw(); err != nil {
			t.Error(err)
		}
	}()
	began := time.Now()
	d.refusedText(refusal{code: 1, kind: "connect", says: []string{source.Addr()}}, d.source("backup", source)...)
	if took := time.Since(began); took > 40*time.Second {
		t.Errorf("a server that does not answer is told after %s", took)
	}
}

var grantStatement = regexp.MustCompile("GRANT .* TO '[^']*'@'[^']*'")

// grantTold takes the statement out of a hint.
func grantTold(t *testing.T, hint string) string {
	t.Helper()
	statement := grantStatement.FindString(hint)
	if statement == "" {
		t.Fatalf("no GRANT in the hint %q", hint)
	}
	return statement
}

// hintOf runs a command that has to be refused and returns the hint.
func (d *desk) hintOf(want refusal, args ...string) string {
	d.t.Helper()
	var document errorDocument
	if err := d.refusedJSON(want, args...).JSON(&document); err != nil || document.Error == nil {
		d.t.Fatalf("no error in the document: %v", err)
	}
	return document.Error.Hint
}

// Each privilege is taken away alone: the message names it, and the statement of the hint,
// carried out as it stands, is the remedy.
func TestMissingGrant(t *testing.T) {
	source := sourceServer(t)
	smallShop(t, source)
	d := newDesk(t)
	for _, privilege := range mysqltest.BackupGrants {
		t.Run(privilege, func(t *testing.T) {
			d := newDesk(t)
			mysqltest.Exec(t, source, "REVOKE "+privilege+" ON *.* FROM 'tripod_backup'@'%'")
			defer mysqltest.Exec(t, source, "GRANT "+strings.Join(mysqltest.BackupGrants, ", ")+" ON *.* TO 'tripod_backup'@'%'")
			if privilege == "SHOW_ROUTINE" {
				// Global SELECT shows routines too (fact 3.9): nothing is missing, nothing is lost.
				wantRoutine(t, d, source)
				return
			}
			want := refusal{code: 1, kind: "grant", says: []string{privilege}, hint: []string{"GRANT " + privilege + " ON *.* TO 'tripod_backup'@'%'"}}
			d.refusedText(want, d.source("backup", source)...)
			hint := d.hintOf(want, d.source("backup", source)...)
			if strings.HasPrefix(privilege, "REPLICATION") {
				d.refused(want, d.source("archive", source, "--until-idle")...)
			}
			mysqltest.Exec(t, source, grantTold(t, hint))
			wantRoutine(t, d, source)
		})
	}
	t.Run("SHOW_ROUTINE without global SELECT", func(t *testing.T) {
		d := newDesk(t)
		mysqltest.Exec(t, source, "REVOKE ALL ON *.* FROM 'tripod_backup'@'%'",
			"GRANT REPLICATION CLIENT, REPLICATION SLAVE ON *.* TO 'tripod_backup'@'%'", "GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON shop.* TO 'tripod_backup'@'%'")
		want := refusal{code: 1, kind: "grant", says: []string{"SHOW_ROUTINE"}, hint: []string{"GRANT SHOW_ROUTINE ON *.* TO 'tripod_backup'@'%'"}}
		args := d.source("backup", source, "--databases", "shop")
		d.refusedText(want, args...)
		mysqltest.Exec(t, source, grantTold(t, d.hintOf(want, args...)))
		wantRoutine(t, d, source, "--databases", "shop")
	})
	t.Run("archive needs no more than the log", func(t *testing.T) {
		if _, err := source.CreateBackupUser(t.Context()); err != nil {
			t.Fatal(err)
		}
		mysqltest.Exec(t, source, "REVOKE SELECT, SHOW VIEW, TRIGGER, EVENT, SHOW_ROUTINE ON *.* FROM 'tripod_backup'@'%'")
		d.works(d.source("archive", source, "--until-idle")...)
	})
	t.Run("none", func(t *testing.T) {
		d := newDesk(t)
		mysqltest.Exec(t, source, "REVOKE ALL ON *.* FROM 'tripod_backup'@'%'")
		want := refusal{code: 1, kind: "grant", says: []string{"SELECT", "REPLICATION SLAVE", "TRIGGER"}}
		mysqltest.Exec(t, source, grantTold(t, d.hintOf(want, d.source("backup", source)...)))
		wantRoutine(t, d, source)
	})
}

// wantRoutine backs up and wants the routine, the view, the trigger and the event in the backup:
// what a privilege hides would be missing without a word (fact 3.9).
func wantRoutine(t *testing.T, d *desk, source *mysqltest.Server, more ...string) {
	t.Helper()
	var result struct {
		ID string `json:"backup_id"`
	}
	d.t = t
	d.must(&result, d.source("backup", source, more...)...)
	for _, object := range []string{"procedure.p", "view.v", "trigger.g", "event.e", "table.t"} {
		if !exists(d.storeFolder(), instance, "backups", result.ID, "schema", "shop", object+".sql") {
			t.Errorf("the backup has no %s", object)
		}
	}
}

func TestMissingGrantOnTheTarget(t *testing.T) {
	story, target := tell(t), targetServer(t)
	d := newDesk(t)
	copyFolder(t, story.store, d.storeFolder())
	mysqltest.Exec(t, target, "REVOKE CREATE, TRIGGER ON shop.* FROM 'tripod_restore'@'%'")
	want := refusal{code: 1, kind: "grant", says: []string{"CREATE", "TRIGGER", "shop"}}
	d.refusedText(want, d.restore(target)...)
	hint := d.hintOf(want, d.restore(target)...)
	mysqltest.Exec(t, target, grantTold(t, hint))
	d.works(d.restore(target)...)
	story.moments["end"].equals(t, target, "after the GRANT of the hint")
}

func TestUnfitSource(t *testing.T) {
	t.Run("binlog format", func(t *testing.T) {
		source := sourceServer(t)
		smallShop(t, source)
		d := newDesk(t)
		for _, format := range []string{"STATEMENT", "MIXED"} {
			mysqltest.Exec(t, source, "SET GLOBAL binlog_format="+format)
			// An archiver goes on: to refuse would make a hole of what is written meanwhile.
			d.refused(refusal{code: 1, kind: "source", says: []string{"binlog_format", format}, hint: []string{"binlog_format", "ROW"}}, d.source("backup", source)...)
		}
		mysqltest.Exec(t, source, "SET GLOBAL binlog_format=ROW")
		d.works(d.source("backup", source)...)
	})
	t.Run("binlog off", func(t *testing.T) {
		source := mysqltest.Take(t, mysqltest.Options{Relaxed: true, ExtraArgs: []string{"--skip-log-bin"}})
		if _, err := source.CreateBackupUser(t.Context()); err != nil {
			t.Fatal(err)
		}
		smallShop(t, source)
		d := newDesk(t)
		for _, command := range []string{"backup", "archive"} {
			d.refused(refusal{code: 1, kind: "source", says: []string{"log"}, hint: []string{"log"}, tell: []string{"log_bin", "log-bin"}}, d.source(command, source)...)
		}
		if err := source.Restart(context.WithoutCancel(t.Context()), "--log-bin=binlog"); err != nil {
			t.Fatal(err)
		}
		d.works(d.source("backup", source)...)
	})
	t.Run("filter", func(t *testing.T) {
		source := mysqltest.Take(t, mysqltest.Options{Relaxed: true, ExtraArgs: []string{"--binlog-ignore-db=shop"}})
		if _, err := source.CreateBackupUser(t.Context()); err != nil {
			t.Fatal(err)
		}
		d := newDesk(t)
		d.refused(refusal{code: 1, kind: "source", says: []string{"ignore", "shop"}}, d.source("backup", source)...)
	})
}

// onlyOf returns the flags if the command is the one that has them.
func onlyOf(command, has string, flags ...string) []string {
	if command == has {
		return flags
	}
	return nil
}
