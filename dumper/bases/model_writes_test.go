package bases

import "slices"

func (w *mSource) transaction() {
	names := w.existing()
	if len(names) == 0 {
		return
	}
	var events []mRowEvent
	for range 1 + w.n(3) {
		n := names[w.n(len(names))]
		if w.locked(bit(n), 0, 0) {
			continue
		}
		t := w.logged.tables[n]
		for _, ev := range w.change(n, t) {
			ev.n, ev.def = n, t.def
			events = append(events, ev)
			applyRow(t, &ev)
		}
	}
	if len(events) > 0 {
		w.add(mEntry{kind: kTransaction, rows: events})
	}
}

func (w *mSource) uniqueFree(t *mTable, u, except int8) bool {
	return !t.def.uniq || u == 0 || !slices.ContainsFunc(t.rows, func(r mRow) bool { return r.u == u && r.k != except })
}

// change makes the row events of one random change of a table.
func (w *mSource) change(n int, t *mTable) []mRowEvent {
	op := w.n(6)
	if op == 0 || len(t.rows) == 0 {
		r := mRow{k: int8(w.n(5)), u: int8(w.n(3))}
		for j := range t.def.nc {
			r.x[j] = int8(w.n(3))
		}
		if t.def.keyed && (t.find(r.k) >= 0 || !w.uniqueFree(t, r.u, -1) || w.rowLocked(n, true, r)) {
			return nil
		}
		return []mRowEvent{{after: &r}}
	}
	i := w.n(len(t.rows))
	before := t.rows[i]
	after := before
	if !t.def.keyed {
		if w.rowLocked(n, false) {
			return nil
		}
		if op >= 4 {
			return []mRowEvent{{before: &before}}
		}
		after.k = int8(w.n(5))
		return []mRowEvent{{before: &before, after: &after}}
	}
	switch op {
	case 1, 2:
		after.u = int8(w.n(3))
		if t.def.nc > 0 {
			after.x[w.n(int(t.def.nc))] = int8(w.n(3))
		}
		if !w.uniqueFree(t, after.u, after.k) || w.rowLocked(n, true, after, before) || after == before {
			return nil
		}
	case 3: // the key changes
		after.k = int8(w.n(5))
		if j := t.find(after.k); j >= 0 && (j != i || after.k == before.k) || w.rowLocked(n, true, after, before) {
			return nil
		}
	case 4:
		if w.rowLocked(n, true, before) {
			return nil
		}
		return []mRowEvent{{before: &before}}
	case 5:
		return w.swap(n, t, before, t.rows[(i+1)%len(t.rows)])
	}
	return []mRowEvent{{before: &before, after: &after}}
}

// swap exchanges the unique values of two rows by way of NULL.
func (w *mSource) swap(n int, t *mTable, a, b mRow) []mRowEvent {
	if len(t.rows) < 2 || a.u == b.u || w.rowLocked(n, true, a, b) {
		return nil
	}
	free, a2, b2 := a, a, b
	free.u, a2.u, b2.u = 0, b.u, a.u
	var events []mRowEvent
	for _, p := range [][2]mRow{{a, free}, {b, b2}, {free, a2}} {
		if p[0] != p[1] {
			events = append(events, mRowEvent{before: &p[0], after: &p[1]})
		}
	}
	return events
}

func (w *mSource) statementKind() int {
	if w.n(2) == 1 {
		switch w.profile {
		case 1:
			return kRename
		case 2:
			return []int{kCreate, kDrop, kLike, kRename, kExchange, kSelect}[w.n(6)]
		case 3:
			return []int{kAddColumn, kDropColumn, kAddUnique, kDropUnique, kComment, kTruncate}[w.n(6)]
		}
	}
	return 1 + w.n(nKinds-1)
}

// statement makes a random statement, if it is possible now.
func (w *mSource) statement() {
	e := mEntry{kind: w.statementKind()}
	possible := false
	switch e.kind {
	case kCreate, kLike, kSelect:
		possible = w.create(&e)
	case kRename, kDrop, kExchange:
		possible = w.move(&e)
	case kDropSchema, kCreateSchema, kAlterSchema, kReplaceSchema:
		possible = w.schemaStatement(&e)
	default:
		possible = w.alter(&e)
	}
	if !possible {
		return
	}
	schemas := e.onSchema
	for n := range nNames {
		if e.on&bit(n) != 0 {
			schemas |= 1 << schemaOf(n)
		}
	}
	if w.locked(e.on, e.source, schemas) || !e.noop && w.rowsInFlight(e.on) {
		return
	}
	w.add(e)
}

// pick returns a table that exists, or -1.
func (w *mSource) pick() int {
	names := w.existing()
	if len(names) == 0 {
		return -1
	}
	return names[w.n(len(names))]
}

