package rewriter

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/schema"
)

// Sentinels of changes that no statement can be made from.
var (
	// ErrPartialImage: a row image lacks columns without which its change cannot be made (fact 6.7).
	ErrPartialImage = errors.New("the row image lacks a column that is needed")
	// ErrKeylessWindow: a change of a keyless table inside its window, where no rule converges (fact 11.6, R5).
	ErrKeylessWindow = errors.New("change of a table without a key inside its window")
)

// Table makes statements for one table of the target. It is made anew whenever the table's
// definition changes. Safe for concurrent use.
type Table struct {
	def      *schema.Table
	name     schema.Name // on the target
	stored   []int       // ordinals of the columns that statements write, in table order
	identity []int       // ordinals of the identity's columns in key order; nil for a keyless table
	autoInc  int         // ordinal of the AUTO_INCREMENT column, -1 without
	enums    []int       // ordinals of ENUM columns: a value of index 0 needs a statement without STRICT

	// weigher gives the texts of the identity their weights; nil where bytes tell rows apart, or nothing does.
	weigher Weigher

	transactional bool
	// values takes the large values of one change (see NewLarge); nil where statements hold all.
	values *values

	insertHead  string
	replaceHead string
	deleteHead  string
	updateHead  string
	// identityList is the identity as it stands before IN: `id` or (`a`,`b`); empty where
	// identities must be compared one by one.
	identityList string
	// alone: identities of several columns are listed one by one (ListNoRows).
	alone bool
}

// NewTable prepares statements for the table that def describes and that is called name on the target.
func NewTable(def *schema.Table, name schema.Name) *Table {
	t := &Table{def: def, name: name, autoInc: -1, transactional: def.Class() != schema.NonTransactional}
	var list []byte
	for i := range def.Columns {
		c := &def.Columns[i]
		if c.AutoInc {
			t.autoInc = i
		}
		if c.Type == "enum" {
			t.enums = append(t.enums, i)
		}
		if c.Generated != schema.NotGenerated {
			continue
		}
		t.stored = append(t.stored, i)
		if len(list) > 0 {
			list = append(list, ',')
		}
		list = append(list, schema.Quote(c.Name)...)
	}
	t.identity, _ = def.IdentityColumns()
	quoted := name.Quoted()
	t.insertHead = fmt.Sprintf("INSERT INTO %s (%s) VALUES ", quoted, list)
	t.replaceHead = fmt.Sprintf("REPLACE INTO %s (%s) VALUES ", quoted, list)
	t.deleteHead = "DELETE FROM " + quoted + " WHERE "
	t.updateHead = "UPDATE " + quoted + " SET "
	t.identityList = t.listIdentity()
	return t
}

// listIdentity returns the left side of IN. A key with a SET of more than 53 members cannot be
// listed: its comparison with a number goes through DOUBLE. Nor can one with digits, FLOAT(4,1), see appendNumber. Nor can one of several columns with
// an ENUM or SET among them: with two rows or more in the list, (e,n) IN ((1,48),(4,48)) compares
// e as text and finds nothing (measured on 9.7; a single row, or e alone, compares as numbers).
func (t *Table) listIdentity() string {
	if len(t.identity) == 0 {
		return ""
	}
	var list []byte
	for n, i := range t.identity {
		c := &t.def.Columns[i]
		if comparedAsDouble(c) || isFloat(c) && c.Decimals >= 0 || len(t.identity) > 1 && (c.Type == "enum" || c.Type == "set") {
			return ""
		}
		if n > 0 {
			list = append(list, ',')
		}
		list = append(list, schema.Quote(c.Name)...)
	}
	if len(t.identity) > 1 {
		return "(" + string(list) + ")"
	}
	return string(list)
}

// ListNoRows is for servers that walk the table where an IN lists identities of several columns, but not for one of them.
func (t *Table) ListNoRows() { t.alone = len(t.identity) > 1 }

// Definition returns the definition that the statements are made from.
func (t *Table) Definition() *schema.Table { return t.def }

// Name returns the table's name on the target.
func (t *Table) Name() schema.Name { return t.name }

// Transactional tells whether the table takes changes back with their transaction.
func (t *Table) Transactional() bool { return t.transactional }

// IdentityColumns returns the ordinals of the columns that tell a row from all others, in key order; nil for a keyless
// table.
func (t *Table) IdentityColumns() []int { return t.identity }

// Keyed tells whether rows are told apart by a key rather than by their whole image.
func (t *Table) Keyed() bool { return t.identity != nil }

// Change is one row's change: the images of a rows event with the table map they belong to. An
// INSERT has no Before, a DELETE no After. Images are read during the call they are passed to.
type Change struct {
	Map    *event.TableMap
	Before event.Image
	After  event.Image
}

// kind names what the log says was done to the row.
func (c Change) kind() string {
	switch {
	case !c.Before.Exists():
		return "insert"
	case !c.After.Exists():
		return "delete"
	}
	return "update"
}

