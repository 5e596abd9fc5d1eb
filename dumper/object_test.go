package dumper

import (
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// TestObjectsWithTheirContext: texts, character sets, modes, order and tables of views, routines,
// triggers and events, of clients with all kinds of sessions.
func TestObjectsWithTheirContext(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec("CREATE DATABASE d COLLATE utf8mb4_bin", "CREATE TABLE d.t (a INT PRIMARY KEY, v VARCHAR(50))", "CREATE TABLE d.gone (a INT)",
		"CREATE VIEW d.invalid AS SELECT a FROM d.gone WHERE a > 1", "CREATE VIEW d.on_invalid AS SELECT * FROM d.invalid", "DROP TABLE d.gone",
		"SET NAMES latin1", "SET sql_mode='ANSI_QUOTES'", "USE d",
		"CREATE DEFINER='some''body'@'%' SQL SECURITY INVOKER VIEW \"caf\xe9\" AS SELECT a AS \"\xe9\" FROM t WHERE v <> '\xe9' WITH CASCADED CHECK OPTION",
		"CREATE PROCEDURE \"p\xe9\"() COMMENT '\xe9' SELECT '\xe9', _latin1'\xe9', \"a\" FROM t",
		"CREATE FUNCTION \"g\xe9\"(\"x\xe9\" ENUM('\xe9)','b')) RETURNS ENUM('\xe9','c') CHARSET latin1 DETERMINISTIC SQL SECURITY INVOKER COMMENT 'x\xe9' RETURN '\xe9'",
		"CREATE EVENT \"e\xe9\" ON SCHEDULE EVERY 1 DAY DISABLE COMMENT '\xe9 DO ' DO SELECT '\xe9'",
		"CREATE TRIGGER \"tr\xe9\" AFTER INSERT ON t FOR EACH ROW SET @a='\xe9 ON '",
		"SET NAMES gbk", "SET sql_mode=''",
		// The server stores what it cannot parse again: SHOW CREATE VIEW fails with 1064.
		"CREATE VIEW unreadable AS SELECT '\xd5\x5c' AS a",
		"SET sql_mode='NO_BACKSLASH_ESCAPES'",
		"CREATE FUNCTION f() RETURNS VARCHAR(10) DETERMINISTIC RETURN '\xd6\xd0\\'",
		"SET NAMES utf8mb4", "SET sql_mode=''", "SET time_zone='+03:00'",
		"CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' DISABLE COMMENT '中' DO INSERT INTO t VALUES (1, '中')",
		"CREATE TRIGGER second BEFORE INSERT ON t FOR EACH ROW SET NEW.v='2'",
		"CREATE TRIGGER first BEFORE INSERT ON t FOR EACH ROW PRECEDES second SET NEW.v='1'",
		"CREATE TRIGGER same BEFORE UPDATE ON t FOR EACH ROW SET NEW.v='3'", "CREATE PROCEDURE same() SET @a=1", "CREATE EVENT same ON SCHEDULE EVERY 1 DAY DISABLE DO SET @a=1")
	_, m := s.backUp()
	find := func(kind catalog.ObjectKind, name string) catalog.Object {
		t.Helper()
		for _, o := range m.Objects {
			if o.Kind == kind && o.Name == (schema.Name{Schema: "d", Name: name}) {
				return o
			}
		}
		t.Errorf("the manifest has no %s %s", kind, name)
		return catalog.Object{}
	}
	for _, c := range []struct {
		kind      catalog.ObjectKind
		name      string
		texts     []string
		charset   string
		mode      string
		table     string
		order     int
		invalid   bool
		timeZone  string
		inCharset string // as the bytes of its creation
	}{
		{kind: catalog.KindView, name: "café", texts: []string{"`some'body`@`%`", "SQL SECURITY INVOKER", "CASCADED CHECK OPTION"}, charset: "latin1"},
		{kind: catalog.KindProcedure, name: "pé", texts: []string{"'é'", "COMMENT 'é'"}, charset: "latin1", mode: "ANSI_QUOTES", inCharset: "_latin1'\xe9'"},
		{kind: catalog.KindFunction, name: "gé", texts: []string{"FUNCTION \"gé\"(\"xé\" ENUM('é)','b'))", "RETURNS enum('é','c')", "COMMENT 'xé'", "RETURN 'é'"}, charset: "latin1"},
		{kind: catalog.KindEvent, name: "eé", texts: []string{"EVENT `eé`", "COMMENT 'é DO ' DO SELECT 'é'"}, charset: "latin1"},
		{kind: catalog.KindTrigger, name: "tré", texts: []string{"TRIGGER `tré` AFTER INSERT ON `t`", "@a='é ON '"}, charset: "latin1", table: "t", order: 1},
		{kind: catalog.KindFunction, name: "f", texts: []string{`'中\'`}, charset: "gbk", mode: "NO_BACKSLASH_ESCAPES"},
		{kind: catalog.KindEvent, name: "e", texts: []string{"2030-01-01 00:00:00", "'中'", "DISABLE"}, charset: "utf8mb4", timeZone: "+03:00"},
		{kind: catalog.KindTrigger, name: "second", texts: []string{"NEW.v='2'"}, charset: "utf8mb4", table: "t", order: 2},
		{kind: catalog.KindTrigger, name: "first", texts: []string{"NEW.v='1'"}, charset: "utf8mb4", table: "t", order: 1},
		{kind: catalog.KindTrigger, name: "same", charset: "utf8mb4", table: "t", order: 1},
		{kind: catalog.KindProcedure, name: "same", charset: "utf8mb4"},
		{kind: catalog.KindEvent, name: "same", charset: "utf8mb4"},
		{kind: catalog.KindView, name: "invalid", texts: []string{"VIEW `d`.`invalid`"}, charset: "utf8mb4", invalid: true},
		{kind: catalog.KindView, name: "on_invalid", charset: "utf8mb4", invalid: true},
		{kind: catalog.KindView, name: "unreadable", texts: []string{"AS select '誠' AS `a`"}, charset: "gbk", invalid: true},
	} {
		o := find(c.kind, c.name)
		for _, text := range append(c.texts, "CREATE ") {
			if !strings.Contains(o.Create, text) {
				t.Errorf("%s %s: %q is not in %s", c.kind, c.name, text, o.Create)
			}
		}
		if o.CharacterSetClient != c.charset || !strings.Contains(o.SQLMode, c.mode) || o.Table != c.table || o.ActionOrder != c.order ||
			c.timeZone != "" && o.TimeZone != c.timeZone || o.Absent {
			t.Errorf("%s %s: %+v", c.kind, c.name, o)
		}
		if c.kind != catalog.KindView && o.DatabaseCollation != "utf8mb4_bin" {
			t.Errorf("%s %s has the schema's collation %q", c.kind, c.name, o.DatabaseCollation)
		}
		if c.invalid != (o.Invalid != "") {
			t.Errorf("%s %s: invalid is %q", c.kind, c.name, o.Invalid)
		}
		if c.inCharset != "" {
			collation, _ := schema.CollationByName(o.CharacterSetClient + "_swedish_ci")
			if bytes, err := ddl.EncodeText(o.Create, collation.ID); err != nil || !strings.Contains(string(bytes), c.inCharset) {
				t.Errorf("%s %s does not become its bytes again: %q, %v", c.kind, c.name, bytes, err)
			}
		}
		stored, err := s.catalog.OpenSchemaObject(t.Context(), instanceName, m.ID, o.SchemaKey)
		if err != nil || string(stored) != o.Create {
			t.Errorf("%s %s is stored as %q, %v", c.kind, c.name, stored, err)
		}
	}
}

// TestObjectsThatChangeDuringTheBackup: the log wins by name, and what it holds a part of only
// is read again.
func TestObjectsThatChangeDuringTheBackup(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: false, Relaxed: true})
	s.exec(append([]string{"CREATE DATABASE d"}, fill("d.t", 35)...)...)
	s.exec("CREATE EVENT d.e ON SCHEDULE EVERY 1 DAY DISABLE DO SET @a=1", "CREATE VIEW d.v AS SELECT 1", "CREATE PROCEDURE d.p() SET @a=1",
		"CREATE TRIGGER d.tr BEFORE INSERT ON d.t FOR EACH ROW SET @a=1")
	s.atChunk("d.t", 2, func() {
		s.exec("ALTER EVENT d.e COMMENT 'changed'", "CREATE OR REPLACE VIEW d.v AS SELECT 2", "DROP PROCEDURE d.p",
			"RENAME TABLE d.t TO d.u", "CREATE VIEW d.w AS SELECT 3")
	})
	_, m := s.backUp(inChunks)
	for _, o := range m.Objects {
		switch o.Name.Name {
		case "tr":
			if !o.Absent && o.Table != "u" && !m.RecoverableFrom.Before(o.Window.High) {
				t.Errorf("trigger: %+v", o)
			}
		case "p":
			if !o.Absent {
				t.Logf("the procedure was read before it was dropped: %+v", o.Window)
			}
		}
	}
	sides := m.Sides()
	if got := sides.Base(schema.Name{Schema: "d", Name: "t"}); got.Base != catalog.BaseTombstone && !got.Absent {
		t.Errorf("d.t has base %+v", got)
	}
}

