package pitr

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/pitr/target"
	"github.com/tripod-db/tripod/rewriter"
)

// targetFacts is what plan has to know about the target. Gathering it changes nothing there.
type targetFacts struct {
	server.Facts
	grants  server.Grants
	schemas map[string]bool                         // that exist and that the account can see, folded as the target does
	objects map[schema.ObjectName]schema.ObjectName // that exist in the schemas of the restore, by key
	// constraints are the tables of these schemas that have checks and foreign keys, by those.
	constraints map[director.ConstraintName]schema.Name
	collations  map[string]bool // that the target knows
	charsets    map[string]bool // likewise
	engines     map[string]bool // likewise, in lower case, if they may be used
	// unknownZones are the time zones of the restore that it does not know.
	unknownZones []string
	// lackingTablespaces are those of the restore that it does not have.
	lackingTablespaces []string
	// noWarnings: sessions keep no texts of warnings.
	noWarnings bool
}

// gatherTarget asks the target about the schemas and time zones of a restore.
func gatherTarget(ctx context.Context, srv *server.Server, schemas, zones []string) (*targetFacts, error) {
	f := &targetFacts{Facts: srv.Facts(), schemas: map[string]bool{}, objects: map[schema.ObjectName]schema.ObjectName{}, constraints: map[director.ConstraintName]schema.Name{}, collations: map[string]bool{}, charsets: map[string]bool{}}
	var err error
	if f.grants, err = srv.Grants(ctx); err != nil {
		return nil, fmt.Errorf("read the grants on the target: %w", err)
	}
	s, err := target.Connect(ctx, srv)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	query := "SELECT COLLATION_NAME, CHARACTER_SET_NAME FROM information_schema.COLLATIONS"
	if f.Flavor == server.FlavorMariaDB && f.AtLeast(10, 10, 1) { // some collations are there for several character sets
		query = "SELECT FULL_COLLATION_NAME, CHARACTER_SET_NAME FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY"
	}
	collations, err := s.QueryRows(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("read the target's collations: %w", err)
	}
	for _, row := range collations {
		f.know(row[0], row[1])
	}
	kept, err := target.KeptWarnings(ctx, s)
	if err != nil {
		return nil, err
	}
	f.noWarnings = kept == 0
	if f.engines, err = engines(ctx, s); err != nil {
		return nil, fmt.Errorf("read the target's engines: %w", err)
	}
	for _, zone := range zones {
		// As an ordinary account sees no mysql.time_zone_name, for a session that is closed then.
		err := s.Exec(ctx, "SET SESSION time_zone="+rewriter.QuoteString(zone))
		switch {
		case server.ErrorNumber(err) == errUnknownTimeZone:
			f.unknownZones = append(f.unknownZones, zone)
		case err != nil:
			return nil, fmt.Errorf("ask the target about time zone %s: %w", zone, err)
		}
	}
	existing, err := s.QueryRows(ctx, "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA")
	if err != nil {
		return nil, fmt.Errorf("read the target's schemas: %w", err)
	}
	for _, row := range existing {
		f.schemas[f.fold(row[0])] = true
	}
	for _, name := range schemas {
		if err := f.gatherSchema(ctx, s, name); err != nil {
			return nil, fmt.Errorf("read what the target holds in schema %s: %w", name, err)
		}
	}
	return f, nil
}

// know takes a collation of the target. utf8mb3 is utf8 to servers before 8.0.29 and to MariaDB; either
// server is told the name that it knows, or both.
func (f *targetFacts) know(collation, charset string) {
	f.collations[collation], f.charsets[charset] = true, true
	const before, now = "utf8", "utf8mb3"
	if rest, ok := strings.CutPrefix(collation, before+"_"); ok {
		f.collations[now+"_"+rest], f.charsets[now] = true, true
	}
	if rest, ok := strings.CutPrefix(collation, now+"_"); ok {
		f.collations[before+"_"+rest], f.charsets[before] = true, true
	}
}

// engines are those that the target has and that are not disabled (disabled_storage_engines, from 5.7 on).
func engines(ctx context.Context, s *target.Session) (map[string]bool, error) {
	rows, err := s.QueryRows(ctx, "SELECT ENGINE FROM information_schema.ENGINES WHERE SUPPORT IN ('YES','DEFAULT')")
	if err != nil {
		return nil, err
	}
	usable := map[string]bool{}
	for _, row := range rows {
		usable[strings.ToLower(row[0])] = true
	}
	disabled, err := s.QueryRows(ctx, "SHOW GLOBAL VARIABLES LIKE 'disabled_storage_engines'")
	if err != nil {
		return nil, err
	}
	for _, row := range disabled {
		for name := range strings.SplitSeq(row[len(row)-1], ",") {
			delete(usable, strings.ToLower(strings.TrimSpace(name)))
		}
	}
	return usable, nil
}

