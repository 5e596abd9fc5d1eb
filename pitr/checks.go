package pitr

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/pitr/checkpoint"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/pitr/target"
)

// needed is what the account must hold on every schema of a restore.
var needed = []string{"SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER", "INDEX", "REFERENCES"}

// neededFor is what kinds of objects demand beyond that.
var neededFor = map[string][]string{
	"view":      {"CREATE VIEW", "SHOW VIEW"},
	"procedure": {"CREATE ROUTINE", "ALTER ROUTINE"},
	"function":  {"CREATE ROUTINE", "ALTER ROUTINE"},
	"trigger":   {"TRIGGER"},
	"event":     {"EVENT"},
}

// checkTarget is pure: what stands in the way of a plan, or will be worse than it could be, on
// this target.
func checkTarget(p *Plan, f *targetFacts, needs *needs) []Finding {
	var list []Finding
	add := func(id string, level Level, remedy, format string, args ...any) {
		list = append(list, Finding{ID: id, Level: level, Message: fmt.Sprintf(format, args...), Remedy: remedy})
	}
	checkExisting(p, f, add)
	if !p.Resumes { // else they are this restore's own
		checkConstraints(p, f, needs, add)
	}
	if needs.flavor != "" && needs.flavor != f.Flavor {
		checkOtherFlavor(f, needs, add)
	}
	if missing := missingGrants(p, f, needs); len(missing) > 0 {
		add("grants", LevelError, strings.Join(server.GrantStatements(f.CurrentUser, missing), "; "),
			"the target's account lacks privileges: %s", describeNeeds(missing))
	}
	if f.ReadOnly {
		add("read_only", LevelError, "on the target: SET GLOBAL super_read_only = OFF, read_only = OFF", "the target is read-only")
	}
	if f.LogBin && !f.TrustFunctions && !f.grants.Has("SUPER", "") && needs.programs != "" {
		// Fact 10.3: refused for everyone without SUPER, whatever the function says of itself.
		add("log_bin_trust_function_creators", LevelError, "on the target: SET GLOBAL log_bin_trust_function_creators = ON",
			"the target's binlog is on and log_bin_trust_function_creators is off: it refuses functions and triggers (%s)", needs.programs)
	}
	if f.SecureTimestamp == "YES" || f.SecureTimestamp == "SUPER" && !f.grants.Has("SUPER", "") || f.SecureTimestamp == "REPLICATION" {
		add("secure_timestamp", LevelError, "set secure_timestamp=NO in the target's configuration and restart it",
			"secure_timestamp is %s on the target: statements of the log cannot be carried out at their time", f.SecureTimestamp)
	}
	if f.noWarnings {
		add("max_error_count", LevelError, "on the target: SET GLOBAL max_error_count = DEFAULT; or GRANT SESSION_VARIABLES_ADMIN to the account",
			"max_error_count is 0 on the target, and the account may not change that: what a statement warns of could not be told")
	}
	if !f.LocalInfile {
		add("local_infile", LevelWarning, "on the target: SET GLOBAL local_infile = ON", "the target forbids LOAD DATA LOCAL: rows are written by REPLACE, several times slower")
	}
	checkNames(f, needs, add)
	checkKeys(f, needs, add)
	checkPacket(f, needs, add)
	if len(f.unknownZones) > 0 {
		add("time_zones", LevelError, "on the target, as an administrator: mysql_tzinfo_to_sql /usr/share/zoneinfo | mysql mysql",
			"the target does not know the time zones in which events or statements of the log were made: %s", strings.Join(f.unknownZones, ", "))
	}
	for _, name := range f.lackingTablespaces {
		add("tablespaces", LevelError, "on the target, as an administrator: CREATE TABLESPACE "+schema.Quote(name)+" ADD DATAFILE '"+name+".ibd'; or leave the tables out with --exclude",
			"tables of the restore lie in tablespace %s, which the target does not have", name)
	}
	if len(needs.encrypted) > 0 {
		add("encryption", LevelWarning, "configure a keyring on the target, if it has none",
			"tables ask for encryption, which the target refuses without a keyring when they are created: %s", strings.Join(needs.encrypted, ", "))
	}
	if unknown := unknownCollations(f, needs); len(unknown) > 0 {
		add("collations", LevelError, "restore into a server at least as new as the source", "the target does not know %s", strings.Join(unknown, ", "))
	}
	checkFeatures(f, needs.features, add)
	for _, engine := range slices.Sorted(maps.Keys(needs.engines)) {
		if of := needs.engines[engine]; !f.hasEngine(engine) {
			add("engines", LevelError, "on the target: switch the engine on (disabled_storage_engines), or leave its tables out with --exclude "+schema.Patterns(of...),
				"the target has no engine %s, or has it disabled: %s", engine, shortList(of))
		}
	}
	if needs.events && f.EventScheduler == "ON" {
		add("event_scheduler", LevelWarning, "use --events disable, or on the target: SET GLOBAL event_scheduler = OFF",
			"the target's event scheduler is on: restored events begin to run as soon as they are there")
	}
	for _, s := range p.Schemas {
		if s.OnTarget && s.Collation != "" {
			if !s.whole {
				add("schema", LevelInfo, "", "schema %s exists: its defaults are %s, %s while the restore works in it, and its own again at the end", s.Name, s.Charset, s.Collation)
				continue
			}
			add("schema", LevelInfo, "", "schema %s exists: its defaults become %s, %s", s.Name, s.Charset, s.Collation)
		}
	}
	return list
}

