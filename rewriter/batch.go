package rewriter

import (
	"iter"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/internal/schema"
)

// Batch collects the statements of consecutive row changes for one connection. Changes keep
// their order; neighbours of one kind on one table share a statement. Not safe for concurrent use.
type Batch struct {
	text   []byte
	pieces []piece
	joined []byte // the statement made last of several pieces
	// alternatives holds, for the pieces of rule Account, what rule Window would do instead; nil
	// where nobody will ask.
	alternatives *Batch
}

// NewBatch returns an empty batch. With alternatives it can answer Alternative, at the price of
// twice the work.
func NewBatch(alternatives bool) *Batch {
	b := new(Batch)
	if alternatives {
		b.alternatives = new(Batch)
	}
	return b
}

// piece is the text of one row's statement, without what it can share with its neighbours.
type piece struct {
	table      *Table
	start, end int // in Batch.text
	verb       verb
	change     string
	rule       Rule
	lenient    bool
	count      int
	origin     Origin
	// from and to delimit, in the alternatives, what rule Window would do.
	from, to int
	cascade  *Cascade // that may go on to further tables
}

// Statement is SQL for the target. SQL is valid until the batch makes another statement or is reset.
type Statement struct {
	SQL   []byte
	Table schema.Name
	// Rows is how many row changes the statement stands for, Count how many rows it must
	// affect (Uncounted: any number).
	Rows  int
	Count int
	Rule  Rule
	// Lenient: the statement writes an ENUM of index 0, which STRICT refuses; nothing but that
	// warning (1265 on one of the columns Enums) may come of it.
	Lenient bool
	Enums   []string
	Change  string // insert, update, delete: what the log says of a single row
	// First and Last are the origins of its first and last change.
	First, Last Origin
	// Cascade is what has to be carried out instead of SQL, which is its first statement; nil for SQL.
	Cascade *Cascade

	pieces []piece
	values *values // what SQL refers to; see Large
}

// AsSelect is a statement that writes one row of values, as INSERT or REPLACE .. SELECT: without STRICT servers refuse NULL in a column
// that is NOT NULL where VALUES lists one row alone.
func (s *Statement) AsSelect() (as Statement, ok bool) {
	p := &s.pieces[0]
	head := p.table.insertHead
	if p.verb == verbReplace {
		head = p.table.replaceHead
	}
	if p.verb != verbInsert && p.verb != verbReplace || len(s.pieces) != 1 {
		return as, false
	}
	as = *s
	as.SQL = append([]byte(strings.TrimSuffix(head, "VALUES ")+"SELECT "), s.SQL[len(head)+1:len(s.SQL)-1]...)
	return as, true
}

// Definition is that of the table.
func (s *Statement) Definition() *schema.Table { return s.pieces[0].table.def }

// Stores tells whether the statement may write values, rather than take rows away.
func (s *Statement) Stores() bool { return s.pieces[0].verb != verbDelete }

// Add appends the statements for a change of a table by a rule. It returns ErrPartialImage,
// ErrKeylessWindow, or what made the images unreadable; the batch is then as before.
func (b *Batch) Add(t *Table, rule Rule, c Change, o Origin) error {
	if err := t.check(c); err != nil {
		return err
	}
	text, pieces := len(b.text), len(b.pieces)
	var err error
	switch rule {
	case Window:
		err = b.window(t, c, o)
	case Loose:
		err = b.loose(t, c, o)
	case Account:
		err = b.account(t, c, o)
	}
	if err != nil {
		b.text, b.pieces = b.text[:text], b.pieces[:pieces]
		return err
	}
	for i := pieces; i < len(b.pieces); i++ {
		b.pieces[i].rule = rule
	}
	if rule == Account && b.alternatives != nil {
		return b.addAlternative(t, &b.pieces[pieces], c, o)
	}
	return nil
}

// addAlternative notes what would make the target hold the after-image whatever it holds now:
// rule Window; for a keyless table only the row's being there.
func (b *Batch) addAlternative(t *Table, p *piece, c Change, o Origin) error {
	p.from = len(b.alternatives.pieces)
	var err error
	switch {
	case t.Keyed():
		err = b.alternatives.loose(t, c, o)
	case c.After.Exists():
		err = b.alternatives.addTuple(t, verbReplace, c, o, Uncounted)
	}
	p.to = len(b.alternatives.pieces)
	return err
}

// Alternative yields what to run instead of a statement of Singles that did not do what it had
// to, so that the binlog wins.
func (b *Batch) Alternative(s Statement) iter.Seq[Statement] {
	return func(yield func(Statement) bool) {
		if b.alternatives == nil || len(s.pieces) != 1 {
			return
		}
		for i := s.pieces[0].from; i < s.pieces[0].to; i++ {
			if !yield(b.alternatives.statement(b.alternatives.pieces[i : i+1])) {
				return
			}
		}
	}
}

// Transactional tells whether what the batch does can be rolled back. A batch holds tables of
// one kind: the first change decides (see Mixes).
func (b *Batch) Transactional() bool {
	return len(b.pieces) == 0 || b.pieces[0].table.transactional
}

// Mixes tells that a change of t does not belong into this batch, as only one of them can be
// rolled back (error 1785).
func (b *Batch) Mixes(t *Table) bool {
	return len(b.pieces) > 0 && b.Transactional() != t.transactional
}

// Size returns the bytes of SQL that the batch holds, nearly.
func (b *Batch) Size() int { return len(b.text) + 64*len(b.pieces) }

