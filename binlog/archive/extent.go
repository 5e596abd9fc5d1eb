package archive

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/segment"
)

// writeBuffer saves system calls for small events.
const writeBuffer = 256 << 10

// extent is a growing file of the spool: the bytes of one binlog file from start on.
type extent struct {
	sequence uint64
	path     string
	file     *os.File
	w        *bufio.Writer
	start    uint64
	size     int64
}

// create begins an extent at an offset of a binlog file.
func (s *spool) create(start uint64) (*extent, error) {
	e := &extent{sequence: s.next, path: s.extentPath(s.next, rawSuffix), start: start}
	s.next++
	var err error
	e.file, err = os.OpenFile(e.path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, spoolFault("write to the spool folder", err)
	}
	e.w = bufio.NewWriterSize(e.file, writeBuffer)
	return e, nil
}

func (e *extent) end() uint64 { return e.start + uint64(e.size) }

func (e *extent) append(b []byte) error {
	if _, err := e.w.Write(b); err != nil {
		return spoolFault("write to the spool folder", err)
	}
	e.size += int64(len(b))
	return nil
}

// tail returns the bytes from an offset of the binlog file on.
func (e *extent) tail(from uint64) (io.Reader, error) {
	if err := e.w.Flush(); err != nil {
		return nil, spoolFault("write to the spool folder", err)
	}
	return io.NewSectionReader(e.file, int64(from-e.start), int64(e.end()-from)), nil
}

// drop forgets an extent that holds nothing of use.
func (e *extent) drop(s *spool) error { return errors.Join(e.file.Close(), s.remove(e.sequence)) }

// seal makes the extent's first bytes, up to header.End, survive a loss of power as a segment
// to be uploaded. The raw bytes are there before the seal that vouches for them.
func (e *extent) seal(header segment.Header) (*sealed, error) {
	failpoint.Inject("appended", nil)
	err := e.w.Flush()
	if err == nil {
		err = e.file.Sync()
	}
	if err = errors.Join(err, e.file.Close()); err != nil {
		return nil, spoolFault("write to the spool folder", err)
	}
	header.Version = segment.Version
	text, err := json.Marshal(header)
	if err != nil {
		return nil, err
	}
	seal := filepath.Join(filepath.Dir(e.path), filepath.Base(e.path[:len(e.path)-len(rawSuffix)])+sealSuffix)
	// It syncs the folder, and with it the raw file's name.
	if err := writeDurably(seal, text); err != nil {
		return nil, spoolFault("write to the spool folder", err)
	}
	failpoint.Inject("sealed", nil)
	return &sealed{header: header, sequence: e.sequence, path: e.path}, nil
}

// sealed is an extent that waits for its upload.
type sealed struct {
	header   segment.Header
	sequence uint64
	path     string
}

func (e *sealed) size() int64 { return int64(e.header.End - e.header.Start) }

// fits proves that plain are the bytes that the seal vouches for.
func (e *sealed) fits(plain io.Reader) (bool, error) {
	chain, ok := chainAt(e.header)
	if !ok {
		return false, nil
	}
	if _, err := io.Copy(chain, plain); err != nil {
		return false, err
	}
	return chain.Offset() == e.header.End && chain.Sum() == e.header.SHA256End, nil
}

// chainAt returns the chain at an extent's start; ok is false where the header contradicts itself.
func chainAt(h segment.Header) (chain *binlog.Chain, ok bool) {
	chain, err := binlog.ResumeChain(h.State)
	return chain, err == nil && chain.Offset() == h.Start && chain.Sum() == h.SHA256Start
}

// open returns the extent's bytes.
func (e *sealed) open() (io.ReadCloser, error) {
	f, err := os.Open(e.path)
	if err != nil {
		return nil, err
	}
	return limitedFile{io.LimitReader(f, e.size()), f}, nil
}

// encode returns the extent as the segment of h.
func (e *sealed) encode(h segment.Header) (_ []byte, err error) {
	plain, err := e.open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, plain.Close()) }()
	return segment.Encode(h, plain)
}
