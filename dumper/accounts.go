package dumper

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/dumper/bases"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage/catalog"
)

// account is one user or role as it was read.
type account struct {
	name ddl.AccountName
	// older is the statement that gives a password which the account has beside its present one; plugin
	// and hash are those of the present one then.
	create, older, present string
	grants                 []string
	defaultRoles           string
}

// accountsAtOnce bounds how many accounts one packet asks about.
const accountsAtOnce = 200

// listingTries bounds how often the accounts are listed again because one of them was gone when it was
// asked for: each DROP USER between the two has the whole read again anyway, but one without the log.
const listingTries = 5

// errTwoPasswords: the table says that there are two, and the server shows another present one.
var errTwoPasswords = errors.New("the server shows another password than its table holds")

// Errors that mean that there is no such account.
const (
	errNoSuchAccount = 1396
	errNoSuchGrant   = 1141
)

// listAccounts lists the accounts but those that every server has, with a second password where there is one.
// SHOW GRANTS in front waits for statements about accounts that are in the log and not committed; the SELECT
// opens its read view behind it.
const listAccounts = `SELECT user, host, plugin, HEX(authentication_string), COALESCE(HEX(JSON_UNQUOTE(JSON_EXTRACT(user_attributes,_utf8mb4'$.additional_password'))),'')
FROM mysql.user WHERE NOT (host='localhost' AND user IN ('root','mysql.infoschema','mysql.session','mysql.sys')) ORDER BY user, host`

// readAccounts reads users and roles with their privileges, all at one place of the log.
func (w *worker) readAccounts(ctx context.Context, want bases.Want) error {
	var found []account
	read, err := w.between(ctx, want, func(conn *server.RawConn) (err error) {
		for range listingTries {
			found, err = describeAccounts(ctx, conn)
			if n := server.ErrorNumber(err); n != errNoSuchAccount && n != errNoSuchGrant {
				return err
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	w.later(func(ctx context.Context) error {
		t1, err := w.clock.After(ctx, read.received)
		if err != nil {
			return err
		}
		w.board.update(func(s *bases.Bases) {
			if s.ObjectDone(want, bases.ObjectRead{Exists: true, Before: w.mark(read.before), After: w.mark(t1)}) {
				w.advances.step()
				w.contents.setAccounts(found)
			}
		})
		return nil
	})
	return nil
}

func describeAccounts(ctx context.Context, conn *server.RawConn) ([]account, error) {
	// A hash may hold bytes that are no text.
	if _, err := conn.Query(ctx, "SET SESSION print_identified_with_as_hex=ON", nil); err != nil {
		return nil, err
	}
	listed, err := guardedRows(ctx, conn, "SHOW GRANTS FOR CURRENT_USER()", listAccounts)
	if err != nil {
		return nil, err
	}
	list := make([]account, len(listed[1]))
	for i, row := range listed[1] {
		list[i].name = ddl.AccountName{User: row[0], Host: row[1]}
		if row[4] != "" {
			list[i].older, list[i].present = identified(row[2], row[4]), identified(row[2], row[3])
		}
	}
	for from := 0; from < len(list); from += accountsAtOnce {
		if err := describeSome(ctx, conn, list[from:min(from+accountsAtOnce, len(list))]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func identified(plugin, hash string) string {
	return "IDENTIFIED WITH '" + strings.ReplaceAll(plugin, "'", "''") + "' AS 0x" + hash
}

func describeSome(ctx context.Context, conn *server.RawConn, list []account) error {
	var statements []string
	for i := range list {
		quoted := list[i].name.String()
		statements = append(statements, "SHOW CREATE USER "+quoted, "SHOW GRANTS FOR "+quoted)
	}
	rows, err := guardedRows(ctx, conn, statements...)
	if err != nil {
		return err
	}
	for i := range list {
		created := rows[2*i]
		if len(created) != 1 || len(created[0]) != 1 {
			return fmt.Errorf("SHOW CREATE USER %s: the server did not answer with one row", list[i].name)
		}
		list[i].create, list[i].defaultRoles = withoutDefaultRoles(created[0][0])
		if !strings.Contains(list[i].create, list[i].present) {
			return fmt.Errorf("SHOW CREATE USER %s: %w", list[i].name, errTwoPasswords)
		}
		for _, g := range rows[2*i+1] {
			list[i].grants = append(list[i].grants, g[0])
		}
	}
	return nil
}

// withoutDefaultRoles takes that clause out of SHOW CREATE USER: CREATE USER grants the roles of it, without
// ADMIN OPTION, and those must be there already.
func withoutDefaultRoles(create string) (without, roles string) {
	const clause, next = " DEFAULT ROLE ", " REQUIRE "
	from := unquoted(create, 0, clause)
	if from == len(create) {
		return create, ""
	}
	to := unquoted(create, from+len(clause), next)
	return create[:from] + create[to:], create[from+len(clause) : to]
}

// accountsText is what makes the accounts on an empty server, in an order in which whatever a statement
// refers to is there: the accounts, their privileges and roles, which roles are active.
func accountsText(list []account) string {
	var created, granted, roles []string
	for _, a := range list {
		if a.older == "" {
			created = append(created, a.create)
		} else {
			// Two passwords come about only one after the other; what CREATE USER says beside stays.
			created = append(created, strings.Replace(a.create, a.present, a.older, 1), "ALTER USER "+a.name.String()+" "+a.present+" RETAIN CURRENT PASSWORD")
		}
		granted = append(granted, a.grants...)
		if a.defaultRoles != "" {
			roles = append(roles, "ALTER USER "+a.name.String()+" DEFAULT ROLE "+a.defaultRoles)
		}
	}
	return strings.Join(append(append(created, granted...), roles...), ";\n")
}

// putAccounts stores the accounts, whose window is the object's.
func (b *backup) putAccounts(ctx context.Context, m *catalog.Manifest, o catalog.Object) (err error) {
	list := b.contents.takenAccounts()
	text := accountsText(list)
	m.Accounts = &catalog.Accounts{Names: []string{}, Window: o.Window, SchemaSHA256: catalog.TextSHA256(text)}
	for _, a := range list {
		m.Accounts.Names = append(m.Accounts.Names, a.name.String())
	}
	m.Accounts.SchemaKey, err = b.putText(ctx, catalog.KindUser, catalog.AccountsName, text)
	return err
}
