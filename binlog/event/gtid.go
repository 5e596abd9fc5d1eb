package event

import (
	"math/bits"

	"github.com/tripod-db/tripod/binlog"
)

// gtidMayHaveSBR is the only bit of a GTID event's flag byte.
const gtidMayHaveSBR = 0x1

// logicalTimestamps is the type code in front of the logical timestamps of a GTID event.
const logicalTimestamps = 2

// parseGTID reads a GTID or anonymous GTID event. Servers have appended fields over time: an
// event that ends between two fields is complete.
func parseGTID(h Header, c *cursor) *GTID {
	e := &GTID{common: common{h}, Anonymous: h.Type == TypeAnonymousGTID}
	e.MayHaveSBR = c.u8("flags")&gtidMayHaveSBR != 0
	sid := c.take(16, "server uuid")
	gno := int64(c.u64("transaction number"))
	if c.err != nil {
		return e
	}
	if !e.Anonymous {
		copy(e.ID.SID[:], sid)
		e.ID.GNO = gno
		if gno <= 0 {
			c.fail("transaction number %d", gno)
		}
	}
	if c.left() == 0 {
		return e
	}
	if code := c.u8("type of logical timestamps"); code != logicalTimestamps {
		c.fail("logical timestamps of unknown type %d", code)
	}
	e.LastCommitted = int64(c.u64("last committed"))
	e.SequenceNumber = int64(c.u64("sequence number"))
	if c.left() == 0 {
		return e
	}
	e.readCommitTimes(c)
	if c.left() == 0 {
		return e
	}
	e.TransactionLength = c.lenenc("transaction length")
	if c.left() == 0 {
		return e
	}
	e.readServerVersions(c)
	if c.left() > 0 {
		e.CommitGroupTicket, e.HasCommitGroupTicket = c.u64("commit group ticket"), true
	}
	return e
}

// readCommitTimes reads 7 bytes of microseconds; their top bit says that the original commit
// time follows because it is another.
func (e *GTID) readCommitTimes(c *cursor) {
	const differs = 1 << 55
	t := c.uint(7, "immediate commit timestamp")
	e.ImmediateCommit = binlog.Time(t &^ differs)
	e.OriginalCommit = e.ImmediateCommit
	if t&differs != 0 {
		e.OriginalCommit = binlog.Time(c.uint(7, "original commit timestamp"))
	}
}

// readServerVersions reads 4 bytes with a top bit of the same meaning.
func (e *GTID) readServerVersions(c *cursor) {
	const differs = 1 << 31
	v := c.u32("immediate server version")
	e.ImmediateServerVersion = v &^ differs
	e.OriginalServerVersion = e.ImmediateServerVersion
	if v&differs != 0 {
		e.OriginalServerVersion = c.u32("original server version")
	}
}

// Fields of a tagged GTID event by their number in the message.
const (
	taggedFlags = iota
	taggedUUID
	taggedGNO
	taggedTag
	taggedLastCommitted
	taggedSequenceNumber
	taggedImmediateCommit
	taggedOriginalCommit
	taggedTransactionLength
	taggedImmediateServer
	taggedOriginalServer
	taggedCommitGroupTicket
	taggedEnd // the first number that is not known
)

// maxTagLength is the greatest length of a GTID's tag.
const maxTagLength = 32

// parseTaggedGTID reads a GTID event of type 42: a message of numbered fields in ascending
// order, absent ones left out, integers in a variable length (readVarUint).
func parseTaggedGTID(h Header, c *cursor) *GTID {
	e := &GTID{common: common{h}}
	c.readVarUint("serialization version")
	c.readVarUint("message size")
	required := c.readVarUint("last required field")
	seen := 0
	for c.err == nil && c.left() > 0 {
		field := c.readVarUint("field number")
		if field >= taggedEnd {
			if field <= required {
				c.fail("field %d is unknown and required", field)
			}
			break // optional fields of a later version: nothing known can follow
		}
		seen |= 1 << field
		e.readTaggedField(c, field)
	}
	const needed = 1<<taggedUUID | 1<<taggedGNO
	if seen&needed != needed || e.ID.GNO <= 0 {
		c.fail("it has no GTID")
	}
	if seen&(1<<taggedOriginalCommit) == 0 {
		e.OriginalCommit = e.ImmediateCommit
	}
	if seen&(1<<taggedOriginalServer) == 0 {
		e.OriginalServerVersion = e.ImmediateServerVersion
	}
	return e
}

func (e *GTID) readTaggedField(c *cursor, field uint64) {
	switch field {
	case taggedFlags:
		e.MayHaveSBR = c.readVarUint("flags")&gtidMayHaveSBR != 0
	case taggedUUID:
		for i := range e.ID.SID {
			b := c.readVarUint("server uuid")
			if b > 0xff {
				c.fail("server uuid has a byte of value %d", b)
			}
			e.ID.SID[i] = byte(b)
		}
	case taggedGNO:
		e.ID.GNO = c.readVarInt("transaction number")
	case taggedTag:
		n := c.readVarUint("tag length")
		if n > maxTagLength {
			c.fail("tag of %d bytes", n)
		}
		e.ID.Tag = string(c.take(n, "tag"))
	case taggedLastCommitted:
		e.LastCommitted = c.readVarInt("last committed")
	case taggedSequenceNumber:
		e.SequenceNumber = c.readVarInt("sequence number")
	case taggedImmediateCommit:
		e.ImmediateCommit = binlog.Time(c.readVarUint("immediate commit timestamp"))
	case taggedOriginalCommit:
		e.OriginalCommit = binlog.Time(c.readVarUint("original commit timestamp"))
	case taggedTransactionLength:
		e.TransactionLength = c.readVarUint("transaction length")
	case taggedImmediateServer:
		e.ImmediateServerVersion = uint32(c.readVarUint("immediate server version"))
	case taggedOriginalServer:
		e.OriginalServerVersion = uint32(c.readVarUint("original server version"))
	case taggedCommitGroupTicket:
		e.CommitGroupTicket, e.HasCommitGroupTicket = c.readVarUint("commit group ticket"), true
	}
}

// readVarUint reads an integer of 1 to 9 bytes, little-endian: the number of low one bits of
// the first byte is the number of bytes that follow; they and a zero bit are not part of the value.
func (c *cursor) readVarUint(what string) uint64 {
	first := c.u8(what)
	more := bits.TrailingZeros8(^first)
	if more == 8 {
		return c.u64(what)
	}
	v := uint64(first)
	v |= c.uint(more, what) << 8
	return v >> (more + 1)
}

// readVarInt reads a signed one: the lowest bit of the value is the sign, of a negative number
// one less than its amount follows.
func (c *cursor) readVarInt(what string) int64 {
	v := c.readVarUint(what)
	n := int64(v >> 1)
	if v&1 != 0 {
		return -n - 1
	}
	return n
}

// parsePreviousGTIDs reads the set at the head of a file.
func parsePreviousGTIDs(h Header, c *cursor) *PreviousGTIDs {
	e := &PreviousGTIDs{common: common{h}}
	if c.left() < 8 {
		c.fail("the set needs at least 8 bytes, %d are left", c.left())
		return e
	}
	set, err := binlog.DecodeGTIDSet(c.rest())
	if err != nil {
		c.fail("%v", err)
	}
	e.Set = set
	return e
}
