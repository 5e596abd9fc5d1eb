package event

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// Fields in front of a transaction payload; a type of 0 ends them.
const (
	payloadSize             = 1
	payloadCompression      = 2
	payloadUncompressedSize = 3
)

// Values of payloadCompression.
const (
	compressionZstd = 0
	compressionNone = 255
)

// payloadWindow bounds the memory of decompression: the server compresses with windows up to
// 128 MiB (level 22, binlog_transaction_compression_level_zstd).
const payloadWindow = 128 << 20

// payloadDecoder decompresses the payloads of one parser, one after the other. It runs without
// goroutines and keeps its memory between payloads.
type payloadDecoder struct {
	zstd *zstd.Decoder
	buf  bytes.Buffer
}

// open returns the decompressed bytes of a payload as a stream.
func (d *payloadDecoder) open(compression uint64, data []byte) (io.Reader, error) {
	switch compression {
	case compressionNone:
		return bytes.NewReader(data), nil
	case compressionZstd:
	default:
		return nil, fmt.Errorf("compression type %d: %w", compression, ErrUnsupported)
	}
	if d.zstd == nil {
		z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(payloadWindow))
		if err != nil {
			return nil, fmt.Errorf("start decompression: %w", err)
		}
		d.zstd = z
	}
	if err := d.zstd.Reset(bytes.NewReader(data)); err != nil {
		return nil, fmt.Errorf("start decompression: %w: %w", err, ErrMalformed)
	}
	return d.zstd, nil
}

// eachOfPayload decodes the events of a compressed transaction. They have no checksum of their
// own; the payload's covers them.
func (p *Parser) eachOfPayload(h Header, c *cursor, keep bool, fn func(Event) error) error {
	f, err := readPayloadFields(c)
	if err != nil {
		return err
	}
	stream, err := p.zstd.open(f.compression, f.data)
	if err != nil {
		return fmt.Errorf("read %s event: %w", h.Type, err)
	}
	defer p.zstd.shrink()
	var done uint64
	for {
		raw, err := p.zstd.next(stream, keep, len(f.data))
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read %s event, byte %d of the transaction: %w", h.Type, done, err)
		}
		e, err := p.decodeInner(h, raw)
		if err != nil {
			return fmt.Errorf("read %s event, byte %d of the transaction: %w", h.Type, done, err)
		}
		if err := fn(e); err != nil {
			return err
		}
		done += uint64(len(raw))
	}
	if done != f.uncompressed {
		return fmt.Errorf("read %s event: %d bytes decompressed, it says %d: %w", h.Type, done, f.uncompressed, ErrMalformed)
	}
	return nil
}

// payloadFields is what stands in a payload event.
type payloadFields struct {
	compression  uint64
	uncompressed uint64 // length of the transaction
	data         []byte
}

// readPayloadFields reads the fields in front of the compressed bytes, and those.
func readPayloadFields(c *cursor) (f payloadFields, err error) {
	var size, seen uint64
	for c.err == nil {
		kind := c.lenenc("field type")
		if kind == 0 {
			break
		}
		value := c.sub(c.lenencBytes("field"))
		number := value.lenenc("field value")
		c.join(value)
		switch kind {
		case payloadSize:
			size = number
		case payloadCompression:
			f.compression = number
		case payloadUncompressedSize:
			f.uncompressed = number
		default:
			c.fail("unknown field %d", kind)
			return f, c.err
		}
		seen |= 1 << kind
	}
	const needed = 1<<payloadSize | 1<<payloadCompression | 1<<payloadUncompressedSize
	if seen != needed {
		c.fail("a field is missing in front of the payload")
	}
	f.data = c.take(size, "payload")
	if c.left() > 0 {
		c.fail("%d bytes behind the payload", c.left())
	}
	return f, c.err
}

// next reads one event; io.EOF says that there is none left. payload is the compressed size of
// them all: a header is believed up to a multiple of it, so that a large event is in memory once
// (promise 8); beyond, the memory grows with the bytes that really come.
func (d *payloadDecoder) next(stream io.Reader, keep bool, payload int) ([]byte, error) {
	buf := &d.buf
	if keep {
		buf = &bytes.Buffer{}
	}
	buf.Reset()
	n, err := io.CopyN(buf, stream, HeaderSize)
	if n == 0 && errors.Is(err, io.EOF) {
		return nil, io.EOF
	}
	if err == nil {
		var h Header
		if h, err = ParseHeader(buf.Bytes()); err != nil {
			return nil, err
		}
		reserve(buf, min(int(h.Size), believed*payload+payloadKept))
		_, err = io.CopyN(buf, stream, int64(h.Size)-HeaderSize)
	}
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("its last event is cut: %w", ErrMalformed)
	}
	if err != nil {
		return nil, fmt.Errorf("decompress: %w: %w", err, ErrMalformed)
	}
	return buf.Bytes(), nil
}

const (
	// believed is the compression that rows hardly exceed.
	believed = 64
	// payloadKept is the memory of an event that stays for the next payload.
	payloadKept = 1 << 20
)

// reserve makes room for size bytes, of which buf holds the first.
func reserve(buf *bytes.Buffer, size int) {
	if buf.Cap() >= size+bytes.MinRead {
		return
	}
	grown := make([]byte, buf.Len(), size+bytes.MinRead)
	copy(grown, buf.Bytes())
	*buf = *bytes.NewBuffer(grown)
}

// shrink lets the memory of a large event go.
func (d *payloadDecoder) shrink() {
	if d.buf.Cap() > payloadKept+bytes.MinRead {
		d.buf = bytes.Buffer{}
	}
}

// decodeInner decodes an event of a payload.
func (p *Parser) decodeInner(outer Header, raw []byte) (Event, error) {
	h, err := ParseHeader(raw)
	if err != nil {
		return nil, err
	}
	switch h.Type {
	case TypeFormatDescription, TypeTransactionPayload, TypeRotate, TypeStop, TypePreviousGTIDs,
		TypeGTID, TypeAnonymousGTID, TypeGTIDTagged, TypeMariaDBGTID, TypeGTIDList, TypeBinlogCheckpoint:
		return nil, fmt.Errorf("%s event inside a transaction: %w", h.Type, ErrMalformed)
	default:
	}
	h.ServerID, h.Size, h.LogPos = outer.ServerID, outer.Size, outer.LogPos
	e, err := p.decode(h, &cursor{kind: h.Type, body: raw[HeaderSize:], start: HeaderSize})
	if rows, ok := e.(*Rows); ok {
		rows.Packed = true
	}
	return e, err
}