// check refuses images of another shape, and those that do not tell which row is meant: a missing
// column is not NULL.
func (t *Table) check(c Change) error {
	for _, im := range []event.Image{c.Before, c.After} {
		if im.Exists() && (!t.Fits(im.NumColumns()) || !t.Fits(len(c.Map.Columns))) {
			return fmt.Errorf("%s has %d columns, the image %d: %w", t.name, len(t.def.Columns), im.NumColumns(), event.ErrIncompatible)
		}
	}
	if !c.Before.Exists() {
		return nil
	}
	lacks := t.lacksIdentity(c.Before)
	if !t.Keyed() {
		lacks = t.lacksStored(c.Before)
	}
	if lacks != "" {
		return fmt.Errorf("%s, column %s: %w", t.name, lacks, ErrPartialImage)
	}
	return nil
}

// Fits tells whether an image may have so many columns: behind those of the definition MariaDB logs the hashes of long unique keys.
func (t *Table) Fits(columns int) bool {
	return columns == len(t.def.Columns) || columns == len(t.def.Columns)+t.def.HashColumns()
}

// sameIdentity compares identities byte by byte: a change of case alone is a change (fact 11.5, N4).
func (t *Table) sameIdentity(c Change) bool {
	for _, i := range t.identity {
		if !bytes.Equal(c.Before.Raw(i), c.After.Raw(i)) {
			return false
		}
	}
	return true
}

// hasZeroEnum tells whether the image holds an ENUM of index 0, which STRICT refuses (fact 6).
func (t *Table) hasZeroEnum(im event.Image) bool {
	for _, i := range t.enums {
		if raw := im.Raw(i); t.def.Columns[i].Generated == schema.NotGenerated && len(raw) > 0 && len(bytes.Trim(raw, "\x00")) == 0 {
			return true
		}
	}
	return false
}

func (t *Table) enumNames() []string {
	names := make([]string, len(t.enums))
	for n, i := range t.enums {
		names[n] = t.def.Columns[i].Name
	}
	return names
}

// AutoIncrement returns the value of the AUTO_INCREMENT column in an image; 0 where there is
// none, or where it is negative or no integer.
func (t *Table) AutoIncrement(m *event.TableMap, im event.Image) (uint64, error) {
	if t.autoInc < 0 || !im.Exists() || !im.Present(t.autoInc) || im.IsNull(t.autoInc) {
		return 0, nil
	}
	literal, err := t.appendLiteral(nil, m, im, t.autoInc)
	if err != nil {
		return 0, err
	}
	if len(literal) > 0 && literal[0] == '-' {
		return 0, nil
	}
	n, err := strconv.ParseUint(string(literal), 10, 64)
	if err != nil { // FLOAT and DOUBLE may be AUTO_INCREMENT; their counter is not kept
		return 0, nil //nolint:nilerr // see above
	}
	return n, nil
}

// appendLiteral appends the exact literal of column i.
func (t *Table) appendLiteral(dst []byte, m *event.TableMap, im event.Image, i int) ([]byte, error) {
	if im.IsNull(i) {
		return append(dst, "NULL"...), nil
	}
	dst, large, err := t.values.literal(dst, m.Columns[i].Type, im.Raw(i))
	if err == nil && !large {
		dst, err = event.AppendLiteral(dst, &t.def.Columns[i], &m.Columns[i], im, i)
	}
	if err != nil {
		return dst, fmt.Errorf("%s, column %s: %w", t.name, t.def.Columns[i].Name, err)
	}
	return dst, nil
}

// appendTuple appends (v1,v2,...) of all stored columns.
func (t *Table) appendTuple(dst []byte, m *event.TableMap, im event.Image) ([]byte, error) {
	dst = append(dst, '(')
	var err error
	for n, i := range t.stored {
		if n > 0 {
			dst = append(dst, ',')
		}
		if im.Present(i) {
			dst, err = t.appendLiteral(dst, m, im, i)
		} else {
			dst, err = t.appendDefault(dst, i)
		}
		if err != nil {
			return dst, err
		}
	}
	return append(dst, ')'), nil
}

// appendAssignments appends `a`=1,`b`=2 of all stored columns. Every column is named, so that
// no ON UPDATE CURRENT_TIMESTAMP adds a value of the target's own.
func (t *Table) appendAssignments(dst []byte, m *event.TableMap, im event.Image) ([]byte, error) {
	if !im.Whole() {
		return t.appendPartialAssignments(dst, m, im)
	}
	var err error
	for n, i := range t.stored {
		if n > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, schema.Quote(t.def.Columns[i].Name)...)
		dst = append(dst, '=')
		if dst, err = t.appendLiteral(dst, m, im, i); err != nil {
			return dst, err
		}
	}
	return dst, nil
}
