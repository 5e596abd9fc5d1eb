package director

import (
	"maps"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// survey finds out what a wish for a part means with one backup: it follows all names through the DDL
// up to the stop point, looks there which are asked for, and goes back from them to what they descend
// from. Faults: 2 a name that is nothing's, a rename that cannot be meant; 12 a table whose content is
// not in the backup.
type survey struct {
	*Director
	manifest *catalog.Manifest
	left     skipped
	// What there is at the stop point.
	objects []*Object // asked for
	schemas []string  // that exist
}

// NewSurvey begins in front of the log.
func NewSurvey(m *catalog.Manifest, w Scope) (*survey, error) {
	if !w.SkipGTID.IsEmpty() && !m.Source.GTIDMode && !strings.EqualFold(m.Source.Flavor, "mariadb") {
		return nil, fault.New(fault.CodeRange, fault.KindRange, "restore to the point before, with --to-time or --to-position",
			"--skip-gtid: %s is nowhere, for the source of backup %s had gtid_mode off", w.SkipGTID, m.ID)
	}
	renames, err := NewRenames(w.Rename, foldOf(m))
	if err != nil {
		return nil, err
	}
	d, err := New(m, w, &Part{renames: renames})
	if err != nil {
		return nil, err
	}
	d.trail = &trail{}
	return &survey{Director: d, manifest: m}, nil
}

// Query takes a statement of the log.
func (s *survey) Query(e *event.Entry, q *event.Query) error {
	_, err := s.Entry(e, q)
	return err
}

// RowsEvent takes a rows event of the log.
func (s *survey) RowsEvent(e *event.Entry, rows *event.Rows) error {
	if s.Skips(e) {
		s.left.rows(s.Director, e, rows.Table.Name)
	}
	s.lives.rows(rows.Table.Name, e.Start)
	return nil
}

// Ended takes the end of an entry.
func (s *survey) Ended(e *event.Entry) error {
	if s.Skips(e) {
		s.left.note(e)
	}
	return nil
}

// Lives are those of tables by the names that they have now; a name that is no table's has life -1.
func (s *survey) Lives(tables []schema.Name) (list []Life) {
	for _, n := range tables {
		id, ok := s.lives.get(n)
		if !ok {
			id = -1
		}
		list = append(list, id)
	}
	return list
}

// Called is what a table is called now; ok is false where it has gone.
func (s *survey) Called(id Life) (n schema.Name, ok bool) {
	n, ok = s.lives.now[id]
	return n, ok
}

// PartAt is the part that the log up to the stop point has led to.
func (s *survey) PartAt(stop binlog.Position) (*Part, error) {
	p, err := s.part()
	if err != nil {
		return nil, err
	}
	return p, s.left.check(s.skip, s.manifest, p, stop)
}

func (s *survey) part() (*Part, error) {
	p := &Part{renames: s.Director.Part.renames}
	for _, state := range s.Director.Schemas {
		if state.Exists {
			s.schemas = append(s.schemas, state.Name)
		}
	}
	slices.Sort(s.schemas)
	for _, o := range s.Director.objects.all() {
		if s.selected.object(o) {
			s.objects = append(s.objects, o)
		}
	}
	if err := s.asked(); err != nil {
		return nil, err
	}
	wanted := map[Life]schema.Name{}
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
	views := map[*Object]schema.Name{}
	p.views = map[int]bool{}
	for _, o := range s.objects {
		if o.Kind == catalog.KindView {
			views[o] = p.renames.object(o.Name)
			for _, step := range o.Steps {
				p.views[step.Sequence] = true
			}
		}
	}
	if p.Members, err = s.trail.lineage(wanted, s.lives.now, views); err != nil {
		// What a view was made of is not worth a refusal: the report tells that it could not be expanded.
		if p.Members, err = s.trail.lineage(wanted, s.lives.now, nil); err != nil {
			return nil, err
		}
	}
	nameMembers(p.Members, s.lives, s.lives.now)
	if err := s.checkRenames(p.renames, wanted); err != nil {
		return nil, err
	}
	s.schemasOf(p, wanted)
	p.From = s.recoverableFrom(p)
	p.Idle = s.selected.idle(s.selected.exclude, s.known(), s.schemas)
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
	for _, o := range s.Director.objects.all() {
		names = append(names, o.Name)
	}
	return names
}

// checkRenames refuses rules for names that are not restored, and those that make two of one.
func (s *survey) checkRenames(r *renames, wanted map[Life]schema.Name) error {
	for _, rule := range r.rules {
		of := func(n schema.Name) bool { found := r.rule(n); return found != nil && found.text == rule.text }
		used := slices.ContainsFunc(slices.Collect(maps.Keys(wanted)), func(id Life) bool { return of(s.lives.now[id]) })
		if rule.wholeSchema() {
			used = slices.ContainsFunc(s.schemas, func(name string) bool {
				return s.selected.Schema(name) && s.Fold(schema.Name{Schema: name}) == s.Fold(rule.from)
			})
		}
		if !used {
			return s.unknownRename(rule)
		}
		if rule.wholeSchema() {
			if at := slices.IndexFunc(s.schemas, func(name string) bool {
				return s.selected.Schema(name) && s.Fold(schema.Name{Schema: name}) == s.Fold(rule.to)
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
		if o.Kind == catalog.KindView {
			names[s.Fold(r.object(o.Name))] = o.Name
		}
	}
	for _, id := range slices.Sorted(maps.Keys(wanted)) {
		key := s.Fold(wanted[id])
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
		if o.Kind != catalog.KindTrigger {
			continue
		}
		target := s.ObjectOnTarget(o)
		if other, both := names[s.Fold(target)]; both {
			rule := r.rule(o.Table)
			if rule == nil {
				rule = r.rule(other)
			}
			return renameFault(rule.text, "leave one out and make it yourself afterwards: --exclude "+schema.Patterns(o.Name), "triggers of %s and %s would both be %s", other, o.Table, target)
		}
		names[s.Fold(target)] = o.Table
	}
	return nil
}

func (s *survey) unknownRename(rule renameRule) error {
	if rule.wholeSchema() {
		return renameFault(rule.text, "name a schema that is restored", "there is no schema %s among what is restored at the stop point", rule.from.Schema)
	}
	for _, o := range s.Director.objects.all() {
		if s.Fold(o.Name) == s.Fold(rule.from) {
			return renameFault(rule.text, "rename tables and schemas", "%s is a %s: only tables can have other names", o.Name, o.Kind)
		}
	}
	return renameFault(rule.text, "name a table that is restored, as it is called at the stop point", "there is no table %s among what is restored at the stop point", rule.from)
}

// schemasOf fills in which schemas the restore works in.
func (s *survey) schemasOf(p *Part, wanted map[Life]schema.Name) {
	p.schemas = map[string]string{}
	take := func(name string) { p.schemas[s.FoldSchema(name)] = p.renames.schema(name) }
	for _, name := range s.schemas {
		if s.selected.wholeSchema(name) {
			take(name)
		}
	}
	for _, o := range s.objects {
		if o.Kind != catalog.KindTrigger {
			take(o.Name.Schema)
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
	p.Extra = slices.Sorted(maps.Keys(alone))
}

// recoverableFrom is R11 for a part: the greatest over the names that are asked for and those that
// they descend from, the schemas and the other objects. What the manifest knows of the last two
// is only where they were read.
func (s *survey) recoverableFrom(p *Part) binlog.Position {
	from := s.floor
	begun := newLives(s.manifest, s.Fold)
	for i := range s.manifest.Names {
		n := &s.manifest.Names[i]
		taken := s.selected.Object(n.Name)
		if id, ok := begun.get(n.Name); ok && p.Members[id] != nil {
			taken = true
		}
		if taken && n.Base != catalog.BaseOutside {
			from = binlog.Later(from, n.RecoverableFrom)
		}
	}
	for i := range s.manifest.Schemas {
		b := &s.manifest.Schemas[i]
		if _, taken := p.schemas[s.FoldSchema(b.Name)]; taken || s.selected.Schema(b.Name) {
			from = binlog.Later(from, b.RecoverableFrom)
		}
		if _, taken := p.schemas[s.FoldSchema(b.Name)]; taken {
			from = binlog.Later(from, b.Window.Low)
		}
	}
	for i := range s.manifest.Objects {
		o := &s.manifest.Objects[i]
		asked := &Object{Kind: o.Kind, Name: o.Name, Table: schema.Name{Schema: o.Schema, Name: o.Table}}
		// A trigger that the log dropped before it was read has no table: it may be one of any in its schema.
		unknown := o.Kind == catalog.KindTrigger && o.Table == "" && s.selected.Schema(o.Schema)
		if unknown || s.selected.object(asked) {
			from = binlog.Later(from, o.Window.High)
		}
	}
	if whole := s.manifest.RecoverableFrom.Position; whole.Before(from) {
		return whole
	}
	return from
}
