package pitr

import (
	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/storage/catalog"
)

// Plan says what a restore will do. It prints as JSON (its exported fields) and as text
// (Text); Problem tells whether Run would refuse it.
type Plan struct {
	Instance string `json:"instance"`
	BackupID string `json:"backup_id"`
	Wanted   string `json:"wanted"` // the stop point as asked for
	// Stop is what the stop point was resolved to; From is where replay begins.
	Stop            binlog.Point `json:"stop"`
	From            binlog.Point `json:"from"`
	RecoverableFrom binlog.Point `json:"recoverable_from"`

	Target  string       `json:"target"`
	Schemas []SchemaPlan `json:"schemas"`
	Tables  []TablePlan  `json:"tables"` // loaded from chunks
	Load    LoadPlan     `json:"load"`
	Replay  ReplayPlan   `json:"replay"`
	// Segments hold the log from From to Stop; Bytes is what is read of them and of the chunks, stored.
	Segments archive.SegmentRange `json:"segments"`
	Bytes    uint64               `json:"bytes"`
	// MissingGrants are the statements that give the target's account what it lacks.
	MissingGrants []string `json:"missing_grants"`
	Estimate      Estimate `json:"estimate"`

	// Creates lists every object that the restore makes, at the stop point or on the way there.
	Creates []schema.ObjectName `json:"creates"`
	// Existing lists those of them that the target has already; with --force they are dropped.
	Existing []schema.ObjectName `json:"existing"`
	// Accounts are the users and roles that it makes likewise, as GRANT spells them; ExistingAccounts those that
	// the target has already.
	Accounts         []string `json:"accounts,omitempty"`
	ExistingAccounts []string `json:"existing_accounts,omitempty"`
	Force            bool     `json:"force"`
	// Resumes: the target holds an unfinished restore of the same wish, with which this one goes on.
	Resumes  bool      `json:"resumes"`
	Findings []Finding `json:"findings"`

	wish       Wish
	manifest   *catalog.Manifest
	part       *director.Part
	warnings   []string // for the result as well
	unfinished *unfinished
	begun      begun
	reads      *reads
	// definitions are those of the backup.
	definitions *definitions

	existingAccounts []ddl.AccountName
}

// SchemaPlan is one schema that the restore works in.
type SchemaPlan struct {
	Name      string `json:"name"`
	Charset   string `json:"charset,omitempty"`
	Collation string `json:"collation,omitempty"`
	// OnTarget: it is there already; its defaults are changed to those of the source.
	OnTarget bool `json:"on_target"`

	exists bool // at the stop point
	whole  bool // everything in it is restored
}

// TablePlan is one table that is loaded from chunks.
type TablePlan struct {
	schema.Name
	// Source is what it is called in the backup, where that is something else.
	Source      string `json:"source,omitempty"`
	Class       string `json:"class"`
	Rows        uint64 `json:"rows"`
	Bytes       uint64 `json:"bytes"`
	BytesStored uint64 `json:"bytes_stored"`
	Chunks      int    `json:"chunks"`
}

// LoadPlan sums up the tables.
type LoadPlan struct {
	Rows        uint64 `json:"rows"`
	Bytes       uint64 `json:"bytes"`
	BytesStored uint64 `json:"bytes_stored"`
	Chunks      int    `json:"chunks"`
	Threads     int    `json:"threads"`
	// Local: by LOAD DATA LOCAL; otherwise by REPLACE, several times slower.
	Local bool `json:"local"`
}

// ReplayPlan sums up the log between From and Stop.
type ReplayPlan struct {
	Transactions uint64 `json:"transactions"`
	Statements   uint64 `json:"statements"` // that are carried out
	Bytes        uint64 `json:"bytes"`
	// BytesStored is how much is read of the archive: without what no restored table is in.
	BytesStored uint64 `json:"bytes_stored"`
	Skipped     uint64 `json:"skipped"` // transactions that are left out
}

// Level says how much a finding matters.
type Level string

// Levels of findings.
const (
	LevelError   Level = "error" // Run refuses
	LevelWarning Level = "warning"
	LevelInfo    Level = "info"
)

// Finding is something that plan found about the target.
type Finding struct {
	ID      string `json:"id"`
	Level   Level  `json:"level"`
	Message string `json:"message"`
	Remedy  string `json:"remedy,omitempty"`
}
