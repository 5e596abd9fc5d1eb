package bases

import (
	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/schema"
)

type mTick struct{ low, high int }

func (t mTick) mark() Mark {
	return Mark{High: place(t.high), Low: func() (binlog.Position, bool) { return place(t.low), true }}
}

type mChunk struct {
	from, to int8 // keys in [from, to)
	def      mDef
	rows     []mRow
	done     bool
}

// mRead is one read in progress, as a worker has it: marks are numbers of ticks.
type mRead struct {
	want    Want
	present bool
	def     mDef
	chunks  []mChunk
	result  TableRead
	before  int // tick before the read that waits for the next tick
	stage   int
	exists  bool // of a schema
	charset int8
}

// stages of a read
const (
	readsChunks  = iota
	awaitsFirst  // the definition was read, the tick behind it has not come
	awaitsLast   // the last chunk was read
	awaitsTables // nothing more: a definition or a schema
)

// mContent is what a complete read holds.
type mContent struct {
	def    mDef
	chunks []mChunk
}

// mDumper reads the source's visible state at random moments and feeds a Bases.
type mDumper struct {
	*mSource
	bases    *Bases
	ticks    []mTick
	received int
	reads    map[schema.Name]*mRead
	schemas  map[string]*mRead
	content  [nNames]mContent
	charsets [nSchemas]int8
	listing  int
	outside  uint16
	finished bool
	rereads  int
	killed   *mKilled // nil: this backup is never killed
}

func newDumper(w *mSource) *mDumper {
	d := &mDumper{mSource: w, reads: map[schema.Name]*mRead{}, schemas: map[string]*mRead{}}
	if w.n(4) == 3 {
		d.outside = uint16(w.n(1 << nNames))
	}
	return d
}

func number(n schema.Name) int { return int(n.Schema[0]-'a')*perSchema + int(n.Name[0]-'A') }

func (d *mDumper) tick() {
	t := mTick{low: d.low(), high: len(d.log)}
	d.ticks = append(d.ticks, t)
	d.note("        tick %d: low=%d high=%d", len(d.ticks)-1, t.low, t.high)
	if d.bases == nil {
		d.begins()
	}
	if d.listing == nSchemas {
		d.bases.Listed(t.mark())
		d.listing++
	}
	for n, r := range d.reads {
		d.tickRead(n, r, t.mark())
	}
	for n, r := range d.schemas {
		if d.bases.SchemaDone(r.want, SchemaRead{Exists: r.exists, Before: d.ticks[r.before].mark(), After: t.mark()}) {
			d.charsets[n[0]-'a'] = r.charset
		}
		delete(d.schemas, n)
	}
}

// tickRead gives a read the tick that it waits for.
func (d *mDumper) tickRead(n schema.Name, r *mRead, after Mark) {
	switch {
	case r.want.Kind == WantDefinition:
		if d.bases.DefinitionDone(r.want, DefinitionRead{Present: r.present, Before: d.ticks[r.before].mark(), After: after}) && r.present {
			d.content[number(n)].def = r.def
		}
		delete(d.reads, n)
	case r.stage == awaitsFirst:
		r.result.DefinitionAfter = after
		r.stage = readsChunks
		if !r.present {
			r.result.After = after
			d.bases.TableDone(r.want, r.result)
			delete(d.reads, n)
		}
	case r.stage == awaitsLast:
		if r.result.DefinitionAfter.High.IsZero() {
			r.result.DefinitionAfter = after
		}
		r.result.After, r.result.Rows = after, after
		if d.bases.TableDone(r.want, r.result) {
			d.content[number(n)] = mContent{def: r.def, chunks: r.chunks}
			d.journal(n, r)
		}
		delete(d.reads, n)
	}
}

// list lists one schema.
func (d *mDumper) list() {
	if d.seen.schemas[d.listing].exists {
		d.bases.ListSchema(schemaNames[d.listing])
	}
	for n, t := range d.seen.tables {
		if schemaOf(n) == d.listing && t != nil {
			d.note("        %s is listed", tableNames[n])
			d.bases.ListTable(tableNames[n])
		}
	}
	d.listing++
}