// hasEngine knows the names that one engine goes by.
func (f *targetFacts) hasEngine(name string) bool {
	switch name {
	case "":
		return true
	case "merge":
		name = "mrg_myisam"
	case "heap":
		name = "memory"
	}
	return f.engines[name]
}

// gatherTablespaces looks which of the tablespaces the target has. Servers before 8.0.21 show that to nobody
// without PROCESS; there the first CREATE TABLE tells.
func (f *targetFacts) gatherTablespaces(ctx context.Context, srv *server.Server, names []string) error {
	if len(names) == 0 || f.Flavor != server.FlavorMySQL || !f.AtLeast(8, 0, 21) {
		return nil
	}
	s, err := target.Connect(ctx, srv)
	if err != nil {
		return err
	}
	defer s.Close()
	rows, err := s.QueryRows(ctx, "SELECT TABLESPACE_NAME FROM information_schema.TABLESPACES_EXTENSIONS")
	if err != nil {
		return fmt.Errorf("read the target's tablespaces: %w", err)
	}
	for _, name := range names {
		if !slices.ContainsFunc(rows, func(row []string) bool { return row[0] == name }) {
			f.lackingTablespaces = append(f.lackingTablespaces, name)
		}
	}
	return nil
}

// errUnknownTimeZone is the error number of a time zone that a server does not know.
const errUnknownTimeZone = 1298

func (f *targetFacts) gatherSchema(ctx context.Context, s *target.Session, name string) error {
	if !f.schemas[f.fold(name)] {
		return nil
	}
	where := "_SCHEMA=" + quoteText(name)
	rows, err := s.QueryRows(ctx, "SELECT IF(TABLE_TYPE='VIEW','view','table'), TABLE_NAME FROM information_schema.TABLES WHERE TABLE"+where+
		" UNION ALL SELECT LOWER(ROUTINE_TYPE), ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE"+where+
		" UNION ALL SELECT 'trigger', TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER"+where+
		" UNION ALL SELECT 'event', EVENT_NAME FROM information_schema.EVENTS WHERE EVENT"+where)
	if err != nil {
		return err
	}
	for _, row := range rows {
		o := schema.ObjectName{Kind: row[0], Name: schema.Name{Schema: name, Name: row[1]}}
		f.objects[f.key(o)] = o
	}
	rows, err = s.QueryRows(ctx, "SELECT CONSTRAINT_TYPE, CONSTRAINT_NAME, TABLE_NAME FROM information_schema.TABLE_CONSTRAINTS"+
		" WHERE CONSTRAINT_TYPE IN ('FOREIGN KEY', 'CHECK') AND TABLE"+where)
	if err != nil {
		return err
	}
	for _, row := range rows {
		c := director.ConstraintName{Schema: name, Name: strings.ToLower(row[1]), ForeignKey: row[0] == "FOREIGN KEY"}
		f.constraints[c] = schema.Name{Schema: name, Name: row[2]}
	}
	return nil
}

// quoteText prints a literal for the session of the role, whose sql_mode knows backslashes.
func quoteText(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(s) + "'"
}

// fold is how the target compares names of schemas and tables.
func (f *targetFacts) fold(name string) string {
	if f.LowerCaseTableNames == 0 {
		return name
	}
	return strings.ToLower(name)
}

// key is the form in which the target tells objects apart. Tables and views share their names.
func (f *targetFacts) key(o schema.ObjectName) schema.ObjectName {
	k := schema.ObjectName{Kind: o.Kind, Name: schema.Name{Schema: f.fold(o.Schema), Name: f.fold(o.Name.Name)}}
	switch o.Kind {
	case "view", "table":
		k.Kind = "table"
	case "procedure", "function", "event":
		k.Name.Name = strings.ToLower(o.Name.Name)
	}
	return k
}

// existing returns which of these objects the target has already, with the kinds they have there.
func (f *targetFacts) existing(objects []schema.ObjectName) []schema.ObjectName {
	found := map[schema.ObjectName]bool{}
	var list []schema.ObjectName
	for _, o := range objects {
		k := f.key(o)
		there, ok := f.objects[k]
		if !ok || found[k] {
			continue
		}
		found[k] = true
		list = append(list, there)
	}
	return list
}
