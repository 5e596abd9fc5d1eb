package bases

import (
	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/storage/catalog"
)

// Result is what the manifest says about names, schemas and objects. Columns, chunks and
// texts are the reader's to add.
type Result struct {
	Floor binlog.Position
	// RecoverableFrom is the first stop point of the whole backup (R11); Time is unknown when
	// it is floor.
	RecoverableFrom binlog.Point
	// End is the highest high, and not before RecoverableFrom: W4 reaches from floor to it.
	End     binlog.Position
	Names   []catalog.NameBase
	Schemas []catalog.SchemaBase
	Objects []catalog.Object
}

// Result returns the bases after Done. Names whose base is floor are not listed: floor is
// what an unlisted name has.
func (b *Bases) Result() Result {
	r := Result{Floor: b.floor, RecoverableFrom: binlog.Point{Position: b.floor}}
	later := func(p binlog.Position, t binlog.Time) {
		if r.RecoverableFrom.Position.Before(p) {
			r.RecoverableFrom = binlog.Point{Position: p, Time: t}
		}
	}
	for _, n := range b.order {
		if n.base.Base == catalog.BaseFloor {
			continue
		}
		base := n.base
		base.Name = n.spelled
		base.ReadAgain = n.again
		base.PartialImages = n.present() && !n.read.Keyless && inRowWindow(n, n.partial)
		if !n.outside() {
			p, t := b.recoverableFrom(n)
			base.RecoverableFrom = p
			later(p, t)
		}
		r.Names = append(r.Names, base)
	}
	for _, s := range b.schemaList {
		if !s.need {
			continue
		}
		unlisted, t := b.unlistedFrom(s)
		later(unlisted, t)
		r.Schemas = append(r.Schemas, catalog.SchemaBase{Name: s.spelled, Exists: s.exists, Window: s.window, RecoverableFrom: unlisted})
		for _, st := range s.statements {
			if st.start.Before(s.window.Low) {
				later(st.end, st.time)
			}
		}
	}
	r.Objects = b.objectResults(later)
	r.End = binlog.Later(b.highest(), r.RecoverableFrom.Position)
	return r
}

// unlistedFrom is R11 for the tables that a statement took away before discovery without
// naming them.
func (b *Bases) unlistedFrom(s *schemaState) (from binlog.Position, at binlog.Time) {
	from = b.floor
	for _, st := range b.statements {
		if st.everyTableOf(s.key) && st.start.Before(b.after.High) {
			from, at = st.end, st.time
		}
	}
	return from, at
}

// recoverableFrom is R11 for one name: the first position at which what was read, and what
// replay does from there, is the table.
func (b *Bases) recoverableFrom(n *name) (binlog.Position, binlog.Time) {
	from, at := b.floor, binlog.Time(0)
	var early bool
	failpoint.Inject("R11", func() { early = true })
	if early {
		return from, at
	}
	later := func(p binlog.Position, t binlog.Time) {
		if from.Before(p) {
			from, at = p, t
		}
	}
	if n.base.Base == catalog.BaseTombstone {
		later(n.base.AtEnd, b.timeOf(n.base.AtEnd))
		return from, at
	}
	bound := n.base.Statements.Low // absent: since the last statement before D0
	if n.present() {
		bound = binlog.Later(n.base.Rows.High, n.base.Definition.Low)
		if !n.touched.start.IsZero() {
			later(n.touched.end, n.touched.time)
		}
		if c, found := b.cascadedInto(n); found {
			later(c.end, c.time)
		}
	}
	for _, s := range n.statements {
		if s.start.Before(bound) && s.on(n.key) {
			later(s.end, s.time)
		}
	}
	return from, at
}

// timeOf returns the commit time of the statement that ends at end.
func (b *Bases) timeOf(end binlog.Position) binlog.Time {
	for _, s := range b.statements {
		if s.end == end {
			return s.time
		}
	}
	return 0
}
