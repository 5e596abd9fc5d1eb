package history

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/tests/truth"
)

// users come, go and get privileges beside all else. The account that restores may do everything then, and so set any definer.
var users = Feature{
	Name: "users", Doc: "users, roles and privileges come, change and go beside the writers, and are restored", Share: 30,
	Linked: []string{"CREATE TABLE " + granted.String() + " (a INT NOT NULL PRIMARY KEY, b INT, c VARCHAR(10))"},
	Beside: changeUsers,
	Backup: []string{"--users"}, Restore: []string{"--users", "create"},
}

// granted is a table that keeps its columns: a privilege on a column that is gone no server gives.
var granted = name{mainSchema, heldPrefix + "granted"}

// usersEvery: one in so many steps of the session does something. Each while the users are read has them read again.
const usersEvery = 6

func changeUsers() func(context.Context, *writer) (int, error) {
	return func(ctx context.Context, w *writer) (int, error) {
		if w.r.IntN(usersEvery) > 0 {
			return 0, nil
		}
		tables := w.writers.run.live.names()
		if len(tables) == 0 {
			return 0, nil
		}
		if err := w.exec(ctx, accountStatement(w.r, tables[w.r.IntN(len(tables))])); err != nil {
			return 0, err
		}
		return 1, nil
	}
}

// someAccount and someRole draw from few, so that statements meet each other's.
func someAccount(r *rand.Rand) string {
	return pick(r, "'u1'@'%'", "'u1'@'localhost'", "'u2'", "'ü''ser'@'10.0.%'", "'中`文'@'h'")
}

func someRole(r *rand.Rand) string { return pick(r, "role1", "'role''2'@'h'") }

func accountStatement(r *rand.Rand, table name) string {
	account := someAccount(r)
	switch r.IntN(18) {
	case 0, 1, 2:
		return "CREATE USER " + pick(r, "", "IF NOT EXISTS ") + account + fmt.Sprintf(" IDENTIFIED BY 'first%d'", r.IntN(9)) +
			pick(r, "", " DEFAULT ROLE "+someRole(r)) + pick(r, "", " REQUIRE SSL", " REQUIRE SUBJECT '/CN=it' AND ISSUER '/O=us'") + pick(r, "", " WITH MAX_QUERIES_PER_HOUR 5 MAX_USER_CONNECTIONS 2") +
			pick(r, "", " PASSWORD EXPIRE INTERVAL 5 DAY", " PASSWORD HISTORY 3 FAILED_LOGIN_ATTEMPTS 3 PASSWORD_LOCK_TIME 2") +
			pick(r, "", " ACCOUNT LOCK") + pick(r, "", " COMMENT 'it''s'", ` ATTRIBUTE '{"k": 1.50}'`)
	case 3, 4:
		return "CREATE ROLE " + pick(r, "", "IF NOT EXISTS ") + someRole(r)
	case 5:
		return "ALTER USER " + account + pick(r, " IDENTIFIED BY 'next' RETAIN CURRENT PASSWORD", " DISCARD OLD PASSWORD", " ACCOUNT LOCK", " ACCOUNT UNLOCK",
			" PASSWORD EXPIRE", ` ATTRIBUTE '{"k": null, "l": [1]}'`, " COMMENT 'later'", " REQUIRE NONE", " DEFAULT ROLE "+someRole(r), " DEFAULT ROLE ALL")
	case 6:
		return "SET PASSWORD FOR " + account + " = 'set'"
	case 7:
		return "RENAME USER " + account + " TO " + pick(r, someAccount(r), "swap, "+someAccount(r)+" TO "+account+", swap TO "+someAccount(r))
	case 8:
		return pick(r, "DROP USER "+account, "DROP USER IF EXISTS "+account+", "+someAccount(r), "DROP ROLE "+someRole(r))
	case 9:
		return "GRANT " + pick(r, "SELECT", "INSERT, UPDATE", "ALL", "PROCESS, RELOAD", "BACKUP_ADMIN, XA_RECOVER_ADMIN", "CREATE USER") + " ON *.* TO " + account + withGrant(r)
	case 10:
		return "GRANT " + pick(r, "SELECT", "INSERT, DELETE, CREATE ROUTINE", "ALL") + " ON " + quote(table.schema) + ".* TO " + account + ", " + someAccount(r) + withGrant(r)
	case 11:
		// With CREATE, or ALL, among them a server grants on a table that is not there, too.
		return "GRANT " + pick(r, "SELECT", "UPDATE, DELETE", "DROP, INDEX, TRIGGER") + " ON " + table.String() + " TO " + pick(r, account, someRole(r)) + withGrant(r)
	case 12:
		return "GRANT " + pick(r, "SELECT (a)", "SELECT (a, b), UPDATE (c)", "INSERT, REFERENCES (b)") + " ON " + granted.String() + " TO " + account + withGrant(r)
	case 13:
		// Without the option behind one with it, what the server shows is not what its table keeps, until it reads that again.
		admin := ""
		if strings.Contains(account, "localhost") {
			admin = " WITH ADMIN OPTION"
		}
		return "GRANT " + someRole(r) + " TO " + pick(r, account+admin, account+admin, someRole(r))
	case 14:
		// Whenever a server reads its privileges anew it forgets those on routines that an account with a name beyond ASCII has.
		plain := pick(r, "'u1'@'%'", "'u1'@'localhost'", "'u2'")
		return pick(r, "GRANT EXECUTE ON PROCEDURE "+quoteName(table.schema, "proc_a")+" TO "+plain, "GRANT ALTER ROUTINE ON FUNCTION "+quoteName(table.schema, "func_a")+" TO "+plain,
			"GRANT PROXY ON "+someAccount(r)+" TO "+account, "SET DEFAULT ROLE ALL TO "+account)
	case 15:
		return "REVOKE " + pick(r, "SELECT ON *.*", "ALL ON *.*", "BACKUP_ADMIN ON *.*", "INSERT ON "+quote(table.schema)+".*", "ALL ON "+table.String(),
			"SELECT (a), UPDATE (c) ON "+granted.String(), "GRANT OPTION ON *.*", someRole(r)) + " FROM " + account
	case 16:
		return "REVOKE IF EXISTS " + pick(r, "SELECT ON "+table.String(), someRole(r)) + " FROM " + account + " IGNORE UNKNOWN USER"
	}
	return "REVOKE ALL PRIVILEGES, GRANT OPTION FROM " + account
}

func withGrant(r *rand.Rand) string { return pick(r, "", "", " WITH GRANT OPTION") }

// allowUsers lets the account that restores make users with whatever privileges.
func (h *run) allowUsers(ctx context.Context) error {
	return h.servers.Target.Exec(ctx, "GRANT ALL ON *.* TO "+definer+" WITH GRANT OPTION", "GRANT PROXY ON ''@'' TO "+definer+" WITH GRANT OPTION")
}

// takeAccounts returns those of a server that are compared; none where the history has no users.
func (h *run) takeAccounts(ctx context.Context, s *mysqltest.Server) (truth.Accounts, error) {
	if !h.features.has(users.Name) {
		return nil, nil
	}
	return truth.TakeAccounts(ctx, s.Root(), mysqltest.RestoreUser.Name)
}

// dropUsers leaves the account that restores alone on the target.
func (h *run) dropUsers(ctx context.Context) error {
	there, err := h.takeAccounts(ctx, h.servers.Target)
	if err != nil {
		return err
	}
	var drops []string
	for account := range there {
		if account != truth.SecondPasswords {
			drops = append(drops, "DROP USER "+account)
		}
	}
	return h.servers.Target.Exec(ctx, drops...)
}
