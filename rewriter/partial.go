package rewriter

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/schema"
)

// Row images may lack columns (binlog_row_image MINIMAL and NOBLOB, as any session may set it), and
// hold JSON diffs (binlog_row_value_options=PARTIAL_JSON). What is missing means, fact 6.7:
//
//	INSERT         the column's default, if that is a constant: all others are logged
//	before image   whatever it was: the key is there, and in a table without one every column
//	after image    as it was
//	empty diff     likewise

// NewChange is the change of a row as its event has it. Where it lacks columns, the after image of
// an UPDATE gets those that the before image has; JSON diffs are carried out where the before image
// holds the document.
func NewChange(rows *event.Rows, before, after event.Image) (Change, error) {
	c := Change{Map: rows.Table, Before: before, After: after}
	if !before.Exists() || !after.Exists() {
		return c, nil
	}
	var err error
	if rows.PartialJSON {
		if c.After, err = event.Resolved(rows.Table, before, after); err != nil {
			return c, fmt.Errorf("%s: %w", rows.Table.Name, err)
		}
	}
	if !c.After.Whole() {
		c.After = event.Overlay(rows.Table, before, c.After)
	}
	return c, nil
}

// Partial tells whether the change says only in part what the row is afterwards: an UPDATE without
// all of its columns, or with a JSON diff whose document is not there.
func (c Change) Partial() bool {
	return c.Before.Exists() && c.After.Exists() && !c.After.Whole()
}

// HasDiff tells whether the after image holds a JSON diff whose document is not there.
func (c Change) HasDiff() bool {
	for i := range c.After.NumColumns() {
		if c.After.IsDiff(i) {
			return true
		}
	}
	return false
}

// Moves tells whether an UPDATE gives its row another key, byte by byte. The images must have passed
// the table's check.
func (t *Table) Moves(c Change) bool {
	return t.Keyed() && c.Before.Exists() && c.After.Exists() && !t.sameIdentity(c)
}

// lacksIdentity names a column of the identity that the image lacks; empty for none.
func (t *Table) lacksIdentity(im event.Image) string {
	for _, i := range t.identity {
		if !im.Present(i) {
			return t.def.Columns[i].Name
		}
	}
	return ""
}

// lacksStored names a column that statements write and that the image lacks; empty for none.
func (t *Table) lacksStored(im event.Image) string {
	for _, i := range t.stored {
		if !im.Present(i) {
			return t.def.Columns[i].Name
		}
	}
	return ""
}

// appendDefault appends what an INSERT whose image lacks column i has put there. The server logs what
// functions and expressions gave, and fills columns without a default as its mode allows: that is
// spelled, as the target's mode would refuse it.
func (t *Table) appendDefault(dst []byte, i int) ([]byte, error) {
	c := &t.def.Columns[i]
	first := strings.ToUpper(strings.TrimSpace(c.Default))
	switch {
	case c.AutoInc, strings.HasPrefix(first, "("), strings.HasPrefix(first, "CURRENT_TIMESTAMP"), strings.HasPrefix(first, "NOW"), strings.HasPrefix(first, "LOCALTIME"):
		return dst, fmt.Errorf("%s, column %s, whose default is no constant: %w", t.name, c.Name, ErrPartialImage)
	case c.Default != "":
		return append(dst, "DEFAULT"...), nil
	case c.Nullable: // texts and documents, and what ALTER .. DROP DEFAULT has left without one: there DEFAULT is error 1364
		return append(dst, "NULL"...), nil
	}
	return append(dst, implicitDefault(c)...), nil
}

// implicitDefault is what servers put into a NOT NULL column without a default where their mode lets
// them (measured on 9.7). A geometry gets no bytes at all on 5.6 and MariaDB, and 9.7 takes no such row; as a literal 5.6
// alone takes it, and others refuse the row by name.
func implicitDefault(c *schema.Column) string {
	switch c.Type {
	case "tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double", "bit", "year", "set":
		return "0"
	case "enum":
		return "1"
	case "date":
		return "'0000-00-00'"
	case "datetime", "timestamp":
		return "'0000-00-00 00:00:00'"
	case "time":
		return "'00:00:00'"
	case "json":
		return "CAST('null' AS JSON)"
	}
	return "''"
}

