package source

import (
	"context"
	"fmt"

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
)

// Scope is what a backup is asked for. The zero value is the whole server.
type Scope struct {
	// Schemas returns, of the schemas that exist, those whose rights a backup needs; none means the
	// rights on the whole server.
	Schemas func(existing []string) []string
	// Table tells whether a table is asked for.
	Table func(schema.Name) bool
	// Users: users and roles are asked for.
	Users bool
}

func (s Scope) schemas(existing []string) []string {
	if s.Schemas == nil {
		return nil
	}
	return s.Schemas(existing)
}

func (s Scope) table(n schema.Name) bool { return s.Table == nil || s.Table(n) }

// Survey is the whole preflight of a backup: what check says of a source, and what a backup
// refuses or warns about, is this list. With an error, which is of the connection, come the
// findings that there are by then.
func Survey(ctx context.Context, srv *server.Server, scope Scope) ([]Finding, []TableFacts, error) {
	grants, err := srv.Grants(ctx)
	if err != nil {
		return nil, nil, err
	}
	existing, err := schemaNames(ctx, srv)
	if err != nil {
		return nil, nil, fmt.Errorf("list the schemas: %w", server.Classify(err))
	}
	needs := BackupNeeds(srv.Facts(), grants, scope.schemas(existing)...)
	if scope.Users {
		needs = append(needs, usersNeed)
	}
	findings, err := Preflight(ctx, srv, needs)
	if err != nil {
		return findings, nil, err
	}
	findings = append(findings, PreflightUsers(srv.Facts(), grants, scope.Users)...)
	generated, err := PreflightGenerated(ctx, srv, scope.table)
	if err != nil {
		return findings, nil, err
	}
	findings = append(findings, generated...)
	list, err := Tables(ctx, srv, scope.table)
	if err != nil {
		return findings, nil, err
	}
	return append(findings, PreflightTables(srv.Facts(), list)...), list, nil
}

func schemaNames(ctx context.Context, srv *server.Server) ([]string, error) {
	rows, err := survey(ctx, srv, "SELECT schema_name, '' FROM information_schema.schemata")
	names := make([]string, len(rows))
	for i, n := range rows {
		names[i] = n.Schema
	}
	return names, err
}
