package director

import (
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage/catalog"
)

// A statement whose session this version cannot read to the end is not replayed as if the rest had been 0: also where an archive of
// an earlier version, which has no limit there, is restored.
func TestStatementsOfUnknownContextAreRefused(t *testing.T) {
	read := event.Context{SQLMode: new(uint64), ClientCharset: 255} // both stood in front of the unknown one
	unread := event.Context{}
	for _, c := range []struct {
		start   uint64
		context event.Context
		sql     string
		refused string // what the message names; empty for a statement that is carried out, or changes nothing
	}{
		{600, read, "ALTER TABLE `read` ADD x TIMESTAMP DEFAULT 0", "d.read"},
		{600, read, "TRUNCATE TABLE `read`", "d.read"},
		{600, read, "ALTER TABLE `read` COMMENT 'x'", "d.read"},
		{600, read, "CREATE TABLE made (x INT)", "d.made"},
		{600, read, "DROP TABLE `read`", "d.read"},
		{600, read, "DROP DATABASE d", "d.keyless, d.read"},
		{600, read, "ALTER DATABASE d COLLATE latin1_bin", "schema d"},
		{600, read, "CREATE DATABASE e", "schema e"},
		{600, read, "CREATE VIEW v AS SELECT 1", "d.v"},
		{600, read, "CREATE VIEW e.v AS SELECT 1", "e.v"},
		{600, unread, `ALTER TABLE "out" ADD x INT`, "d.keyless, d.read"}, // whether that is a name depends on the mode
		{600, read, "ALTER TABLE `out` ADD x INT", ""},
		{600, read, "CREATE VIEW mysql.v AS SELECT 1", ""},
		{199, read, "ALTER TABLE `read` ADD x INT", ""}, // in what was read
		{149, unread, "ALTER TABLE `read` ADD x INT", ""},
		{600, unread, "BEGIN", ""},
		{600, unread, "FLUSH TABLES", ""},
		{600, read, "CREATE TEMPORARY TABLE `read` (x INT)", ""},
		{600, read, "CREATE USER x IDENTIFIED BY 'secret'", ""}, // no users are restored here
	} {
		d, err := New(bases(), Scope{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		c.context.Incomplete, c.context.UnknownCode = true, 200
		v, err := d.statement(at(c.start), &event.Query{Schema: "d", SQL: []byte(c.sql), Context: c.context})
		if c.refused == "" {
			if err != nil || len(v.Executions) > 0 {
				t.Errorf("at %d, %s: %v, %v", c.start, c.sql, v.Executions, err)
			}
			continue
		}
		if f := fault.Of(err); f == nil || f.Code != fault.CodeRange || f.Kind != fault.KindStatement ||
			!strings.Contains(err.Error(), "replay of "+c.refused) || !strings.Contains(err.Error(), at(c.start).String()) || !strings.Contains(err.Error(), c.sql) || !strings.Contains(err.Error(), "200") {
			t.Errorf("at %d, %s: %v", c.start, c.sql, err)
		}
	}
}

// A statement on users is refused where they are restored.
func TestAccountsOfUnknownContextAreRefused(t *testing.T) {
	m := bases()
	m.Accounts = &catalog.Accounts{Window: between(200, 300)}
	d, err := New(m, Scope{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	q := &event.Query{SQL: []byte("CREATE USER x IDENTIFIED BY 'secret'"), Context: event.Context{Incomplete: true, UnknownCode: 200}}
	if _, err = d.statement(at(600), q); fault.Of(err) == nil || fault.Of(err).Code != fault.CodeRange || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v", err)
	}
	if _, err = d.statement(at(100), q); err != nil {
		t.Errorf("in what was read: %v", err)
	}
}
