package event

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Parser decodes the events of one file after the other. It holds the state that events need
// from earlier ones: the format description with the checksum algorithm, the table maps of the
// open statement. Not safe for concurrent use.
type Parser struct {
	format *Format
	tables tableMaps
	zstd   payloadDecoder
	zlib   inflater
}

// NewParser returns a parser that has seen nothing: the first event must be a format description.
func NewParser() *Parser { return &Parser{} }

// Format returns the format description in force; nil before the first.
func (p *Parser) Format() *Format { return p.format }

// Parse decodes one event as it stands in the file, with its header and checksum, which is
// verified. It returns one event, or all events of a compressed transaction: their
// headers have the server id, the size and the end of the payload. The result aliases raw and is
// valid until the caller reuses raw.
func (p *Parser) Parse(raw []byte) ([]Event, error) {
	var events []Event
	err := p.each(raw, true, func(e Event) error {
		events = append(events, e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return events, nil
}

// Each is Parse without a list: a compressed transaction is decompressed event by event, and an
// event is valid until fn returns. fn's error ends the walk and is returned unchanged.
func (p *Parser) Each(raw []byte, fn func(Event) error) error {
	return p.each(raw, false, fn)
}

// each decodes raw; keep says that the events of a payload must outlive the next one.
func (p *Parser) each(raw []byte, keep bool, fn func(Event) error) error {
	p.zlib.keep = keep
	defer p.zlib.shrink()
	h, err := ParseHeader(raw)
	if err != nil {
		return err
	}
	if uint64(h.Size) != uint64(len(raw)) {
		return fmt.Errorf("read %s event: its header says %d bytes, have %d: %w", h.Type, h.Size, len(raw), ErrMalformed)
	}
	if h.Type == TypeFormatDescription {
		f, err := parseFormat(h, raw)
		if err != nil {
			return err
		}
		p.format = f
		p.tables.reset(f)
		return fn(f)
	}
	body, err := p.body(h, raw)
	if err != nil {
		return err
	}
	c := &cursor{kind: h.Type, body: body, start: HeaderSize}
	if h.Type == TypeTransactionPayload {
		return p.eachOfPayload(h, c, keep, fn)
	}
	e, err := p.decode(h, c)
	if err != nil {
		return err
	}
	return fn(e)
}

// body verifies the checksum and returns what lies between header and checksum.
func (p *Parser) body(h Header, raw []byte) ([]byte, error) {
	if p.format == nil {
		return nil, fmt.Errorf("read %s event: %w", h.Type, ErrNoFormat)
	}
	if p.format.Checksum == ChecksumOff {
		return raw[HeaderSize:], nil
	}
	end := len(raw) - ChecksumSize
	if end < HeaderSize {
		return nil, fmt.Errorf("read %s event: %d bytes have no room for a checksum: %w", h.Type, len(raw), ErrMalformed)
	}
	if want, got := binary.LittleEndian.Uint32(raw[end:]), crc32.ChecksumIEEE(raw[:end]); want != got {
		return nil, fmt.Errorf("read %s event of %d bytes: CRC32 is %08x, the event says %08x: %w", h.Type, len(raw), got, want, ErrChecksum)
	}
	return raw[HeaderSize:end], nil
}

// decode reads the body of any event but the format description and the transaction payload.
func (p *Parser) decode(h Header, c *cursor) (Event, error) {
	var e Event
	switch h.Type {
	case TypeQuery:
		e = parseQuery(h, c)
	case TypeExecuteLoadQuery:
		e = parseExecuteLoadQuery(h, c)
	case TypeTableMap:
		return p.tables.parse(h, c, p.tableIDSize(h.Type))
	case TypeWriteRowsV1, TypeUpdateRowsV1, TypeDeleteRowsV1,
		TypeWriteRowsV2, TypeUpdateRowsV2, TypeDeleteRowsV2, TypePartialUpdateRows:
		return p.tables.parseRows(h, c, p.tableIDSize(h.Type))
	case TypeQueryCompressed:
		return p.compressedQuery(h, c)
	case TypeWriteRowsCompressedV1, TypeUpdateRowsCompressedV1, TypeDeleteRowsCompressedV1,
		TypeWriteRowsCompressedV2, TypeUpdateRowsCompressedV2, TypeDeleteRowsCompressedV2:
		return p.compressedRows(h, c)
	case TypeXID:
		e = &XID{common{h}, c.u64("transaction number")}
	case TypeXAPrepare:
		e = parseXAPrepare(h, c)
	case TypeGTID, TypeAnonymousGTID:
		e = parseGTID(h, c)
	case TypeGTIDTagged:
		e = parseTaggedGTID(h, c)
	case TypePreviousGTIDs:
		e = parsePreviousGTIDs(h, c)
	case TypeMariaDBGTID:
		p.tables.forget()
		g := parseMariaDBGTID(h, c)
		p.tables.transactional = g.MariaDB.Flags&MariaDBTransactional != 0
		e = g
	case TypeGTIDList:
		e = parseGTIDList(h, c)
	case TypeBinlogCheckpoint:
		e = &BinlogCheckpoint{common{h}, string(c.take(uint64(c.u32("length of name")), "name"))}
	case TypeAnnotateRows:
		text := c.rest()
		p.tables.annotate(text)
		e = &RowsQuery{common{h}, text}
	case TypeStartEncryption:
		return nil, fmt.Errorf("read event: %s: the binlog is encrypted (encrypt_binlog): %w", h.Type, ErrUnsupported)
	case TypeRotate:
		e = &Rotate{common: common{h}, NextPos: c.u64("position"), NextFile: string(c.rest())}
	case TypeStop:
		e = &Stop{common{h}}
	case TypeHeartbeat:
		e = &Heartbeat{common: common{h}, File: string(c.rest()), Pos: uint64(h.LogPos)}
	case TypeHeartbeatV2:
		e = parseHeartbeatV2(h, c)
	case TypeRowsQuery:
		c.u8("text length") // modulo 256, which says nothing
		e = &RowsQuery{common{h}, c.rest()}
	case TypeIntvar, TypeRand, TypeUserVar, TypeBeginLoadQuery, TypeAppendBlock, TypeDeleteFile:
		e = parseStatementContext(h, c)
	case TypeIncident:
		e = parseIncident(h, c)
	case TypeIgnorable, TypeTransactionContext, TypeViewChange:
		e = &Other{common{h}, c.rest()}
	default:
		if h.Flags&FlagIgnorable == 0 {
			return nil, fmt.Errorf("read event: %s: %w", h.Type, ErrUnsupported)
		}
		e = &Other{common{h}, c.rest()}
	}
	if c.err != nil {
		return nil, c.err
	}
	return e, nil
}

// tableIDSize returns the length of the table id in table maps and rows events: 4 bytes in
// files of 5.1.4 and before, whose fixed part is 6 bytes long.
func (p *Parser) tableIDSize(t Type) int {
	if n, ok := p.format.PostHeaderLength(t); ok && n == 6 {
		return 4
	}
	return 6
}