// A view made with a star while the backup runs has the columns of that moment, which the log
// does not hold and a table that is read later does not have.
func TestObjectsMadeWithAStarDuringTheBackup(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec(append([]string{"CREATE DATABASE d"}, fill("d.t", 35)...)...)
	s.exec("CREATE VIEW d.replaced AS SELECT 1")
	s.atChunk("d.t", 2, func() {
		s.exec("CREATE VIEW d.made AS SELECT * FROM d.t", "CREATE OR REPLACE VIEW d.replaced AS SELECT * FROM d.t", "ALTER TABLE d.t ADD COLUMN later INT")
	})
	_, m := s.backUp(inChunks)
	found := 0
	for _, o := range m.Objects {
		if o.Kind != catalog.KindView {
			continue
		}
		found++
		if o.Absent || !strings.Contains(o.Create, "`id`") || strings.Contains(o.Create, "later") {
			t.Errorf("view %s: %+v", o.Name, o)
		}
	}
	if found != 2 {
		t.Errorf("the manifest has %d views, want both", found)
	}
}

// TestTriggersThatGoWhileTheyAreRead: 5.6 and MariaDB keep triggers in files, without a lock around the look for one and the read
// of it (errors 13 and 29).
func TestTriggersThatGoWhileTheyAreRead(t *testing.T) {
	for _, kind := range []mysqltest.Kind{mysqltest.MySQL56, mysqltest.MariaDB1011} {
		t.Run(kind.String(), func(t *testing.T) {
			s := newSite(t, mysqltest.Options{Kind: kind, Relaxed: true})
			s.exec("CREATE DATABASE d", "CREATE TABLE d.t (a INT)")
			conn, err := s.srv.RawConn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			var stop atomic.Bool
			var writer errgroup.Group
			writer.Go(func() error {
				for !stop.Load() {
					if err := s.source.Exec(t.Context(), "CREATE TRIGGER d.g BEFORE INSERT ON d.t FOR EACH ROW SET @a=1", "DROP TRIGGER d.g"); err != nil {
						return err
					}
				}
				return nil
			})
			there := 0
			for range 1000 {
				o := catalog.Object{Name: schema.Name{Schema: "d", Name: "g"}, Kind: catalog.KindTrigger}
				if err := describe(t.Context(), conn, &o); err != nil {
					t.Error(err)
					break
				}
				if !o.Absent {
					there++
				}
			}
			stop.Store(true)
			if err := writer.Wait(); err != nil {
				t.Fatal(err)
			}
			if there == 0 || there == 1000 {
				t.Errorf("the trigger was met %d times of 1000", there)
			}
		})
	}
}
