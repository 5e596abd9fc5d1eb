package dumper

import (
	"context"
	"encoding/hex"
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
	// expired is the present password; how long the next one lasts, if that is not the server's to say, SHOW CREATE USER does not
	// tell then.
	expired      bool
	lasts        string
	grants       []string
	defaultRoles string
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
const listAccounts = `SELECT user, host, plugin, HEX(authentication_string), COALESCE(HEX(JSON_UNQUOTE(JSON_EXTRACT(user_attributes,_utf8mb4'$.additional_password'))),''),
password_expired, IF(password_expired='Y', CASE password_lifetime WHEN 0 THEN 'NEVER' ELSE COALESCE(CONCAT('INTERVAL ',password_lifetime,' DAY'),'') END, '')
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
		list[i].expired, list[i].lasts = row[5] == "Y", row[6]
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
		if list[i].create, err = asHex(list[i].create, list[i].present); err != nil {
			return fmt.Errorf("SHOW CREATE USER %s: %w", list[i].name, err)
		}
		for _, g := range rows[2*i+1] {
			list[i].grants = append(list[i].grants, g[0])
		}
	}
	return nil
}

// asHex returns the statement with its password in the form of present, if there is one: the server prints a hash that happens to
// have no unprintable byte as a string all the same.
func asHex(create, present string) (string, error) {
	if strings.Contains(create, present) {
		return create, nil
	}
	clause, digits, _ := strings.Cut(present, " AS 0x")
	hash, err := hex.DecodeString(digits)
	if err != nil {
		return "", err
	}
	text := clause + " AS '" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, `"`, `\"`).Replace(string(hash)) + "'"
	if !strings.Contains(create, text) {
		return "", errTwoPasswords
	}
	return strings.Replace(create, text, present, 1), nil
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
			// Two passwords come about only one after the other; what CREATE USER says beside stays, but that they are expired.
			present := "ALTER USER " + a.name.String() + " " + a.present + " RETAIN CURRENT PASSWORD"
			if a.expired {
				present += " PASSWORD EXPIRE"
			}
			created = append(created, strings.Replace(a.create, a.present, a.older, 1), present)
		}
		if a.lasts != "" { // leaves the password expired
			created = append(created, "ALTER USER "+a.name.String()+" PASSWORD EXPIRE "+a.lasts)
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
