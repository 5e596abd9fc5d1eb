package source

import (
	"fmt"

	"github.com/tripod-db/tripod/internal/server"
)

// usersNeed is the privilege for reading users and roles: SHOW CREATE USER and SHOW GRANTS of others. SELECT on
// everything holds it.
var usersNeed = server.Need{Privilege: "SELECT", On: "`mysql`.*"}

// ProvedUsers tells whether the reading of users and roles is proved, by tests, on this server: which of its
// statements are in the log and what SHOW CREATE USER waits for differ.
func ProvedUsers(f server.Facts) bool { return f.Flavor == server.FlavorMySQL && f.Major == 9 }

// PreflightUsers says what stands in the way of backing up users and roles. Where nobody has asked for them,
// nothing does; that they can be had is information.
func PreflightUsers(f server.Facts, g server.Grants, asked bool) []Finding {
	if asked && !ProvedUsers(f) {
		return []Finding{{
			ID: "users", Level: LevelError,
			Message: fmt.Sprintf("users and roles of %s %s cannot be backed up yet: that is proved on MySQL 9 only", f.Flavor, f.Version),
			Remedy:  "back up without --users, and keep SHOW CREATE USER and SHOW GRANTS of each account beside it",
		}}
	}
	if asked || !ProvedUsers(f) {
		return nil
	}
	if missing := g.Missing(usersNeed); len(missing) > 0 {
		return []Finding{{
			ID: "users", Level: LevelInfo, Message: "the account may not read users and roles: backup --users would be refused",
			Remedy: usersNeed.GrantStatement(g.Account),
		}}
	}
	return nil
}
