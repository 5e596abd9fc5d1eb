package source_test

import (
	"testing"

	"github.com/tripod-db/tripod/binlog/source"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
)

func TestPreflightGenerated(t *testing.T) {
	s := mysqltest.Source(t)
	srv := asBackupUser(t, s)
	refused := map[string]string{
		"format":  "ts TIMESTAMP NULL, `s``x` VARCHAR(30) AS (DATE_FORMAT(ts,'%Y-%m-%d')) STORED",
		"day":     "TS TIMESTAMP(3) NULL, s DATE AS (CAST(ts AS DATE)) STORED",
		"copied":  "ts TIMESTAMP NULL, m TIMESTAMP AS (ts) STORED, s VARCHAR(30) AS (CONCAT(m,'')) STORED",
		"virtual": "ts TIMESTAMP NULL, v VARCHAR(30) AS (CONCAT(ts,'')) VIRTUAL, s VARCHAR(31) AS (CONCAT(v,'x')) STORED",
	}
	fine := map[string]string{
		"moment":   "ts TIMESTAMP NULL, s TIMESTAMP AS (ts) STORED",
		"datetime": "ts DATETIME, s VARCHAR(30) AS (DATE_FORMAT(ts,'%Y-%m-%d')) STORED",
		"shown":    "ts TIMESTAMP NULL, v VARCHAR(30) AS (DATE_FORMAT(ts,'%Y-%m-%d')) VIRTUAL, s INT AS (id+1) STORED",
		"plain":    "ts TIMESTAMP NULL, s VARCHAR(30) AS (CONCAT(id,'ts')) STORED",
		"days":     "d DATETIME, s DATE AS (DATE(d)) STORED",
		"quoted":   "id2 INT, s VARCHAR(30) AS (CONCAT(id,'a/b week(x)')) STORED",
	}
	warned := map[string]string{
		"share":  "a INT, s VARCHAR(30) AS (CONCAT(a/7)) STORED",
		"months": "d DATE, s VARCHAR(30) AS (DATE_FORMAT(d,'%M')) STORED",
		"padded": "c CHAR(5), s VARCHAR(30) AS (CONCAT(c,'|')) STORED",
		"zone":   "a INT, s DATETIME AS (FROM_UNIXTIME(a)) STORED",
		"escape": "a INT, s VARCHAR(30) AS (CONCAT(a,'\\\\')) STORED",
	}
	statements := []string{"CREATE DATABASE g"}
	for _, tables := range []map[string]string{refused, warned, fine} {
		for name, columns := range tables {
			statements = append(statements, "CREATE TABLE g."+name+" (id INT PRIMARY KEY, "+columns+")")
		}
	}
	mysqltest.Exec(t, s, statements...)
	findings, err := source.PreflightGenerated(t.Context(), srv, func(schema.Name) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	if len(findings) != len(refused)+len(warned) {
		t.Errorf("findings %+v", findings)
	}
	for name := range warned {
		wantFinding(t, findings, "generated_session", source.LevelWarning, "column s of table g."+name+" ", "VIRTUAL")
	}
	for name := range refused {
		wantFinding(t, findings, "generated", source.LevelError, "table g."+name+" ", "--exclude g."+name)
	}
	wantFinding(t, findings, "generated", source.LevelError, "column s`x of", "")
	wantFault(t, source.Refuse(findings), fault.KindSource, "--exclude")
	findings, err = source.PreflightGenerated(t.Context(), srv, func(n schema.Name) bool { return refused[n.Name] == "" && warned[n.Name] == "" })
	if err != nil || len(findings) > 0 {
		t.Errorf("of tables that are left out: %+v, %v", findings, err)
	}
	// Of another zone than UTC a restore would compute other moments.
	mysqltest.Exec(t, s, "SET GLOBAL time_zone='+08:00'")
	findings, err = source.PreflightGenerated(t.Context(), srv, func(n schema.Name) bool { return n.Name == "zone" || n.Name == "days" })
	if err != nil || len(findings) != 1 {
		t.Errorf("where the zone is not UTC: %+v, %v", findings, err)
	}
	wantFinding(t, findings, "generated", source.LevelError, "column s of table g.zone ", "--exclude g.zone")
}
