package segment

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/tripod-db/tripod/binlog"
)

// window is the encoder's: what a reader has to hold per segment. Binlogs gain little from more.
const window = 1 << 20

// encoders keeps encoders for reuse: each holds tables of several MiB.
var encoders = sync.Pool{New: func() any {
	e, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(window),
		zstd.WithEncoderCRC(true))
	if err != nil {
		panic("segment: the encoder's options are constants: " + err.Error())
	}
	return e
}}

// Encode returns the segment of the bytes that plain holds. It sets the version and the stored
// fields of h and verifies the rest against the bytes: their number and the chain, from h.State
// to h.SHA256End. So what a spool lost or a disk altered never gets into an archive.
func Encode(h Header, plain io.Reader) ([]byte, error) {
	h.Version = Version
	if err := h.Validate(); err != nil {
		return nil, fmt.Errorf("encode segment: %w", err)
	}
	chain, err := h.chain()
	if err != nil {
		return nil, fmt.Errorf("encode segment: %w", err)
	}
	// The frame stands in front and is known last: room is left for it, so that a segment of one
	// large event is in memory once.
	room, err := appendFrame(nil, &h)
	if err != nil {
		return nil, err
	}
	gap := len(room) + maxDigits
	data, err := compress(io.TeeReader(plain, chain), gap, h.End-h.Start)
	if err != nil {
		return nil, fmt.Errorf("encode segment %s to %d: %w", h.StartPosition(), h.End, err)
	}
	if err := h.verifyEnd(chain); err != nil {
		return nil, fmt.Errorf("encode segment %s to %d: %w", h.StartPosition(), h.End, err)
	}
	h.StoredBytes = uint64(len(data) - gap)
	h.StoredSHA256 = binlog.Digest(sha256.Sum256(data[gap:]))
	frame, err := appendFrame(nil, &h)
	if err != nil {
		return nil, err
	}
	copy(data[gap-len(frame):], frame)
	return data[gap-len(frame):], nil
}

const (
	// maxDigits is how much longer the frame gets by the number of stored bytes.
	maxDigits = 20
	// growing is the size up to which the compressed bytes find room as they come.
	growing = 32 << 20
)

// compress returns gap bytes of any content and the compressed bytes behind them.
func compress(plain io.Reader, gap int, size uint64) ([]byte, error) {
	e, ok := encoders.Get().(*zstd.Encoder)
	if !ok {
		panic("segment: the pool holds encoders only")
	}
	defer encoders.Put(e)
	var out bytes.Buffer
	if size > growing { // what cannot be compressed gets larger by 3 bytes per 128 KiB
		out.Grow(gap + int(size+size>>12))
	}
	out.Write(make([]byte, gap))
	e.Reset(&out)
	defer e.Reset(nil) // the pool keeps no segment alive
	if _, err := io.Copy(e, plain); err != nil {
		return nil, err
	}
	if err := e.Close(); err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	return out.Bytes(), nil
}

// chain returns the chain at the segment's start, proved against SHA256Start.
func (h *Header) chain() (*binlog.Chain, error) {
	chain, err := binlog.ResumeChain(h.State)
	if err != nil {
		return nil, err
	}
	if chain.Offset() != h.Start || chain.Sum() != h.SHA256Start {
		return nil, fmt.Errorf("the chain's state at offset %d does not fit its SHA-256: %w", h.Start, ErrDamaged)
	}
	return chain, nil
}

// verifyEnd proves that chain, past all bytes, is at End with the sum that the header names.
func (h *Header) verifyEnd(chain *binlog.Chain) error {
	if chain.Offset() != h.End {
		return fmt.Errorf("%d bytes, want %d: %w", chain.Offset()-h.Start, h.End-h.Start, ErrDamaged)
	}
	if chain.Sum() != h.SHA256End {
		return fmt.Errorf("the bytes do not fit their SHA-256: %w", ErrDamaged)
	}
	return nil
}
