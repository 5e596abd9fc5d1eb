package event

import (
	"strings"

	"github.com/tripod-db/tripod/binlog"
)

// Checksum algorithms of Format.Checksum.
const (
	ChecksumOff   byte = 0
	ChecksumCRC32 byte = 1
)

// Format is a file's format description event.
type Format struct {
	common
	Version       uint16 // of the binlog format; always 4
	ServerVersion string
	Created       uint32 // start-up time of the server in its first file, 0 in others and in events repeated by the sender (fact 13.2)
	// PostHeaderLengths holds for each event type, less one, the length of its fixed part.
	PostHeaderLengths []byte
	Checksum          byte
}

// MariaDB tells whether the file was written by MariaDB.
func (f *Format) MariaDB() bool { return strings.Contains(f.ServerVersion, "MariaDB") }

// PostHeaderLength returns the length of the fixed part of events of a type, and whether the
// file's server knew the type.
func (f *Format) PostHeaderLength(t Type) (int, bool) {
	if t == 0 || int(t) > len(f.PostHeaderLengths) {
		return 0, false
	}
	return int(f.PostHeaderLengths[t-1]), true
}

// PreviousGTIDs is the set of all GTIDs in earlier files. It also stands, empty, in files of servers
// without GTIDs. MariaDB tells it in a Gtid_list event, as the last GTID of each origin.
type PreviousGTIDs struct {
	common
	Set binlog.GTIDSet
}

// Rotate ends a file and names the next.
type Rotate struct {
	common
	NextFile string
	NextPos  uint64 // of the first event there
}

// GTID begins a transaction on MySQL 5.6 with GTIDs and on every MySQL from 5.7: with or
// without an id, tagged or not.
type GTID struct {
	common
	ID        binlog.GTID // zero for an anonymous one
	Anonymous bool
	// MayHaveSBR: the transaction may hold changes logged as statements.
	MayHaveSBR     bool
	LastCommitted  int64
	SequenceNumber int64
	// ImmediateCommit is the commit time on this server, OriginalCommit that on the server where
	// the transaction began. 0 where the server is older than 8.0.1.
	ImmediateCommit binlog.Time
	OriginalCommit  binlog.Time
	// TransactionLength is the length in bytes of the whole transaction with this event; 0 where
	// it is not logged (before 8.0.2).
	TransactionLength      uint64
	ImmediateServerVersion uint32 // as 90704; 0 where it is not logged
	OriginalServerVersion  uint32
	HasCommitGroupTicket   bool
	CommitGroupTicket      uint64
	// MariaDB is what the GTID event of MariaDB says beside the id; nil on MySQL.
	MariaDB *MariaDBGTID
}

// Query is a statement: BEGIN, DDL, or DML in statement format.
type Query struct {
	common
	Schema    string // default schema; UTF-8
	SQL       []byte // in the client's character set (fact 14.1)
	ErrorCode uint16
	ThreadID  uint32
	Seconds   uint32 // execution time
	Timestamp uint32 // what NOW() was based on, with Context.Micros
	Context   Context
	// LoadFile: the text is a LOAD DATA INFILE in statement format; the file's contents came before.
	LoadFile bool
}

// XID is the commit of a transaction.
type XID struct {
	common
	ID uint64
}

// XAPrepare ends the group of an XA transaction that was prepared, or committed in one phase.
type XAPrepare struct {
	common
	OnePhase bool
	FormatID uint32 // the low half: an id's may have 64 bits
	GTRID    []byte
	BQUAL    []byte
}

// Stop is the last event of a file of a server that was shut down.
type Stop struct{ common }

// Heartbeat tells, on a stream only, that nothing happened up to a position.
type Heartbeat struct {
	common
	File string
	Pos  uint64
}

// BinlogCheckpoint names the oldest file, of MariaDB's log, that a crash recovery may need: every
// transaction in earlier files is committed in the engines too (fact 1.10). It stands between entries.
type BinlogCheckpoint struct {
	common
	File string
}

// RowsQuery is the text of the statement whose row events follow.
type RowsQuery struct {
	common
	SQL []byte
}

// StatementContext is something that only a statement in statement format needs: INSERT_ID,
// LAST_INSERT_ID, RAND() seeds, a user variable, a piece of a file for LOAD DATA. Its presence
// says that the transaction cannot be replayed from rows alone (fact 8.17).
type StatementContext struct {
	common
	// Intvar: 1 LAST_INSERT_ID, 2 INSERT_ID.
	Intvar byte
	Value  uint64
	Seeds  [2]uint64 // of RAND
	// Variable is the name of a user variable.
	Variable string
}

// Incident says that something happened on the server that is missing from its log. On MySQL 9 (5.7 and later) it stands behind a
// GTID of its own, on 5.6 and MariaDB alone.
type Incident struct {
	common
	Number  uint16
	Message string // of the server: it names no table
}

// parseIncident reads what the incident is about.
func parseIncident(h Header, c *cursor) *Incident {
	e := &Incident{common: common{h}, Number: c.u16("incident number")}
	e.Message = string(c.take(uint64(c.u8("message length")), "message"))
	return e
}

// Other is an event that says nothing about contents: an ignorable one, a group replication view change.
type Other struct {
	common
	Body []byte
}
