package bases

import (
	"fmt"

	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage/catalog"
)

// Done is R6: all bases exist, the stream has passed every high, and the rules hold for every
// entry received. waiting says what is missing otherwise. No table is done alone.
func (b *Bases) Done() (done bool, waiting string) {
	b.resolve()
	if waiting = b.missing(); waiting != "" {
		return false, waiting
	}
	early := false
	failpoint.Inject("R6", func() { early = true })
	if end := b.highest(); !early && !b.passed(end) {
		return false, "the stream to pass " + end.String()
	}
	if waiting = b.unresolved(); waiting != "" && !early {
		return false, waiting
	}
	b.dirty = true // a low may be known that was not when the question was asked before
	b.Evaluate()
	if waiting = b.missing(); waiting != "" || b.changed {
		return false, waiting
	}
	return true, ""
}

// unresolved completes the row windows of all bases as far as the stream has got and names
// something whose low watermark is not resolved yet.
func (b *Bases) unresolved() (waiting string) {
	for _, n := range b.order {
		if n.complete() && n.base.Base == catalog.BaseRead && !b.setRows(n) && waiting == "" {
			waiting = "the low watermark of " + n.spelled.String()
		}
	}
	return waiting
}

// highest is the highest high of everything that was read.
func (b *Bases) highest() binlog.Position {
	end := b.after.High
	for _, n := range b.order {
		if n.needed() && n.base.Base == catalog.BaseRead {
			end = binlog.Later(end, binlog.Later(n.base.Statements.High, n.base.Rows.High))
		}
	}
	for _, s := range b.schemaList {
		if s.need {
			end = binlog.Later(end, s.window.High)
		}
	}
	for _, o := range b.objectList {
		if o.need {
			end = binlog.Later(end, o.window.High)
		}
	}
	return end
}

// Check refuses windows that end before they begin. No source whose log only grows brings them
// about, and a restore could do nothing right with one: the fault is of kind internal.
func (r Result) Check() error {
	var err error
	check := func(what string, w binlog.Window) {
		if err == nil && !w.Low.IsZero() && !w.High.IsZero() && w.High.Before(w.Low) {
			err = fault.New(fault.CodeFailed, fault.KindInternal, "run the backup again, and report this with its log",
				"the window of %s ends at %s, before it begins at %s (W5)", what, w.High, w.Low)
		}
	}
	for _, n := range r.Names {
		if n.Base != catalog.BaseRead {
			continue
		}
		check("the statements on "+n.Name.String(), n.Statements)
		check("the definition of "+n.Name.String(), n.Definition)
		check("the rows of "+n.Name.String(), n.Rows)
	}
	for _, s := range r.Schemas {
		check("schema "+s.Name, s.Window)
	}
	for _, o := range r.Objects {
		check(fmt.Sprintf("%s %s", o.Kind, o.Name), o.Window)
	}
	return err
}
