package pitr

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/pitr/checkpoint"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/pitr/lanes"
	"github.com/tripod-db/tripod/pitr/target"
	"github.com/tripod-db/tripod/rewriter"
)

// table is one table of the restore as it is on the target now.
type table struct {
	lanes.Table
	def *schema.Table // what the target shows; rows are decoded by it (R7)

	checked *event.TableMap // the last table map that was found to fit

	loose *looseRows // rows that were left out
	off   *putOff    // until its window is over; nil for nothing

	// lacking and diffs: an UPDATE of the table was logged without all of its columns, or with JSON
	// diffs and without their documents.
	lacking, diffs bool

	helper   bool // the keyless table has its index for the replay
	lookups  int  // rows of it that were looked for
	noHelper bool // the target refuses an index for the replay
}

// tableSet is the restore's catalogue of definitions. The director knows which names exist,
// this what they are. One goroutine uses it at a time.
type tableSet struct {
	reader *target.Session // with the session of the role: SHOW CREATE depends on sql_mode and names
	fold   func(schema.Name) schema.Name
	list   map[schema.Name]*table
	asides asides
	// checksOff: no session of the restore has checks enforced.
	checksOff bool
	// archived: what the target gets for the time of the replay alone would be in its archive.
	archived bool
	// logsCascades: as far as the backup knows, the source logs what its foreign keys cascade.
	logsCascades bool
	// collations of the target, asked for by reader.
	collations *lanes.Collations
}

func newTableSet(reader *target.Session, fold func(schema.Name) schema.Name) *tableSet {
	s := &tableSet{reader: reader, fold: fold, list: map[schema.Name]*table{}, collations: lanes.NewCollations(reader)}
	s.asides.tables = s
	return s
}

// get returns the table of that name, nil if the restore has none.
func (s *tableSet) get(n schema.Name) *table { return s.list[s.fold(n)] }

// read reads the definition of a table that was made or changed.
func (s *tableSet) read(ctx context.Context, n schema.Name) error {
	row, err := s.reader.QueryText(ctx, "SHOW CREATE TABLE "+n.Quoted())
	if err != nil {
		return fmt.Errorf("read the definition of %s on the target: %w", n, err)
	}
	if len(row) < 2 {
		return fmt.Errorf("read the definition of %s on the target: the answer has %d columns", n, len(row))
	}
	def, err := ddl.ParseCreateTable(row[1], n.Schema)
	if err != nil {
		return fmt.Errorf("read the definition of %s on the target: %w", n, err)
	}
	t := s.get(n)
	if t == nil {
		t = &table{Table: lanes.Table{Name: n}}
		s.list[s.fold(n)] = t
	}
	t.def, t.Write, t.checked = def, rewriter.NewTable(def, n), nil
	if !s.reader.FindsListedRows() {
		t.Write.ListNoRows()
	}
	t.Weights = nil
	if s.chooseLane(t); !t.Keyed && s.lastImageCounts(t) {
		if err := s.weigh(ctx, t); err != nil {
			return err
		}
	}
	t.Next = max(t.Next, def.AutoIncrement)
	return nil
}

// weigh lets the changes of a table whose key has texts through the keyed lane, where the target tells how it
// compares them.
func (s *tableSet) weigh(ctx context.Context, t *table) (err error) {
	if t.Weights, err = s.collations.Weights(ctx, t.Write); err != nil || t.Weights == nil {
		return err
	}
	t.Keyed = true
	t.Write.Weigh(t.Weights)
	return nil
}

// lastImageCounts tells whether the last image of a key can stand for all its changes: not while rows are
// loose, nor where some of what a row holds is on the target only, and is in the way of other rows. What
// cascades into a table keeps its place among the changes of it.
func (s *tableSet) lastImageCounts(t *table) bool {
	return t.def.Class() == schema.Keyed && t.loose == nil && t.off == nil && !t.diffs && (!t.lacking || !t.def.SecondaryUnique()) &&
		(s.logsCascades || len(t.def.CascadingKeys()) == 0 && !s.asides.cascadesInto(t.Name))
}

// chooseLane puts a table into the keyed lane whose rows are told apart by the bytes of a key, or by the
// weights that were asked for when its definition was read.
func (s *tableSet) chooseLane(t *table) {
	t.Keyed = s.lastImageCounts(t) && (t.Write.ByteIdentity() || t.Weights != nil)
}

// countingWord is in every ALTER TABLE that may set the AUTO_INCREMENT of a table: by its option, by emptying all partitions, or by giving one
// away, with the counter that each has of its own.
var countingWord = regexp.MustCompile(`(?i)\b(AUTO_INCREMENT|TRUNCATE|EXCHANGE)\b`)

// raiseCounters gives tables, before a statement that may set their AUTO_INCREMENT, the counter that
// the source had: rows that came and went between two fences have never been on the target. It is never below the one of the
// definition, to which the rows of the log need not have come.
func (s *tableSet) raiseCounters(ctx context.Context, e *director.Execution) error {
	for _, n := range e.Altered {
		t := s.get(n)
		if t == nil || t.Greatest == 0 || !countingWord.MatchString(e.Text) {
			continue
		}
		// Raised, a partitioned table has that counter in every partition: what EXCHANGE leaves may be too high then, never too low.
		if err := s.read(ctx, n); err != nil {
			return err
		}
		column := autoIncrementColumn(t.def)
		if column == "" {
			continue
		}
		next := t.Next
		if t.Greatest < greatestOf(t.def, column) {
			next = max(next, t.Greatest+1)
		}
		if t.def.AutoIncrement >= next {
			continue
		}
		if err := s.reader.Exec(ctx, "ALTER TABLE "+n.Quoted()+" AUTO_INCREMENT="+strconv.FormatUint(next, 10)); err != nil {
			return fmt.Errorf("set AUTO_INCREMENT of %s: %w", n, err)
		}
	}
	return nil
}

