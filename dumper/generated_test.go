package dumper

import (
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
)

// What a restore would compute anew with other values is not backed up as if it were exact.
func TestStoredColumnsOfTheSessionAreRefused(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec("CREATE DATABASE d", "CREATE TABLE d.fine (a INT PRIMARY KEY, b INT AS (a+1) STORED)",
		"CREATE TABLE d.zoned (a INT PRIMARY KEY, ts TIMESTAMP NULL, s VARCHAR(30) AS (DATE_FORMAT(ts,'%H')) STORED)")
	_, err := s.tryBackUp(t.Context())
	if f := fault.Of(err); f == nil || f.Kind != fault.KindSource || !strings.Contains(err.Error(), "column s of table d.zoned") || !strings.Contains(f.Hint, "--exclude d.zoned") {
		t.Errorf("error %v: want one that names the column and the way out", err)
	}
	s.backUp(func(c *Config) { c.Exclude = []string{"d.zoned"} })
}
