package pitr

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/pitr/director"
)

// A table with partial images in its window is loaded, and the window replayed, under rule B: what would forbid
// states between that the source never had is put off until the window is over. A partial image sets
// some columns of a row whose others may be those of a later moment, so that is not unique keys
// alone, but also checks. Under their names stand plain keys meanwhile, and checks that are not
// enforced, for definition-only statements of the window, and for foreign keys.

// putOff is what a table waits for until its window is over.
type putOff struct {
	rows   binlog.Window
	keys   []string // in the order of the definition; the identity among them where others come in front of it
	unique []string // those that are not unique meanwhile
	checks []string
}

var notEnforced = regexp.MustCompile(`(?i)\s*(/\*!\d+\s+)?NOT\s+ENFORCED(\s*\*/)?\s*$`)

// putOffOf returns what is put off of a table that is loaded by a definition; nil for nothing.
func putOffOf(b director.LoadBase, create string) (*putOff, error) {
	if !b.PartialImages {
		return nil, nil
	}
	def, err := ddl.ParseCreateTable(create, b.OnTarget.Schema)
	if err != nil {
		return nil, fmt.Errorf("read the definition of %s in the backup: %w", b.Name, err)
	}
	off := &putOff{rows: b.Rows}
	identity, _ := def.Identity()
	for i := range def.Keys {
		k := &def.Keys[i]
		switch {
		case !k.Unique || k.Primary:
		case k.Name != identity.Name:
			off.keys, off.unique = append(off.keys, k.Name), append(off.unique, k.Name)
		case len(off.keys) > 0:
			off.keys = append(off.keys, k.Name) // made anew behind those, it keeps its place
		}
	}
	constraints, err := director.Constraints(def, b.OnTarget)
	if err != nil {
		return nil, err
	}
	for _, c := range constraints {
		if !c.ForeignKey && !notEnforced.MatchString(c.Clause) {
			off.checks = append(off.checks, c.Name)
		}
	}
	return off, nil
}

// putsOff tells whether something of a table waits.
func (t *table) putsOff() bool { return t.off != nil && len(t.off.keys)+len(t.off.checks) > 0 }

// putOff puts off what is not yet.
func (s *tableSet) putOff(ctx context.Context, t *table) error {
	if !t.putsOff() {
		return nil
	}
	clauses, err := t.changedKeys(t.off.unique, t.off.unique, false)
	if err != nil {
		return err
	}
	checks, err := s.changedChecks(t, false)
	if err != nil {
		return err
	}
	if err := s.alterPutOff(ctx, t, append(clauses, checks...)); err != nil {
		return fmt.Errorf("put unique keys and checks of %s off until its window is over: %w", t.Name, err)
	}
	return nil
}

// putInPlace ends the window of a table, whose changes so far are on the target.
func (s *tableSet) putInPlace(ctx context.Context, t *table) error {
	var clauses []string
	if t.putsOff() {
		keys, err := t.changedKeys(t.off.keys, t.off.unique, true)
		if err != nil {
			return err
		}
		checks, err := s.changedChecks(t, true)
		if err != nil {
			return err
		}
		clauses = append(keys, checks...)
	}
	t.off = nil
	if err := s.alterPutOff(ctx, t, clauses); err != nil {
		return fmt.Errorf("put unique keys and checks of %s in place behind its window: %w", t.Name, err)
	}
	return nil
}

// alterPutOff reads the definition anew in any case: the lane of the table follows from it.
func (s *tableSet) alterPutOff(ctx context.Context, t *table, clauses []string) error {
	if len(clauses) == 0 {
		return s.read(ctx, t.Name)
	}
	err := s.asides.alter(ctx, t, clauses)
	if server.ErrorNumber(err) == errNeededByForeignKey {
		return fault.New(fault.CodeFailed, fault.KindGrant,
			"give the account SESSION_VARIABLES_ADMIN on the target, so that it may SET SESSION restrict_fk_on_non_standard_key=OFF; or --exclude "+schema.Patterns(t.Name), "%w", err)
	}
	return err
}

const errNeededByForeignKey = 1553

// changedKeys are the clauses that make those of the named keys unique, or plain, that are in unique.
// None where they are so already. With the others it makes them anew, which keeps their order.
func (t *table) changedKeys(names, unique []string, toUnique bool) ([]string, error) {
	st, err := ddl.Parse([]byte(t.def.Create), ddl.Session{Schema: t.Name.Schema})
	if err != nil {
		return nil, fmt.Errorf("read the definition of %s: %w", t.Name, err)
	}
	have, err := st.KeyClauses()
	if err != nil {
		return nil, err
	}
	var clauses []string
	change := false
	for _, n := range names {
		i := slices.IndexFunc(have, func(k ddl.KeyClause) bool { return strings.EqualFold(k.Name, n) })
		if i < 0 {
			return nil, fault.New(fault.CodeFailed, fault.KindTarget, "take a new backup, or --exclude "+schema.Patterns(t.Name),
				"%s has no key %s any more, which is to be unique behind its window", t.Name, n)
		}
		k := have[i]
		change = change || slices.Contains(unique, n) && k.Unique != toUnique
		text := k.AsPlain()
		if toUnique || !slices.Contains(unique, n) {
			text = k.AsUnique()
		}
		clauses = append(clauses, "DROP INDEX "+schema.Quote(k.Name), "ADD "+text)
	}
	if !change {
		return nil, nil
	}
	return clauses, nil
}

