package pitr

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/progress"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// surveyPart finds out what a wish for a part means with one backup: it follows all names through
// the DDL up to the stop point, looks there which are asked for, and goes back from them to what
// they descend from. Faults: 2 a name that is nothing's, a rename that cannot be meant; 12 a table
// whose content is not in the backup.
func surveyPart(ctx context.Context, r *archive.Reader, m *catalog.Manifest, w Wish, stop binlog.Position, phase progress.Phase) (*part, error) {
	if !w.SkipGTID.IsEmpty() && !m.Source.GTIDMode {
		return nil, fault.New(fault.CodeRange, fault.KindRange, "restore to the point before, with --to-time or --to-position",
			"--skip-gtid: %s is nowhere, for the source of backup %s had gtid_mode off", w.SkipGTID, m.ID)
	}
	renames, err := newRenames(w.Rename, foldOf(m))
	if err != nil {
		return nil, err
	}
	d, err := newDirectorFor(m, w, &part{renames: renames})
	if err != nil {
		return nil, err
	}
	d.trail = &trail{}
	a := event.NewAssembler(m.Floor.Timeline, event.WithoutRowCounts())
	a.OnQuery(func(e *event.Entry, q *event.Query) error {
		_, err := d.entry(e, q)
		return err
	})
	left := &skipped{}
	a.OnRows(func(e *event.Entry, rows *event.Rows) error {
		if d.skips(e) {
			left.rows(d, e, rows.Table.Name)
		}
		if e.XID == "" { // an XA transaction counts where it is committed
			d.lives.rows(rows.Table.Name, e.Start)
		}
		return nil
	})
	_, err = walk(ctx, r, a, m.Floor.Position, stop, phase, d.tellsNoNames, func(e *event.Entry) error {
		if d.skips(e) {
			left.note(e)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	p, err := (&survey{director: d, manifest: m}).part()
	if err != nil {
		return nil, err
	}
	return p, left.check(w.SkipGTID, m, p, stop)
}

// survey is what there is at the stop point.
type survey struct {
	*director
	manifest *catalog.Manifest
	objects  []*object // asked for
	schemas  []string  // that exist
}

func (s *survey) part() (*part, error) {
	p := &part{renames: s.director.part.renames}
	for _, state := range s.director.schemas {
		if state.exists {
			s.schemas = append(s.schemas, state.name)
		}
	}
	slices.Sort(s.schemas)
	for _, o := range s.director.objects.all() {
		if s.selected.object(o) {
			s.objects = append(s.objects, o)
		}
	}
	if err := s.asked(); err != nil {
		return nil, err
	}
	wanted := map[life]schema.Name{}
	for id, n := range s.lives.now {
		if s.selected.Object(n) {
			wanted[id] = p.renames.table(n)
		}
	}
	for _, n := range slices.SortedFunc(maps.Keys(s.lives.unmade), schema.Name.Compare) {
		if s.selected.Object(n) {
			return nil, s.lives.unmade[n]
		}
	}
	var err error
	views := map[*object]schema.Name{}
	for _, o := range s.objects {
		if o.kind == catalog.KindView {
			views[o] = p.renames.object(o.name)
		}
	}
	if p.members, err = s.trail.lineage(wanted, s.lives.now, views); err != nil {
		// What a view was made of is not worth a refusal: the report tells that it could not be expanded.
		if p.members, err = s.trail.lineage(wanted, s.lives.now, nil); err != nil {
			return nil, err
		}
	}
	nameMembers(p.members, s.lives, s.lives.now)
	if err := s.checkRenames(p.renames, wanted); err != nil {
		return nil, err
	}
	s.schemasOf(p, wanted)
	p.from = s.recoverableFrom(p)
	p.idle = s.selected.idle(s.selected.exclude, s.known(), s.schemas)
	return p, nil
}

// asked refuses patterns that mean nothing at the stop point: with a slip of the pen in one of
// several names the restore would be taken for whole.
func (s *survey) asked() error {
	idle := s.selected.idle(s.selected.include, s.known(), s.schemas)
	if len(idle) == 0 {
		return nil
	}
	for _, missing := range s.manifest.NotBackedUp {
		for _, p := range s.selected.include {
			if slices.Contains(idle, p.String()) && p.Match(missing.Name, s.selected.fold) {
				return fault.New(fault.CodeRange, fault.KindRange, "take a new backup in which it is", "%s is not in backup %s: %s", missing.Name, s.manifest.ID, missing.Reason)
			}
		}
	}
	for i := range s.manifest.Names {
		n := &s.manifest.Names[i]
		for _, p := range s.selected.include {
			if n.Base == catalog.BaseOutside && slices.Contains(idle, p.String()) && p.Match(n.Name, s.selected.fold) {
				return fault.New(fault.CodeRange, fault.KindRange, "take a new backup in which it is, or name another one with --backup", "%s is not in backup %s, which was made of a part of the instance", n.Name, s.manifest.ID)
			}
		}
	}
	return fault.New(fault.CodeUsage, fault.KindUsage, "restore --dry-run without --databases and --tables shows what there is; names are those at the stop point",
		"a name matches nothing at the stop point: %s (backup %s)", strings.Join(idle, ", "), s.manifest.ID)
}

// known lists all names at the stop point, asked for or not.
func (s *survey) known() []schema.Name {
	var names []schema.Name
	for _, n := range s.lives.now {
		names = append(names, n)
	}
	for _, o := range s.director.objects.all() {
		names = append(names, o.name)
	}
	return names
}

// checkRenames refuses rules for names that are not restored, and those that make two of one.
func (s *survey) checkRenames(r *renames, wanted map[life]schema.Name) error {
	for _, rule := range r.rules {
		of := func(n schema.Name) bool { found := r.rule(n); return found != nil && found.text == rule.text }
		used := slices.ContainsFunc(slices.Collect(maps.Keys(wanted)), func(id life) bool { return of(s.lives.now[id]) })
		if rule.wholeSchema() {
			used = slices.ContainsFunc(s.schemas, func(name string) bool {
				return s.selected.Schema(name) && s.fold(schema.Name{Schema: name}) == s.fold(rule.from)
			})
		}
		if !used {
			return s.unknownRename(rule)
		}
		if rule.wholeSchema() {
			if at := slices.IndexFunc(s.schemas, func(name string) bool {
				return s.selected.Schema(name) && s.fold(schema.Name{Schema: name}) == s.fold(rule.to)
			}); at >= 0 {
				return renameFault(rule.text, "choose a schema that is not restored as well, or leave it out with --exclude", "schema %s is restored as well", s.schemas[at])
			}
		}
	}
	if err := s.checkTriggers(r); err != nil {
		return err
	}
	names := map[schema.Name]schema.Name{}
	for _, o := range s.objects {
		if o.kind == catalog.KindView {
			names[s.fold(r.object(o.name))] = o.name
		}
	}
	for _, id := range slices.Sorted(maps.Keys(wanted)) {
		key := s.fold(wanted[id])
		if other, both := names[key]; both {
			rule := r.rule(s.lives.now[id])
			if rule == nil {
				rule = r.rule(other)
			}
			return renameFault(rule.text, "choose another name, or leave one out with --exclude", "%s and %s would both be %s", other, s.lives.now[id], wanted[id])
		}
		names[key] = s.lives.now[id]
	}
	return nil
}

// checkTriggers refuses triggers that would come into one schema, with their tables, under one name.
func (s *survey) checkTriggers(r *renames) error {
	names := map[schema.Name]schema.Name{}
	for _, o := range s.objects {
		if o.kind != catalog.KindTrigger {
			continue
		}
		target := s.objectOnTarget(o)
		if other, both := names[s.fold(target)]; both {
			rule := r.rule(o.table)
			if rule == nil {
				rule = r.rule(other)
			}
			return renameFault(rule.text, "leave one out and make it yourself afterwards: --exclude "+schema.Patterns(o.name), "triggers of %s and %s would both be %s", other, o.table, target)
		}
		names[s.fold(target)] = o.table
	}
	return nil
}

func (s *survey) unknownRename(rule renameRule) error {
	if rule.wholeSchema() {
		return renameFault(rule.text, "name a schema that is restored", "there is no schema %s among what is restored at the stop point", rule.from.Schema)
	}
	for _, o := range s.director.objects.all() {
		if s.fold(o.name) == s.fold(rule.from) {
			return renameFault(rule.text, "rename tables and schemas", "%s is a %s: only tables can have other names", o.name, o.kind)
		}
	}
	return renameFault(rule.text, "name a table that is restored, as it is called at the stop point", "there is no table %s among what is restored at the stop point", rule.from)
}

// schemasOf fills in which schemas the restore works in.
func (s *survey) schemasOf(p *part, wanted map[life]schema.Name) {
	p.schemas = map[string]string{}
	take := func(name string) { p.schemas[s.foldSchema(name)] = p.renames.schema(name) }
	for _, name := range s.schemas {
		if s.selected.wholeSchema(name) {
			take(name)
		}
	}
	for _, o := range s.objects {
		if o.kind != catalog.KindTrigger {
			take(o.name.Schema)
		}
	}
	alone := map[string]bool{}
	for id, final := range wanted {
		n := s.lives.now[id]
		if rule := p.renames.rule(n); rule != nil && !rule.wholeSchema() {
			alone[final.Schema] = true
			continue
		}
		take(n.Schema)
	}
	for _, target := range p.schemas {
		delete(alone, target)
	}
	p.extra = sorted(alone)
}

// recoverableFrom is R11 for a part: the greatest over the names that are asked for and those that
// they descend from, the schemas and the other objects. What the manifest knows of the last two
// is only where they were read.
func (s *survey) recoverableFrom(p *part) binlog.Position {
	from := s.floor
	begun := newLives(s.manifest, s.fold)
	for i := range s.manifest.Names {
		n := &s.manifest.Names[i]
		taken := s.selected.Object(n.Name)
		if id, ok := begun.get(n.Name); ok && p.members[id] != nil {
			taken = true
		}
		if taken && n.Base != catalog.BaseOutside {
			from = binlog.Later(from, n.RecoverableFrom)
		}
	}
	for i := range s.manifest.Schemas {
		b := &s.manifest.Schemas[i]
		if _, taken := p.schemas[s.foldSchema(b.Name)]; taken || s.selected.Schema(b.Name) {
			from = binlog.Later(from, b.RecoverableFrom)
		}
		if _, taken := p.schemas[s.foldSchema(b.Name)]; taken {
			from = binlog.Later(from, b.Window.Low)
		}
	}
	for i := range s.manifest.Objects {
		o := &s.manifest.Objects[i]
		asked := &object{kind: o.Kind, name: o.Name, table: schema.Name{Schema: o.Schema, Name: o.Table}}
		if s.selected.object(asked) {
			from = binlog.Later(from, o.Window.High)
		}
	}
	if whole := s.manifest.RecoverableFrom.Position; whole.Before(from) {
		return whole
	}
	return from
}
