package pitr

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/binlog/limit"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/progress"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/storage/catalog"
)

// needs is what a restore demands of its target.
type needs struct {
	tables              []schema.Name // that exist at any time of the restore
	keyless             []string      // tables that have no primary key at any time of it
	charsets            []string
	collations          []string
	engines             map[string][]schema.Name // in lower case, with their tables
	zones               []string                 // named time zones
	features            []feature
	tablespaces         []string
	encrypted           []string // tables that ask for encryption
	parents             []string // schemas that foreign keys refer to
	programs            string   // a function or trigger that is created; empty for none
	events              bool
	constraints         []director.NamedConstraint
	largest             uint64 // bytes of the longest statement that a row of the log needs, nearly
	largestOf           schema.Name
	lowerCaseTableNames int
	flavor              string // of the source; empty where there is no backup to restore
}

// scan walks the log as a replay does, without a target: what would be carried out, and whether
// anything is in the way. It ends with the same faults as the replay would.
type scan struct {
	director *director.Director
	tables   map[schema.Name]bool
	demands  *demands
	classes  *classes
	keyless  *keylessTables
	standIns map[schema.Name]bool
	// constrained are tables that have, or may have, constraints whose names servers make of theirs.
	constrained map[schema.Name]bool
	constraints []director.NamedConstraint // of the backup's tables
	parents     map[string]bool            // schemas that foreign keys refer to
	replay      ReplayPlan
	sizes       *rowSizes
}

// newScan begins behind the load. definitions are those of the backup's tables; maxAllowedPacket is the target's, 0 where it takes
// statements of any length.
func newScan(d *director.Director, loads []director.LoadBase, definitions []*schema.Table, maxAllowedPacket uint64) *scan {
	s := &scan{director: d, tables: map[schema.Name]bool{}, demands: newDemands(d.Fold), parents: map[string]bool{}, standIns: map[schema.Name]bool{}, constrained: map[schema.Name]bool{}}
	s.classes = &classes{fold: d.Fold, list: map[schema.Name]schema.Class{}}
	d.Class = func(n schema.Name) schema.Class { return s.classes.get(d.OnTarget(n)) }
	s.keyless = &keylessTables{fold: d.Fold, list: map[schema.Name]keys{}}
	d.Keyless = func(n schema.Name) bool { return s.keyless.has(d.OnTarget(n)) }
	s.sizes = newRowSizes(d.Fold, maxAllowedPacket, d.LogSource().Flavor == server.FlavorMariaDB)
	for i, t := range definitions {
		s.keyless.loaded(t, loads[i].OnTarget)
		s.sizes.definitions[d.Fold(loads[i].OnTarget)] = t
		s.demands.loaded(t, loads[i].OnTarget)
		s.classes.set(loads[i].OnTarget, t.Class())
		s.constraints = append(s.constraints, director.ConstraintsOf(t, loads[i])...)
		s.constrained[loads[i].OnTarget] = director.MakesConstraintNames(t)
		for k := range t.ForeignKeys {
			s.parents[d.OnTarget(t.ForeignKeys[k].Parent).Schema] = true
			d.NoteParent(loads[i].Name, t.ForeignKeys[k].Parent)
		}
	}
	for _, b := range loads {
		s.tables[b.OnTarget] = true
	}
	return s
}