// Len returns the number of pieces: as many as Singles yields statements.
func (b *Batch) Len() int { return len(b.pieces) }

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() {
	clear(b.pieces)
	b.text, b.pieces = b.text[:0], b.pieces[:0]
	if b.alternatives != nil {
		b.alternatives.Reset()
	}
}

func (b *Batch) addTuple(t *Table, v verb, c Change, o Origin, count int) error {
	start := len(b.text)
	text, err := t.appendTuple(b.text, c.Map, c.After)
	if err != nil {
		return err
	}
	b.push(text, piece{table: t, start: start, verb: v, change: c.kind(), lenient: t.hasZeroEnum(c.After), count: count, origin: o})
	return nil
}

func (b *Batch) addDelete(t *Table, c Change, o Origin, count int) error {
	start := len(b.text)
	p := piece{table: t, start: start, verb: verbDelete, change: c.kind(), count: count, origin: o}
	var text []byte
	var err error
	if t.identityList != "" {
		text, err = t.appendIdentity(b.text, c.Map, c.Before)
	} else {
		p.verb = verbOther
		text, err = t.appendIdentityMatch(append(b.text, t.deleteHead...), c.Map, c.Before)
	}
	if err != nil {
		return err
	}
	b.push(text, p)
	return nil
}

// addOther adds a complete statement that must affect one row.
func (b *Batch) addOther(t *Table, c Change, o Origin, write func([]byte) ([]byte, error)) error {
	start := len(b.text)
	text, err := write(b.text)
	if err != nil {
		return err
	}
	lenient := c.After.Exists() && t.hasZeroEnum(c.After)
	b.push(text, piece{table: t, start: start, verb: verbOther, change: c.kind(), lenient: lenient, count: 1, origin: o})
	return nil
}

func (b *Batch) push(text []byte, p piece) {
	p.end = len(text)
	b.text = text
	b.pieces = append(b.pieces, p)
}

// Statements yields the batch's SQL in order, neighbours joined, each statement at most limit
// bytes long unless a single row is longer.
func (b *Batch) Statements(limit int) iter.Seq[Statement] {
	return func(yield func(Statement) bool) {
		for from := 0; from < len(b.pieces); {
			to := b.run(from, limit)
			if !yield(b.statement(b.pieces[from:to])) {
				return
			}
			from = to
		}
	}
}

// Tables are those of the batch.
func (b *Batch) Tables() (list []*Table) {
	for i := range b.pieces {
		if t := b.pieces[i].table; !slices.Contains(list, t) {
			list = append(list, t)
		}
	}
	return list
}

// Split yields a statement that Statements has yielded in parts of so many rows at most.
func (b *Batch) Split(s Statement, rows int) iter.Seq[Statement] {
	return func(yield func(Statement) bool) {
		for pieces := range slices.Chunk(s.pieces, rows) {
			if !yield(b.statement(pieces)) {
				return
			}
		}
	}
}

// Singles yields one statement for each piece: to find out which of a batch failed.
func (b *Batch) Singles() iter.Seq[Statement] {
	return func(yield func(Statement) bool) {
		for i := range b.pieces {
			if !yield(b.statement(b.pieces[i : i+1])) {
				return
			}
		}
	}
}

// mostListed bounds the list of an IN: the server's plan takes some 230 bytes for each part of each
// item, and where they pass range_optimizer_max_mem_size (8 MiB) it walks the whole table instead.
const mostListed = 2000

// run returns the end of the run of pieces from from on that become one statement.
func (b *Batch) run(from, limit int) int {
	p := &b.pieces[from]
	to := from + 1
	if p.verb == verbOther || p.lenient {
		return to
	}
	most := len(b.pieces)
	switch {
	case p.verb == verbDelete && p.table.alone:
		most = to
	case p.verb == verbDelete:
		most = min(most, from+mostListed)
	}
	for ; to < most; to++ {
		q := &b.pieces[to]
		if q.table != p.table || q.verb != p.verb || q.rule != p.rule || q.lenient || q.end-p.start > limit {
			break
		}
	}
	return to
}

func (b *Batch) statement(pieces []piece) Statement {
	p := &pieces[0]
	s := Statement{
		Table: p.table.name, Rows: len(pieces), Count: p.count, Rule: p.rule, Lenient: p.lenient,
		Change: p.change, First: p.origin, Last: pieces[len(pieces)-1].origin, pieces: pieces, values: p.table.values, Cascade: p.cascade,
	}
	if p.lenient {
		s.Enums = p.table.enumNames()
	}
	if p.count != Uncounted {
		s.Count = len(pieces)
	}
	switch p.verb {
	case verbInsert:
		s.SQL = b.join(p.table.insertHead, pieces, "")
	case verbReplace:
		s.SQL = b.join(p.table.replaceHead, pieces, "")
	case verbDelete:
		tail := ")"
		if len(pieces) == 1 && len(p.table.identity) > 1 {
			// MariaDB walks the table for one (a,b), and for two it does not (measured on 10.11.18).
			tail = "/*M!100000 ," + string(b.text[p.start:p.end]) + " */)"
		}
		s.SQL = b.join(p.table.deleteHead+p.table.identityList+" IN (", pieces, tail)
	case verbOther:
		s.SQL = b.text[p.start:p.end:p.end]
	}
	return s
}

func (b *Batch) join(head string, pieces []piece, tail string) []byte {
	sql := append(b.joined[:0], head...)
	for i := range pieces {
		if i > 0 {
			sql = append(sql, ',')
		}
		sql = append(sql, b.text[pieces[i].start:pieces[i].end]...)
	}
	b.joined = append(sql, tail...)
	return b.joined
}
