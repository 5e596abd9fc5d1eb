package dumper

import (
	"testing"

	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/dumper/bases"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
)

// What is known of a statement's session in part only is read behind it, like what the log does not hold.
func TestStatementsOfUnknownContextAreReadBehind(t *testing.T) {
	r := reader{facts: server.Facts{Flavor: server.FlavorMySQL, Version: "9.7.4"}}
	known := event.Context{SQLMode: new(uint64), ClientCharset: 255}
	for _, c := range []struct {
		sql       string
		context   event.Context
		unlogged  bool
		every     bool
		relevant  bool
		roleIsLog bool // the log wins by an object's name
	}{
		{"ALTER TABLE t COMMENT 'x'", known, true, false, true, false},
		{"CREATE TABLE t (a INT)", known, true, false, true, false},
		{"ALTER DATABASE d COLLATE latin1_bin", known, true, false, true, false},
		{"CREATE VIEW v AS SELECT 1", known, true, false, true, false},
		{"DROP VIEW v", known, true, false, true, true},
		{`ALTER TABLE "t" ADD a INT`, event.Context{}, true, true, true, false},
		{"BEGIN", event.Context{}, false, false, false, false},
	} {
		c.context.Incomplete = true
		s, relevant, err := r.statement(&event.Query{Schema: "d", SQL: []byte(c.sql), Context: c.context}, func(schema.Name, schema.Name) {})
		if err != nil || relevant != c.relevant {
			t.Errorf("%s: relevant %v, %v", c.sql, relevant, err)
		}
		if s.Unlogged != c.unlogged || s.EveryTable != c.every || s.DefinitionOnly {
			t.Errorf("%s: %+v", c.sql, s)
		}
		for _, o := range s.Objects {
			if (o.Role == bases.ObjectCreated || o.Role == bases.ObjectDropped) != c.roleIsLog {
				t.Errorf("%s: role %d", c.sql, o.Role)
			}
		}
	}
}
