package bases

import (
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

func mark(low, high int) Mark { return mTick{low: low, high: high}.mark() }

func named(name string) schema.Name { return schema.Name{Schema: "s", Name: name} }

// backup is a Bases whose floor is before entry 0, with these tables listed at once.
func backup(t *testing.T, tables ...string) *Bases {
	t.Helper()
	b := New(Config{
		First:          mark(0, 0),
		Selected:       func(n schema.Name) bool { return n.Name != "excluded" },
		SelectedObject: func(catalog.ObjectKind, schema.Name) bool { return true },
	})
	for _, name := range tables {
		b.ListTable(named(name))
	}
	b.Listed(mark(0, 0))
	return b
}

// log feeds entry i.
func (b *Bases) log(i int, statements []Statement, rows ...string) {
	e := &Entry{Start: place(i), End: place(i + 1), Time: binlog.Time(i + 1), Statements: statements}
	for _, r := range rows {
		e.Rows = append(e.Rows, RowTouch{Name: named(r)})
	}
	b.Receive(e)
}

func one(s Statement) []Statement { return []Statement{s} }

func hard(role Role, names ...string) Statement {
	s := Statement{Hard: true, Text: "a statement"}
	for _, n := range names {
		s.Touches = append(s.Touches, Touch{Name: named(n), Role: role})
	}
	return s
}

func rename(pairs ...string) Statement {
	s := Statement{Hard: true, Text: "RENAME TABLE"}
	for i, n := range pairs {
		s.Touches = append(s.Touches, Touch{Name: named(n), Role: []Role{RenamedFrom, RenamedTo}[i%2]})
	}
	return s
}

// want returns what is wanted for a table and begins it.
func (b *Bases) want(t *testing.T, name string) Want {
	t.Helper()
	for _, w := range b.Wanted() {
		if w.Name == named(name) && w.Kind != WantObject {
			if !b.Begin(w) {
				t.Fatalf("%s cannot be begun", name)
			}
			return w
		}
	}
	t.Fatalf("%s is not wanted; wanted are %v", name, b.Wanted())
	return Want{}
}

// read reads a table between two marks.
func (b *Bases) read(t *testing.T, name string, before, after Mark) {
	t.Helper()
	if !b.TableDone(b.want(t, name), TableRead{Present: true, First: before, DefinitionAfter: after, Chunks: before, Rows: after, After: after}) {
		t.Fatalf("the read of %s was void", name)
	}
}

func (b *Bases) mustBeDone(t *testing.T) Result {
	t.Helper()
	for range 3 { // what an evaluation decides may ask for another one
		if done, _ := b.Done(); done {
			return b.Result()
		}
	}
	_, waiting := b.Done()
	t.Fatalf("not done: waiting for %s", waiting)
	return Result{}
}

func (b *Bases) mustNotBeDone(t *testing.T, why string) {
	t.Helper()
	for range 3 {
		if done, _ := b.Done(); done {
			t.Fatalf("done although %s", why)
		}
	}
}

func base(t *testing.T, r Result, name string) catalog.NameBase {
	t.Helper()
	for _, n := range r.Names {
		if n.Name == named(name) {
			return n
		}
	}
	return catalog.NameBase{Base: catalog.BaseFloor}
}

func TestW1LowIsTheLowSample(t *testing.T) {
	b := backup(t, "t")
	b.read(t, "t", mark(2, 5), mark(4, 7))
	for i := range 8 {
		b.log(i, nil, "t")
	}
	rows := base(t, b.mustBeDone(t), "t").Rows
	if rows.Low != place(2) {
		t.Errorf("row window %v: entries 2 to 4, in flight at the read, are taken for read", rows)
	}
}

func TestW2HighIsTheHighBehindTheRows(t *testing.T) {
	b := backup(t, "t")
	b.read(t, "t", mark(2, 5), mark(4, 7))
	for i := range 8 {
		b.log(i, nil, "t")
	}
	rows := base(t, b.mustBeDone(t), "t").Rows
	if rows.High != place(7) {
		t.Errorf("row window %v: entries 5 and 6, perhaps read, are taken for new", rows)
	}
}

func TestW3StatementInTheWindowIsReadAgain(t *testing.T) {
	b := backup(t, "t")
	b.read(t, "t", mark(0, 1), mark(3, 3))
	b.log(0, one(hard(Changed, "t"))) // before D0
	b.log(1, nil)
	b.log(2, one(hard(Changed, "t")))
	b.log(3, nil)
	b.mustNotBeDone(t, "a statement lies in the table's window")
	w := b.want(t, "t")
	if w.Kind != WantTable || len(w.Again) != 1 || w.Again[0].Position != place(2) {
		t.Errorf("wanted %+v, want the whole table because of entry 2", w)
	}
}

func TestW3DefinitionOnlyInTheDefinitionsWindowIsReadAgain(t *testing.T) {
	for entry, again := range map[int]bool{1: true, 3: false} {
		b := backup(t, "t")
		w := b.want(t, "t")
		b.TableDone(w, TableRead{Present: true, First: mark(1, 1), DefinitionAfter: mark(2, 2), Chunks: mark(2, 2), Rows: mark(5, 5), After: mark(5, 5)})
		for i := range 6 {
			if s := hard(Changed, "t"); i == entry {
				s.DefinitionOnly = true
				b.log(i, one(s))
			} else {
				b.log(i, nil)
			}
		}
		if !again {
			b.mustBeDone(t)
			continue
		}
		b.mustNotBeDone(t, "a definition-only statement lies in the definition's window")
		w = b.want(t, "t")
		if w.Kind != WantDefinition {
			t.Fatalf("wanted %+v, want the definition alone", w)
		}
		b.DefinitionDone(w, DefinitionRead{Present: true, Before: mark(6, 6), After: mark(6, 6)})
		got := base(t, b.mustBeDone(t), "t")
		if got.Statements != (binlog.Window{Low: place(1), High: place(6)}) || got.Definition.Low != place(6) {
			t.Errorf("windows %+v %+v: D0 has to stay", got.Statements, got.Definition)
		}
	}
}

func TestR3NewBaseIsBehindTheStatement(t *testing.T) {
	b := backup(t, "t")
	b.read(t, "t", mark(1, 1), mark(3, 3))
	b.log(0, nil)
	b.log(1, nil)
	b.log(2, one(hard(Changed, "t")))
	b.log(3, nil)
	b.Evaluate()
	w := b.want(t, "t")
	if w.Kind != WantTable || w.Behind != place(3) {
		t.Fatalf("wanted %+v, want the table with its chunks, behind %v", w, place(3))
	}
	b.TableDone(w, TableRead{Present: true, First: mark(0, 4), DefinitionAfter: mark(4, 4), Chunks: mark(0, 4), Rows: mark(4, 4), After: mark(4, 4)})
	got := base(t, b.mustBeDone(t), "t")
	if got.Statements.Low.Before(place(3)) {
		t.Errorf("D0 is %v, before the end of the statement", got.Statements.Low)
	}
	if got.Rows.Low != place(3) {
		t.Errorf("L is %v: rows before the hard statement would be decoded by the new definition", got.Rows.Low)
	}
}

func TestR3ReadInProgressIsGivenUp(t *testing.T) {
	b := backup(t, "t")
	w := b.want(t, "t")
	b.Opened(w, mark(1, 1), false)
	b.log(0, nil)
	b.log(1, one(hard(Changed, "t")))
	b.Evaluate()
	if b.Current(w) {
		t.Error("a read goes on whose end will lie in its window")
	}
	if b.TableDone(w, TableRead{Present: true, First: mark(1, 1), DefinitionAfter: mark(1, 1), Chunks: mark(1, 1), Rows: mark(1, 1), After: mark(1, 1)}) {
		t.Error("its result was taken")
	}
}

func TestR3CreateIfNotExistsOfATableThatIsThere(t *testing.T) {
	create := hard(Created, "t")
	create.IfNotExists, create.Hard = true, false
	b := backup(t, "t")
	b.read(t, "t", mark(0, 0), mark(2, 2))
	b.log(0, one(create))
	b.log(1, nil)
	b.mustBeDone(t)

	b = backup(t, "t")
	b.read(t, "t", mark(0, 0), mark(2, 2))
	b.log(0, one(hard(Dropped, "t")))
	b.log(1, one(create))
	b.mustNotBeDone(t, "the table was dropped before it was created")
}

func TestR4ContentThatWasReadElsewhere(t *testing.T) {
	// ghost is read behind the swap (as absent), so the table under the new name is nobody's.
	b := backup(t, "old", "ghost")
	b.read(t, "old", mark(0, 0), mark(0, 0))
	b.log(0, nil)
	b.log(1, one(rename("old", "gone", "ghost", "old")))
	w := b.want(t, "ghost")
	b.TableDone(w, TableRead{First: mark(2, 2), After: mark(2, 2)})
	b.mustNotBeDone(t, "old gets the content of ghost, which nobody holds")
	w = b.want(t, "old")
	if w.Behind != place(2) {
		t.Errorf("old is wanted behind %v, want %v", w.Behind, place(2))
	}
}

func TestR4DefinitionThatWillBeAnotherOne(t *testing.T) {
	like := Statement{Hard: true, Touches: []Touch{{named("copy"), Created}, {named("t"), LikeSource}}}
	for changedLater, again := range map[bool]bool{true: true, false: false} {
		b := backup(t, "t")
		b.read(t, "t", mark(3, 3), mark(3, 3))
		b.log(0, one(like))
		b.log(1, nil)
		if changedLater {
			b.log(2, one(hard(Changed, "t")))
		} else {
			b.log(2, nil)
		}
		if again {
			b.mustNotBeDone(t, "copy has a definition that t has no more")
			b.want(t, "copy")
			continue
		}
		b.mustBeDone(t)
	}
}

func TestR5RowEventInTheWindowOfAKeylessTable(t *testing.T) {
	for entry, again := range map[int]bool{1: false, 2: true, 4: true, 5: false} {
		b := backup(t, "t")
		w := b.want(t, "t")
		b.TableDone(w, TableRead{Present: true, Keyless: true, First: mark(1, 1), DefinitionAfter: mark(2, 2),
			Chunks: mark(2, 4), Rows: mark(5, 5), After: mark(5, 5)})
		for i := range 7 {
			if i == entry {
				b.log(i, nil, "t")
			} else {
				b.log(i, nil)
			}
		}
		if !again {
			b.mustBeDone(t)
			continue
		}
		b.mustNotBeDone(t, "a row event lies in the window of a table without a key")
		b.want(t, "t")
	}
}

func TestR6NotDoneBeforeTheStreamHasPassedEveryHigh(t *testing.T) {
	b := backup(t, "t", "u")
	b.read(t, "t", mark(0, 0), mark(1, 1))
	b.read(t, "u", mark(0, 0), mark(2, 4))
	b.log(0, nil)
	b.log(1, nil)
	b.log(2, nil)
	b.mustNotBeDone(t, "the stream has not passed the high of u")
	b.log(3, one(hard(Changed, "u")))
	b.mustNotBeDone(t, "entry 3 changes u in its window")
	b.read(t, "u", mark(4, 4), mark(4, 4))
	if r := b.mustBeDone(t); r.End != place(4) {
		t.Errorf("end is %v, want the highest high %v", r.End, place(4))
	}
}

func TestR1UnlistedNames(t *testing.T) {
	create := hard(Created, "new")
	b := backup(t)
	b.log(0, one(create), "new")
	b.log(1, nil, "new")
	if got := base(t, b.mustBeDone(t), "new"); got.Base != catalog.BaseFloor {
		t.Errorf("a table that the log makes has base %s", got.Base)
	}

	b = backup(t)
	b.log(0, nil, "there")
	b.mustNotBeDone(t, "a table with row events was there and is not read")
	b.want(t, "there")

	b = backup(t)
	b.log(0, nil, "gone")
	b.log(1, one(hard(Dropped, "gone")))
	r := b.mustBeDone(t)
	if got := base(t, r, "gone"); got.Base != catalog.BaseTombstone || got.AtEnd != place(2) {
		t.Errorf("a table that was dropped before discovery has base %+v, want a tombstone at entry 1", got)
	}
	if r.RecoverableFrom.Position != place(2) || r.RecoverableFrom.Time != 2 {
		t.Errorf("recoverable from %+v, want the end of the DROP", r.RecoverableFrom)
	}
}

func TestR2StatementWithoutAProvedLockHasTheLowMark(t *testing.T) {
	loose := hard(Changed, "t")
	loose.Hard, loose.LowWindow = false, true
	for entry, again := range map[int]bool{0: false, 1: true, 2: true, 4: false} {
		b := backup(t, "t")
		b.read(t, "t", mark(1, 2), mark(3, 4))
		for i := range 6 {
			if i == entry {
				b.log(i, one(loose))
			} else {
				b.log(i, nil)
			}
		}
		if !again {
			b.mustBeDone(t)
			continue
		}
		b.mustNotBeDone(t, "the statement may be seen or not")
	}
}

func TestR5UnloggedStatementIsReadBehind(t *testing.T) {
	unlogged := hard(Changed, "t")
	unlogged.Unlogged = true
	b := backup(t, "t", "u")
	b.read(t, "t", mark(0, 0), mark(0, 0))
	b.read(t, "u", mark(0, 0), mark(0, 0))
	b.log(0, nil)
	b.log(1, one(unlogged))
	b.mustNotBeDone(t, "the log does not hold what happened to t")
	b.read(t, "t", mark(2, 2), mark(2, 2))
	b.mustBeDone(t)

	everything := Statement{EveryTable: true, Unlogged: true, LowWindow: true}
	b.log(2, one(everything))
	b.mustNotBeDone(t, "any table may have changed")
	b.read(t, "t", mark(3, 3), mark(3, 3))
	b.read(t, "u", mark(3, 3), mark(3, 3))
	b.mustBeDone(t)
}

// What the log does not hold of a schema, an object, or a table that it makes is read behind it.
func TestR5UnloggedStatementsOnWhateverTheyAre(t *testing.T) {
	b := backup(t, "t")
	b.log(0, nil)
	b.TableDone(b.want(t, "t"), TableRead{First: mark(1, 1), After: mark(1, 1)}) // it is not there
	b.log(1, nil)
	b.mustBeDone(t)
	made := hard(Created, "t")
	made.Unlogged = true
	b.log(2, one(made))
	b.mustNotBeDone(t, "the log does not hold what was made as t")
	b.read(t, "t", mark(3, 3), mark(3, 3))
	b.mustBeDone(t)

	b.log(3, one(Statement{Schema: "s", SchemaVerb: SchemaAltered, Hard: true, Unlogged: true}))
	b.mustNotBeDone(t, "the log does not hold what the schema became")
	for w := range b.wants() {
		if w.Kind == WantSchema && b.Begin(w) {
			b.SchemaDone(w, SchemaRead{Exists: true, Before: mark(4, 4), After: mark(4, 4)})
		}
	}
	b.log(4, nil)
	b.mustBeDone(t)
}

// A table whose base says that it is not there may have been made by the log since, before something changes it that the log does not hold.
func TestR5UnloggedStatementOnATableThatCameBack(t *testing.T) {
	unlogged := hard(Changed, "t")
	unlogged.Unlogged = true
	for name, came := range map[string]Statement{"created": hard(Created, "t"), "renamed": rename("u", "t")} {
		for _, tombstone := range []bool{true, false} {
			b := backup(t, "t", "u")
			b.read(t, "u", mark(0, 0), mark(0, 0))
			if tombstone { // it is dropped where it has to be read again
				b.read(t, "t", mark(0, 0), mark(1, 1))
				b.log(0, one(hard(Changed, "t")))
				b.log(1, one(hard(Dropped, "t")))
				b.Evaluate()
			} else {
				b.log(0, one(hard(Dropped, "t")))
				b.log(1, nil)
				b.Evaluate()
				b.TableDone(b.want(t, "t"), TableRead{First: mark(2, 2), After: mark(2, 2)})
			}
			b.log(2, one(unlogged)) // of a table that is not there
			if got := base(t, b.mustBeDone(t), "t"); (got.Base == catalog.BaseTombstone) != tombstone {
				t.Fatalf("%s: base %+v", name, got)
			}
			b.log(3, one(came))
			b.log(4, one(unlogged))
			b.mustNotBeDone(t, name+": the log does not hold what happened to t, which is there again")
			b.read(t, "t", mark(5, 5), mark(5, 5))
			if got := base(t, b.mustBeDone(t), "t"); got.Base != catalog.BaseRead {
				t.Errorf("%s: base %+v", name, got)
			}
		}
	}
}

func TestAbandonedTableIsOutside(t *testing.T) {
	b := backup(t, "t")
	b.Abandon(b.want(t, "t"))
	b.Passed(place(0))
	if got := base(t, b.mustBeDone(t), "t"); got.Base != catalog.BaseOutside {
		t.Errorf("base %s", got.Base)
	}
}

func TestR11LastEntryThatTouchesTheTable(t *testing.T) {
	b := backup(t, "t")
	b.read(t, "t", mark(0, 0), mark(4, 4))
	for i := range 6 {
		if i == 2 || i == 5 {
			b.log(i, nil, "t")
		} else {
			b.log(i, nil, "other")
		}
	}
	b.Evaluate()
	w := b.want(t, "other") // it was there
	b.TableDone(w, TableRead{First: mark(6, 6), After: mark(6, 6)})
	if got := base(t, b.mustBeDone(t), "t").RecoverableFrom; got != place(3) {
		t.Errorf("recoverable from %v, want the end of entry 2", got)
	}
}

func TestR12ExcludedNames(t *testing.T) {
	b := backup(t, "t")
	b.read(t, "t", mark(0, 0), mark(0, 0))
	b.log(0, nil, "excluded")
	b.log(1, one(rename("t", "gone", "excluded", "t")))
	b.mustNotBeDone(t, "t gets content from outside")
	b.read(t, "t", mark(2, 2), mark(2, 2))
	b.mustNotBeDone(t, "gone gets what was t, of which there is a later base now")
	b.read(t, "gone", mark(2, 2), mark(2, 2))
	r := b.mustBeDone(t)
	if got := base(t, r, "excluded"); got.Base != catalog.BaseOutside {
		t.Errorf("a table that was not asked for has base %s", got.Base)
	}
}

func TestNamesWithoutCase(t *testing.T) {
	b := New(Config{First: mark(0, 0), Selected: func(schema.Name) bool { return true }, FoldNames: true})
	b.ListTable(named("T"))
	b.Listed(mark(0, 0))
	b.read(t, "T", mark(0, 0), mark(2, 2))
	b.log(0, one(hard(Changed, "t")))
	b.log(1, nil)
	b.mustNotBeDone(t, "T is t on this server")
}

func TestForgottenTouchesAreLaterNeverMissing(t *testing.T) {
	b := backup(t, "t")
	w := b.want(t, "t")
	for i := range touchWindow + 10 {
		b.log(i, nil, "t")
	}
	b.TableDone(w, TableRead{Present: true, First: mark(0, 0), DefinitionAfter: mark(1, 1), Chunks: mark(0, 0), Rows: mark(4, 4), After: mark(4, 4)})
	got := base(t, b.mustBeDone(t), "t").RecoverableFrom
	if got.Before(place(4)) {
		t.Errorf("recoverable from %v, before the last entry of the window", got)
	}
}
