package bases

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/schema"
)

// The model: a random source, a dumper that uses Bases, a restore that uses the manifest's
// sides, and the source's own history as the truth. Tables have a key k, a unique value u
// (0 is NULL) and up to three further columns.

const (
	perSchema = 3
	nSchemas  = 2
	nNames    = perSchema * nSchemas
)

var (
	schemaNames = [nSchemas]string{"a", "b"}
	tableNames  = func() (names [nNames]schema.Name) {
		for i := range names {
			names[i] = schema.Name{Schema: schemaNames[i/perSchema], Name: string(rune('A' + i%perSchema))}
		}
		return names
	}()
)

func schemaOf(n int) int { return n / perSchema }

// place returns where entry i starts, which is where entry i-1 ends.
func place(i int) binlog.Position {
	return binlog.Position{Timeline: "model", File: "binlog.000001", Pos: binlog.FirstOffset + 10*uint64(i)}
}

func entryAt(p binlog.Position) int { return int(p.Pos-binlog.FirstOffset) / 10 }

type mDef struct {
	cols    [4]int8
	nc      int8
	uniq    bool
	keyed   bool
	comment int8
	charset int8
}

type mRow struct {
	k, u int8
	x    [4]int8
}

type mTable struct {
	def  mDef
	rows []mRow
}

type mSchema struct {
	exists  bool
	charset int8
}

type mState struct {
	schemas [nSchemas]mSchema
	tables  [nNames]*mTable
}

func (t *mTable) clone() *mTable {
	if t == nil {
		return nil
	}
	return &mTable{t.def, slices.Clone(t.rows)}
}

func (s *mState) clone() *mState {
	r := &mState{schemas: s.schemas}
	for i := range s.tables {
		r.tables[i] = s.tables[i].clone()
	}
	return r
}

func (t *mTable) find(k int8) int {
	return slices.IndexFunc(t.rows, func(r mRow) bool { return r.k == k })
}

func (t *mTable) remove(i int) {
	t.rows[i] = t.rows[len(t.rows)-1]
	t.rows = t.rows[:len(t.rows)-1]
}

func (t *mTable) column(id int8) int { return slices.Index(t.def.cols[:t.def.nc], id) }

func (t *mTable) addColumn(id int8) {
	t.def.cols[t.def.nc] = id
	for i := range t.rows {
		t.rows[i].x[t.def.nc] = id%3 + 1
	}
	t.def.nc++
}

func (t *mTable) dropColumn(id int8) bool {
	p := t.column(id)
	if p < 0 {
		return false
	}
	for i := range t.rows {
		copy(t.rows[i].x[p:], t.rows[i].x[p+1:])
		t.rows[i].x[3] = 0
	}
	copy(t.def.cols[p:], t.def.cols[p+1:])
	t.def.cols[3] = 0
	t.def.nc--
	return true
}

func (t *mTable) modifyColumn(id int8) bool {
	p := t.column(id)
	if p < 0 {
		return false
	}
	for i := range t.rows {
		t.rows[i].x[p] %= 2
	}
	return true
}

func sameColumns(a, b *mDef) bool { return a.cols == b.cols && a.nc == b.nc && a.keyed == b.keyed }

func exchange(a, b *mTable) {
	var ar, br []mRow
	for _, r := range a.rows {
		if r.k < 2 {
			br = append(br, r)
		} else {
			ar = append(ar, r)
		}
	}
	for _, r := range b.rows {
		if r.k < 2 {
			ar = append(ar, r)
		} else {
			br = append(br, r)
		}
	}
	a.rows, b.rows = ar, br
}

func (t *mTable) String() string {
	if t == nil {
		return "absent"
	}
	rows := make([]string, 0, len(t.rows))
	for _, r := range t.rows {
		rows = append(rows, fmt.Sprintf("(k%d,u%d,%v)", r.k, r.u, r.x[:t.def.nc]))
	}
	slices.Sort(rows)
	return fmt.Sprintf("%+v {%s}", t.def, strings.Join(rows, " "))
}

func equalTables(a, b *mTable) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.String() == b.String()
}

// kinds of entries of the model's log
const (
	kTransaction = iota
	kCreate
	kLike
	kSelect
	kDrop
	kTruncate
	kRename
	kAddColumn
	kDropColumn
	kModifyColumn
	kAddUnique
	kDropUnique
	kComment
	kExchange
	kDropSchema
	kCreateSchema
	kAlterSchema
	kReplaceSchema
	kAddKey
	kDropKey
	nKinds
)

