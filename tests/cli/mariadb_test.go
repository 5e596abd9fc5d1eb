package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// TestMariaDBIsArchived: archive, list and verify with a MariaDB.
func TestMariaDBIsArchived(t *testing.T) {
	source := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011, Relaxed: true})
	if _, err := source.CreateBackupUser(t.Context()); err != nil {
		t.Fatal(err)
	}
	d := newDesk(t)
	var archived struct {
		Segments int    `json:"segments"`
		AsOf     string `json:"as_of"`
		End      struct {
			Timeline string `json:"timeline"`
			File     string `json:"file"`
			Pos      uint64 `json:"pos"`
			GTIDSet  string `json:"gtid_set"`
		} `json:"end"`
	}
	for n, statements := range [][]string{
		{"CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY)", "INSERT INTO shop.t VALUES (1)"},
		{"FLUSH BINARY LOGS", "SET GLOBAL log_bin_compress=ON", "INSERT INTO shop.t VALUES (2)"},
	} {
		mysqltest.Exec(t, source, statements...)
		d.must(&archived, d.source("archive", source, "--until-idle")...)
		want := fmt.Sprintf("0-%d:1-%d", source.Port(), 5+n) // two statements made the account
		if archived.Segments == 0 || archived.AsOf == "" || archived.End.GTIDSet != want || !strings.HasPrefix(archived.End.Timeline, fmt.Sprintf("m%d-", source.Port())) {
			t.Errorf("archived %+v, want GTIDs %s", archived, want)
		}
	}
	if archived.End.File != "binlog.000002" {
		t.Errorf("archived %+v", archived)
	}
	var verified struct {
		OK      bool `json:"ok"`
		Objects int  `json:"objects"`
	}
	d.must(&verified, "verify", "--store", d.store(), "--instance", instance, "--deep")
	if !verified.OK || verified.Objects == 0 {
		t.Errorf("verified %+v", verified)
	}
	var listed struct {
		Instances []struct {
			AsOf  string `json:"as_of"`
			Holes []any  `json:"holes"`
		} `json:"instances"`
	}
	d.must(&listed, "list", "--store", d.store())
	if len(listed.Instances) != 1 || listed.Instances[0].AsOf < archived.AsOf || len(listed.Instances[0].Holes) != 0 {
		t.Errorf("listed %+v", listed)
	}
}
