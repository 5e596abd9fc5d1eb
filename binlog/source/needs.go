package source

import (
	"github.com/tripod-db/tripod/internal/server"
)

// ArchiveNeeds are the privileges for reading the log: its stream, and its positions.
func ArchiveNeeds(f server.Facts) []server.Need {
	positions := "REPLICATION CLIENT"
	if f.Flavor == server.FlavorMariaDB && f.AtLeast(10, 5, 2) {
		positions = "BINLOG MONITOR" // its other name, in which SHOW GRANTS shows it
	}
	return []server.Need{
		{Privilege: positions, On: server.Everywhere},
		{Privilege: "REPLICATION SLAVE", On: server.Everywhere},
	}
}

// BackupNeeds are the privileges for a backup of some schemas, or of the whole server when none
// is named. Each of them must be held, not only tried: without TRIGGER, EVENT or SHOW_ROUTINE a
// server shows no error but nothing at all (fact 3.9).
func BackupNeeds(f server.Facts, g server.Grants, schemas ...string) []server.Need {
	needs := ArchiveNeeds(f)
	scopes := []string{server.Everywhere}
	if len(schemas) > 0 {
		scopes = nil
		for _, name := range schemas {
			scopes = append(scopes, server.SchemaScope(name))
		}
	}
	for _, on := range scopes {
		for _, privilege := range []string{"SELECT", "SHOW VIEW", "TRIGGER", "EVENT"} {
			needs = append(needs, server.Need{Privilege: privilege, On: on})
		}
	}
	return append(needs, routineNeeds(f, g)...)
}

// routineNeeds: the text of a routine of somebody else is shown to whoever holds SHOW_ROUTINE
// (from 8.0.20 on) or SELECT on the whole server.
func routineNeeds(f server.Facts, g server.Grants) []server.Need {
	everything := server.Need{Privilege: "SELECT", On: server.Everywhere}
	if f.Flavor != server.FlavorMySQL || !f.AtLeast(8, 0, 20) {
		return []server.Need{everything}
	}
	if len(g.Missing(everything)) == 0 {
		return nil
	}
	return []server.Need{{Privilege: "SHOW_ROUTINE", On: server.Everywhere}}
}