// appendPartialAssignments appends what an UPDATE sets whose after image does not say all: the columns
// that it has, JSON diffs as expressions, and every ON UPDATE column as it is, so that the target adds
// nothing of its own. At least one column is named.
func (t *Table) appendPartialAssignments(dst []byte, m *event.TableMap, im event.Image) ([]byte, error) {
	var err error
	start := len(dst)
	for _, i := range t.stored {
		c := &t.def.Columns[i]
		name := schema.Quote(c.Name)
		if !im.Present(i) && !c.OnUpdate {
			continue
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(append(dst, name...), '=')
		switch {
		case !im.Present(i):
			dst = append(dst, name...)
		case im.IsDiff(i):
			dst, err = t.appendDiffs(dst, im, i)
		default:
			dst, err = t.appendLiteral(dst, m, im, i)
		}
		if err != nil {
			return dst, err
		}
	}
	if len(dst) == start {
		name := schema.Quote(t.def.Columns[t.stored[0]].Name)
		dst = append(append(append(dst, name...), '='), name...)
	}
	return dst, nil
}

// appendDiffs appends the expression that carries out the JSON diffs of column i on the target's document.
func (t *Table) appendDiffs(dst []byte, im event.Image, i int) ([]byte, error) {
	dst, err := event.AppendJSONDiffs(dst, im.JSONDiffs(i), []byte(schema.Quote(t.def.Columns[i].Name)))
	if err != nil {
		return dst, fmt.Errorf("%s, column %s: %w", t.name, t.def.Columns[i].Name, err)
	}
	return dst, nil
}

// addUpdate adds an UPDATE by identity.
func (b *Batch) addUpdate(t *Table, c Change, o Origin, count int) error {
	err := b.addOther(t, c, o, func(dst []byte) ([]byte, error) {
		dst, err := t.appendAssignments(append(dst, t.updateHead...), c.Map, c.After)
		if err != nil {
			return dst, fmt.Errorf("write UPDATE: %w", err)
		}
		return t.appendIdentityMatch(append(dst, " WHERE "...), c.Map, c.Before)
	})
	if err == nil {
		b.pieces[len(b.pieces)-1].count = count
	}
	return err
}

// addMakingWay adds an UPDATE of a change that is partial, in front of it the deletion of the rows
// that have the values it brings to a unique key: the binlog wins. A row that is not there stays
// away, for the log does not say what it was. A key of expressions or prefixes makes no way: where
// that would be needed, the UPDATE fails.
func (b *Batch) addMakingWay(t *Table, c Change, o Origin) error {
	for i := range t.def.Keys {
		k := &t.def.Keys[i]
		if !k.Unique || !t.brings(k, c) {
			continue
		}
		err := b.addOther(t, c, o, func(dst []byte) ([]byte, error) { return t.appendMakeWay(dst, k, c) })
		if err != nil {
			return err
		}
		last := &b.pieces[len(b.pieces)-1]
		last.count, last.lenient = Uncounted, false
	}
	return b.addUpdate(t, c, o, Uncounted)
}

// brings tells whether a change may give a key of whole columns other values.
func (t *Table) brings(k *schema.Key, c Change) bool {
	other := false
	for _, p := range k.Parts {
		column, i := t.def.Column(p.Column)
		if column == nil || column.Generated != schema.NotGenerated || p.Prefix > 0 {
			return false
		}
		other = other || c.brings(i)
	}
	return other
}

// brings tells whether an UPDATE may give column i another value.
func (c Change) brings(i int) bool {
	same := !c.After.Present(i) || c.Before.Present(i) && c.Before.IsNull(i) == c.After.IsNull(i) && bytes.Equal(c.Before.Raw(i), c.After.Raw(i))
	return !same
}

// appendMakeWay appends a DELETE of the other row that has the unique values which a change brings:
// those of the image, and for the columns that it lacks those of the row itself, looked up in a derived
// table. (A DELETE with aliases would need a default schema.)
func (t *Table) appendMakeWay(dst []byte, k *schema.Key, c Change) ([]byte, error) {
	var err error
	dst = append(dst, t.deleteHead...)
	for _, p := range k.Parts {
		column, i := t.def.Column(p.Column)
		name := schema.Quote(column.Name)
		dst = append(append(dst, name...), '=')
		if c.After.Present(i) {
			dst, err = t.appendLiteral(dst, c.Map, c.After, i)
		} else {
			dst = fmt.Appendf(dst, "(SELECT r.%s FROM (SELECT %s FROM %s WHERE ", name, name, t.name.Quoted())
			dst, err = t.appendIdentityMatch(dst, c.Map, c.Before)
			dst = append(dst, ") AS r)"...)
		}
		if err != nil {
			return dst, err
		}
		dst = append(dst, " AND "...)
	}
	if dst, err = t.appendIdentityMatch(append(dst, "NOT ("...), c.Map, c.Before); err != nil {
		return dst, err
	}
	// For a row that is not there none makes way.
	dst = fmt.Appendf(dst, ") AND EXISTS (SELECT * FROM (SELECT 1 FROM %s WHERE ", t.name.Quoted())
	dst, err = t.appendIdentityMatch(dst, c.Map, c.Before)
	return append(dst, ") AS r)"...), err
}
