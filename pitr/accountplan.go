package pitr

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/pitr/target"
)

// accountNeeds are the privileges for making accounts and looking which there are.
var accountNeeds = []server.Need{{Privilege: "CREATE USER", On: server.Everywhere}, {Privilege: "SELECT", On: "`mysql`.*"}}

// lookAtAccounts adds to the plan which users and roles are made, what the target has of them already, and what
// its account lacks to make them.
func (p *Plan) lookAtAccounts(ctx context.Context, c Config, grants server.Grants, steps []director.AccountStep) error {
	if len(steps) == 0 {
		return nil
	}
	f := c.Target.Facts()
	made := protectedOn(f).without(director.AccountsMade(steps))
	for _, n := range made {
		p.Accounts = append(p.Accounts, n.String())
	}
	add := func(level Level, remedy, format string, args ...any) {
		p.Findings = append(p.Findings, Finding{ID: "users", Level: level, Message: fmt.Sprintf(format, args...), Remedy: remedy})
	}
	if f.Flavor != server.FlavorMySQL || f.Major < 9 {
		add(LevelError, "restore without the users: --users omit", "users and roles of the backup can be restored into MySQL 9 only, the target is %s %s", f.Flavor, f.Version)
		return nil
	}
	if from := p.manifest.Source.PartialRevokes; from != f.PartialRevokes && leansOnPartialRevokes(steps, from) {
		add(LevelError, "on the target, as an administrator: SET PERSIST partial_revokes="+onOrOff(from)+"; or restore without the users: --users omit",
			"privileges of the backup's users would mean other schemas on the target, or cannot be given there: partial_revokes is %s on the source and %s on the target", onOrOff(from), onOrOff(f.PartialRevokes))
	}
	if missing := grants.Missing(append(slices.Clone(accountNeeds), grantNeeds(steps)...)...); len(missing) > 0 {
		statements := server.GrantStatements(f.CurrentUser, missing)
		p.MissingGrants = append(p.MissingGrants, statements...)
		add(LevelError, strings.Join(statements, "; ")+"; or restore without the users: --users omit",
			"the target's account lacks privileges that the users of the backup need, or may not give them: %s", describeNeeds(missing))
		if len(grants.Missing(accountNeeds...)) > 0 {
			return nil // it cannot be seen which there are
		}
	}
	if grantsProxy(steps) && !grants.MayGrantProxy() {
		statement := "GRANT PROXY ON ''@'' TO " + server.QuoteAccount(f.CurrentUser) + " WITH GRANT OPTION"
		p.MissingGrants = append(p.MissingGrants, statement)
		add(LevelError, statement+"; or restore without the users: --users omit", "the target's account may not grant PROXY, which users of the backup have")
	}
	if p.Resumes {
		return nil // they are this restore's own
	}
	there, err := accountsOn(ctx, c.Target)
	if err != nil {
		return err
	}
	for _, n := range made {
		if there[n] {
			p.existingAccounts = append(p.existingAccounts, n)
			p.ExistingAccounts = append(p.ExistingAccounts, n.String())
		}
	}
	switch names := strings.Join(p.ExistingAccounts, ", "); {
	case names == "":
	case p.Force:
		add(LevelWarning, "", "users and roles dropped first, as --force asks: %s", names)
	default:
		add(LevelError, "drop them, restore without the users (--users omit), or use --force, which drops exactly these",
			"the target has users and roles that this restore would create: %s", names)
	}
	return nil
}

// accountsOn lists the accounts of a server.
func accountsOn(ctx context.Context, srv *server.Server) (map[ddl.AccountName]bool, error) {
	s, err := target.Connect(ctx, srv)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	rows, err := s.QueryRows(ctx, "SELECT user, host FROM mysql.user")
	if err != nil {
		return nil, fmt.Errorf("list the target's users: %w", err)
	}
	there := map[ddl.AccountName]bool{}
	for _, row := range rows {
		there[ddl.AccountName{User: row[0], Host: row[1]}] = true
	}
	return there, nil
}

// schemaPrivileges is what ALL stands for on a schema.
var schemaPrivileges = []string{
	"SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "REFERENCES", "INDEX", "ALTER", "CREATE TEMPORARY TABLES", "LOCK TABLES",
	"EXECUTE", "CREATE VIEW", "SHOW VIEW", "CREATE ROUTINE", "ALTER ROUTINE", "EVENT", "TRIGGER",
}

// grantNeeds is what an account must hold, and hold with GRANT OPTION, to give what the statements give.
func grantNeeds(steps []director.AccountStep) []server.Need {
	var list []server.Need
	need := func(privilege, on string) {
		if n := (server.Need{Privilege: privilege, On: on}); !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	for _, s := range steps {
		c := s.Change
		if c.Act != ddl.GrantTo {
			continue
		}
		if c.On == "" {
			if !slices.Contains(c.Privileges, "PROXY") {
				need("ROLE_ADMIN", server.Everywhere)
			}
			continue
		}
		on := c.On
		if c.Routine != "" {
			on = server.SchemaScope(c.Object.Schema)
		}
		for _, privilege := range c.Privileges {
			switch privilege {
			case "USAGE":
				continue
			case "ALL", "ALL PRIVILEGES":
				for _, each := range schemaPrivileges {
					need(each, on)
				}
			default:
				need(privilege, on)
			}
			need("GRANT OPTION", on)
		}
	}
	return list
}

// leansOnPartialRevokes tells whether what the statements give depends on partial_revokes, which is ON or not on the
// source: with it _ and % in the schema of a privilege mean themselves, and a schema can be taken out of a privilege on
// all.
func leansOnPartialRevokes(steps []director.AccountStep, on bool) bool {
	return slices.ContainsFunc(steps, func(s director.AccountStep) bool {
		c := s.Change
		ofSchema := c.Object == (schema.Name{}) && c.On != "" && c.On != "*.*"
		return ofSchema && (strings.ContainsAny(c.On, "_%") || on && c.Act == ddl.RevokeFrom)
	})
}

func onOrOff(on bool) string {
	if on {
		return "ON"
	}
	return "OFF"
}

func grantsProxy(steps []director.AccountStep) bool {
	return slices.ContainsFunc(steps, func(s director.AccountStep) bool {
		return s.Change.Act == ddl.GrantTo && slices.Contains(s.Change.Privileges, "PROXY")
	})
}

// dropExistingAccounts drops exactly those that the plan named.
func (r *run) dropExistingAccounts(ctx context.Context) error {
	for _, n := range r.plan.existingAccounts {
		r.config.log().Info("drop what is in the way, as --force asks", "user", n.String())
		if err := r.main.Exec(ctx, "DROP USER IF EXISTS "+n.String()); err != nil {
			f := fault.Of(err)
			return fault.New(f.Code, fault.KindTarget, "drop it by an account that may, on the target: DROP USER "+n.String(), "drop user %s: %w", n, err)
		}
	}
	return nil
}