// read makes one step of the dump.
func (d *mDumper) read() {
	if d.bases == nil {
		return
	}
	if d.listing < nSchemas {
		d.list()
		return
	}
	var open []*mRead
	for _, n := range tableNames {
		if r := d.reads[n]; r != nil && r.want.Kind == WantTable && (r.stage == readsChunks || r.stage == awaitsFirst && r.present) {
			open = append(open, r)
		}
	}
	wants := d.bases.Wanted()
	k := len(open) + len(wants)
	if k == 0 {
		return
	}
	if i := d.n(k); i < len(open) {
		d.readChunk(open[i])
	} else {
		d.begin(wants[i-len(open)])
	}
}

func (d *mDumper) begin(w Want) {
	before := len(d.ticks) - 1
	if w.Kind == WantSchema {
		i := int(w.Name.Schema[0] - 'a')
		if s := d.seen.schemas[i]; !d.schemaBlocked(i) && d.bases.Begin(w) {
			d.note("        read schema %s: %v (after tick %d)", w.Name.Schema, s, before)
			d.schemas[w.Name.Schema] = &mRead{want: w, exists: s.exists, charset: s.charset, before: before}
		}
		return
	}
	n := number(w.Name)
	if d.blocked(n) || !d.bases.Begin(w) {
		return
	}
	t := d.seen.tables[n]
	r := &mRead{want: w, present: t != nil, before: before, stage: awaitsFirst}
	d.reads[w.Name] = r
	d.rereads += min(1, len(w.Again))
	d.note("        read the definition of %s: %s (after tick %d), read %d times before", w.Name, t, before, len(w.Again))
	if t != nil {
		r.def = t.def
	}
	if w.Kind == WantDefinition {
		r.stage = awaitsTables
		return
	}
	r.result = TableRead{Present: r.present, First: d.ticks[before].mark(), Keyless: r.present && !r.def.keyed}
	if d.goOn(r) {
		return
	}
	d.bases.Opened(w, r.result.First, false)
	cut := int8(d.n(5))
	switch {
	case !r.def.keyed || d.n(3) == 0:
		r.chunks = []mChunk{{from: -1, to: 100}}
	case d.n(2) == 0:
		r.chunks = []mChunk{{from: -1, to: cut}, {from: cut, to: 100}}
	default:
		r.chunks = []mChunk{{from: -1, to: cut}, {from: cut, to: cut + 1}, {from: cut + 1, to: 100}}
	}
}

func (d *mDumper) readChunk(r *mRead) {
	n := number(r.want.Name)
	if !d.bases.Current(r.want) {
		delete(d.reads, r.want.Name)
		return
	}
	if d.blocked(n) {
		return
	}
	t := d.seen.tables[n]
	if t == nil {
		d.fail(r, "the table has gone between chunks")
		return
	}
	var at [4]int
	for i := range r.def.nc {
		if at[i] = t.column(r.def.cols[i]); at[i] < 0 {
			d.fail(r, "unknown column")
			return
		}
	}
	var left []int
	for i := range r.chunks {
		if !r.chunks[i].done {
			left = append(left, i)
		}
	}
	c := &r.chunks[left[d.n(len(left))]]
	c.def, c.done = r.def, true
	for _, row := range t.rows {
		if row.k < c.from || row.k >= c.to {
			continue
		}
		q := mRow{k: row.k, u: row.u}
		for i := range r.def.nc {
			q.x[i] = row.x[at[i]]
		}
		c.rows = append(c.rows, q)
	}
	before := len(d.ticks) - 1
	d.note("        read [%d,%d) of %s (after tick %d): %v", c.from, c.to, r.want.Name, before, c.rows)
	if r.result.Chunks.Low == nil {
		r.result.Chunks = d.ticks[before].mark()
	}
	if len(left) == 1 {
		r.stage = awaitsLast
	}
}

func (d *mDumper) fail(r *mRead, why string) {
	d.bases.Failed(r.want, why, place(d.received))
	delete(d.reads, r.want.Name)
}