// changedChecks are the clauses that have checks enforced, or not.
func (s *tableSet) changedChecks(t *table, enforced bool) ([]string, error) {
	if s.checksOff {
		return nil, nil
	}
	list, err := director.Constraints(t.def, t.Name)
	if err != nil {
		return nil, err
	}
	var clauses []string
	for _, c := range list {
		if c.ForeignKey || !slices.Contains(t.off.checks, c.Name) || notEnforced.MatchString(c.Clause) != enforced {
			continue
		}
		clause := "ALTER CHECK " + schema.Quote(c.Name) + " NOT ENFORCED"
		if enforced {
			clause = "ALTER CHECK " + schema.Quote(c.Name) + " ENFORCED"
		}
		clauses = append(clauses, clause)
	}
	return clauses, nil
}

// copiedInPlace makes of a copy (CREATE TABLE .. LIKE) of a table that waits what it was on the source: it does not
// wait with it. A copy has the names of keys, and names of its own for checks, in the order of those.
func (s *tableSet) copiedInPlace(ctx context.Context, x *director.Execution) error {
	if !x.Copied {
		return nil
	}
	source := s.get(x.Source)
	if source == nil || !source.putsOff() {
		return nil
	}
	if source.def == nil { // a run that goes on
		if err := s.read(ctx, source.Name); err != nil {
			return err
		}
	}
	from, err := checksOf(source)
	if err != nil {
		return err
	}
	slices.SortStableFunc(from, compareChecks)
	for _, n := range x.Created {
		t := s.get(n)
		to, err := checksOf(t)
		if err != nil {
			return err
		}
		if len(to) != len(from) {
			return fmt.Errorf("%s has %d checks, %s, of which it is a copy, has %d", n, len(to), source.Name, len(from))
		}
		t.off = &putOff{keys: source.off.keys, unique: source.off.unique}
		for i, c := range from {
			if !slices.Contains(source.off.checks, c) {
				continue
			}
			copied, ok := copiedName(to, n.Name, i, c)
			if !ok {
				return fmt.Errorf("%s has no copy of the check %s of %s: %w", n, c, source.Name, director.ErrMissing)
			}
			t.off.checks = append(t.off.checks, copied)
		}
		if err := s.putInPlace(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// copiedName returns what the check with number i of a table is called in its copy: MySQL numbers them (see numberChecks), in MariaDB
// they keep their names.
func copiedName(to []string, table string, i int, name string) (string, bool) {
	for _, called := range []string{fmt.Sprintf("%s_chk_%d", table, i+1), name} {
		if k := slices.IndexFunc(to, func(c string) bool { return strings.EqualFold(c, called) }); k >= 0 {
			return to[k], true
		}
	}
	return "", false
}

// compareChecks orders checks by their names as MySQL's dictionary does, and a copy's numbers go: by the code points of their lower
// case letters.
func compareChecks(a, b string) int { return cmp.Compare(strings.ToLower(a), strings.ToLower(b)) }

// checksOf returns the names of a table's checks in the order of its definition.
func checksOf(t *table) (names []string, err error) {
	list, err := director.Constraints(t.def, t.Name)
	if err != nil {
		return nil, fmt.Errorf("read the definition of %s: %w", t.Name, err)
	}
	for _, c := range list {
		if !c.ForeignKey {
			names = append(names, c.Name)
		}
	}
	return names, nil
}

// windowOver does what was put off for a table when the first entry behind its window comes, which
// may change its rows, or is a statement.
func (r *replay) windowOver(ctx context.Context, start binlog.Position, t *table) error {
	if t.off == nil || t.off.rows.Side(start) != binlog.After {
		return nil
	}
	if r.past.Began(start) { // an earlier run has done it
		t.off = nil
		if t.def == nil {
			return nil
		}
		return r.tables.read(ctx, t.Name)
	}
	if err := r.live(ctx); err != nil {
		return err
	}
	return r.inPlace(ctx, t)
}

// windowsOver is windowOver for all tables.
func (r *replay) windowsOver(ctx context.Context, start binlog.Position) error {
	for _, t := range r.tables.puttingOff() {
		if err := r.windowOver(ctx, start, t); err != nil {
			return err
		}
	}
	return nil
}

// puttingOff lists the tables whose windows are not over.
func (s *tableSet) puttingOff() []*table {
	waits := false
	for _, t := range s.list {
		waits = waits || t.off != nil
	}
	if !waits { // most restores have none, and many statements
		return nil
	}
	return slices.DeleteFunc(s.sorted(), func(t *table) bool { return t.off == nil })
}

// allInPlace ends all windows.
func (r *replay) allInPlace(ctx context.Context) error {
	for _, t := range r.tables.puttingOff() {
		if err := r.inPlace(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

func (r *replay) inPlace(ctx context.Context, t *table) error {
	if err := r.lanes.Fence(ctx, []schema.Name{t.Name}); err != nil {
		return err
	}
	return r.tables.putInPlace(ctx, t)
}
