package pitr

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/internal/server"
)

// usualPacket is the default of max_allowed_packet from 8.0 on: rows that a source takes may be as long.
const usualPacket = 64 << 20

// probedZone is a zone that every server knows that knows any by name.
const probedZone = "Europe/Berlin"

// ifAny stands for what only some backups hold.
const ifAny = "where a backup has any"

// CheckTarget says what a server can be restored into, with no backup in view: what plan will look
// at, as far as it does not hang on what is restored. Errors are what every restore would be
// refused for. The error returned is of the connection.
func CheckTarget(ctx context.Context, srv *server.Server) ([]Finding, error) {
	f, err := gatherTarget(ctx, srv, nil, []string{probedZone})
	if err != nil {
		return nil, server.Classify(err)
	}
	return checkAnyTarget(f), nil
}

// checkAnyTarget is pure.
func checkAnyTarget(f *targetFacts) []Finding {
	list := []Finding{{ID: "version", Level: LevelInfo, Message: fmt.Sprintf("the target is %s %s", f.Flavor, f.Version)}}
	list = append(list, checkRights(f)...)
	if len(f.unknownZones) > 0 {
		list = append(list, Finding{ID: "time_zones", Level: LevelWarning,
			Message: "the target knows no time zones by name: events, and statements of the log, that were made in one are refused",
			Remedy:  "on the target, as an administrator: mysql_tzinfo_to_sql /usr/share/zoneinfo | mysql mysql"})
	}
	if f.MaxAllowedPacket > 0 && f.MaxAllowedPacket < usualPacket {
		list = append(list, Finding{ID: "max_allowed_packet", Level: LevelWarning,
			Message: fmt.Sprintf("the target takes statements of %d bytes: a log with a longer row is refused", f.MaxAllowedPacket),
			Remedy:  fmt.Sprintf("on the target: SET GLOBAL max_allowed_packet = %d", usualPacket)})
	}
	known := *f
	known.unknownZones = nil
	anything := &needs{programs: ifAny, keyless: []string{ifAny}, events: true, lowerCaseTableNames: f.LowerCaseTableNames}
	for _, found := range checkTarget(&Plan{}, &known, anything) {
		if found.Level == LevelError && found.ID != "read_only" {
			found.Level = LevelWarning // what is restored decides
		}
		list = append(list, found)
	}
	if f.LowerCaseTableNames != 0 {
		list = append(list, Finding{ID: "lower_case_table_names", Level: LevelInfo,
			Message: fmt.Sprintf("lower_case_table_names is %d: names of a source that tells them apart by case are spelled otherwise here", f.LowerCaseTableNames)})
	}
	return list
}

// checkRights tells into which schemas the account may restore.
func checkRights(f *targetFacts) []Finding {
	want := slices.Clone(needed)
	for _, kind := range slices.Sorted(maps.Keys(neededFor)) {
		for _, privilege := range neededFor[kind] {
			if !slices.Contains(want, privilege) {
				want = append(want, privilege)
			}
		}
	}
	grant := func(scope string) string {
		return server.Need{Privilege: strings.Join(want, ", "), On: scope}.GrantStatement(f.CurrentUser)
	}
	all, tables := f.grants.SchemasWith(want...), f.grants.SchemasWith(needed...)
	if len(tables) == 0 {
		return []Finding{{ID: "grants", Level: LevelError,
			Message: "the account " + f.CurrentUser + " may restore into no schema",
			Remedy:  "for each schema that is restored: " + grant("`SCHEMA`.*")}}
	}
	var list []Finding
	for _, scope := range tables {
		if !slices.Contains(all, scope) && (len(all) == 0 || all[0] != server.Everywhere) {
			list = append(list, Finding{ID: "grants", Level: LevelWarning,
				Message: "the account " + f.CurrentUser + " may restore tables into " + scope + ", but not all that goes with them: views, routines, triggers, events",
				Remedy:  grant(scope)})
		}
	}
	if len(all) > 0 {
		list = append(list, Finding{ID: "schemas", Level: LevelInfo, Message: "the account " + f.CurrentUser + " may restore into " + strings.Join(all, ", ")})
	}
	return list
}
