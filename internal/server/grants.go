package server

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tripod-db/tripod/internal/schema"
)

// Everywhere is the scope of global privileges.
const Everywhere = "*.*"

// Need is one privilege on one scope: "*.*", "`schema`.*" or "`schema`.`table`".
type Need struct {
	Privilege string // as GRANT spells it, in upper case
	On        string
}

// GrantStatement returns the statement that an administrator runs to give an account, as
// CURRENT_USER() spells it (user@host), what is needed.
func (n Need) GrantStatement(account string) string {
	return "GRANT " + n.Privilege + " ON " + n.On + " TO " + QuoteAccount(account)
}

// GrantStatements returns one statement per scope for all the needs, in their order.
func GrantStatements(account string, needs []Need) []string {
	var scopes []string
	privileges := map[string][]string{}
	for _, n := range needs {
		if !slices.Contains(scopes, n.On) {
			scopes = append(scopes, n.On)
		}
		if !slices.Contains(privileges[n.On], n.Privilege) {
			privileges[n.On] = append(privileges[n.On], n.Privilege)
		}
	}
	statements := make([]string, len(scopes))
	for i, on := range scopes {
		statements[i] = Need{Privilege: strings.Join(privileges[on], ", "), On: on}.GrantStatement(account)
	}
	return statements
}

// QuoteAccount turns user@host into 'user'@'host'. The host has no @, the user may.
func QuoteAccount(account string) string {
	user, host := account, "%"
	if i := strings.LastIndexByte(account, '@'); i >= 0 {
		user, host = account[:i], account[i+1:]
	}
	quote := func(s string) string {
		return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(s) + "'"
	}
	return quote(user) + "@" + quote(host)
}