// run walks a part of the log.
func (s *scan) run(ctx context.Context, r *archive.Reader, over span, phase progress.Phase) (err error) {
	applied := false
	limits := limit.NewCollector(s.director.LogSource(), nil)
	h := hooks{
		begin: func(*event.Entry) error { applied = false; limits.Begin(); return nil },
		rows: func(e *event.Entry, rows *event.Rows) error {
			touches, err := s.rowsEvent(e, rows)
			applied = applied || touches
			return err
		},
		query: s.query,
		ended: func(e *event.Entry) error {
			switch {
			case !isTransaction(e):
				return nil
			case s.director.Skips(e):
				s.replay.Skipped++
			case applied:
				s.replay.Transactions++
			}
			return s.director.Refusal(e.Start, "", limits.End(e)...)
		},
		unprepared: func(e *event.Entry) error { return s.director.Refusal(e.Start, "", limit.Unprepared()) },
	}
	s.replay.Bytes, err = walk(ctx, r, over, phase, s.tell, h)
	if err == nil && s.director.Part != nil {
		if doubt := s.director.Doubted(); doubt != nil {
			return director.Broken(over.stop, "RENAME TABLE", doubt)
		}
	}
	return err
}

// tell counts what a replay does with a unit, if what is known of it tells that: it need not be read then.
func (s *scan) tell(u *archive.Unit) bool {
	if s.director.NeedsNothing(u) {
		return true
	}
	s.replay.BytesStored += u.StoredBytes
	if !s.director.RowsOnly(u) || len(u.Undone) > 0 {
		return false
	}
	var needed []segment.Touched
	for _, t := range u.Content.Tables {
		switch {
		case !s.director.NeedsRows(&t, &u.Header):
		case s.director.MayCascade(&t, u.EndPosition()):
			return false
		case s.director.Sides.RowSide(t.Name, u.StartPosition()) == binlog.Skip, s.director.Part == nil && !s.director.Exists(t.Name):
			return false
		default:
			needed = append(needed, t)
		}
	}
	if len(needed) != 1 && len(needed) != len(u.Content.Tables) {
		return false // which of the transactions change one of them is not known
	}
	for i := range needed {
		if n := needed[i].Name; !s.sizes.told(u.File, &needed[i], s.definition(n), s.director.Keyless(n)) {
			return false
		}
	}
	if len(needed) == 1 {
		s.replay.Transactions += needed[0].Entries
	} else {
		s.replay.Transactions += u.Content.RowEntries
	}
	return true
}

func (s *scan) rowsEvent(e *event.Entry, rows *event.Rows) (touches bool, err error) {
	name := rows.Table.Name
	if rows.Packed || rows.Table.HasCompressed() {
		s.sizes.packed[e.Start.File] = true
	}
	if s.director.TakesBack(rows) {
		return false, nil
	}
	if err := s.director.HiddenCascades(e, rows); err != nil {
		return false, err
	}
	_, taken := s.director.RowTable(name)
	if !taken || s.director.Sides.RowSide(name, e.Start) == binlog.Skip {
		return false, nil
	}
	if s.director.Part == nil && !s.director.Exists(name) {
		return false, director.Broken(e.Start, "row event of "+name.String(), fmt.Errorf("%s: %w", name, director.ErrMissing))
	}
	if rows.Table.Unread() {
		if _, err := rows.Count(); err != nil {
			return false, unread(e, rows, err)
		}
	}
	s.sizes.rows(rows, s.definition(name), s.director.Keyless(name))
	return true, nil
}

// definition is the backup's of a table of the source, as long as it holds; nil else.
func (s *scan) definition(n schema.Name) *schema.Table {
	return s.sizes.definitions[s.director.Fold(s.director.OnTarget(n))]
}

// unforeseen makes rows that were taken for such that stand the end of what can be restored.
func unforeseen(err error) error {
	if !errors.Is(err, event.ErrUndone) {
		return err
	}
	return fault.New(fault.CodeRange, fault.KindStatement, "take a new backup: an earlier version that wrote this part of the archive did not note what transactions take back",
		"replay: %w", err)
}

// unread makes rows that nobody can read the end of their table's range.
func unread(e *event.Entry, rows *event.Rows, err error) error {
	if !rows.Table.Unread() || !errors.Is(err, event.ErrUnsupported) {
		return err
	}
	return director.Refused(e.Start, []schema.Name{rows.Table.Name}, "row event of "+rows.Table.Name.String(), err)
}

