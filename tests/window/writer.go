package window

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// writer draws the statements of a history. None of them fails: what stands in the way of a unique
// key is ignored or replaced, and only what is logged counts.
type writer struct {
	r     *rand.Rand
	shape *shape
	table string
}

// first fills the empty table.
func (w writer) first() []string {
	list := []string{"DELETE FROM " + w.table}
	for range 1 + w.r.IntN(4) {
		list = append(list, w.insert("INSERT IGNORE")+w.tuple())
	}
	return list
}

// transaction is one random transaction.
func (w writer) transaction() (list []string) {
	for range 1 + w.r.IntN(3) {
		list = append(list, w.change()...)
	}
	return list
}

func (w writer) insert(verb string) string {
	return verb + " INTO " + w.table + " (" + strings.Join(w.names(), ",") + ") VALUES "
}

func (w writer) names() []string {
	list := make([]string, len(w.shape.columns))
	for i := range w.shape.columns {
		list[i] = w.shape.columns[i].name
	}
	return list
}

func (w writer) value(c *column) string { return c.values[w.r.IntN(len(c.values))] }

func (w writer) tuple() string {
	values := make([]string, len(w.shape.columns))
	for i := range w.shape.columns {
		values[i] = w.value(&w.shape.columns[i])
	}
	return "(" + strings.Join(values, ",") + ")"
}

func (w writer) column() *column { return &w.shape.columns[w.r.IntN(len(w.shape.columns))] }

func (w writer) uniqueColumn() *column {
	return &w.shape.columns[w.shape.unique[w.r.IntN(len(w.shape.unique))]]
}

// where finds rows by one of their values, in an order that is the same every time.
func (w writer) where() string {
	c := w.column()
	return " WHERE " + c.name + " <=> " + w.value(c) + w.order()
}

func (w writer) order() string {
	return " ORDER BY HEX(" + strings.Join(w.names(), "),HEX(") + ")"
}

// change is what an application does in one go, which may take several statements.
func (w writer) change() []string {
	update := "UPDATE IGNORE " + w.table + " SET "
	switch w.r.IntN(12) {
	case 0, 1:
		return []string{w.insert("INSERT IGNORE") + w.tuple()}
	case 2:
		return []string{w.insert("REPLACE") + w.tuple()}
	case 3:
		return []string{w.insert("REPLACE") + w.tuple() + "," + w.tuple()}
	case 4:
		c := w.column()
		return []string{w.insert("INSERT IGNORE") + w.tuple() + " ON DUPLICATE KEY UPDATE " + c.name + "=" + w.value(c)}
	case 5, 6:
		c := w.uniqueColumn()
		return []string{update + c.name + "=" + w.value(c) + w.where()}
	case 7:
		c, d := w.column(), w.column()
		set := c.name + "=" + w.value(c)
		if c != d {
			set += "," + d.name + "=" + w.value(d)
		}
		return []string{update + set + w.where() + " LIMIT 1"}
	case 8:
		return w.swap(update)
	case 9:
		return w.shift(update)
	case 10:
		return []string{"DELETE FROM " + w.table + w.where()}
	default:
		if w.shape.caseless >= 0 {
			return []string{w.flip(update)}
		}
		return []string{"DELETE FROM " + w.table + w.where() + " LIMIT 1", w.insert("INSERT IGNORE") + w.tuple()}
	}
}

// swap lets two values of a unique key trade places, by way of a third.
func (w writer) swap(update string) []string {
	c := w.uniqueColumn()
	a, b := w.value(c), w.value(c)
	move := func(from, to string) string {
		return update + c.name + "=" + to + " WHERE " + c.name + " <=> " + from + w.order()
	}
	return []string{move(a, c.spare), move(b, a), move(c.spare, b)}
}

// shift adds 1 to the values of a unique key; of text it moves one value.
func (w writer) shift(update string) []string {
	c := w.uniqueColumn()
	if !c.number {
		return []string{update + c.name + "=" + w.value(c) + w.where() + " LIMIT 1"}
	}
	return []string{fmt.Sprintf("%s%s=%s+1 WHERE %s<9%s", update, c.name, c.name, c.name, strings.Replace(w.order(), " ORDER BY ", " ORDER BY "+c.name+" DESC,", 1))}
}

// flip changes the case of a text, which its collation takes for no change.
func (w writer) flip(update string) string {
	name := w.shape.columns[w.shape.caseless].name
	return fmt.Sprintf("%s%s=IF(CAST(%s AS BINARY)=CAST(LOWER(%s) AS BINARY),UPPER(%s),LOWER(%s))%s", update, name, name, name, name, name, w.where())
}
