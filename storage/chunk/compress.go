package chunk

import (
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/klauspost/pgzip"
)

// Compressions that a chunk may be stored with; they stand in manifests.
const (
	Zstd = "zstd" // the default
	Gzip = "gzip"
	None = "none"
)

// zstdWindow bounds what an encoder of zstd keeps: 2 MiB finds nearly all that repeats between
// neighbouring rows, and 16 writers stay under 100 MiB together. zstdLargest bounds what a
// decoder accepts: other versions may have found another window better.
const (
	zstdWindow  = 2 << 20
	zstdLargest = 32 << 20
)

// gzipBlock and gzipBlocks bound what pgzip holds of one chunk at a time: 4 blocks of 256 KiB.
const (
	gzipBlock  = 256 << 10
	gzipBlocks = 4
)

// compressor is a compressing writer that can begin again. Close ends the stream.
type compressor interface {
	io.WriteCloser
	Reset(w io.Writer)
}

func newCompressor(compression string, w io.Writer) (compressor, error) {
	switch compression {
	case Zstd:
		// One goroutine, the caller's: tables are read in parallel, a chunk is not.
		return zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
			zstd.WithWindowSize(zstdWindow))
	case Gzip:
		z := pgzip.NewWriter(w)
		if err := z.SetConcurrency(gzipBlock, gzipBlocks); err != nil {
			return nil, fmt.Errorf("compress with gzip: %w", err)
		}
		return z, nil
	case None:
		return &plain{w}, nil
	}
	return nil, fmt.Errorf("compress chunk: unknown compression %q", compression)
}

// plain stores text as it is.
type plain struct{ w io.Writer }

func (p *plain) Write(b []byte) (int, error) { return p.w.Write(b) }
func (p *plain) Reset(w io.Writer)           { p.w = w }
func (p *plain) Close() error                { return nil }

func newExpander(compression string, r io.Reader) (io.ReadCloser, error) {
	switch compression {
	case Zstd:
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(zstdLargest))
		if err != nil {
			return nil, fmt.Errorf("expand zstd: %w", err)
		}
		return z.IOReadCloser(), nil
	case Gzip:
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, fmt.Errorf("expand gzip: %w", err)
		}
		return z, nil
	case None:
		return io.NopCloser(r), nil
	}
	return nil, fmt.Errorf("expand chunk: unknown compression %q", compression)
}
