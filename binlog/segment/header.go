package segment

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/schema"
)

// Version is the newest segment format that this program writes and reads.
const Version = 1

// Sentinels of what a caller can do about an error.
var (
	// ErrDamaged: the object is truncated or altered, or is no segment.
	ErrDamaged = errors.New("segment is damaged")
	// ErrNewerVersion: the segment was written by a newer tripod; upgrade to read it.
	ErrNewerVersion = errors.New("segment has a newer format version")
)

// Header says which bytes a segment holds and what is in them. Offsets count the file's bytes
// from 0, the magic included. "Entry" is a transaction or a statement of its own.
type Header struct {
	Version  int             `json:"version"`
	Timeline binlog.Timeline `json:"timeline"`
	File     string          `json:"file"`
	Start    uint64          `json:"start"`
	End      uint64          `json:"end"` // exclusive

	// FormatTime is the header time, in seconds, of the file's format description event: it is
	// the same on every connect and tells the file from one of the same name in another
	// history (facts 13.2, 13.9).
	FormatTime uint32 `json:"format_time"`
	// Previous is the file before, in the segment at offset 0: absent where the archive begins
	// and behind a hole.
	Previous *PreviousFile `json:"previous,omitempty"`
	// Closed: the segment ends with the file's ROTATE or STOP event.
	Closed bool `json:"closed,omitempty"`

	// PreviousGTIDs is the content of the Previous_gtids event, where the segment holds it.
	PreviousGTIDs *binlog.GTIDSet `json:"previous_gtids,omitempty"`
	// GTIDs are those of the entries that end in the segment; Entries is their number.
	GTIDs   binlog.GTIDSet `json:"gtids"`
	Entries uint64         `json:"entries"`
	// Commit times of the entries that end in the segment, absent where none is known. They
	// are not in order: the last may be smaller than the greatest.
	FirstCommit    binlog.Time `json:"first_commit,omitzero"`
	LastCommit     binlog.Time `json:"last_commit,omitzero"`
	SmallestCommit binlog.Time `json:"smallest_commit,omitzero"`
	GreatestCommit binlog.Time `json:"greatest_commit,omitzero"`

	// BeginsInside and EndsInside mark cuts inside an entry that is larger than a segment.
	BeginsInside bool `json:"begins_inside,omitempty"`
	EndsInside   bool `json:"ends_inside,omitempty"`
	// Boundary is the greatest offset of the file, at or before End, at which no entry is open.
	Boundary uint64 `json:"boundary"`
	// Resume is where a stream begins that goes on behind this segment.
	Resume Resume `json:"resume"`
	// OpenXA are the transactions that are prepared and neither committed nor rolled back at End.
	OpenXA []OpenXA `json:"open_xa,omitempty"`
	// Limits are the entries, of those that end in the segment, at which the range of their tables
	// may end. Segments of earlier versions say nothing about them.
	Limits []Limit `json:"limits,omitempty"`
	// Undone are the parts of the file whose changes of transactional tables their entry takes back, of the entries
	// that end in the segment: such an entry may begin in front of it.
	Undone []binlog.OffsetRange `json:"undone,omitempty"`
	// Content says what the segment's events touch. Segments of earlier versions do not know.
	Content *Content `json:"content,omitempty"`
	// Format is the file's format description event, in the segment at offset 0: whoever begins in
	// the middle of the file needs it.
	Format []byte `json:"format,omitempty"`

	// SHA256Start and SHA256End are the chain: of the file's bytes from 0 to Start and to End.
	// State is the hash's state at Start.
	SHA256Start binlog.Digest     `json:"sha256_start"`
	SHA256End   binlog.Digest     `json:"sha256_end"`
	State       binlog.ChainState `json:"state,omitempty"`

	// Epoch is that of the lease under which the segment was written; 0 without a lease.
	Epoch uint64 `json:"epoch"`

	// StoredBytes and StoredSHA256 are of what lies behind this frame. Encode sets them.
	StoredBytes  uint64        `json:"stored_bytes"`
	StoredSHA256 binlog.Digest `json:"stored_sha256"`
}

// PreviousFile is how the file before ended.
type PreviousFile struct {
	File   string        `json:"file"`
	End    uint64        `json:"end"`
	SHA256 binlog.Digest `json:"sha256"` // of the whole file
}

// Resume is an offset at which no entry is open, as near to the segment's end as the comparison
// of the source with the archive allows: the start of the last entry before End, or of the
// entry that is open there. State is the chain's state there.
type Resume struct {
	At    uint64            `json:"at"`
	State binlog.ChainState `json:"state,omitempty"`
}

// OpenXA is a prepared XA transaction.
type OpenXA struct {
	XID     string          `json:"xid"`
	Prepare binlog.Position `json:"prepare"` // where the prepare's entry starts
	// Tables are those that it changes; none where they are not known, or too many.
	Tables []schema.Name `json:"tables,omitempty"`
	// Limits are those of its statements and rows, which count at its commit.
	Limits []Limit `json:"limits,omitempty"`
}

// StartPosition returns where the segment's bytes start.
func (h *Header) StartPosition() binlog.Position {
	return binlog.Position{Timeline: h.Timeline, File: h.File, Pos: h.Start}
}