// free returns a name that no table has, in a schema that exists, or -1.
func (w *mSource) free() int {
	n := w.n(nNames)
	if w.logged.tables[n] != nil || !w.logged.schemas[schemaOf(n)].exists {
		return -1
	}
	return n
}

func (w *mSource) create(e *mEntry) bool {
	switch e.kind {
	case kCreate:
		e.n = w.n(nNames)
		e.def = w.newDef()
		e.noop = w.logged.tables[e.n] != nil
		e.ifNotExists = e.noop || w.n(4) == 3
		e.on = bit(e.n)
		return w.logged.schemas[schemaOf(e.n)].exists
	case kLike:
		if e.n, e.m = w.free(), w.pick(); e.n < 0 || e.m < 0 {
			return false
		}
		e.on, e.source = bit(e.n), bit(e.m)
		return true
	}
	if e.n = w.free(); e.n < 0 {
		return false
	}
	e.def, e.on = w.newDef(), bit(e.n)
	m := w.pick()
	if m < 0 {
		return true
	}
	for _, r := range w.logged.tables[m].rows {
		q := mRow{k: r.k, u: r.u}
		q.x[0] = r.x[0]
		taken := slices.ContainsFunc(e.rows, func(o mRowEvent) bool {
			return o.after.k == q.k || e.def.uniq && q.u != 0 && o.after.u == q.u
		})
		if e.def.keyed && taken {
			continue
		}
		e.rows = append(e.rows, mRowEvent{n: e.n, after: &q, def: e.def})
	}
	return !w.locked(bit(m), 0, 0)
}

func (w *mSource) move(e *mEntry) bool {
	a := w.pick()
	if a < 0 {
		return false
	}
	switch e.kind {
	case kDrop:
		e.names, e.on = []int{a}, bit(a)
		if m := w.pick(); w.n(3) == 2 && m != a {
			e.names, e.on = append(e.names, m), e.on|bit(m)
		}
		return true
	case kExchange:
		e.n, e.m = a, w.pick()
		e.on = bit(e.n) | bit(e.m)
		x, y := w.logged.tables[e.n], w.logged.tables[e.m]
		return e.n != e.m && sameColumns(&x.def, &y.def) && x.def.keyed && !x.def.uniq && !y.def.uniq
	}
	b, x := w.pick(), w.free()
	if x < 0 {
		return false
	}
	switch w.n(3) {
	case 0:
		e.pairs = [][2]int{{a, x}}
	case 1: // as gh-ost does
		e.pairs = [][2]int{{a, x}, {b, a}}
	case 2:
		e.pairs = [][2]int{{a, x}, {b, a}, {x, b}}
	}
	for _, p := range e.pairs {
		e.on |= bit(p[0]) | bit(p[1])
	}
	return a != b || len(e.pairs) == 1
}

func (w *mSource) schemaStatement(e *mEntry) bool {
	e.schema, e.arg = w.n(nSchemas), int8(w.n(3))
	e.onSchema = 1 << e.schema
	exists := w.logged.schemas[e.schema].exists
	switch e.kind {
	case kCreateSchema:
		e.noop, e.ifNotExists = exists, exists
		return true
	case kDropSchema, kReplaceSchema:
		for n := range nNames {
			if schemaOf(n) == e.schema {
				e.on |= bit(n)
			}
		}
	}
	return exists || e.kind == kReplaceSchema
}

func (w *mSource) alter(e *mEntry) bool {
	if e.n = w.pick(); e.n < 0 {
		return false
	}
	e.on = bit(e.n)
	t := w.logged.tables[e.n]
	repeated := func(value func(mRow) int8) bool {
		var seen [8]bool
		return slices.ContainsFunc(t.rows, func(r mRow) bool {
			v := value(r)
			was := seen[v]
			seen[v] = true
			return was
		})
	}
	switch e.kind {
	case kAddColumn:
		e.column = w.columns
		w.columns++
		return t.def.nc < 3
	case kDropColumn, kModifyColumn:
		if t.def.nc == 0 || e.kind == kDropColumn && t.def.nc == 1 {
			return false
		}
		e.column = t.def.cols[w.n(int(t.def.nc))]
	case kAddUnique:
		nulls := 0
		return !t.def.uniq && t.def.keyed && !repeated(func(r mRow) int8 {
			if r.u == 0 { // NULL: never in the way; rows have at most five keys
				nulls++
				return int8(2 + nulls)
			}
			return r.u
		})
	case kDropUnique:
		return t.def.uniq
	case kComment:
		w.comment++
		e.arg = w.comment
	case kAddKey:
		return !t.def.keyed && !repeated(func(r mRow) int8 { return r.k })
	case kDropKey:
		return t.def.keyed
	}
	return true
}
