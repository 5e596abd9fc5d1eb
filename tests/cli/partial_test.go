package cli

import (
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// TestRestoreOfEverythingLeavesBackupsOfPartsAlone: the newest backup is of one table; a restore of
// everything takes the one before it, and where there is no other its warnings say what is lacking.
func TestRestoreOfEverythingLeavesBackupsOfPartsAlone(t *testing.T) {
	source, target := sourceServer(t), targetServer(t)
	mysqltest.Exec(t, source, "CREATE DATABASE shop", "CREATE TABLE shop.a (id INT PRIMARY KEY)", "CREATE TABLE shop.b (id INT PRIMARY KEY)",
		"INSERT INTO shop.a VALUES (1)", "INSERT INTO shop.b VALUES (1),(2)")
	whole, part := newDesk(t), newDesk(t)
	whole.works(whole.source("backup", source)...)
	whole.works(whole.source("backup", source, "--tables", "shop.a")...)
	var result struct {
		Warnings []string `json:"warnings"`
	}
	whole.must(&result, whole.restore(target)...)
	if n := count(t, target, "SELECT COUNT(*) FROM shop.b"); n != 2 || strings.Contains(strings.Join(result.Warnings, "\n"), "part of the instance") {
		t.Errorf("%d rows of the table that the newest backup lacks, warnings %q", n, result.Warnings)
	}
	emptyTarget(t, target)
	part.works(part.source("backup", source, "--tables", "shop.a")...)
	part.must(&result, part.restore(target)...)
	if n := count(t, target, "SELECT COUNT(*) FROM shop.a"); n != 1 || !strings.Contains(strings.Join(result.Warnings, "\n"), "part of the instance") {
		t.Errorf("%d rows, warnings %q", n, result.Warnings)
	}
}
