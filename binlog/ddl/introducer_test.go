package ddl

import (
	"testing"
	"unicode/utf8"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
)

func TestHexLiteralsAgainstServer(t *testing.T) {
	server := mysqltest.Target(t)
	db := server.Root()
	db.SetMaxOpenConns(1)
	mysqltest.Exec(t, server, "CREATE DATABASE r", "USE r", "SET NAMES utf8mb4", `CREATE TABLE l (
		a varchar(10) CHARACTER SET latin1, g varchar(30) CHARACTER SET latin1 AS (concat(a, 'é\\''')),
		d varchar(20) CHARACTER SET latin1 DEFAULT 'é', e varchar(20) DEFAULT (_latin1 x'e9'), f varchar(20) DEFAULT (concat('é', a)),
		k varchar(9) CHARACTER SET gbk AS (concat('中', 'x')), CHECK (a <> _latin1 x'ff')) COMMENT 'é'`, "SET NAMES binary")
	n := schema.Name{Schema: "r", Name: "l"}
	raw := show(t, db, n)
	if utf8.ValidString(raw) {
		t.Fatalf("the server shows introduced literals in UTF-8 now: %s", raw)
	}
	pure := HexLiterals(raw, 0)
	if !utf8.ValidString(pure) {
		t.Fatalf("not UTF-8: %q", pure)
	}
	if _, err := ParseCreateTable(pure, "r"); err != nil {
		t.Error(err)
	}
	mysqltest.Exec(t, server, "USE r", "SET NAMES utf8mb4", "DROP TABLE l", pure, "SET NAMES binary")
	if again := show(t, db, n); again != raw {
		t.Errorf("made again\n%q\nwant\n%q", again, raw)
	}
}

func TestHexLiterals(t *testing.T) {
	for text, want := range map[string]string{
		"_latin1'a'":                    "_latin1'a'",
		"_latin1'\xe9'":                 "_latin1 x'E9'",
		"_latin1 'a\\n\xe9'''":          "_latin1  x'610AE927'",
		"_utf8mb4'é' comment 'ü'":       "_utf8mb4'é' comment 'ü'",
		"_utf8mb4'\xff'":                "_utf8mb4 x'FF'",
		"_foo'\xff' ü":                  "_foo'\xff' ü",
		"`_latin1`'\xff' _latin1 x'e9'": "`_latin1`'\xff' _latin1 x'e9'",
	} {
		if got := HexLiterals(text, 0); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
