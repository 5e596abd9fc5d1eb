package event

import (
	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/schema"
)

// EntryKind is the kind of a log entry.
type EntryKind int

// The kinds.
const (
	Transaction EntryKind = iota + 1 // BEGIN .. XID, COMMIT or ROLLBACK; XA COMMIT ONE PHASE
	Statement                        // one statement that is no transaction: DDL; an incident
	XAPrepared                       // XA START .. prepare
	XACommit                         // XA COMMIT of a prepared transaction
	XARollback                       // XA ROLLBACK of a prepared transaction
)

// String names the kind.
func (k EntryKind) String() string {
	switch k {
	case Transaction:
		return "transaction"
	case Statement:
		return "statement"
	case XAPrepared:
		return "XA prepare"
	case XACommit:
		return "XA commit"
	case XARollback:
		return "XA rollback"
	}
	return "unknown kind"
}

// Entry is one entry of the log: what a GTID stands for.
type Entry struct {
	// Start is where its first event starts: the GTID event, or BEGIN or the statement itself on
	// servers that write none. End is where its last event ends. Both are boundaries between entries.
	Start binlog.Position
	End   binlog.Position
	GTID  binlog.GTID // zero for an anonymous transaction
	// CommitTime is the immediate_commit_timestamp of the GTID event; 0 where it is not logged.
	CommitTime binlog.Time
	// Timestamp is the header time of the last event, in seconds.
	Timestamp uint32
	Kind      EntryKind
	// Started is how often the server has started in what the Assembler has seen before the entry.
	Started int
	// Tables lists the tables with rows events, in the order of their first.
	Tables []Touch
	// Queries holds the statements inside, copied, without BEGIN, COMMIT, SAVEPOINT, XA and their
	// like: the DDL, a CREATE TABLE inside BEGIN .. XID (fact 8.1), DML in statement format.
	Queries []*Query
	// OmittedQueries is the number of statements that were passed to OnQuery but not kept in Queries,
	// because there were too many (see Assembler). A consumer without OnQuery must take such an
	// entry as one that may touch any table.
	OmittedQueries int
	// StatementContext: INTVAR, RAND or USER_VAR events were met (fact 8.17).
	StatementContext bool
	// XID names the XA transaction as the server writes it: X'gtrid',X'bqual',formatID.
	XID string
	// Prepared is the GTID of the entry that prepared the XA transaction which this one commits, where
	// it is shown with the rows of that (package pitr).
	Prepared binlog.GTID
	// Alter is which part of an ALTER TABLE in two phases the entry is (binlog_alter_two_phase of
	// MariaDB). Its text is in both parts; Queries and OnQuery have it in the one that changes the table.
	Alter AlterPhase
	// RolledBack: the group ends with ROLLBACK. Its changes to non-transactional tables stand.
	RolledBack bool
	// Incident: the server says that something is missing from its log here; of tables and schemas it names none.
	Incident bool
	// Undone are the parts of the file, in order, whose changes of transactional tables the entry takes back: all of
	// an entry with rows that ends with ROLLBACK; from SAVEPOINT to ROLLBACK TO, where servers log that.
	Undone []binlog.OffsetRange
	// UndoneUnclear: a ROLLBACK TO takes back rows of which nobody can tell where they begin.
	UndoneUnclear bool
}

// Touch is what an entry does to one table.
type Touch struct {
	Name         schema.Name
	Flags        uint16 // OR of the rows events' flags
	PartialImage bool   // an image lacks columns
	PartialJSON  bool   // an event of type 39
	Doubtful     bool   // an event of a MariaDB that may be a REPLACE whose image lacks what it set to defaults
	// Bare: an INSERT of a row without a single column. Where a statement writes more of these the server ends it (error 1534)
	// with one row in the log, and a table without transactions keeps the next one too.
	Bare bool
	Rows uint64
}

// AlterPhase is a part of an ALTER TABLE that MariaDB logs in two phases (fact 13.14).
type AlterPhase int

// The parts. Only AlterCommitted, and a statement that is logged as a whole, change the table.
const (
	AlterWhole      AlterPhase = iota
	AlterStarted               // nothing has changed yet
	AlterCommitted             // from here on the table is changed
	AlterRolledBack            // it failed
)

func alterOf(extra byte) AlterPhase {
	switch {
	case extra&MariaDBStartAlter != 0:
		return AlterStarted
	case extra&MariaDBCommitAlter != 0:
		return AlterCommitted
	case extra&MariaDBRollbackAlter != 0:
		return AlterRolledBack
	}
	return AlterWhole
}

// changesNothing tells whether the statement of this part is none that counts.
func (p AlterPhase) changesNothing() bool { return p == AlterStarted || p == AlterRolledBack }
