package pitr

import (
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage/catalog"
)

// TestPartialRevokesAreTheTargetsToo: with partial_revokes=ON a grant on `a_b` is one on that schema alone, else on `axb`
// too, and what is revoked of a grant on everything can be said only there. A plan tells it before hours of work.
func TestPartialRevokesAreTheTargetsToo(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)")
	for _, c := range []struct {
		grants         string
		source, target bool
		refused        bool
	}{
		{"GRANT SELECT ON `a_b`.* TO `u`@`%`", true, false, true},
		{"GRANT SELECT ON `a_b`.* TO `u`@`%`", false, true, true},
		{"GRANT SELECT ON `a\\_b`.* TO `u`@`%`", false, true, true},
		{"GRANT SELECT ON `a_b`.* TO `u`@`%`", true, true, false},
		{"GRANT SELECT ON `a_b`.* TO `u`@`%`", false, false, false},
		{"GRANT SELECT ON *.* TO `u`@`%`;\nREVOKE SELECT ON `d`.* FROM `u`@`%`", true, false, true},
		{"GRANT SELECT ON *.* TO `u`@`%`;\nGRANT SELECT ON `d`.* TO `u`@`%`;\nGRANT SELECT ON `d`.`a_b` TO `u`@`%`", true, false, false},
	} {
		set := map[bool]string{true: "ON", false: "OFF"}
		mysqltest.Exec(t, s.dest, "SET GLOBAL partial_revokes="+set[c.target])
		s.into = s.open(s.dest, mysqltest.Root, server.Target)
		b := s.begin()
		b.schema("d")
		b.table("d.t", "")
		b.Source.PartialRevokes = c.source
		text := "CREATE USER `u`@`%`;\n" + c.grants
		b.Accounts = &catalog.Accounts{Names: []string{"`u`@`%`"}, Window: b.here(), SchemaKey: catalog.SchemaKey(catalog.KindUser, catalog.AccountsName), SchemaSHA256: catalog.TextSHA256(text)}
		s.must(s.catalog.PutSchemaObject(t.Context(), instance, b.ID, b.Accounts.SchemaKey, []byte(text)))
		b.end()
		s.archive()
		p, err := MakePlan(t.Context(), Config{Catalog: s.catalog, Target: s.into, Program: "test"}, Wish{Instance: instance})
		s.must(err)
		refused := slices.ContainsFunc(p.Findings, func(f Finding) bool {
			return f.ID == "users" && f.Level == LevelError && strings.Contains(f.Message, "partial_revokes")
		})
		if refused != c.refused {
			t.Errorf("%+v: findings %+v", c, p.Findings)
		}
	}
}
