package chunk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"

	"github.com/tripod-db/tripod/storage"
)

// Sum is what a manifest says about a stored chunk.
type Sum struct {
	Rows         uint64
	Bytes        uint64 // of the text
	BytesStored  uint64
	StoredSHA256 string // of what is stored, hexadecimal
	TextSHA256   string // of the text, hexadecimal
	ZeroEnum     bool   // an ENUM of index 0 is among the values: LOAD it without STRICT_ALL_TABLES
}

const (
	// flushSize is how much text is gathered before it is hashed and compressed.
	flushSize = 64 << 10
	// wideRow is the packet size from which a row is not gathered but cut in pieces, so that no
	// second copy of a large row exists.
	wideRow = 1 << 20
)

// Writer makes one chunk after the other: rows become text, the text is hashed, compressed and
// hashed again as it comes, and kept in memory in its stored form until Put. A chunk so takes
// BytesStored plus a few buffers; Text tells when it is large enough. A Writer belongs to one
// goroutine; Close it when it is no longer needed.
type Writer struct {
	transcoder *Transcoder
	compressor compressor
	text       []byte // not yet hashed and compressed
	textHash   hash.Hash
	storedHash hash.Hash
	stored     spool
	rows       uint64
	bytes      uint64
	begun      bool
}

// NewWriter returns a writer of rows that transcoder takes. compression is Zstd, Gzip or None.
func NewWriter(transcoder *Transcoder, compression string) (*Writer, error) {
	w := &Writer{transcoder: transcoder, textHash: sha256.New(), storedHash: sha256.New()}
	var err error
	if w.compressor, err = newCompressor(compression, io.Discard); err != nil {
		return nil, err
	}
	return w, nil
}

// Rows returns how many rows the chunk has so far.
func (w *Writer) Rows() uint64 { return w.rows }

// Text returns how many bytes of text the chunk has so far.
func (w *Writer) Text() uint64 { return w.bytes + uint64(len(w.text)) }

// Row adds a row. rest holds the fields behind those of Select (see Transcoder.AppendRow).
// After an error the chunk is void: Discard it.
func (w *Writer) Row(packet []byte) (rest []byte, err error) {
	w.begin()
	if len(packet) >= wideRow {
		rest, err = w.wideRow(packet)
	} else {
		w.text, rest, err = w.transcoder.AppendRow(w.text, packet)
	}
	if err != nil {
		return nil, fmt.Errorf("row %d of the chunk: %w", w.rows+1, err)
	}
	w.rows++
	if len(w.text) >= flushSize {
		err = w.flush()
	}
	return rest, err
}

// wideRow is Transcoder.AppendRow in pieces of flushSize.
func (w *Writer) wideRow(packet []byte) (rest []byte, err error) {
	rest = packet
	for i := range w.transcoder.fields {
		value, null, next, err := NextField(rest)
		if err != nil {
			return nil, fmt.Errorf("field %d of %d: %w", i+1, w.transcoder.fields, err)
		}
		rest = next
		if i > 0 {
			w.text = append(w.text, '\t')
		}
		if null {
			w.text = append(w.text, '\\', 'N')
			continue
		}
		w.transcoder.note(i, value)
		for len(value) > 0 {
			piece := value[:min(len(value), flushSize)]
			value = value[len(piece):]
			w.text = appendEscaped(w.text, piece)
			if len(w.text) >= flushSize {
				if err := w.flush(); err != nil {
					return nil, err
				}
			}
		}
	}
	w.text = append(w.text, '\n')
	return rest, nil
}

func (w *Writer) begin() {
	if w.begun {
		return
	}
	w.begun = true
	w.textHash.Reset()
	w.storedHash.Reset()
	w.stored.reset()
	w.text, w.rows, w.bytes = w.text[:0], 0, 0
	w.transcoder.zeroEnum = false
	w.compressor.Reset(io.MultiWriter(&w.stored, w.storedHash))
}

func (w *Writer) flush() error {
	w.textHash.Write(w.text)
	w.bytes += uint64(len(w.text))
	_, err := w.compressor.Write(w.text)
	w.text = w.text[:0]
	if err != nil {
		return fmt.Errorf("compress chunk: %w", err)
	}
	return nil
}

// Finish ends the chunk and returns what the manifest says about it, and its body. The body
// can be read from its start as often as a retry needs, until the next Row or Discard. A chunk
// without rows is legal: its text is empty.
func (w *Writer) Finish() (Sum, io.ReadSeeker, error) {
	w.begin()
	w.begun = false
	if err := w.flush(); err != nil {
		return Sum{}, nil, err
	}
	if err := w.compressor.Close(); err != nil {
		return Sum{}, nil, fmt.Errorf("compress chunk: %w", err)
	}
	return Sum{
		Rows:         w.rows,
		Bytes:        w.bytes,
		BytesStored:  uint64(w.stored.size),
		StoredSHA256: hex.EncodeToString(w.storedHash.Sum(nil)),
		TextSHA256:   hex.EncodeToString(w.textHash.Sum(nil)),
		ZeroEnum:     w.transcoder.zeroEnum,
	}, w.stored.reader(), nil
}

// Put ends the chunk and stores it under key. The writer is ready for the next chunk then,
// also after an error.
func (w *Writer) Put(ctx context.Context, bucket storage.Bucket, key string) (Sum, error) {
	defer w.stored.reset()
	sum, body, err := w.Finish()
	if err != nil {
		return Sum{}, fmt.Errorf("write %s: %w", key, err)
	}
	if err := bucket.Put(ctx, key, body, int64(sum.BytesStored)); err != nil {
		return Sum{}, storage.Fault(fmt.Errorf("write %s: %w", key, err))
	}
	return sum, nil
}

// Discard forgets the rows of a chunk that is not wanted (W6).
func (w *Writer) Discard() error {
	if !w.begun {
		return nil
	}
	w.begun = false
	// The compressor may have goroutines of its own: Close waits for them.
	if err := w.compressor.Close(); err != nil {
		return fmt.Errorf("discard chunk: %w", err)
	}
	w.stored.reset()
	w.text, w.rows, w.bytes = w.text[:0], 0, 0
	return nil
}

// Close discards what is unfinished and lets the memory go.
func (w *Writer) Close() error {
	err := w.Discard()
	w.stored = spool{}
	return err
}
