package pitr

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/storage/catalog"
)

// journal is what the archive knows of definitions behind the statements of the log.
type journal struct {
	catalog  *catalog.Catalog
	instance string
	stop     binlog.Position
	log      func(message string, args ...any)
}

// journalFor returns the journal of a restore; nil where the target is of another kind or release
// than the source: two servers may say the same in other words.
func (r *run) journalFor() *journal {
	source, target := r.plan.manifest.Source, r.config.Target.Facts()
	release, _, _ := strings.Cut(source.Version, ".")
	if target.Flavor != source.Flavor || release != fmt.Sprint(target.Major) {
		return nil
	}
	return &journal{catalog: r.plan.reads.ofArchive, instance: r.plan.Instance, stop: r.plan.Stop.Position, log: r.config.log().Warn}
}

// behind returns the known definitions behind the statement that starts at a place. Where the stop
// point is before the end of the log at which one was read, something may have been done in
// between, without a trace, that does not belong to the restore.
func (j *journal) behind(ctx context.Context, start binlog.Position) ([]*schema.Table, error) {
	d, ok, err := j.catalog.Definitions(ctx, j.instance, start)
	switch {
	case err != nil && unreadable(err):
		j.log("the definitions behind a statement are not compared", "position", start.String(), "error", err)
		return nil, nil
	case err != nil || !ok:
		return nil, err
	}
	var list []*schema.Table
	for _, t := range d.Tables {
		if t.Create == "" || j.stop.Before(t.Until) {
			continue
		}
		def, err := ddl.ParseCreateTable(t.Create, t.Schema)
		if err != nil {
			j.log("the definition of a table behind a statement is not compared", "table", t.String(), "position", start.String(), "error", err)
			continue
		}
		def.Name = t.Name
		list = append(list, def)
	}
	return list, nil
}

// compareDefinitions holds the definitions that a statement left on the target against those that
// it left on the source, where these are known for certain: what was changed there without a trace
// in the log is found, not replayed over.
func (r *replay) compareDefinitions(ctx context.Context, start binlog.Position, v *director.Verdict) error {
	if r.journal == nil {
		return nil
	}
	made := map[schema.Name]*director.Execution{}
	for i := range v.Executions {
		x := &v.Executions[i]
		for _, n := range slices.Concat(x.Created, x.Altered) {
			made[r.director.Fold(n)] = x
		}
		for _, p := range x.Renamed {
			made[r.director.Fold(p[1])] = x
		}
	}
	if len(made) == 0 {
		return nil
	}
	known, err := r.journal.behind(ctx, start)
	if err != nil || len(known) == 0 {
		return err
	}
	// Also behind a statement that an earlier run has carried out: it may have ended in front of this.
	if err := r.live(ctx); err != nil {
		return err
	}
	for _, def := range known {
		x, t := made[r.director.Fold(def.Name)], r.tables.get(def.Name)
		if x == nil || t == nil || t.def == nil || t.putsOff() {
			continue
		}
		if err := r.compareDefinition(ctx, start, x, def, t); err != nil {
			return err
		}
	}
	return nil
}

func (r *replay) compareDefinition(ctx context.Context, start binlog.Position, x *director.Execution, source *schema.Table, t *table) error {
	clauses := indexesOfForeignKeys(source, t.def)
	if created := func(n schema.Name) bool { return r.director.Fold(n) == r.director.Fold(t.Name) }; slices.ContainsFunc(x.Created, created) && otherEngine(source, t.def) {
		clauses = append(clauses, "ENGINE="+source.Engine) // of a session with another default_storage_engine, which the log does not tell
	}
	if len(clauses) > 0 {
		// One statement: an index goes only where another one serves the foreign key.
		if err := r.own.Exec(ctx, "ALTER TABLE "+t.Name.Quoted()+" "+strings.Join(clauses, ", ")); err != nil {
			return fmt.Errorf("replay at %s (%s): give %s what the source gave it by itself (%s): %w", start, director.Excerpt(x.Text), t.Name, strings.Join(clauses, ", "), err)
		}
		if err := r.tables.read(ctx, t.Name); err != nil {
			return err
		}
	}
	if what := difference(source, t.def); what != "" {
		return fault.New(fault.CodeDifference, fault.KindDivergence,
			"the table was changed on the source without a trace in the log (sql_log_bin=0): take a new backup, or --exclude "+schema.Patterns(t.Name),
			"replay at %s (%s): table %s is not what it was on the source behind the statement: %s", start, director.Excerpt(x.Text), t.Name, what)
	}
	return nil
}

// otherEngine tells whether both are known and differ.
func otherEngine(source, target *schema.Table) bool {
	return source.Engine != "" && target.Engine != "" && !strings.EqualFold(source.Engine, target.Engine)
}

// difference says in which column or key two definitions differ; nothing for what a server may
// print in its own way.
func difference(source, target *schema.Table) string {
	for i := range max(len(source.Columns), len(target.Columns)) {
		a, b := "none", "none"
		if i < len(source.Columns) {
			a = columnText(&source.Columns[i])
		}
		if i < len(target.Columns) {
			b = columnText(&target.Columns[i])
		}
		if a != b {
			return fmt.Sprintf("column %d is %s, on the source %s", i+1, b, a)
		}
	}
	for _, k := range source.Keys {
		if !slices.ContainsFunc(target.Keys, func(o schema.Key) bool { return indexText(o) == indexText(k) }) {
			return "it lacks " + indexText(k)
		}
	}
	for _, k := range target.Keys {
		if !slices.ContainsFunc(source.Keys, func(o schema.Key) bool { return indexText(o) == indexText(k) }) {
			return "it has " + indexText(k)
		}
	}
	return ""
}

// columnText is what counts of a column: what a row image is decoded and written by.
func columnText(c *schema.Column) string {
	text := schema.Quote(c.Name) + " " + c.Type
	switch c.Type {
	case "char", "varchar", "binary", "varbinary", "bit", "decimal", "time", "datetime", "timestamp", "vector":
		text += fmt.Sprintf("(%d,%d)", max(c.Length, 0), max(c.Decimals, 0))
	case "enum", "set":
		text += fmt.Sprintf("%q", c.Members)
	}
	if c.Unsigned {
		text += " unsigned"
	}
	if c.Charset != "" {
		text += " charset " + c.Charset
	}
	if !c.Nullable {
		text += " not null"
	}
	switch c.Generated {
	case schema.Virtual:
		text += " virtual"
	case schema.Stored:
		text += " stored"
	case schema.NotGenerated:
	}
	if c.AutoInc {
		text += " auto_increment"
	}
	return text
}

func indexText(k schema.Key) string {
	kind := map[schema.KeyKind]string{schema.Fulltext: "fulltext ", schema.Spatial: "spatial "}[k.Kind]
	if k.Unique {
		kind += "unique "
	}
	var parts []string
	for _, p := range k.Parts {
		switch {
		case p.Column == "":
			parts = append(parts, "an expression")
		case p.Prefix > 0:
			parts = append(parts, fmt.Sprintf("%s(%d)", schema.Quote(strings.ToLower(p.Column)), p.Prefix))
		default:
			parts = append(parts, schema.Quote(strings.ToLower(p.Column)))
		}
	}
	return kind + "key " + schema.Quote(strings.ToLower(k.Name)) + " (" + strings.Join(parts, ", ") + ")"
}
