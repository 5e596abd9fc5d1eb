package event

import (
	"encoding/hex"
	"fmt"
	"math"

	"github.com/tripod-db/tripod/binlog"
)

// MariaDBGTID is what a GTID event of MariaDB says beside the id.
type MariaDBGTID struct {
	Flags byte
	// CommitID tells the transactions that were committed together; 0 where there was only one.
	CommitID uint64
	// XID names an XA transaction as Entry.XID does; empty for others.
	XID string
	// Extra are the flags of the second byte, StartSequence is, of the end of an ALTER in two phases,
	// the sequence number of its beginning.
	Extra         byte
	StartSequence int64
}

// Flags of MariaDBGTID.Flags (fact 8.14).
const (
	MariaDBStandalone    byte = 0x01 // one statement, without an event that ends it
	MariaDBGroupCommit   byte = 0x02 // CommitID is there
	MariaDBTransactional byte = 0x04
	MariaDBAllowParallel byte = 0x08
	MariaDBWaited        byte = 0x10
	MariaDBDDL           byte = 0x20
	MariaDBPreparedXA    byte = 0x40
	MariaDBCompletedXA   byte = 0x80
)

// Flags of MariaDBGTID.Extra (fact 13.14).
const (
	MariaDBMultiEngine   byte = 0x1
	MariaDBStartAlter    byte = 0x2
	MariaDBCommitAlter   byte = 0x4
	MariaDBRollbackAlter byte = 0x8
)

// parseMariaDBGTID reads a GTID event of MariaDB, which is filled with zero bytes up to the fixed
// length of its type where it has less to say.
func parseMariaDBGTID(h Header, c *cursor) *GTID {
	m := &MariaDBGTID{}
	e := &GTID{common: common{h}, MariaDB: m}
	sequence := c.u64("sequence number")
	domain := c.u32("domain")
	m.Flags = c.u8("flags")
	if c.err == nil && (sequence == 0 || sequence > math.MaxInt64-1 || h.ServerID == 0) {
		c.fail("GTID %d-%d-%d", domain, h.ServerID, sequence)
	}
	e.ID = binlog.GTID{Origin: binlog.Origin{Domain: domain, Server: h.ServerID}, GNO: int64(sequence)}
	if m.Flags&MariaDBGroupCommit != 0 {
		m.CommitID = c.u64("commit id")
	}
	if m.Flags&(MariaDBPreparedXA|MariaDBCompletedXA) != 0 {
		m.XID = readXID(c)
	}
	if c.left() == 0 {
		return e
	}
	m.Extra = c.u8("further flags")
	if m.Extra&MariaDBMultiEngine != 0 {
		c.u8("number of further engines")
	}
	if m.Extra&(MariaDBCommitAlter|MariaDBRollbackAlter) != 0 {
		m.StartSequence = int64(c.u64("sequence number of the beginning"))
	}
	return e
}

// readXID reads the id of an XA transaction and returns it as the server writes it in XA statements.
func readXID(c *cursor) string {
	format := c.u32("format id")
	gtrid := c.u8("length of gtrid")
	bqual := c.u8("length of bqual")
	id := c.take(uint64(gtrid)+uint64(bqual), "XA id")
	if c.err != nil {
		return ""
	}
	return xidText(id[:gtrid], id[gtrid:], format)
}

// xidText is the form of Entry.XID.
func xidText(gtrid, bqual []byte, format uint32) string {
	return fmt.Sprintf("X'%s',X'%s',%d", hex.EncodeToString(gtrid), hex.EncodeToString(bqual), format)
}

// gtidListCount are the bits of a Gtid_list event's first field that count; the others are flags,
// of lists that stand in no file.
const gtidListCount = 1<<28 - 1

// parseGTIDList reads the list at the head of a file: the last GTID of each origin in earlier files.
func parseGTIDList(h Header, c *cursor) *PreviousGTIDs {
	e := &PreviousGTIDs{common: common{h}}
	for n := c.u32("number of GTIDs") & gtidListCount; n > 0 && c.err == nil; n-- {
		origin := binlog.Origin{Domain: c.u32("domain"), Server: c.u32("server id")}
		sequence := c.u64("sequence number")
		if c.err == nil && (origin.Server == 0 || sequence == 0 || sequence > math.MaxInt64-1) {
			c.fail("GTID %s-%d", origin, sequence)
			return e
		}
		e.Set.AddThrough(binlog.GTID{Origin: origin, GNO: int64(sequence)})
	}
	return e
}
