package pitr

import (
	"fmt"
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/rewriter"
)

// verdict is what becomes of one statement of the log.
type verdict struct {
	executions []execution
	// renames are the pairs of a RENAME as the log has them, whatever of it is carried out: foreign
	// keys follow.
	renames [][2]schema.Name
	// partings are tables of a part that are taken away, with the names that foreign keys to them
	// have from then on; sides tells where a table's definition lay in front of the statement, by
	// its name on the target.
	partings [][2]schema.Name
	// resolved are, in a part, names of parents on the target with what they are from then on, for
	// foreign keys of definitions from behind the statement: these refer by name.
	resolved map[schema.Name]schema.Name
	sides    func(schema.Name) binlog.Side
	// views were made with a star, to be expanded here (see expandView).
	views []*object
}

// execution is one statement that the replay sends to the target for an entry of the log, and
// what it does to the restore's own catalogue.
type execution struct {
	start binlog.Position
	// statement is that of the log, whatever of it is sent.
	statement *ddl.Statement
	// text is the statement in UTF-8; raw, where it is set, the same statement in the bytes of
	// the log, which need no conversion.
	text string
	raw  []byte
	// client is the collation id of the character set that the server shall read the text in.
	client    uint16
	schema    string // default schema; empty for none
	variables []rewriter.Variable

	// fence lists the tables that the statement names in any role (R9); with fenceSchema all
	// tables of that schema are meant too.
	fence       []schema.Name
	fenceSchema string

	// calledAs is, in a part, what the source calls the table: see nameIndexes.
	calledAs  string
	created   []schema.Name
	copied    bool          // what is created has the definition of another table (LIKE)
	source    schema.Name   // that table
	altered   []schema.Name // definition changed, or may have
	dropped   []schema.Name
	truncated []schema.Name
	renamed   [][2]schema.Name // left to right
}

// refused is the fault of an entry of the log that cannot be replayed: its tables have no
// content behind it that this restore could make.
func refused(start binlog.Position, tables []schema.Name, statement string, cause error) error {
	hint := fmt.Sprintf("restore to a point before %s, or from a backup that was made after it", start)
	var names []string
	for _, n := range tables {
		names = append(names, n.String())
	}
	if n := len(names); n > 0 && n <= mostNames {
		hint += fmt.Sprintf(", or leave the tables out: --exclude %s", schema.Patterns(tables...))
	} else if n > mostNames {
		names = append(names[:mostNames], fmt.Sprintf("%d more", n-mostNames))
	}
	return fault.New(fault.CodeRange, fault.KindStatement, hint, "replay of %s at %s (%s): %w",
		strings.Join(names, ", "), start, excerpt(statement), cause)
}

// mostNames is how many tables a message names.
const mostNames = 20

// broken is the fault of a manifest that contradicts the log: nothing that the operator did.
func broken(start binlog.Position, statement string, cause error) error {
	return fault.New(fault.CodeDifference, fault.KindDivergence,
		"restore from another backup (--backup ID) and report this: the rules that made the backup should exclude it",
		"replay at %s (%s): %w", start, excerpt(statement), cause)
}

// excerptLength is how much of a statement a message shows: enough to know it again.
const excerptLength = 120

// excerpt is the beginning of a statement in one line.
func excerpt(statement string) string {
	s := strings.Join(strings.Fields(statement), " ")
	if len(s) <= excerptLength {
		return s
	}
	cut := excerptLength
	for cut > 0 && s[cut]&0xc0 == 0x80 {
		cut--
	}
	return s[:cut] + "..."
}