type mRowEvent struct {
	n             int
	before, after *mRow
	def           mDef
}

type mEntry struct {
	kind        int
	n, m        int
	names       []int
	pairs       [][2]int
	rows        []mRowEvent
	def         mDef // as the statement spells it
	effective   mDef // as the source made it
	column, arg int8
	schema      int
	ifNotExists bool
	noop        bool // known to the source only
	on          uint16
	source      uint16
	onSchema    uint8
}

func bit(n int) uint16 { return 1 << n }

func applyRow(t *mTable, ev *mRowEvent) {
	if ev.before != nil {
		i := t.find(ev.before.k)
		if !t.def.keyed {
			i = slices.Index(t.rows, *ev.before)
		}
		if i >= 0 {
			t.remove(i)
		}
	}
	if ev.after == nil {
		return
	}
	if i := t.find(ev.after.k); t.def.keyed && i >= 0 {
		t.rows[i] = *ev.after
		return
	}
	t.rows = append(t.rows, *ev.after)
}

func (s *mState) apply(e *mEntry) {
	if e.noop {
		return
	}
	switch e.kind {
	case kTransaction:
		for i := range e.rows {
			applyRow(s.tables[e.rows[i].n], &e.rows[i])
		}
	case kCreate, kLike, kSelect:
		s.tables[e.n] = &mTable{def: e.effective}
		for i := range e.rows {
			applyRow(s.tables[e.n], &e.rows[i])
		}
	case kDrop:
		for _, n := range e.names {
			s.tables[n] = nil
		}
	case kRename:
		for _, p := range e.pairs {
			s.tables[p[1]], s.tables[p[0]] = s.tables[p[0]], nil
		}
	case kExchange:
		exchange(s.tables[e.n], s.tables[e.m])
	case kDropSchema:
		for n := range s.tables {
			if schemaOf(n) == e.schema {
				s.tables[n] = nil
			}
		}
		s.schemas[e.schema] = mSchema{}
	case kReplaceSchema:
		for n := range s.tables {
			if schemaOf(n) == e.schema {
				s.tables[n] = nil
			}
		}
		s.schemas[e.schema] = mSchema{true, e.arg}
	case kCreateSchema:
		s.schemas[e.schema] = mSchema{true, e.arg}
	case kAlterSchema:
		s.schemas[e.schema].charset = e.arg
	default:
		s.tables[e.n].alter(e)
	}
}

// alter carries out a statement on one table and tells whether it was possible.
func (t *mTable) alter(e *mEntry) bool {
	switch e.kind {
	case kTruncate:
		t.rows = nil
	case kAddColumn:
		if t.column(e.column) >= 0 {
			return false
		}
		t.addColumn(e.column)
	case kDropColumn:
		return t.dropColumn(e.column)
	case kModifyColumn:
		return t.modifyColumn(e.column)
	case kAddUnique:
		t.def.uniq = true
	case kDropUnique:
		t.def.uniq = false
	case kComment:
		t.def.comment = e.arg
	case kAddKey:
		t.def.keyed = true
	case kDropKey:
		t.def.keyed, t.def.uniq = false, false
	}
	return true
}

func (e *mEntry) String() string {
	kinds := [nKinds]string{"TXN", "CREATE", "LIKE", "SELECT", "DROP", "TRUNCATE", "RENAME", "ADD COLUMN", "DROP COLUMN", "MODIFY",
		"ADD UNIQUE", "DROP UNIQUE", "COMMENT", "EXCHANGE", "DROP SCHEMA", "CREATE SCHEMA", "ALTER SCHEMA", "REPLACE SCHEMA", "ADD KEY", "DROP KEY"}
	var s strings.Builder
	s.WriteString(kinds[e.kind])
	for n := range nNames {
		if e.on&bit(n) != 0 {
			fmt.Fprintf(&s, " %s", tableNames[n])
		}
		if e.source&bit(n) != 0 {
			fmt.Fprintf(&s, " from %s", tableNames[n])
		}
	}
	if e.onSchema != 0 {
		fmt.Fprintf(&s, " %s", schemaNames[e.schema])
	}
	for _, p := range e.pairs {
		fmt.Fprintf(&s, " %s->%s", tableNames[p[0]], tableNames[p[1]])
	}
	for _, r := range e.rows {
		fmt.Fprintf(&s, " %s:%v->%v", tableNames[r.n], r.before, r.after)
	}
	if e.ifNotExists {
		s.WriteString(" if not exists")
	}
	if e.noop {
		s.WriteString(" (changes nothing)")
	}
	return s.String()
}
