package truth

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"
)

// SecondPasswords is no name of an account.
const SecondPasswords = "second passwords"

// Accounts are the users and roles of a server, each as the server says what it is and may; under SecondPasswords
// those that some have beside their present one.
type Accounts map[string]string

// listAccounts leaves out those that every server has, and one more.
const listAccounts = "SELECT CONCAT(QUOTE(user), '@', QUOTE(host)) FROM mysql.user WHERE user NOT LIKE 'mysql.%' AND user NOT IN ('root', ?) ORDER BY 1"

const secondPasswords = `SELECT CONCAT(user, '@', host, JSON_EXTRACT(user_attributes, '$.additional_password')) FROM mysql.user
	WHERE JSON_CONTAINS_PATH(user_attributes, 'one', '$.additional_password') ORDER BY 1`

// TakeAccounts reads them, but for root, those of the server itself, and the account of one name.
func TakeAccounts(ctx context.Context, db *sql.DB, except string) (Accounts, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect for the accounts: %w", err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "SET NAMES utf8mb4, print_identified_with_as_hex=ON"); err != nil {
		return nil, fmt.Errorf("set the session for the accounts: %w", err)
	}
	names, err := list(ctx, conn, listAccounts, except)
	if err != nil {
		return nil, err
	}
	found := Accounts{}
	for _, n := range names {
		for _, show := range []string{"SHOW CREATE USER ", "SHOW GRANTS FOR "} {
			told, err := list(ctx, conn, show+n[0])
			if err != nil {
				return nil, err
			}
			for _, line := range told {
				found[n[0]] += line[0] + "\n"
			}
		}
	}
	second, err := list(ctx, conn, secondPasswords)
	if err != nil {
		return nil, err
	}
	for _, line := range second {
		found[SecondPasswords] += line[0] + "\n"
	}
	if _, err := conn.ExecContext(ctx, "SET NAMES utf8mb4, print_identified_with_as_hex=DEFAULT"); err != nil {
		return nil, fmt.Errorf("reset the session: %w", err)
	}
	return found, nil
}

// tableGrant is the line of privileges on a table or its columns.
var tableGrant = regexp.MustCompile("(?m)^GRANT .* ON `((?:[^`]|``)+)`\\.`((?:[^`]|``)+)` TO .*\n")

// OfTables are the accounts without privileges on tables that the truth does not hold: a server keeps such, and lets nobody
// give them.
func (a Accounts) OfTables(t *Truth) Accounts {
	asked := map[string]string{} // schemas, by what the server calls them
	for s, called := range t.called {
		asked[called] = s
	}
	plain := func(s string) string { return strings.ReplaceAll(s, "``", "`") }
	made := Accounts{}
	for name, text := range a {
		made[name] = tableGrant.ReplaceAllStringFunc(text, func(line string) string {
			of := tableGrant.FindStringSubmatch(line)
			if _, is := t.rows[asked[plain(of[1])]+"."+plain(of[2])]; is {
				return line
			}
			return ""
		})
	}
	return made
}

// Differences lists how restored accounts differ from the source's.
func (a Accounts) Differences(restored Accounts) []string {
	var out []string
	for _, name := range union(a, restored) {
		want, is := a[name]
		got, there := restored[name]
		switch {
		case !is:
			out = append(out, fmt.Sprintf("account %s: restored, but not on the source:\n    %s", name, got))
		case !there:
			out = append(out, fmt.Sprintf("account %s: missing:\n    %s", name, want))
		case want != got:
			out = append(out, fmt.Sprintf("account %s differs:\n    source   %q\n    restored %q", name, want, got))
		}
	}
	return out
}