// SchemaScope returns the scope of all of a schema, for Need. The name is taken as it is: _ and
// % are escaped, because a grant on a schema takes them for wildcards.
func SchemaScope(name string) string {
	return schema.Quote(strings.NewReplacer(`\`, `\\`, `_`, `\_`, `%`, `\%`).Replace(name)) + ".*"
}

// TableScope returns the scope of one table, for Need.
func TableScope(name schema.Name) string { return name.Quoted() }

// Grants is what the connected account may do with its active roles, partial revokes taken off.
type Grants struct {
	Account string // user@host as CURRENT_USER() gives it
	// InactiveRoles are granted but not active at login: what they would allow is not counted.
	InactiveRoles []string

	entries       []grant
	revoked       []grant
	literal       bool // partial_revokes=ON: _ and % in schema names mean themselves
	mayGrantProxy bool // on whatever account
	caseless      bool // lower_case_table_names is not 0
}

// grant is one line of SHOW GRANTS: privileges on *.* (no schema), a schema or a table.
type grant struct {
	privileges    []string
	schema, table string
}

// Grants reads what the account may do. No privilege is needed for it.
func (s *Server) Grants(ctx context.Context) (Grants, error) {
	conn, err := s.Conn(ctx)
	if err != nil {
		return Grants{}, err
	}
	defer conn.Close()
	g := Grants{Account: s.facts.CurrentUser, literal: s.facts.PartialRevokes, caseless: s.facts.LowerCaseTableNames != 0}
	statement, roles := "SHOW GRANTS FOR CURRENT_USER()", ""
	if s.facts.Flavor == FlavorMySQL && s.facts.AtLeast(8, 0, 0) {
		if err := conn.QueryRowContext(ctx, "SELECT CURRENT_ROLE()").Scan(&roles); err != nil {
			return Grants{}, fmt.Errorf("read active roles: %w", Classify(err))
		}
		if roles == "NONE" {
			roles = ""
		}
		if roles != "" {
			statement += " USING " + roles
		}
	}
	lines, err := column(ctx, conn, statement)
	if err == nil && s.facts.Flavor == FlavorMariaDB {
		var more []string
		more, roles, err = mariadbRoles(ctx, conn, s.facts)
		lines = append(lines, more...)
	}
	if err != nil {
		return Grants{}, fmt.Errorf("read grants: %w", Classify(err))
	}
	for _, line := range lines {
		if err := g.add(line, roles); err != nil {
			return Grants{}, err
		}
	}
	return g, nil
}

// mariadbRoles returns what the active role gives, and the roles that it stands for, as SHOW GRANTS spells
// them: of an account MariaDB shows only which roles it has. One role is active at a time there, and with
// it those that were granted to it. PUBLIC is everybody's (10.11).
func mariadbRoles(ctx context.Context, conn *sql.Conn, f Facts) (lines []string, active string, err error) {
	var role sql.NullString
	if err := conn.QueryRowContext(ctx, "SELECT CURRENT_ROLE()").Scan(&role); err != nil {
		return nil, "", err
	}
	if role.Valid {
		active = schema.Quote(role.String)
		if lines, err = column(ctx, conn, "SHOW GRANTS FOR CURRENT_ROLE()"); err != nil {
			return nil, "", err
		}
		for _, line := range lines { // the lines of the roles that were granted to it are there too
			p := grantLine{rest: line}
			if p.word() != "GRANT" {
				continue
			}
			if granted, onObject := p.list(); !onObject {
				active += "," + strings.Join(granted, ",")
			}
		}
	}
	if f.AtLeast(10, 11, 0) {
		public, err := column(ctx, conn, "SHOW GRANTS FOR PUBLIC")
		return append(lines, public...), active, err
	}
	return lines, active, nil
}

func column(ctx context.Context, conn *sql.Conn, query string) (values []string, err error) {
	rows, err := conn.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var value string
		if err := rows.Scan(&value); err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	return values, rows.Err()
}

// add reads one line of SHOW GRANTS. activeRoles is what CURRENT_ROLE() says.
func (g *Grants) add(line, activeRoles string) error {
	p := grantLine{rest: line}
	verb := p.word()
	if verb == "SET" { // MariaDB's SET DEFAULT ROLE
		return nil
	}
	if verb != "GRANT" && verb != "REVOKE" {
		return fmt.Errorf("read grants: %q is neither GRANT nor REVOKE", line)
	}
	privileges, onObject := p.list()
	if !onObject {
		for _, role := range privileges {
			if !strings.Contains(activeRoles, role) {
				g.InactiveRoles = append(g.InactiveRoles, role)
			}
		}
		return nil
	}
	withGrantOption := strings.HasSuffix(line, " WITH GRANT OPTION")
	if slices.Equal(privileges, []string{"PROXY"}) {
		g.mayGrantProxy = g.mayGrantProxy || withGrantOption && strings.HasPrefix(p.rest, "``@`")
		return nil
	}
	entry, ok := p.object()
	if !ok {
		return nil // one routine
	}
	entry.privileges = privileges
	if slices.Contains(privileges, "BINLOG MONITOR") { // as MariaDB 10.5 and later show what both take in a GRANT
		entry.privileges = append(entry.privileges, "REPLICATION CLIENT")
	}
	if withGrantOption {
		entry.privileges = append(entry.privileges, "GRANT OPTION")
	}
	if verb == "REVOKE" {
		g.revoked = append(g.revoked, entry)
	} else {
		g.entries = append(g.entries, entry)
	}
	return nil
}

// Has tells whether the account holds a privilege (in upper case, as GRANT spells it) on all of
// a schema; "" asks for the whole server but its own schemas, which tripod never reads.
func (g Grants) Has(privilege, schemaName string) bool {
	for _, r := range g.revoked {
		if !r.holds(privilege) {
			continue
		}
		if schemaName == "" && !schema.IsSystem(r.schema, g.caseless) || schemaName != "" && g.same(r.schema, schemaName) {
			return false
		}
	}
	for _, e := range g.entries {
		if e.holds(privilege) && e.table == "" && (e.schema == "" || schemaName != "" && g.matches(e.schema, schemaName)) {
			return true
		}
	}
	return false
}

// HasOnTable tells whether the account holds a privilege on one table.
func (g Grants) HasOnTable(privilege string, name schema.Name) bool {
	if g.Has(privilege, name.Schema) {
		return true
	}
	for _, e := range g.entries {
		if e.holds(privilege) && e.table != "" && g.same(e.schema, name.Schema) && g.same(e.table, name.Name) {
			return true
		}
	}
	return false
}

// MayGrantProxy tells whether the account may grant PROXY on whatever account.
func (g Grants) MayGrantProxy() bool { return g.mayGrantProxy }

// HasAnywhere tells whether the account holds a privilege on any scope.
func (g Grants) HasAnywhere(privilege string) bool {
	return slices.ContainsFunc(g.entries, func(e grant) bool { return e.holds(privilege) })
}

// SchemasWith returns the scopes, as GRANT spells them, on which the account holds all of the
// privileges: *.* alone, or schemas and patterns of schemas.
func (g Grants) SchemasWith(privileges ...string) []string {
	holdsAll := func(schemaName string) bool {
		return !slices.ContainsFunc(privileges, func(p string) bool { return !g.Has(p, schemaName) })
	}
	if holdsAll("") {
		return []string{Everywhere}
	}
	var scopes []string
	for _, e := range g.entries {
		scope := schema.Quote(e.schema) + ".*"
		if e.schema == "" || e.table != "" || slices.Contains(scopes, scope) {
			continue
		}
		name := e.schema
		if !g.literal {
			name = unescape(name)
		}
		if holdsAll(name) {
			scopes = append(scopes, scope)
		}
	}
	return scopes
}

// Missing returns the needs that are not met, in their order.
func (g Grants) Missing(needs ...Need) []Need {
	var missing []Need
	for _, n := range needs {
		if !g.meets(n) {
			missing = append(missing, n)
		}
	}
	return missing
}

func (g Grants) meets(n Need) bool {
	p := grantLine{rest: n.On}
	scope, ok := p.object()
	if !ok {
		return false
	}
	if scope.table != "" {
		return g.HasOnTable(n.Privilege, schema.Name{Schema: scope.schema, Name: scope.table})
	}
	return g.Has(n.Privilege, unescape(scope.schema))
}

// holds tells whether the entry gives the privilege. ALL PRIVILEGES on *.* is listed one by one
// by MySQL 8 (dynamic ones on a line of their own), and by its name on older servers.
func (e grant) holds(privilege string) bool {
	return slices.Contains(e.privileges, privilege) ||
		slices.Contains(e.privileges, "ALL PRIVILEGES") && !dynamicPrivileges[privilege] && privilege != "GRANT OPTION"
}

// dynamicPrivileges are not part of ALL PRIVILEGES as SHOW GRANTS prints it.
var dynamicPrivileges = map[string]bool{
	"BACKUP_ADMIN": true, "SHOW_ROUTINE": true, "XA_RECOVER_ADMIN": true, "SET_ANY_DEFINER": true, "SET_USER_ID": true,
	"SYSTEM_VARIABLES_ADMIN": true, "SESSION_VARIABLES_ADMIN": true, "SYSTEM_USER": true, "CONNECTION_ADMIN": true,
	"BINLOG_ADMIN": true, "REPLICATION_APPLIER": true, "INNODB_REDO_LOG_ENABLE": true, "FLUSH_TABLES": true,
	"ALLOW_NONEXISTENT_DEFINER": true, "TABLE_ENCRYPTION_ADMIN": true, "ROLE_ADMIN": true,
}

func (g Grants) same(a, b string) bool {
	return a == b || g.caseless && strings.EqualFold(a, b)
}

// matches compares a schema's name with that of a grant, in which _ and % are wildcards and \
// takes their meaning away, unless partial revokes are on.
func (g Grants) matches(pattern, name string) bool {
	if g.literal {
		return g.same(pattern, name)
	}
	if g.caseless {
		pattern, name = strings.ToLower(pattern), strings.ToLower(name)
	}
	return matchWildcards(pattern, name)
}

func matchWildcards(pattern, name string) bool {
	for pattern != "" {
		switch c := pattern[0]; {
		case c == '%':
			for i := 0; i <= len(name); i++ {
				if matchWildcards(pattern[1:], name[i:]) {
					return true
				}
			}
			return false
		case name == "":
			return false
		case c == '\\' && len(pattern) > 1:
			if pattern[1] != name[0] {
				return false
			}
			pattern, name = pattern[2:], name[1:]
		case c == '_':
			_, size := utf8.DecodeRuneInString(name)
			pattern, name = pattern[1:], name[size:]
		case c != name[0]:
			return false
		default:
			pattern, name = pattern[1:], name[1:]
		}
	}
	return name == ""
}