// receive moves the stream forward by some entries.
func (d *mDumper) receive(to int) {
	for ; d.bases != nil && d.received < to; d.received++ {
		d.bases.Receive(d.entry(d.received))
	}
	if d.bases != nil {
		d.bases.Passed(place(d.received)) // events of a file's header
	}
}

// entry is how the log's reader describes an entry to the rules.
func (d *mDumper) entry(i int) *Entry {
	e := &d.log[i]
	entry := &Entry{Start: place(i), End: place(i + 1), Time: binlog.Time(i + 1)}
	for _, r := range e.rows {
		entry.Rows = append(entry.Rows, RowTouch{Name: tableNames[r.n]})
	}
	if e.kind == kTransaction {
		return entry
	}
	s := Statement{Text: e.String(), IfNotExists: e.ifNotExists, DefinitionOnly: e.kind == kComment}
	s.Hard = !e.ifNotExists && !s.DefinitionOnly && e.kind != kCreateSchema && e.kind != kAlterSchema
	touch := func(n int, r Role) { s.Touches = append(s.Touches, Touch{Name: tableNames[n], Role: r}) }
	switch e.kind {
	case kCreate, kSelect:
		touch(e.n, Created)
		s.SchemaDefaults = true
	case kLike:
		touch(e.n, Created)
		touch(e.m, LikeSource)
	case kDrop:
		for _, n := range e.names {
			touch(n, Dropped)
		}
	case kRename:
		for _, p := range e.pairs {
			touch(p[0], RenamedFrom)
			touch(p[1], RenamedTo)
		}
	case kExchange:
		touch(e.n, Changed)
		touch(e.m, Changed)
		s.Exchange = true
	case kDropSchema:
		s.Schema, s.SchemaVerb = schemaNames[e.schema], SchemaDropped
		s.EveryTableOf = []string{s.Schema}
	case kReplaceSchema:
		s.Schema, s.SchemaVerb = schemaNames[e.schema], SchemaReplaced
		s.EveryTableOf = []string{s.Schema}
	case kCreateSchema:
		s.Schema, s.SchemaVerb = schemaNames[e.schema], SchemaCreated
	case kAlterSchema:
		s.Schema, s.SchemaVerb = schemaNames[e.schema], SchemaAltered
	default:
		touch(e.n, Changed)
	}
	entry.Statements = []Statement{s}
	return entry
}

func (d *mDumper) tryFinish() {
	if d.finished || d.bases == nil {
		return
	}
	d.finished, _ = d.bases.Done()
}

// run makes one history; it returns why the backup could not be made.
func (d *mDumper) run() string {
	for range d.n(6) {
		d.step()
		if d.n(2) == 0 {
			d.showOne()
		}
	}
	d.tick()
	for range 15 + d.n(60) {
		d.anything()
	}
	d.drain()
	d.gtids = 1<<len(d.log) - 1
	for i := 0; i < 400 && !d.finished; i++ {
		d.mayBeKilled()
		d.read()
		if d.n(3) == 0 || i > 200 {
			d.tick()
		}
		d.receive(len(d.log))
		if i == 120 { // low marks that are the file's start move on
			d.rotate()
		}
		d.tryFinish()
	}
	if !d.finished {
		_, waiting := d.bases.Done()
		return "the backup never ends although the source is quiet: it waits for " + waiting
	}
	more := d.n(12)
	d.limit = min(len(d.log)+more, 56)
	for range more {
		d.step()
		if d.n(2) == 0 {
			d.showOne()
		}
	}
	d.drain()
	return ""
}

func (d *mDumper) anything() {
	d.mayBeKilled()
	switch d.n(12) {
	case 0, 1, 2, 3:
		d.step()
	case 4:
		d.showOne()
	case 5:
		if d.n(3) == 2 {
			d.rotate()
		} else {
			d.addGTIDs()
		}
	case 6, 7:
		d.tick()
	case 8:
		if d.received < len(d.log) {
			d.receive(d.received + 1 + d.n(len(d.log)-d.received))
			if !d.finished && d.n(2) == 0 {
				d.bases.Evaluate()
			}
		}
	default:
		if d.finished {
			d.step()
		} else {
			d.read()
		}
	}
	if d.n(4) == 0 {
		d.tryFinish()
	}
}
