package bases

import (
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/schema"
)

// Role says what a statement does to a table's name.
type Role int

// The roles.
const (
	Created     Role = iota // the new name of CREATE TABLE, plain, LIKE or SELECT
	Dropped                 // DROP TABLE
	Changed                 // it existed and stays: ALTER, TRUNCATE, indexes, partitions, EXCHANGE
	RenamedFrom             // RENAME takes the table away from this name
	RenamedTo               // RENAME brings a table to this name
	LikeSource              // the definition is copied; the statement is not one on this name
)

// Touch is one name in one role.
type Touch struct {
	Name schema.Name
	Role Role
}

// SchemaVerb is what a statement does to a schema itself.
type SchemaVerb int

// What happens to a schema.
const (
	SchemaUntouched SchemaVerb = iota
	SchemaCreated
	SchemaAltered
	SchemaDropped
	SchemaReplaced // dropped, and made again by the same statement
)

// drops tells whether all that is in the schema goes.
func (v SchemaVerb) drops() bool { return v == SchemaDropped || v == SchemaReplaced }

// Statement is what the rules need to know of one statement of the log. Statements that
// change nothing (kind none) are not fed to the rules.
type Statement struct {
	Text string // for messages
	// Touches are in the order of the statement; a RENAME's pairs stand from, to, from, to.
	Touches []Touch
	// EveryTableOf names schemas of which each table is touched: dropped by (CREATE OR REPLACE, or) DROP DATABASE,
	// changed by a statement that could not be understood.
	EveryTableOf []string
	// EveryTable: any table of the server may be touched, like by the commit of an XA transaction
	// whose prepare nobody saw.
	EveryTable bool
	// DropFailed: a DROP that was logged with an error: some of its tables may have stayed.
	DropFailed bool
	// Unlogged: the log does not hold the result (kind "not in the log"), so that it cannot be
	// executed by a restore: what it touches has to be read behind it.
	Unlogged bool
	// NonTransactional: it is one only for tables of engines without transactions.
	NonTransactional bool
	// DefinitionOnly statements change no row and no column list.
	DefinitionOnly bool
	// Hard: the exclusive metadata lock of every name (but LIKE's source) was held for certain.
	Hard bool
	// LowWindow: nothing proves that a read behind the statement's place in the log sees it, so
	// its window begins at the low mark of the tick before the first definition (R2, R5).
	LowWindow bool
	// IfNotExists is of CREATE TABLE and CREATE DATABASE.
	IfNotExists bool
	// SchemaDefaults: the table created takes character set or collation from its schema.
	SchemaDefaults bool
	// Exchange: the two tables touched exchange content.
	Exchange bool
	// Parents are the tables to which foreign keys with CASCADE or SET NULL refer that it makes.
	Parents []schema.Name

	Schema     string // that SchemaVerb is about
	SchemaVerb SchemaVerb

	Objects []ObjectTouch
}

// RowTouch tells that an entry changes rows of a table.
type RowTouch struct {
	Name schema.Name
	// Partial: an image lacks columns, so that it says only in part what the row is afterwards.
	Partial bool
	// Changed are the columns that an UPDATE with partial images has given another value, of those
	// that its before image holds: the key's are among them. Where the key is, the image cannot be laid
	// over a row of unknown age (R5).
	Changed Columns
	// Diff: an image holds a JSON diff without its document, which cannot either.
	Diff bool
	// Hidden: what its foreign keys made of this in other tables is not in the log (fact 4.2).
	Hidden Hidden
}

// Hidden is what an entry did to rows of a table whose cascades are not logged.
type Hidden struct {
	Deletes bool
	Changed []int // ordinals of columns that got other values, in order
}

// Entry is one entry of the log: a transaction or a statement.
type Entry struct {
	Start, End binlog.Position
	Time       binlog.Time // commit time
	XA         bool        // the commit of an XA transaction
	Statements []Statement
	Rows       []RowTouch
}

// logged is a statement with its place; the log keeps every one since floor.
type logged struct {
	*Statement
	index      int
	start, end binlog.Position
	time       binlog.Time
}

// on tells whether the statement is one on the name: LIKE's source is only read.
func (s *logged) on(key schema.Name) bool {
	for _, t := range s.Touches {
		if t.Name == key && t.Role != LikeSource {
			return true
		}
	}
	return s.everyTableOf(key.Schema)
}

func (s *logged) everyTableOf(name string) bool {
	if s.EveryTable {
		return !schema.IsSystem(name, false) // a key: in lower case where names are folded
	}
	for _, e := range s.EveryTableOf {
		if e == name {
			return true
		}
	}
	return false
}

// touchesUnnamed tells whether the statement touches tables that it does not name.
func (s *logged) touchesUnnamed() bool { return s.EveryTable || len(s.EveryTableOf) > 0 }

// drops tells whether the name is absent right behind the statement because it was dropped, or may have been.
func (s *logged) drops(key schema.Name) bool {
	return s.dropsByName(key) || s.SchemaVerb.drops() && s.Schema == key.Schema
}

func (s *logged) dropsByName(key schema.Name) bool {
	for _, t := range s.Touches {
		if t.Name == key && t.Role == Dropped {
			return true
		}
	}
	return false
}

// renames tells whether a RENAME takes something from or to the name.
func (s *logged) renames(key schema.Name) bool {
	for _, t := range s.Touches {
		if t.Name == key && (t.Role == RenamedFrom || t.Role == RenamedTo) {
			return true
		}
	}
	return false
}

// brings tells whether the statement makes a table of the name, or gives it to one.
func (s *logged) brings(key schema.Name) bool {
	for _, t := range s.Touches {
		if t.Name == key && (t.Role == Created || t.Role == RenamedTo) {
			return true
		}
	}
	return false
}

// leaves tells what a RENAME does to the name: it takes its table away; away and another one
// is brought in; the name stands first, so that what comes in comes after it has gone.
func (s *logged) leaves(key schema.Name) (away, replaced, first bool) {
	for i, t := range s.Touches {
		if t.Name != key {
			continue
		}
		switch t.Role {
		case RenamedFrom:
			away, replaced = true, false
			first = first || i == 0
		case RenamedTo:
			replaced = true
		case Created, Dropped, Changed, LikeSource:
		}
	}
	return away, away && replaced, first
}

// folded returns a copy whose names are in the form that the source compares.
func folded(s *Statement) *Statement {
	c := *s
	c.Touches = append([]Touch(nil), s.Touches...)
	for i := range c.Touches {
		c.Touches[i].Name = foldName(c.Touches[i].Name)
	}
	c.Parents = append([]schema.Name(nil), s.Parents...)
	for i := range c.Parents {
		c.Parents[i] = foldName(c.Parents[i])
	}
	c.EveryTableOf = append([]string(nil), s.EveryTableOf...)
	for i := range c.EveryTableOf {
		c.EveryTableOf[i] = strings.ToLower(c.EveryTableOf[i])
	}
	c.Schema = strings.ToLower(c.Schema)
	c.Objects = append([]ObjectTouch(nil), s.Objects...)
	for i := range c.Objects {
		c.Objects[i].Name = foldName(c.Objects[i].Name)
	}
	return &c
}

func foldName(n schema.Name) schema.Name {
	return schema.Name{Schema: strings.ToLower(n.Schema), Name: strings.ToLower(n.Name)}
}