// apply changes the catalogue as a statement did that has just run on the target.
func (s *tableSet) apply(ctx context.Context, e *director.Execution) error {
	s.loosen(e)
	for _, n := range e.Dropped {
		delete(s.list, s.fold(n))
	}
	for _, p := range e.Renamed {
		t := s.get(p[0])
		if t == nil {
			return fmt.Errorf("%s: %w", p[0], director.ErrMissing)
		}
		delete(s.list, s.fold(p[0]))
		t.Name = p[1]
		s.list[s.fold(p[1])] = t
	}
	for _, n := range e.Truncated {
		if t := s.get(n); t != nil {
			t.Greatest, t.Next = 0, 0
		}
	}
	for _, n := range e.Altered {
		// It may be lower now: what the target makes of the statement is what the source made.
		if t := s.get(n); t != nil && countingWord.MatchString(e.Text) {
			t.Greatest, t.Next = 0, 0
		}
	}
	for _, n := range e.Created {
		delete(s.list, s.fold(n))
	}
	for _, p := range e.Renamed {
		// Later pairs may have taken the new name away again.
		if s.get(p[1]) == nil {
			continue
		}
		if err := s.read(ctx, p[1]); err != nil {
			return err
		}
	}
	for _, names := range [][]schema.Name{e.Created, e.Altered} {
		for _, n := range names {
			if err := s.read(ctx, n); err != nil {
				return err
			}
		}
	}
	return s.copiedInPlace(ctx, e)
}

// relive changes the catalogue as a statement did that an earlier run has carried out: which
// tables there are. What they are is read when it is needed.
func (s *tableSet) relive(e *director.Execution) {
	s.loosen(e)
	for _, n := range e.Dropped {
		delete(s.list, s.fold(n))
	}
	for _, p := range e.Renamed {
		if t := s.get(p[0]); t != nil {
			delete(s.list, s.fold(p[0]))
			t.Name, t.def = p[1], nil
			s.list[s.fold(p[1])] = t
		}
	}
	for _, n := range e.Created {
		s.expect(n, 0)
	}
}

// expect puts a table into the catalogue that is on the target.
func (s *tableSet) expect(n schema.Name, next uint64) *table {
	t := &table{Table: lanes.Table{Name: n, Next: next}}
	s.list[s.fold(n)] = t
	return t
}

// materialize reads the definition of a table that was expected, and takes the index of a killed
// replay away from it.
func (s *tableSet) materialize(ctx context.Context, p *checkpoint.Past, t *table) error {
	if t.def != nil {
		return nil
	}
	t.Recall(p)
	if err := s.read(ctx, t.Name); err != nil {
		return err
	}
	if p.Emptied(t.def) {
		return fmt.Errorf("the target was restarted, which empties %s: %w", t.Name, errDoubt)
	}
	for i := range t.def.Keys {
		if t.def.Keys[i].Name == rewriter.HelperIndex {
			t.helper = true
			if err := s.dropHelpers(ctx, []*table{t}); err != nil {
				return err
			}
			return s.read(ctx, t.Name)
		}
	}
	return nil
}

// keyless tells whether a table has no identity on the target.
func (s *tableSet) keyless(n schema.Name) bool {
	t := s.get(n)
	return t != nil && t.def != nil && !t.Write.Keyed()
}

// class is that of a table's definition, empty where it is not read.
func (s *tableSet) class(n schema.Name) schema.Class {
	t := s.get(n)
	if t == nil || t.def == nil {
		return ""
	}
	return t.def.Class()
}

// cascadingParent tells whether a change of this table would cascade into another one of the
// restore.
func (s *tableSet) cascadingParent(n schema.Name) bool { return len(s.cascadingChildren(n)) > 0 }

// cascadingChildren lists the tables of the restore into which a change of this one would cascade.
func (s *tableSet) cascadingChildren(n schema.Name) []schema.Name {
	list := s.asides.cascade(s.fold, n)
	for _, t := range s.list {
		for i := range t.def.ForeignKeys {
			f := &t.def.ForeignKeys[i]
			if f.Cascades() && s.fold(f.Parent) == s.fold(n) && !slices.Contains(list, t.Name) {
				list = append(list, t.Name)
			}
		}
	}
	slices.SortFunc(list, schema.Name.Compare)
	return list
}

// cascadingDescendants lists the tables into which a change of this one would cascade, by way of others too.
func (s *tableSet) cascadingDescendants(n schema.Name) []schema.Name {
	list := s.cascadingChildren(n)
	for i := 0; i < len(list); i++ {
		for _, below := range s.cascadingChildren(list[i]) {
			if !slices.Contains(list, below) {
				list = append(list, below)
			}
		}
	}
	return list
}

// fits is R7: the table map is compared with the definition that the target has.
func (t *table) fits(m *event.TableMap) error {
	if t.checked != nil && t.checked.SameLayout(m) {
		return nil
	}
	var off bool
	failpoint.Inject("R7", func() { off = true })
	if err := event.Compatible(m, t.def); err != nil && !off {
		return err
	}
	t.checked = m
	return nil
}

// invisibleKey is the column that sql_generate_invisible_primary_key adds. On a source that does
// so, the log spells it (fact 8.7).
const invisibleKey = "my_row_id"

// hasAddedKey tells whether the target gave a new table a key that its statement does not have.
func (t *table) hasAddedKey(statement string) bool {
	c, _ := t.def.Column(invisibleKey)
	return c != nil && c.Invisible && c.AutoInc && !strings.Contains(strings.ToLower(statement), invisibleKey)
}