// checkPacket compares the longest statement that a row of the log becomes with what the target takes at once.
func checkPacket(f *targetFacts, needs *needs, add addFinding) {
	packet := needs.largest + target.PacketSlack
	if f.MaxAllowedPacket == 0 || needs.largest == 0 || packet <= f.MaxAllowedPacket {
		return
	}
	remedy := "leave the table out: --exclude " + schema.Patterns(needs.largestOf)
	if packet <= target.LargestPacket {
		remedy = target.PacketHint(int(needs.largest))
	}
	add("max_allowed_packet", LevelError, remedy,
		"a row of %s in the log needs a statement of %d bytes, the target takes %d", needs.largestOf, needs.largest, f.MaxAllowedPacket)
}

type addFinding func(id string, level Level, remedy, format string, args ...any)

// checkExisting refuses to touch what this restore did not make.
func checkExisting(p *Plan, f *targetFacts, add addFinding) {
	for _, s := range p.Schemas {
		if p.Resumes && s.Name == p.unfinished.home {
			add("unfinished", LevelInfo, "", "the restore goes on where it was when it ended last time: table %s.%s is there", s.Name, checkpoint.ProgressTable)
			continue
		}
		if _, begun := f.objects[f.key(schema.ObjectName{Kind: "table", Name: schema.Name{Schema: s.Name, Name: checkpoint.ProgressTable}})]; begun && !p.begun.empty[s.Name] {
			level := LevelError
			if p.Force {
				level = LevelWarning
			}
			add("unfinished", level, "give the command as it was given then, and that restore goes on; or use --force, which drops what this one would create and "+
				s.Name+"."+checkpoint.ProgressTable+"; or drop the schema yourself",
				"another restore into schema %s was begun on this target and has not finished: table %s is there", s.Name, checkpoint.ProgressTable)
		}
	}
	if len(p.Existing) == 0 {
		return
	}
	names := make([]string, len(p.Existing))
	for i, o := range p.Existing {
		names[i] = o.String()
	}
	if p.Force {
		add("existing", LevelWarning, "", "dropped first, as --force asks: %s", strings.Join(names, ", "))
		return
	}
	add("existing", LevelError, "drop or rename them, restore into another server, or use --force, which drops exactly these",
		"the target has objects that this restore would create: %s", strings.Join(names, ", "))
}

// checkConstraints: the name of a foreign key or a check is its schema's, and tables that are in
// nobody's way may have it.
func checkConstraints(p *Plan, f *targetFacts, needs *needs, add addFinding) {
	var taken []string
	for _, c := range needs.constraints {
		if !c.ForeignKey && f.Flavor == server.FlavorMariaDB {
			continue // the name of a check is its table's there
		}
		holder, there := f.constraints[c.ConstraintName]
		isReplaced := slices.ContainsFunc(p.Existing, func(o schema.ObjectName) bool { return o.Kind == "table" && o.Name == holder })
		if there && !isReplaced {
			kind := "check"
			if c.ForeignKey {
				kind = "foreign key"
			}
			taken = append(taken, fmt.Sprintf("%s %s of table %s", kind, c.Spelled, holder))
		}
	}
	if len(taken) > 0 {
		add("constraints", LevelError, "restore into another schema (--rename), or drop them first",
			"the target has constraints whose names this restore needs in the same schema: %s", strings.Join(taken, ", "))
	}
}

// checkOtherFlavor tells what is spelled alike on MySQL and MariaDB and is not the same.
func checkOtherFlavor(f *targetFacts, needs *needs, add addFinding) {
	for _, c := range needs.collations {
		if schema.DiffersOnMariaDB(c) {
			add("collations", LevelError, "convert the columns to another collation on the source, or leave their tables out with --exclude",
				"the collation %s is another order on the target, %s, than on the source", c, flavorName(f.Flavor))
		}
	}
	if f.Flavor == server.FlavorMariaDB {
		return
	}
	tables := map[director.ConstraintName][]string{}
	for _, c := range needs.constraints {
		tables[c.ConstraintName] = append(tables[c.ConstraintName], c.Of.String())
	}
	for _, c := range needs.constraints {
		if of := tables[c.ConstraintName]; len(of) > 1 && !c.ForeignKey {
			delete(tables, c.ConstraintName)
			add("constraints", LevelError, "give them names on the source (ALTER TABLE .. DROP CONSTRAINT, ADD CONSTRAINT .. CHECK) and take a new backup, or leave all but one of the tables out with --exclude",
				"the name of a check is its schema's on MySQL, and several tables have one named %s: %s", c.Spelled, strings.Join(of, ", "))
		}
	}
}

