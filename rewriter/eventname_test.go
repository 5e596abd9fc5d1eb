package rewriter

import (
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog/ddl"
)

func TestSettleEvent(t *testing.T) {
	for text, want := range map[string]string{
		"CREATE DEFINER=`if`@`%` EVENT IF NOT EXISTS e ON SCHEDULE EVERY 1 DAY DO DROP TABLE IF EXISTS t": "CREATE DEFINER=`if`@`%` EVENT e ON SCHEDULE EVERY 1 DAY DO DROP TABLE IF EXISTS t",
		"CREATE OR REPLACE /* or */ EVENT `e` ON SCHEDULE AT '2040-01-01' DO SELECT 1":                    "CREATE /* or */ EVENT `e` ON SCHEDULE AT '2040-01-01' DO SELECT 1",
		"ALTER EVENT e ON SCHEDULE EVERY '1:1' HOUR_MINUTE RENAME TO f COMMENT 'RENAME TO g' DO SELECT 1": "ALTER EVENT e ON SCHEDULE EVERY '1:1' HOUR_MINUTE COMMENT 'RENAME TO g' DO SELECT 1",
		"ALTER EVENT e RENAME /* to */ TO d.`f`":                                                          "ALTER EVENT e /* to */ INSTEAD",
		"ALTER EVENT e COMMENT 'RENAME TO g'":                                                             "ALTER EVENT e COMMENT 'RENAME TO g'",
		"ALTER EVENT e DO RENAME TABLE a TO b":                                                            "ALTER EVENT e DO RENAME TABLE a TO b",
	} {
		s, err := ddl.Parse([]byte(text), ddl.Session{Schema: "d"})
		if err != nil {
			t.Fatal(err)
		}
		instead := ""
		if OnlyRenames(s) {
			instead = "INSTEAD"
		}
		if got := strings.Join(strings.Fields(s.Edited(SettleEvent(s, instead)...)), " "); got != want {
			t.Errorf("%s\n became %s\n want   %s", text, got, want)
		}
	}
}
