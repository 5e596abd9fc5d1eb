package segment

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/tripod-db/tripod/binlog"
)

// maxWindow bounds the memory that a frame may ask for: far more than Encode's window, for
// segments that a later version packs harder.
const maxWindow = 64 << 20

// Plain reads a segment from r: its header, and a reader of the file's bytes. The reader
// returns io.EOF only when everything fitted: the stored bytes' length and SHA-256, the plain
// bytes' number and chain. Otherwise ErrDamaged; errors of r are returned as they are. Bytes that
// were read before the end are not yet proved. Close frees memory; it does not close r.
func Plain(r io.Reader) (Header, io.ReadCloser, error) {
	h, err := DecodeHeader(r)
	if err != nil {
		return Header{}, nil, err
	}
	p, err := Body(h, r)
	if err != nil {
		return Header{}, nil, err
	}
	return h, p, nil
}

// Body is Plain for a reader behind the frame, or of a part of a segment of which h tells.
func Body(h Header, r io.Reader) (io.ReadCloser, error) {
	chain, err := h.chain()
	if err != nil {
		return nil, fmt.Errorf("read segment %s: %w", h.StartPosition(), err)
	}
	p := &plainReader{header: h, chain: chain, stored: &storedReader{r: r, sum: sha256.New()}}
	p.decoder, err = zstd.NewReader(p.stored,
		zstd.WithDecoderConcurrency(1), // decodes in the caller's goroutine
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, fmt.Errorf("read segment %s: %w", h.StartPosition(), p.blame(err))
	}
	return p, nil
}

// Check reads a whole segment and returns its header when everything in it fits.
func Check(r io.Reader) (Header, error) {
	h, plain, err := Plain(r)
	if err != nil {
		return Header{}, err
	}
	_, err = io.Copy(io.Discard, plain)
	if err = errors.Join(err, plain.Close()); err != nil {
		return Header{}, err
	}
	return h, nil
}

// CheckStored proves that r holds a whole segment, without decompressing it, and returns its
// header. Whoever reads the same with Plain then gets the bytes that were written.
func CheckStored(r io.Reader) (Header, error) {
	h, err := DecodeHeader(r)
	if err != nil {
		return Header{}, err
	}
	return h, CheckBody(h, r)
}

// CheckBody is CheckStored for a reader behind the frame, or of a part of a segment of which h tells.
func CheckBody(h Header, r io.Reader) error {
	stored := &storedReader{r: r, sum: sha256.New()}
	if _, err := io.Copy(io.Discard, stored); err != nil {
		return err
	}
	if err := stored.verify(&h); err != nil {
		return fmt.Errorf("read segment %s to %d: %w", h.StartPosition(), h.End, err)
	}
	return nil
}

// storedReader counts and hashes what lies behind the header, and keeps the error of the
// reader below apart from what the decoder makes of it.
type storedReader struct {
	r   io.Reader
	n   uint64
	sum hash.Hash
	err error
}

func (s *storedReader) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.n += uint64(n)
	s.sum.Write(p[:n])
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// verify compares what was read to its end with the header.
func (s *storedReader) verify(h *Header) error {
	if s.n != h.StoredBytes {
		return fmt.Errorf("%d stored bytes, want %d: %w", s.n, h.StoredBytes, ErrDamaged)
	}
	var sum binlog.Digest
	s.sum.Sum(sum[:0])
	if sum != h.StoredSHA256 {
		return fmt.Errorf("the stored bytes do not fit their SHA-256: %w", ErrDamaged)
	}
	return nil
}

// plainReader gives the decompressed bytes and proves them at the end.
type plainReader struct {
	header  Header
	chain   *binlog.Chain
	stored  *storedReader
	decoder *zstd.Decoder
	done    error
}

// Read implements io.Reader.
func (p *plainReader) Read(b []byte) (int, error) {
	if p.done != nil {
		return 0, p.done
	}
	if len(b) == 0 {
		return 0, nil
	}
	n, err := p.decoder.Read(b)
	if rest := p.header.End - p.chain.Offset(); uint64(n) > rest {
		n = int(rest)
		err = fmt.Errorf("more bytes than the header says: %w", ErrDamaged)
	}
	// Chain.Write never fails.
	_, _ = p.chain.Write(b[:n])
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, io.EOF):
		err = p.prove()
	default:
		err = p.blame(err)
	}
	if err == nil {
		p.done = io.EOF
		return n, nil
	}
	p.done = fmt.Errorf("read segment %s to %d: %w", p.header.StartPosition(), p.header.End, err)
	return n, p.done
}

// prove compares everything that was read with the header.
func (p *plainReader) prove() error {
	// The decoder may stop before the stored bytes end, where it took an end for the last.
	if _, err := io.Copy(io.Discard, p.stored); err != nil {
		return err
	}
	if err := p.stored.verify(&p.header); err != nil {
		return err
	}
	return p.header.verifyEnd(p.chain)
}

// blame tells an error of the reader below from damage that the decoder met.
func (p *plainReader) blame(err error) error {
	switch {
	case p.stored.err != nil:
		return p.stored.err
	case errors.Is(err, ErrDamaged):
		return err
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

// Close frees the decoder.
func (p *plainReader) Close() error {
	p.decoder.Close()
	if p.done == nil {
		p.done = errors.New("read segment: closed")
	}
	return nil
}
