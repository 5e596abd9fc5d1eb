package segment

import (
	"slices"

	"github.com/tripod-db/tripod/internal/schema"
)

// Content says what the events in a segment touch, so that a reader who needs nothing of it can
// leave the segment out. Rows count where their event lies, entries where they end.
type Content struct {
	// Tables are those with row events, by name.
	Tables []Touched `json:"tables,omitempty"`
	// Statements are those that stand in the log as text, without BEGIN, COMMIT and their like.
	Statements []Statement `json:"statements,omitempty"`
	// RowEntries is the number of entries that end here and have row events.
	RowEntries uint64 `json:"row_entries,omitempty"`
	// XA: an XA transaction is prepared, committed or rolled back here.
	XA bool `json:"xa,omitempty"`
	// More: it touches more than the lists hold.
	More bool `json:"more,omitempty"`
}

// Touched is what happens to the rows of one table.
type Touched struct {
	schema.Name
	Rows uint64 `json:"rows"`
	// Uncounted: there are more rows than Rows, in events of a kind that could not be counted.
	Uncounted bool `json:"uncounted,omitempty"`
	// Entries is the number of entries that end here and have row events of the table.
	Entries uint64 `json:"entries"`
	// Largest is the size in bytes of the largest event of an INSERT or UPDATE, LargestDelete of a DELETE.
	Largest       uint64 `json:"largest,omitempty"`
	LargestDelete uint64 `json:"largest_delete,omitempty"`
	// Unpacked: of events in something compressed both count what they are without that; false where an earlier version wrote the
	// segment, which took the length of the whole for them.
	Unpacked bool `json:"unpacked,omitempty"`
	// Cascades tells whether changes of the rows may have changed other tables' without a trace in the log; empty where
	// an earlier version wrote the segment, which did not look.
	Cascades Cascades `json:"cascades,omitempty"`
}

// Cascades is what is known of the foreign keys that refer to a table.
type Cascades string

// What may be known.
const (
	CascadesNone   Cascades = "none"   // none act here, or what they did is in the log
	CascadesHidden Cascades = "hidden" // they may have acted, and what they did is not in the log
)

// and joins it with what is known of further events.
func (c Cascades) and(o Cascades) Cascades {
	switch {
	case c == o, c == CascadesHidden:
		return c
	case o == CascadesHidden:
		return o
	}
	return "" // of some of them nothing is known
}

// Statement is one statement. Its text is not here: it may hold rows.
type Statement struct {
	Start uint64 `json:"start"` // of its entry in the file
	Verb  string `json:"verb"`
	Kind  string `json:"kind"` // of the table of kinds in package ddl; empty for a text that cannot be read
	// Tables are those that it names, in any role.
	Tables []schema.Name `json:"tables,omitempty"`
	// Unnamed: it may touch tables that it does not name.
	Unnamed bool `json:"unnamed,omitempty"`
}

const (
	// maxTouched and maxStatements bound what a header gets by a segment's content.
	maxTouched    = 1024
	maxStatements = 256
	// maxNamed bounds the tables of one statement.
	maxNamed = 256
)

// Touch returns the record of a table, which is valid until the next call; nil where there are too many. In a new one
// no foreign keys have acted, and no event is counted.
func (c *Content) Touch(n schema.Name) *Touched {
	i, found := slices.BinarySearchFunc(c.Tables, n, func(t Touched, n schema.Name) int { return t.Compare(n) })
	if !found {
		if len(c.Tables) >= maxTouched {
			c.More = true
			return nil
		}
		c.Tables = slices.Insert(c.Tables, i, Touched{Name: n, Cascades: CascadesNone, Unpacked: true})
	}
	return &c.Tables[i]
}

// State adds a statement.
func (c *Content) State(s Statement) {
	if len(c.Statements) >= maxStatements {
		c.More = true
		return
	}
	if len(s.Tables) > maxNamed {
		s.Tables, s.Unnamed = nil, true
	}
	c.Statements = append(c.Statements, s)
}

// Add adds what comes behind.
func (c *Content) Add(o *Content) {
	for _, t := range o.Tables {
		if mine := c.Touch(t.Name); mine != nil {
			mine.Rows += t.Rows
			mine.Uncounted = mine.Uncounted || t.Uncounted
			mine.Entries += t.Entries
			mine.Cascades = mine.Cascades.and(t.Cascades)
			mine.Unpacked = mine.Unpacked && t.Unpacked
			mine.Largest, mine.LargestDelete = max(mine.Largest, t.Largest), max(mine.LargestDelete, t.LargestDelete)
		}
	}
	for _, s := range o.Statements {
		c.State(s)
	}
	c.RowEntries += o.RowEntries
	c.XA, c.More = c.XA || o.XA, c.More || o.More
}

// Clone returns a copy that shares nothing which Add changes; nil of nil.
func (c *Content) Clone() *Content {
	if c == nil {
		return nil
	}
	d := *c
	d.Tables, d.Statements = slices.Clone(c.Tables), slices.Clone(c.Statements)
	return &d
}