// missingGrants returns what the account lacks on the schemas of the restore.
func missingGrants(p *Plan, f *targetFacts, needs *needs) []server.Need {
	var list []server.Need
	for _, s := range p.Schemas {
		seen := map[string]bool{}
		want := needed
		for _, o := range p.Creates {
			if o.Schema == s.Name {
				want = append(want[:len(want):len(want)], neededFor[o.Kind]...)
			}
		}
		for _, privilege := range want {
			if !seen[privilege] {
				seen[privilege] = true
				list = append(list, server.Need{Privilege: privilege, On: server.SchemaScope(s.Name)})
			}
		}
	}
	for _, parent := range needs.parents {
		if !slices.ContainsFunc(p.Schemas, func(s SchemaPlan) bool { return s.Name == parent }) {
			// A foreign key to a table that is not restored: asked for even where there is no such table.
			list = append(list, server.Need{Privilege: "REFERENCES", On: server.SchemaScope(parent)})
		}
	}
	return f.grants.Missing(list...)
}

func describeNeeds(needs []server.Need) string {
	texts := make([]string, len(needs))
	for i, n := range needs {
		texts[i] = n.Privilege + " on " + n.On
	}
	return strings.Join(texts, ", ")
}

// checkNames compares how both servers tell names apart.
func checkNames(f *targetFacts, needs *needs, add addFinding) {
	if (f.LowerCaseTableNames == 0) == (needs.lowerCaseTableNames == 0) {
		return
	}
	const remedy = "restore into a server with the source's lower_case_table_names; it is fixed when a server is initialized"
	if needs.lowerCaseTableNames == 0 {
		folded := map[schema.Name]schema.Name{}
		for _, n := range needs.tables {
			k := schema.Name{Schema: f.fold(n.Schema), Name: f.fold(n.Name)}
			if other, both := folded[k]; both && other != n {
				add("lower_case_table_names", LevelError, remedy, "%s and %s are one table on the target", other, n)
				return
			}
			folded[k] = n
		}
	}
	add("lower_case_table_names", LevelWarning, remedy, "the source has lower_case_table_names=%d, the target %d: names are spelled otherwise there",
		needs.lowerCaseTableNames, f.LowerCaseTableNames)
}

// checkKeys: neither setting can be changed by an ordinary user (fact 10.1).
func checkKeys(f *targetFacts, needs *needs, add addFinding) {
	if len(needs.keyless) == 0 {
		return
	}
	maySet := f.grants.Has("SESSION_VARIABLES_ADMIN", "") || f.grants.Has("SYSTEM_VARIABLES_ADMIN", "") || f.grants.Has("SUPER", "")
	if f.RequirePrimaryKey && !maySet {
		add("sql_require_primary_key", LevelError, "on the target: SET GLOBAL sql_require_primary_key = OFF",
			"the target refuses tables without a primary key: %s", strings.Join(needs.keyless, ", "))
	}
	if f.InvisibleKey && !maySet {
		add("sql_generate_invisible_primary_key", LevelError, "on the target: SET GLOBAL sql_generate_invisible_primary_key = OFF",
			"the target adds a column my_row_id to tables without a primary key: %s", strings.Join(needs.keyless, ", "))
	}
}

// shortList names the first tables of many.
func shortList(names []schema.Name) string {
	const most = 10
	var list []string
	for _, n := range names[:min(len(names), most)] {
		list = append(list, n.String())
	}
	if more := len(names) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(list, ", "), more)
	}
	return strings.Join(list, ", ")
}

// unknownCollations lists character sets too.
func unknownCollations(f *targetFacts, needs *needs) []string {
	var list []string
	for _, c := range needs.charsets {
		if !f.charsets[c] {
			list = append(list, "character set "+c)
		}
	}
	for _, c := range needs.collations {
		if !f.collations[c] {
			list = append(list, "collation "+c)
		}
	}
	return list
}

// Problem returns the fault for which Run would refuse the plan; nil when nothing stands in the way.
func (p *Plan) Problem() error {
	var messages, remedies []string
	kind := fault.KindTarget
	for _, f := range p.Findings {
		if f.Level != LevelError {
			continue
		}
		messages = append(messages, f.Message)
		remedies = append(remedies, f.Remedy)
		if f.ID == "grants" && len(messages) == 1 {
			kind = fault.KindGrant
		}
	}
	if len(messages) == 0 {
		return nil
	}
	return fault.New(fault.CodeFailed, kind, strings.Join(remedies, "; "), "%s", strings.Join(messages, "; "))
}
