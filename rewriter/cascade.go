package rewriter

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/schema"
)

// Where the source does not log what its foreign keys cascade (fact 4.2), the statements for that are
// made here, from the row that the log holds: the children are found by the values that they
// refer to, as their columns compare. What such a change of a child cascades in its turn only
// its rows on the target tell: they are asked for (Rows) before the change (Statement).
//
// Measured on 9.7 with innodb_native_foreign_keys=ON: keys of one parent act in the order of their
// names, so of two on one column the first decides; a key on part of a parent's unique values acts
// for each parent's row that goes; a change by case alone is one; ON UPDATE CURRENT_TIMESTAMP of a child does not act; REPLACE of a parent is
// logged as DELETE and INSERT.

// ErrNoColumn: a foreign key refers to a column that the parent does not have.
var ErrNoColumn = errors.New("a foreign key refers to a column that is not there")

// Referred is a table with the foreign keys that refer to it and are to be carried out.
type Referred struct {
	Table *Table
	By    []*Referring // in the order in which the source carries them out
}

// Referring is one foreign key with its child.
type Referring struct {
	Key   *schema.ForeignKey
	Child *Referred
	Done  bool // the child's rows show already what it did
}

// Cascade is what one foreign key does to the child's rows that refer to certain values.
type Cascade struct {
	by *Referring
	on schema.Effect // of the parent's row
	// old are the literals that the child's rows hold, new those that come instead where the key
	// carries them over.
	old, new []string
}

// Effect tells what a change does to its row, as far as the foreign keys that refer to the table can
// tell.
func (p *Referred) Effect(c Change) (schema.Effect, error) {
	if err := p.Table.check(c); err != nil {
		return schema.Effect{}, err
	}
	if !c.After.Exists() {
		return schema.Effect{Deleted: true}, nil
	}
	var e schema.Effect
	for i := range p.Table.def.Columns {
		// By bytes: InnoDB takes a change of case for one, whatever the collation.
		if c.brings(i) {
			e.Changed = append(e.Changed, p.Table.def.Columns[i].Name)
		}
	}
	return e, nil
}

// UntoldError: the log does not tell which rows of a child refer to a row of the parent that changed.
type UntoldError struct {
	Child schema.Name // on the target
	Err   error
}

func (e *UntoldError) Error() string { return e.Err.Error() }

// Unwrap returns what is missing.
func (e *UntoldError) Unwrap() error { return e.Err }

// Cascades returns what the change of a row that the log holds does to other tables' rows, or an UntoldError.
func (p *Referred) Cascades(c Change, on schema.Effect) (list []Cascade, err error) {
	for _, by := range p.By {
		if _, acts := by.Key.Effect(on); !acts || by.Done {
			continue
		}
		next := Cascade{by: by, on: on}
		if next.old, err = p.literals(c.Map, c.Before, by.Key); err != nil {
			return nil, &UntoldError{Child: by.Child.Table.name, Err: err}
		}
		if slices.Contains(next.old, null) { // nothing refers to that
			continue
		}
		if by.Key.Carries(on) {
			if next.new, err = p.literals(c.Map, c.After, by.Key); err != nil {
				return nil, err
			}
		}
		list = append(list, next)
	}
	return list, nil
}

const null = "NULL"

func (p *Referred) literals(m *event.TableMap, im event.Image, key *schema.ForeignKey) ([]string, error) {
	var list []string
	for _, name := range key.References {
		_, i := p.Table.def.Column(name)
		if i < 0 {
			return nil, fmt.Errorf("%s, foreign key %s: %w", p.Table.name, key.Name, ErrNoColumn)
		}
		if !im.Present(i) {
			return nil, fmt.Errorf("%s, column %s, to which foreign key %s refers (binlog_row_image=FULL logs it): %w", p.Table.name, name, key.Name, ErrPartialImage)
		}
		literal, err := p.Table.appendLiteral(nil, m, im, i)
		if err != nil {
			return nil, err
		}
		list = append(list, string(literal))
	}
	return list, nil
}

// Table is the child's name on the target.
func (c *Cascade) Table() schema.Name { return c.by.Child.Table.name }

// Statement is the change of the child's rows.
func (c *Cascade) Statement() string {
	child := c.by.Child.Table
	effect, _ := c.by.Key.Effect(c.on)
	if effect.Deleted {
		return child.deleteHead + c.where()
	}
	var sets []string
	for i, name := range c.by.Key.Columns {
		value := null
		if c.new != nil {
			value = c.new[i]
		}
		sets = append(sets, schema.Quote(name)+"="+value)
	}
	for i := range child.def.Columns {
		if o := &child.def.Columns[i]; o.OnUpdate && !names(c.by.Key.Columns, o.Name) {
			sets = append(sets, schema.Quote(o.Name)+"="+schema.Quote(o.Name))
		}
	}
	return child.updateHead + strings.Join(sets, ",") + " WHERE " + c.where()
}

