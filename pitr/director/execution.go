package director

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/rewriter"
)

// Verdict is what becomes of one statement of the log.
type Verdict struct {
	// Executions are what the target has to do, in order; none where the statement is skipped.
	Executions []Execution
	// Renames are the pairs of a RENAME as the log has them, whatever of it is carried out: foreign
	// keys follow.
	Renames [][2]schema.Name
	// Partings are tables of a part that are taken away, with the names that foreign keys to them
	// have from then on.
	Partings [][2]schema.Name
	// Resolved are, in a part, names of parents on the target with what they are from then on, for
	// foreign keys of definitions from behind the statement: these refer by name.
	Resolved map[schema.Name]schema.Name
	// Sides tells, in a part, where a table's definition lay in front of the statement, by its name on the
	// target; nil where names are the same on both.
	Sides func(schema.Name) binlog.Side
	// Views were made with a star, to be expanded here: see Expanded.
	Views []*Object
}

// Execution is one statement that the replay sends to the target for an entry of the log, and
// what it does to the restore's own catalogue.
type Execution struct {
	Start binlog.Position // of the entry
	// Statement is that of the log, whatever of it is sent.
	Statement *ddl.Statement
	// Text is the statement in UTF-8; Raw, where it is set, the same statement in the bytes of
	// the log, which need no conversion.
	Text string
	Raw  []byte
	// Client is the collation id of the character set that the server shall read the text in.
	Client    uint16
	Schema    string // default schema; empty for none
	Variables []rewriter.Variable

	// Fence lists the tables that the statement names in any role (R9); with FenceSchema all
	// tables of that schema are meant too.
	Fence       []schema.Name
	FenceSchema string

	// CalledAs is, in a part, what the source calls the table: names that servers make of its own follow that
	// (see FollowConstraint).
	CalledAs string
	// SourceCalledAs is the same for the table that is copied.
	SourceCalledAs string

	// What it does to the catalogue, by names on the target.
	Created   []schema.Name
	Copied    bool          // what is created has the definition of another table (LIKE)
	Source    schema.Name   // that table
	Altered   []schema.Name // definition changed, or may have
	Dropped   []schema.Name
	Truncated []schema.Name
	Renamed   [][2]schema.Name // left to right
}

// Changes lists the names whose tables an execution changes.
func (x *Execution) Changes() []schema.Name {
	var list []schema.Name
	for _, names := range [][]schema.Name{x.Created, x.Altered, x.Dropped, x.Truncated} {
		list = append(list, names...)
	}
	for _, p := range x.Renamed {
		list = append(list, p[0], p[1])
	}
	return list
}

// Schemas lists the schemas in which an execution may make constraints.
func (x *Execution) Schemas() []string {
	var list []string
	for _, n := range x.Changes() {
		list = append(list, n.Schema)
	}
	return list
}

// Redefined lists the names whose definitions tell whether an execution has run.
func (x *Execution) Redefined() []schema.Name {
	return slices.Concat(x.Created, x.Altered, x.Truncated)
}

// RefusedError is what a hint of Refused names, as it was called then.
type RefusedError struct {
	Start binlog.Position
	// Lists are lists of tables, each of which the hint has as Patterns.
	Lists [][]schema.Name
	cause error
}

func (e *RefusedError) Error() string { return e.cause.Error() }

// Unwrap returns the cause.
func (e *RefusedError) Unwrap() error { return e.cause }

// Refused is the fault of an entry of the log that cannot be replayed: its tables have no
// content behind it that this restore could make.
func Refused(start binlog.Position, tables []schema.Name, statement string, cause error) error {
	hint := fmt.Sprintf("restore to a point before %s, or from a backup that was made after it", start)
	var names []string
	for _, n := range tables {
		if n.Name == "" {
			names = append(names, "schema "+n.Schema)
			continue
		}
		names = append(names, n.String())
	}
	if len(tables) > 0 {
		hint += fmt.Sprintf(", or leave the tables out: --exclude %s", Patterns(tables))
	}
	if n := len(names); n > mostNames {
		names = append(names[:mostNames], fmt.Sprintf("%d more", n-mostNames))
	}
	return fault.New(fault.CodeRange, fault.KindStatement, hint, "replay of %s at %s (%s): %w",
		strings.Join(names, ", "), start, Excerpt(statement), &RefusedError{Start: start, Lists: [][]schema.Name{tables}, cause: cause})
}

// How many tables a message names, and how many the flag in its hint, which is there to be copied.
const (
	mostNames    = 20
	mostPatterns = 200
)

// Patterns prints tables as --exclude takes them: a few by their names, very many by their schemas, which leaves out more
// than has to be.
func Patterns(tables []schema.Name) string {
	if len(tables) <= mostPatterns {
		return schema.Patterns(tables...)
	}
	var schemas []schema.Name
	for _, n := range tables {
		if whole := (schema.Name{Schema: n.Schema}); !slices.Contains(schemas, whole) {
			schemas = append(schemas, whole)
		}
	}
	return schema.Patterns(schemas...)
}

// Broken is the fault of a manifest that contradicts the log: nothing that the operator did.
func Broken(start binlog.Position, statement string, cause error) error {
	return fault.New(fault.CodeDifference, fault.KindDivergence,
		"restore from another backup (--backup ID) and report this: the rules that made the backup should exclude it",
		"replay at %s (%s): %w", start, Excerpt(statement), cause)
}

// excerptLength is how much of a statement a message shows: enough to know it again.
const excerptLength = 120

// Excerpt is the beginning of a statement in one line.
func Excerpt(statement string) string {
	s := ddl.Redacted(strings.Join(strings.Fields(statement), " "))
	if len(s) <= excerptLength {
		return s
	}
	cut := excerptLength
	for cut > 0 && s[cut]&0xc0 == 0x80 {
		cut--
	}
	return s[:cut] + "..."
}
