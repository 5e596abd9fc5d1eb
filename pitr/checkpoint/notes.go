package checkpoint

import (
	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/schema"
)

// Aside is a constraint of a table on the target that was set aside.
type Aside struct {
	Table schema.Name `json:"table"`
	// Constraints are those of its kind from the conflicting one on: behind them the server would
	// print it in another place.
	Constraints []ddl.Constraint `json:"constraints"` // none: all are back
	// Parents are the tables whose changes cascade by one of them.
	Parents []schema.Name `json:"parents,omitempty"`
	// Followed is the last statement whose renames their parents have followed.
	Followed binlog.Position `json:"followed"`
}

// ParentsNote keeps the moves of a statement: what the definitions were before it cannot be read
// any more by a run that goes on in the middle of it.
type ParentsNote struct {
	At     binlog.Position `json:"at"`
	Step   int             `json:"step"` // the statement's first
	Before []ParentNote    `json:"before"`
	Behind []ParentNote    `json:"behind"`
}

// ParentNote is one foreign key with the parent that it has to have.
type ParentNote struct {
	Child  schema.Name `json:"child"` // as it was called before the statement
	Key    string      `json:"key"`
	Parent schema.Name `json:"parent"`
	Clause string      `json:"clause"`
}

// Format is the version of the notes in a progress table. A restore goes on only with its own.
const Format = 3

// RestoreNote says which restore a progress table belongs to. Backup and stop point stay those
// that the first run resolved, whatever has come into the store since.
type RestoreNote struct {
	Format      int          `json:"format"`
	Program     string       `json:"program"`
	Wish        string       `json:"wish"` // as given, see Wish.identity
	Force       bool         `json:"force"`
	Instance    string       `json:"instance"`
	BackupID    string       `json:"backup_id"`
	Stop        binlog.Point `json:"stop"`
	Made        []string     `json:"made"`        // schemas that it made
	Connections int          `json:"connections"` // that it has at most
	// Kept are the defaults of schemas that were there before, and of which the restore makes a part: they get them back.
	Kept []CollationNote `json:"kept,omitempty"`
	// Archived: the store archives the target, and its binlog holds the restore.
	Archived bool `json:"archived,omitempty"`
}

// Divergence is one place where the target did not hold what the log says it held.
type Divergence struct {
	schema.Name
	Position binlog.Position `json:"position"`
	GTID     string          `json:"gtid,omitempty"`
	Change   string          `json:"change"` // insert, update, delete
	Key      string          `json:"key"`    // as the statement names the row
	Problem  string          `json:"problem"`
}