func (c *Cascade) where() string {
	var text []byte
	for i, name := range c.by.Key.Columns {
		if i > 0 {
			text = append(text, " AND "...)
		}
		if o, _ := c.by.Child.Table.def.Column(name); o != nil {
			text = appendCompared(text, o)
		} else {
			text = append(text, schema.Quote(name)...)
		}
		text = append(append(text, '='), c.old[i]...)
	}
	return string(text)
}

// further are the keys by which the change of the child's rows changes those of other tables.
func (c *Cascade) further() (list []*Referring) {
	effect, _ := c.by.Key.Effect(c.on)
	for _, by := range c.by.Child.By {
		if _, acts := by.Key.Effect(effect); acts && !by.Done {
			list = append(list, by)
		}
	}
	return list
}

// Rows asks for the child's rows, as far as further foreign keys need them; empty where none does.
// It has to be asked before the change.
func (c *Cascade) Rows() string {
	further := c.further()
	if len(further) == 0 {
		return ""
	}
	var list []string
	for _, name := range references(further) {
		expression := schema.Quote(name)
		if o, _ := c.by.Child.Table.def.Column(name); o != nil {
			expression = literalExpression(o)
		}
		list = append(list, expression)
	}
	return "SELECT " + strings.Join(list, ",") + " FROM " + c.by.Child.Table.name.Quoted() + " WHERE " + c.where()
}

// Some limits Rows and Statement to the same first rows, by the child's key: so many cascades may come of one row that not all
// are known at once. Those that were changed do not refer to the old values any more, so the next ones come first then. It is
// empty where that is not so: without a key, and where the key carries values over, for these may compare as the old ones.
func (c *Cascade) Some(rows int) string {
	child := c.by.Child.Table
	if len(child.identity) == 0 || c.new != nil {
		return ""
	}
	var list []string
	for _, i := range child.identity {
		list = append(list, schema.Quote(child.def.Columns[i].Name))
	}
	return " ORDER BY " + strings.Join(list, ",") + " LIMIT " + strconv.Itoa(rows)
}

// Below returns what the change of one of the rows that Rows asks for does to other tables' rows.
func (c *Cascade) Below(row []string) (list []Cascade) {
	effect, _ := c.by.Key.Effect(c.on)
	further := c.further()
	columns := references(further)
	for _, by := range further {
		next := Cascade{by: by, on: effect}
		carries := by.Key.Carries(effect)
		for _, name := range by.Key.References {
			at := slices.IndexFunc(columns, func(o string) bool { return strings.EqualFold(o, name) })
			old := row[at]
			if old == "" {
				old = null
			}
			next.old = append(next.old, old)
			if carries {
				next.new = append(next.new, c.value(name, old))
			}
		}
		if !slices.Contains(next.old, null) {
			list = append(list, next)
		}
	}
	return list
}

// value is what a column of the child holds after the change.
func (c *Cascade) value(name, old string) string {
	i := slices.IndexFunc(c.by.Key.Columns, func(o string) bool { return strings.EqualFold(o, name) })
	switch {
	case i < 0:
		return old
	case c.new == nil:
		return null
	}
	return c.new[i]
}

// references are the columns that keys refer to, each once.
func references(keys []*Referring) (columns []string) {
	for _, by := range keys {
		for _, name := range by.Key.References {
			if !names(columns, name) {
				columns = append(columns, name)
			}
		}
	}
	return columns
}

func names(columns []string, name string) bool {
	return slices.ContainsFunc(columns, func(c string) bool { return strings.EqualFold(c, name) })
}

// literalExpression makes the server print a literal of the column's value, NULL or nothing for NULL.
func literalExpression(c *schema.Column) string {
	name := schema.Quote(c.Name)
	switch c.Type {
	case "enum", "set":
		return "CAST(" + name + " AS SIGNED)"
	case "bit":
		return name + "+0"
	case "float":
		return "QUOTE(" + name + "*1e0)"
	case "double", "date", "time", "datetime", "timestamp":
		return "QUOTE(" + name + ")"
	case "tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "year":
		return name
	}
	return "CONCAT('x''',HEX(" + name + "),'''')"
}

// AddCascade appends what a foreign key does. One that may go on to further tables is told apart by
// Statement.Cascade.
func (b *Batch) AddCascade(c Cascade, o Origin) {
	start := len(b.text)
	p := piece{table: c.by.Child.Table, start: start, verb: verbOther, change: "cascade", rule: Window, count: Uncounted, origin: o}
	if len(c.further()) > 0 {
		p.cascade = &c
	}
	b.push(append(b.text, c.Statement()...), p)
}