// EndPosition returns where the segment's bytes end.
func (h *Header) EndPosition() binlog.Position {
	return binlog.Position{Timeline: h.Timeline, File: h.File, Pos: h.End}
}

// magic is the skippable frame's; zstd reserves 0x184D2A50 to 0x184D2A5F for such frames.
const magic = 0x184D2A5E

// frameHead is the magic and the length of the content.
const frameHead = 8

// maxHeader bounds what an altered length makes a reader allocate. GTID sets of a million
// intervals take about 50 MiB.
const maxHeader = 256 << 20

// checkPrefix stands between the header's fields and the SHA-256 of everything before it, which is
// the last member, so that it can be verified on the text, whatever members a writer added.
const checkPrefix = `,"check":"`

// checkSize is the length of the last member with the closing brace.
const checkSize = len(checkPrefix) + 2*sha256.Size + len(`"}`)

// appendFrame appends the skippable frame of h.
func appendFrame(dst []byte, h *Header) ([]byte, error) {
	text, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("encode segment header: %w", err)
	}
	text = text[:len(text)-1]
	sum := binlog.Digest(sha256.Sum256(text))
	text = append(append(append(text, checkPrefix...), sum.String()...), `"}`...)
	if len(text) > maxHeader {
		return nil, fmt.Errorf("encode segment header: %d bytes, more than %d", len(text), maxHeader)
	}
	dst = binary.LittleEndian.AppendUint32(dst, magic)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(text)))
	return append(dst, text...), nil
}

// DecodeHeader reads the frame in front of a segment, and nothing behind it. Errors of r are
// returned as they are; a frame that ends early or does not fit its checksum is ErrDamaged; a
// newer one ErrNewerVersion.
func DecodeHeader(r io.Reader) (Header, error) {
	var head [frameHead]byte
	if err := readFull(r, head[:]); err != nil {
		return Header{}, fmt.Errorf("read segment header: %w", err)
	}
	if binary.LittleEndian.Uint32(head[:]) != magic {
		return Header{}, fmt.Errorf("read segment header: not a segment: %w", ErrDamaged)
	}
	n := int64(binary.LittleEndian.Uint32(head[4:]))
	if n > maxHeader {
		return Header{}, fmt.Errorf("read segment header: %d bytes long: %w", n, ErrDamaged)
	}
	// Grows with what is really there, not with what an altered length says.
	var text bytes.Buffer
	if _, err := io.CopyN(&text, r, n); errors.Is(err, io.EOF) {
		return Header{}, fmt.Errorf("read segment header: truncated: %w", ErrDamaged)
	} else if err != nil {
		return Header{}, fmt.Errorf("read segment header: %w", err)
	}
	return parseHeader(text.Bytes())
}

func parseHeader(text []byte) (Header, error) {
	// The version comes first: a newer format may protect itself in another way.
	var v struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(text, &v); err != nil {
		return Header{}, fmt.Errorf("read segment header: %w: %w", ErrDamaged, err)
	}
	if v.Version > Version {
		return Header{}, fmt.Errorf("read segment header: version %d, this program reads up to %d: %w", v.Version, Version, ErrNewerVersion)
	}
	if err := verifyCheck(text); err != nil {
		return Header{}, err
	}
	var h Header
	if err := json.Unmarshal(text, &h); err != nil {
		return Header{}, fmt.Errorf("read segment header: %w: %w", ErrDamaged, err)
	}
	if err := h.Validate(); err != nil {
		return Header{}, fmt.Errorf("read segment header: %w: %w", ErrDamaged, err)
	}
	return h, nil
}

func verifyCheck(text []byte) error {
	cut := len(text) - checkSize
	if cut < 0 {
		return fmt.Errorf("read segment header: no checksum: %w", ErrDamaged)
	}
	sum := binlog.Digest(sha256.Sum256(text[:cut]))
	if want := checkPrefix + sum.String() + `"}`; string(text[cut:]) != want {
		return fmt.Errorf("read segment header: its checksum does not fit: %w", ErrDamaged)
	}
	return nil
}

// Validate says what no writer may have meant.
func (h *Header) Validate() error {
	switch {
	case h.Version < 1:
		return fmt.Errorf("version %d", h.Version)
	case h.Timeline == "":
		return errors.New("no timeline")
	case h.Start >= h.End:
		return fmt.Errorf("range %d to %d is empty", h.Start, h.End)
	case h.Start == 0 && h.SHA256Start != binlog.EmptyDigest:
		return errors.New("a file's first segment does not start with the empty chain")
	case h.Previous != nil && h.Start != 0:
		return errors.New("a previous file in a segment that is not a file's first")
	case h.Boundary > h.End || h.Resume.At > h.Boundary:
		return fmt.Errorf("boundary %d, resume at %d, end %d", h.Boundary, h.Resume.At, h.End)
	}
	_, err := binlog.FileNumber(h.File)
	return err
}

// readFull is io.ReadFull with "ends early" told as damage.
func readFull(r io.Reader, p []byte) error {
	_, err := io.ReadFull(r, p)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("truncated: %w", ErrDamaged)
	}
	return err
}
