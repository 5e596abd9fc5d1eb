package pitr

import (
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
)

// TestFeaturesOfOlderTargets: what an older MySQL or MariaDB refuses, and what it would lose without a word, is named.
func TestFeaturesOfOlderTargets(t *testing.T) {
	def, err := ddl.ParseCreateTable("CREATE TABLE `t` (\n  `id` int NOT NULL,\n  `j` json DEFAULT NULL,\n  `g` int GENERATED ALWAYS AS (`id`) VIRTUAL,\n"+
		"  `d` varchar(36) DEFAULT (uuid()),\n  `i` int DEFAULT '1' /*!80023 INVISIBLE */,\n  `p` point NOT NULL /*!80003 SRID 4326 */,\n"+
		"  PRIMARY KEY (`id`),\n  KEY `f` ((`id` + 1)),\n  CONSTRAINT `c` CHECK ((`id` > 0))\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin", "d")
	if err != nil {
		t.Fatal(err)
	}
	features := featuresOf(def, schema.Name{Schema: "d", Name: "t"})
	for _, c := range []struct {
		facts server.Facts
		want  []string
	}{
		{server.Facts{Flavor: server.FlavorMySQL, Major: 9, Minor: 7}, nil},
		{server.Facts{Flavor: server.FlavorMariaDB, Major: 10, Minor: 11, Patch: 18}, []string{"JSON column j", "invisible column i", "key f", "SRID of the column p"}},
		{server.Facts{Flavor: server.FlavorMySQL, Major: 8, Minor: 0, Patch: 16}, []string{"invisible column i"}},
		{server.Facts{Flavor: server.FlavorMySQL, Major: 5, Minor: 7, Patch: 44}, []string{"invisible column i", "default expression of the column d", "key f", "CHECK of d.t", "SRID of the column p"}},
		{server.Facts{Flavor: server.FlavorMySQL, Major: 5, Minor: 6, Patch: 24}, []string{"JSON column j", "generated column g", "invisible column i", "default expression of the column d", "key f", "CHECK of d.t", "SRID of the column p"}},
	} {
		var told []string
		checkFeatures(&targetFacts{Facts: c.facts}, features, func(id string, level Level, remedy, format string, args ...any) {
			told = append(told, args[2].(string))
			if id != "features" || level != LevelError || !strings.Contains(remedy, "--exclude") {
				t.Errorf("%s %s: %s", id, level, remedy)
			}
		})
		text := strings.Join(told, "")
		for _, w := range c.want {
			if !strings.Contains(text, w) {
				t.Errorf("%d.%d.%d: %q lacks %q", c.facts.Major, c.facts.Minor, c.facts.Patch, text, w)
			}
		}
		if n := strings.Count(text, " of d.t"); n != len(c.want) {
			t.Errorf("%d.%d.%d: %d features are told, want %d: %s", c.facts.Major, c.facts.Minor, c.facts.Patch, n, len(c.want), text)
		}
	}
}