func (s *scan) query(e *event.Entry, q *event.Query) error {
	v, err := s.director.Entry(e, q)
	if err != nil {
		return err
	}
	for _, view := range v.Views {
		for _, p := range s.director.StandIns(view) {
			s.standIns[p[1]] = true
		}
	}
	for i := range v.Executions {
		x := &v.Executions[i]
		s.replay.Statements++
		s.demands.executed(q, x)
		s.classes.executed(x)
		s.keyless.executed(x)
		s.sizes.executed(x)
		for _, t := range x.Statement.Tables {
			if t.Role == ddl.Parent {
				s.parents[s.director.OnTarget(t.Name).Schema] = true
				for _, n := range slices.Concat(x.Created, x.Altered) {
					if child, ok := s.director.OnSource(n); ok {
						s.director.NoteParent(child, t.Name)
					}
				}
			}
		}
		for _, n := range x.Created {
			s.tables[n] = true
			s.constrained[n] = x.Copied && s.constrained[x.Source]
		}
		for _, n := range slices.Concat(x.Created, x.Altered) {
			s.constrained[n] = s.constrained[n] || director.MayMakeConstraintNames(x.Statement)
		}
		for _, p := range x.Renamed {
			s.tables[p[1]] = true
		}
	}
	return nil
}

// creates lists all objects that the restore makes at the stop point or on the way there, in a
// stable order.
func (s *scan) creates() []schema.ObjectName {
	var list []schema.ObjectName
	d := s.director
	tables := maps.Clone(s.tables)
	if d.Part != nil {
		for _, m := range d.Part.Members {
			if m.Wanted() {
				tables[m.Final] = true
			}
		}
	}
	for n := range tables {
		list = append(list, schema.ObjectName{Kind: "table", Name: n})
	}
	for n := range s.standIns {
		if !tables[n] {
			list = append(list, schema.ObjectName{Kind: string(catalog.KindView), Name: n})
		}
	}
	list = append(list, d.ObjectsMade()...)
	slices.SortFunc(list, func(a, b schema.ObjectName) int {
		return cmp.Or(a.Compare(b.Name), strings.Compare(a.Kind, b.Kind))
	})
	return list
}

// needs sums up what the target must be able to do.
func (s *scan) needs(m *catalog.Manifest) *needs {
	n := &needs{constraints: s.constraints, largest: s.sizes.largest, largestOf: s.sizes.of, parents: sorted(s.parents), lowerCaseTableNames: m.Source.LowerCaseTableNames, flavor: m.Source.Flavor}
	for name := range s.tables {
		n.tables = append(n.tables, name)
	}
	if s.director.Part != nil {
		for _, m := range s.director.Part.Members {
			if m.Wanted() && !s.tables[m.Final] {
				n.tables = append(n.tables, m.Final)
			}
		}
	}
	slices.SortFunc(n.tables, schema.Name.Compare)
	for _, b := range m.Schemas {
		if state := s.director.Schemas[s.director.FoldSchema(b.Name)]; b.Exists && b.Collation != "" && state != nil && state.Target != "" {
			s.demands.collations[b.Collation] = true
		}
	}
	s.demands.objects(s.director.Restored())
	n.features = s.demands.features
	n.tablespaces, n.encrypted = sorted(s.demands.tablespaces), sorted(s.demands.encrypted)
	n.keyless, n.zones = sorted(s.demands.lacking), sorted(s.demands.zones)
	n.engines = s.demands.engines
	n.charsets, n.collations = sorted(s.demands.charsets), sorted(s.demands.collations)
	for _, o := range s.director.Restored() {
		switch o.Kind {
		case catalog.KindFunction, catalog.KindTrigger:
			if n.programs == "" {
				n.programs = fmt.Sprintf("%s %s", o.Kind, o.Name)
			}
		case catalog.KindEvent:
			n.events = true
		case catalog.KindView, catalog.KindProcedure:
		}
	}
	return n
}
