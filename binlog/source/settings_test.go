package source

import (
	"testing"

	"github.com/tripod-db/tripod/internal/server"
)

// A version that is not proved is told, to backup and archive alike, and refused by neither.
func TestFlavorsAndVersions(t *testing.T) {
	for _, c := range []struct {
		facts server.Facts
		level Level
	}{
		{server.Facts{Flavor: server.FlavorMySQL, Version: "9.7.4", Major: 9, Minor: 7}, LevelInfo},
		{server.Facts{Flavor: server.FlavorMySQL, Version: "5.6.24-log", Major: 5, Minor: 6, Patch: 24}, LevelInfo},
		{server.Facts{Flavor: server.FlavorMySQL, Version: "5.7.44", Major: 5, Minor: 7, Patch: 44}, LevelWarning},
		{server.Facts{Flavor: server.FlavorMySQL, Version: "8.4.3", Major: 8, Minor: 4}, LevelWarning},
		{server.Facts{Flavor: server.FlavorMariaDB, Version: "10.11.19-MariaDB-log", Major: 10, Minor: 11}, LevelInfo},
		{server.Facts{Flavor: server.FlavorMariaDB, Version: "10.6.18-MariaDB-log", Major: 10, Minor: 6, Patch: 18}, LevelWarning},
		{server.Facts{Flavor: server.FlavorMariaDB, Version: "11.4.2-MariaDB", Major: 11, Minor: 4, Patch: 2}, LevelWarning},
	} {
		for _, found := range [][]Finding{checkVersion(c.facts), checkLogVersion(c.facts)} {
			if len(found) != 1 || found[0].Level != c.level || found[0].ID != "version" {
				t.Errorf("%s: %+v, want level %s", c.facts.Version, found, c.level)
			}
			if err := Refuse(found); err != nil {
				t.Errorf("%s is refused with %v", c.facts.Version, err)
			}
		}
	}
}
